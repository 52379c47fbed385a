//! The orders that are asked for, and how they spread over the accounts.

use clap::ValueEnum;
use parking_lot::Mutex;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};
use rand_distr::{Distribution as _, Zipf};
use weir_model::{Currency, Ids, Money, OrderId};
use weir_wire::{emit::money, order_gate::v1 as wire};

/// How many accounts there are.
pub(crate) const ACCOUNTS: u64 = 100_000;
/// Minor units of one order: small against every limit, so that all of them pass.
pub(crate) const AMOUNT: i64 = 12_345;
/// Exponent of the Zipf distribution: the first account gets about a twelfth of all orders.
const SKEW: f64 = 1.0;

/// How orders spread over accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Spread {
    /// Every account alike
    Uniform,
    /// A few accounts order most, as customers do
    Zipf,
    /// One account orders everything
    Hot,
}

impl Spread {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Spread::Uniform => "uniform over 100,000 accounts",
            Spread::Zipf => "Zipf over 100,000 accounts",
            Spread::Hot => "one hot account",
        }
    }
}

/// What one caller asks: an order nobody asked for before.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) order_id: String,
    pub(crate) account_id: String,
}

impl Ask {
    /// The order as a message: two lines, as most have few.
    pub(crate) fn order(&self) -> wire::Order {
        let cny = Currency::from_code("CNY").expect("a currency");
        let line = |line_id: &str, minor| wire::OrderLine {
            line_id: line_id.to_owned(),
            amount: Some(money(Money::new(minor, cny))),
        };
        wire::Order {
            order_id: self.order_id.clone(),
            revision: 1,
            account_id: self.account_id.clone(),
            currency_code: "CNY".to_owned(),
            lines: vec![line("10", AMOUNT - 2_345), line("20", 2_345)],
            requested_by: "sales-7".to_owned(),
            ..wire::Order::default()
        }
    }
}

/// The name of an account.
pub(crate) fn account(n: u64) -> String {
    format!("acct-{n:06}")
}

/// Makes asks, the same sequence of accounts in every run.
#[derive(Debug)]
pub(crate) struct Orders {
    spread: Spread,
    zipf: Zipf<f64>,
    dice: Mutex<SmallRng>,
    ids: Ids,
}

impl Orders {
    pub(crate) fn new(spread: Spread) -> anyhow::Result<Self> {
        let zipf = Zipf::new(ACCOUNTS as f64, SKEW)?;
        Ok(Orders { spread, zipf, dice: Mutex::new(SmallRng::seed_from_u64(7)), ids: Ids::random() })
    }

    pub(crate) fn next(&self) -> Ask {
        let n = match self.spread {
            Spread::Uniform => self.dice.lock().random_range(0..ACCOUNTS),
            Spread::Zipf => self.zipf.sample(&mut *self.dice.lock()) as u64 - 1,
            Spread::Hot => 0,
        };
        Ask { order_id: self.ids.next::<OrderId>().to_string(), account_id: account(n) }
    }
}
