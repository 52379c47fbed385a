//! Temporary limits: overlays for a few days, over whatever standing limit there is. They win while they are valid and
//! fall away by date alone; those of one account never overlap.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{LimitId, LimitRequestId, Money, MoneyError, SubjectId};

use crate::{
    limit::{Limit, Period},
    request::Act,
};

/// The longest overlay, in days after its first: what is needed for longer is no exception and takes a limit request.
pub(crate) const DAYS_MAX: i64 = 366;

/// What an overlay does to the limit in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Overlay {
    /// Adds to it.
    Delta(Money),
    /// Replaces it.
    Absolute(Money),
}

impl Overlay {
    /// The amount an authority must cover to grant it.
    pub(crate) const fn amount(self) -> Money {
        match self {
            Overlay::Delta(amount) | Overlay::Absolute(amount) => amount,
        }
    }

    /// The limit with the overlay. Added to none, a delta counts from zero; unlimited stays unlimited.
    pub(crate) fn over(self, limit: Limit) -> Result<Limit, MoneyError> {
        match (self, limit) {
            (Overlay::Absolute(amount), _) | (Overlay::Delta(amount), Limit::None) => Ok(Limit::Amount(amount)),
            (Overlay::Delta(_), Limit::Unlimited) => Ok(Limit::Unlimited),
            (Overlay::Delta(delta), Limit::Amount(amount)) => amount.checked_add(delta).map(Limit::Amount),
        }
    }
}

/// A temporary limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TemporaryLimit {
    pub(crate) temporary_limit_id: LimitId,
    pub(crate) overlay: Overlay,
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
    /// The request that granted it.
    pub(crate) limit_request_id: LimitRequestId,
    pub(crate) reason: String,
    pub(crate) requested_by: SubjectId,
    pub(crate) granted_by: SubjectId,
    pub(crate) granted_at: DateTime<Utc>,
    pub(crate) revocation: Option<Revocation>,
}

/// How a temporary limit was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revocation {
    /// First day on which the limit no longer counts.
    pub(crate) on: NaiveDate,
    pub(crate) act: Act,
    pub(crate) reason: String,
}

impl TemporaryLimit {
    /// The days on which it counts; none when it was taken back before it began.
    pub(crate) fn effective(&self) -> Option<Period> {
        let last = match &self.revocation {
            Some(revocation) => self.to.min(revocation.on.pred_opt()?),
            None => self.to,
        };
        (self.from <= last).then_some(Period { from: self.from, to: Some(last) })
    }
}

/// The temporary limit valid on a day.
pub(crate) fn valid_on(limits: &[TemporaryLimit], date: NaiveDate) -> Option<&TemporaryLimit> {
    limits.iter().find(|limit| limit.effective().is_some_and(|period| period.holds_on(date)))
}

/// A temporary limit that shares a day with a period.
pub(crate) fn overlapping(limits: &[TemporaryLimit], period: Period) -> Option<&TemporaryLimit> {
    limits.iter().find(|limit| limit.effective().is_some_and(|other| other.overlaps(period)))
}

/// Those that are or will be valid on a day, newest start first.
pub(crate) fn relevant_on(limits: &[TemporaryLimit], date: NaiveDate) -> Vec<TemporaryLimit> {
    let mut kept: Vec<TemporaryLimit> = limits
        .iter()
        .filter(|limit| limit.effective().is_some_and(|period| !period.is_over_on(date)))
        .cloned()
        .collect();
    kept.sort_by_key(|limit| std::cmp::Reverse(limit.from));
    kept
}
