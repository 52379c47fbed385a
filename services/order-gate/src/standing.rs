//! What other contexts say of an account: credit (limits), what it owes (receivables), conduct (collections). State with
//! a version each; which limit holds is a matter of the date asked for. Amounts are minor units.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Country, Currency, GroupId};

use crate::exposure::Due;

/// The grade of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// Best.
    A,
    /// Good.
    B,
    /// Acceptable.
    C,
    /// No credit.
    D,
}

/// How much an account may owe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Never granted.
    None,
    /// At most this.
    Amount(i64),
    /// Any amount, granted on purpose.
    Unlimited,
}

/// A limit and the days on which it holds, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveLimit {
    /// How much.
    pub limit: Limit,
    /// First day.
    pub from: NaiveDate,
    /// Last day; none for until further notice.
    pub to: Option<NaiveDate>,
}

/// What a temporary limit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlay {
    /// Added to the limit in force.
    Delta(i64),
    /// In place of the limit in force.
    Absolute(i64),
}

/// An overlay and the days on which it holds, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporaryLimit {
    /// What it does.
    pub overlay: Overlay,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
}

/// Which orders of a grade a person reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Those above this amount.
    Above(i64),
    /// All of them.
    EveryOrder,
    /// None passes on credit.
    NoCredit,
}

/// What the limits context says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Goes up with each change.
    pub version: i64,
    /// Currency of every amount.
    pub currency: Currency,
    /// The group it belongs to.
    pub group_id: Option<GroupId>,
    /// Whether its exposure counts in the group's pool.
    #[serde(default)]
    pub shares_exposure: bool,
    /// Whether a block or freeze of the group's head stops it too.
    #[serde(default)]
    pub inherits_block: bool,
    /// The part of the business it belongs to; empty for the whole.
    #[serde(default)]
    pub segment: String,
    /// Its grade; none while not assessed.
    pub grade: Option<Grade>,
    /// Its limits.
    pub limits: Vec<EffectiveLimit>,
    /// Its temporary limits.
    pub temporary_limits: Vec<TemporaryLimit>,
    /// Why it is frozen; none when it is not.
    pub frozen: Option<String>,
    /// Terms in days; 0 is prepay.
    pub terms_days: i32,
    /// Which of its orders a person reviews.
    pub review: Option<Review>,
    /// By when it is to be assessed again.
    #[serde(default)]
    pub review_date: Option<NaiveDate>,
    /// Where it is registered; none where nobody told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// On which days it is insured; the last to end as well where it is not any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cover: Vec<Cover>,
}

/// Days on which an insurer covers what an account owes, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
}

/// The limit in force on a date, temporary limits included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitInForce {
    /// None was granted for the date.
    Missing,
    /// The last one ended on this day.
    Expired(NaiveDate),
    /// At most this.
    Amount(i64),
    /// Any amount.
    Unlimited,
}

impl LimitInForce {
    /// The amount to compare with; nothing where no limit holds, none where any amount passes.
    pub fn amount(self) -> Option<i64> {
        match self {
            LimitInForce::Missing | LimitInForce::Expired(_) => Some(0),
            LimitInForce::Amount(amount) => Some(amount),
            LimitInForce::Unlimited => None,
        }
    }
}

impl Credit {
    /// The last day up to which cover goes on without a gap; where there is none on the date, the day on which it ended.
    /// None where there never was any.
    pub fn insured_until(&self, date: NaiveDate) -> Option<NaiveDate> {
        let ended = self.cover.iter().map(|cover| cover.to).filter(|to| *to < date).max();
        // cover that begins today goes on from yesterday's
        let mut last = date.pred_opt()?;
        let goes_on = |last: NaiveDate| {
            let next = last.succ_opt()?;
            let covers = self.cover.iter().filter(|cover| cover.from <= next && cover.to > last);
            covers.map(|cover| cover.to).max()
        };
        let mut until = None;
        while let Some(longer) = goes_on(last) {
            last = longer;
            until = Some(longer);
        }
        until.or(ended)
    }

    /// The limit in force on a date. Of several that hold the newest start wins; an absolute temporary limit takes its
    /// place, the sum of the others comes on top.
    pub fn limit_on(&self, date: NaiveDate) -> LimitInForce {
        let base = self.base_limit_on(date);
        let valid = || self.temporary_limits.iter().filter(|t| t.from <= date && date <= t.to);
        let absolute = valid()
            .filter_map(|t| match t.overlay {
                Overlay::Absolute(amount) => Some((t.from, amount)),
                Overlay::Delta(_) => None,
            })
            .max();
        let base = absolute.map_or(base, |(_, amount)| LimitInForce::Amount(amount));
        let deltas = valid().filter_map(|t| match t.overlay {
            Overlay::Delta(amount) => Some(amount),
            Overlay::Absolute(_) => None,
        });
        match deltas.reduce(i64::saturating_add) {
            Some(delta) if delta > 0 => base
                .amount()
                .map_or(LimitInForce::Unlimited, |amount| LimitInForce::Amount(amount.saturating_add(delta))),
            _ => base,
        }
    }

    fn base_limit_on(&self, date: NaiveDate) -> LimitInForce {
        let started = || self.limits.iter().filter(|l| l.from <= date);
        let holding = started().filter(|l| l.to.is_none_or(|to| date <= to)).max_by_key(|l| l.from);
        match holding.map(|l| l.limit) {
            Some(Limit::Amount(amount)) => LimitInForce::Amount(amount),
            Some(Limit::Unlimited) => LimitInForce::Unlimited,
            Some(Limit::None) => LimitInForce::Missing,
            None => started()
                .filter(|l| l.limit != Limit::None)
                .filter_map(|l| l.to)
                .max()
                .map_or(LimitInForce::Missing, LimitInForce::Expired),
        }
    }
}

/// What the receivables context says, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Goes up with each change.
    pub version: i64,
    /// What is open by due date.
    pub schedule: Vec<Due>,
    /// Credit not yet allocated; not negative.
    pub unapplied_credit: i64,
    /// How it paid so far; none where that was not told, as it is only when it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<Behaviour>,
}

/// How an account paid so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behaviour {
    /// How promptly, 0 to 100; none for fewer than three payments.
    pub payment_index: Option<Decimal>,
}

/// What the collections context says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conduct {
    /// Goes up with each change.
    pub version: i64,
    /// Why it is blocked; none when it is not.
    pub blocked: Option<String>,
    /// Highest dunning level.
    pub dunning_level: i32,
}
