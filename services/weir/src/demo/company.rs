//! The made-up companies: who they are, how sound they are, how they pay. Drawn from a seed; pure.

use chrono::{Datelike as _, NaiveDate};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use weir_model::AccountId;

use super::names;

/// How sound a company is on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quality {
    /// Large, old, hardly indebted.
    Strong,
    /// Sound.
    Good,
    /// Young or indebted.
    Fair,
    /// Losing money.
    Weak,
}

/// How a company pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payer {
    /// By the due date.
    Prompt,
    /// Mostly by the due date.
    Steady,
    /// Weeks late.
    Slow,
    /// A month late and more.
    VerySlow,
    /// As the steady ones, until it stops.
    Defaulting {
        /// Month of the year in which it stops, 1 to 12.
        from_month: u32,
    },
}

/// A company we sell to.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) account: AccountId,
    pub(super) name: String,
    pub(super) is_chinese: bool,
    pub(super) region: &'static str,
    /// Section letter of the classification of industries.
    pub(super) industry: &'static str,
    pub(super) salesperson: &'static str,
    pub(super) quality: Quality,
    pub(super) payer: Payer,
    /// Whether a court lists it as a dishonest debtor.
    pub(super) is_dishonest: bool,
    /// Months it has bought from us before the year begins; none for a new customer.
    pub(super) history_months: u32,
    /// How much of its limit it would like to use, in percent.
    pub(super) appetite_percent: i64,
    /// Days between its orders.
    pub(super) order_interval_days: i64,
    /// The limit it asks for, in minor units; none for whatever it gets.
    pub(super) requested_limit: Option<i64>,
}

/// Regions, each with its salespeople.
const REGIONS: [(&str, [&str; 2]); 4] = [
    ("华东 East", ["wang.lei", "emma.clark"]),
    ("华南 South", ["chen.jing", "liu.yang"]),
    ("华北 North", ["zhao.min", "tom.baker"]),
    ("西南 Southwest", ["sun.li", "he.ping"]),
];

/// Section letters of industries.
const INDUSTRIES: [&str; 6] = ["D", "C", "I", "F", "G", "H"];

/// A generator of a company's own, so that the order in which companies act changes nothing.
pub(super) fn generator(seed: u64, number: u32) -> StdRng {
    StdRng::seed_from_u64(seed.rotate_left(32) ^ u64::from(number))
}

/// Draws a company.
pub(super) fn draw(seed: u64, number: u32) -> (Company, StdRng) {
    let mut rng = generator(seed, number);
    let is_chinese = rng.random_ratio(2, 3);
    let (region, salespeople) = pick(&mut rng, &REGIONS);
    let payer = draw_payer(&mut rng);
    let quality = draw_quality(&mut rng, payer);
    let company = Company {
        account: AccountId::parse(&format!("C-{number:04}")).expect("printable ASCII"),
        name: names::draw(&mut rng, is_chinese),
        is_chinese,
        region,
        industry: pick(&mut rng, &INDUSTRIES),
        salesperson: pick(&mut rng, &salespeople),
        quality,
        payer,
        is_dishonest: rng.random_ratio(1, 60),
        history_months: if rng.random_ratio(1, 14) { 0 } else { rng.random_range(9..=30) },
        appetite_percent: rng.random_range(40..=105),
        order_interval_days: rng.random_range(20..=40),
        requested_limit: None,
    };
    (company, rng)
}

/// A flawless company for a story, with a limit of its own wish.
pub(super) fn flawless(account: &str, name: &str, requested_limit: i64) -> Company {
    Company {
        account: AccountId::parse(account).expect("printable ASCII"),
        name: name.to_owned(),
        is_chinese: false,
        region: "华东 East",
        industry: "D",
        salesperson: "wang.lei",
        quality: Quality::Strong,
        payer: Payer::Prompt,
        is_dishonest: false,
        history_months: 30,
        appetite_percent: 0,
        order_interval_days: 0,
        requested_limit: Some(requested_limit),
    }
}

fn draw_payer(rng: &mut StdRng) -> Payer {
    match rng.random_range(0..100_u32) {
        0..48 => Payer::Prompt,
        48..74 => Payer::Steady,
        74..87 => Payer::Slow,
        87..95 => Payer::VerySlow,
        _ => Payer::Defaulting { from_month: rng.random_range(3..=9) },
    }
}

/// Those who pay well are mostly sound.
fn draw_quality(rng: &mut StdRng, payer: Payer) -> Quality {
    match (payer, rng.random_range(0..100_u32)) {
        (Payer::Prompt, 0..62) | (Payer::Steady, 0..25) => Quality::Strong,
        (Payer::Prompt, 62..95)
        | (Payer::Steady, 25..80)
        | (Payer::Slow, 0..60)
        | (Payer::Defaulting { .. }, 0..70) => Quality::Good,
        (Payer::VerySlow, 50..) => Quality::Weak,
        _ => Quality::Fair,
    }
}

impl Payer {
    /// Days after its due date on which an invoice is paid; none when it never is.
    pub(super) fn lateness(self, rng: &mut StdRng, due_date: NaiveDate, year: i32) -> Option<i64> {
        let chance = rng.random_range(0..100_u32);
        let days = match self {
            Payer::Prompt if chance < 97 => -rng.random_range(0..=6),
            Payer::Prompt => rng.random_range(1..=3),
            Payer::Steady | Payer::Defaulting { .. } if chance < 86 => -rng.random_range(0..=3),
            Payer::Steady | Payer::Defaulting { .. } => rng.random_range(1..=11),
            Payer::Slow if chance < 45 => -rng.random_range(0..=1),
            Payer::Slow => rng.random_range(3..=22),
            Payer::VerySlow => rng.random_range(9..=52),
        };
        let has_stopped = |from_month: u32| (due_date.year(), due_date.month()) >= (year, from_month);
        let never = matches!(self, Payer::Defaulting { from_month } if has_stopped(from_month));
        (!never).then_some(days)
    }

    /// How many of a hundred of its promises such a payer keeps.
    pub(super) const fn promises_kept_percent(self) -> u32 {
        match self {
            Payer::Prompt | Payer::Steady => 95,
            Payer::Slow => 75,
            Payer::VerySlow => 45,
            Payer::Defaulting { .. } => 0,
        }
    }
}

/// One of several.
pub(super) fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    *from.choose(rng).expect("lists of words are not empty")
}
