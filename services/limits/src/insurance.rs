//! Credit insurance: what an insurer covers of what an account owes, and on which days. Ended, never deleted: that there
//! was cover and is none any more says something of its own. Knows no exposure, so it lowers none.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{InsuranceId, Money, SubjectId};

use crate::{limit::Period, request::Act};

/// What an insurer covers, as it is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cover {
    /// What the insurer calls its policy.
    pub(crate) policy_reference: String,
    /// The most it covers; above zero.
    pub(crate) insured: Money,
    /// The share of a loss it bears; above 0 to 100, two decimals.
    pub(crate) percent: Decimal,
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
    /// Why it was set.
    pub(crate) reason: String,
}

/// Cover of an account, perhaps ended early since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Insurance {
    pub(crate) insurance_id: InsuranceId,
    pub(crate) cover: Cover,
    pub(crate) set_by: SubjectId,
    pub(crate) set_at: DateTime<Utc>,
    pub(crate) end: Option<End>,
}

/// How cover was ended early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// First day on which it no longer counts.
    pub(crate) on: NaiveDate,
    pub(crate) act: Act,
    pub(crate) reason: String,
}

impl Insurance {
    /// The days on which it counts; none when it was ended before it began.
    pub(crate) fn effective(&self) -> Option<Period> {
        let last = match &self.end {
            Some(end) => self.cover.to.min(end.on.pred_opt()?),
            None => self.cover.to,
        };
        (self.cover.from <= last).then_some(Period { from: self.cover.from, to: Some(last) })
    }

    /// Whether there is nothing left to end on a day.
    pub(crate) fn is_over_on(&self, date: NaiveDate) -> bool {
        self.end.is_some() || self.cover.to < date
    }
}

/// Cover under the same policy that shares a day.
pub(crate) fn overlapping<'a>(insurances: &'a [Insurance], cover: &Cover) -> Option<&'a Insurance> {
    let period = Period { from: cover.from, to: Some(cover.to) };
    let same = |other: &&Insurance| other.cover.policy_reference == cover.policy_reference;
    insurances.iter().filter(same).find(|other| other.effective().is_some_and(|days| days.overlaps(period)))
}

/// Those that are or will be valid on a day, newest start first; and the last to end when none is valid, so that cover
/// that lapsed differs from cover there never was.
pub(crate) fn relevant_on(insurances: &[Insurance], date: NaiveDate) -> Vec<Insurance> {
    let counting = || insurances.iter().filter_map(|insurance| Some((insurance, insurance.effective()?)));
    let is_covered = counting().any(|(_, period)| period.holds_on(date));
    let over = counting().filter(|(_, period)| !is_covered && period.is_over_on(date));
    let last = over.max_by_key(|(_, period)| period.to);
    let left = counting().filter(|(_, period)| !period.is_over_on(date));
    let mut kept: Vec<Insurance> = left.chain(last).map(|(insurance, _)| insurance.clone()).collect();
    kept.sort_by_key(|insurance| std::cmp::Reverse(insurance.cover.from));
    kept
}
