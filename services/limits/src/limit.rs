//! A limit, the days on which it holds, and which of several is in force on a day.
//!
//! Days are civil dates, both ends included. Nothing here runs when a day ends: a limit falls away by date alone.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{LimitId, LimitRequestId, Money};

/// How much an account may owe. Unset is not zero, and zero is not unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    /// Never granted: no credit.
    None,
    /// At most this amount; zero is no credit.
    Amount(Money),
    /// Any amount, granted on purpose.
    Unlimited,
}

/// Days from the first to the last, both included; no last day is until further notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Period {
    pub(crate) from: NaiveDate,
    pub(crate) to: Option<NaiveDate>,
}

impl Period {
    pub(crate) fn holds_on(self, date: NaiveDate) -> bool {
        self.from <= date && !self.is_over_on(date)
    }

    pub(crate) fn is_over_on(self, date: NaiveDate) -> bool {
        self.to.is_some_and(|last| last < date)
    }

    pub(crate) fn overlaps(self, other: Period) -> bool {
        !self.is_over_on(other.from) && !other.is_over_on(self.from)
    }
}

/// A granted limit. Never changed but for the day from which a later one supersedes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StandingLimit {
    pub(crate) limit_id: LimitId,
    pub(crate) limit_request_id: LimitRequestId,
    pub(crate) limit: Limit,
    pub(crate) period: Period,
    /// First day on which it no longer counts because another took its place.
    pub(crate) superseded_from: Option<NaiveDate>,
}

impl StandingLimit {
    /// The days on which it counts; none when it was superseded before it began.
    pub(crate) fn effective(&self) -> Option<Period> {
        let Some(superseded_from) = self.superseded_from else { return Some(self.period) };
        if superseded_from <= self.period.from {
            return None;
        }
        let last = superseded_from.pred_opt()?;
        let to = self.period.to.map_or(last, |to| to.min(last));
        Some(Period { from: self.period.from, to: Some(to) })
    }
}

/// What the granted limits say of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing<'a> {
    /// Nothing was granted for the day or any before it.
    Never,
    /// The last one ran out; counts as zero.
    Expired { limit: &'a StandingLimit, last_day: NaiveDate },
    /// This one holds.
    Holds(&'a StandingLimit),
}

/// The limit that holds on a day: of several the one with the newest start.
pub(crate) fn standing_on(limits: &[StandingLimit], date: NaiveDate) -> Standing<'_> {
    let effective = || limits.iter().filter_map(|limit| limit.effective().map(|period| (limit, period)));
    if let Some((limit, _)) =
        effective().filter(|(_, period)| period.holds_on(date)).max_by_key(|(_, period)| period.from)
    {
        return Standing::Holds(limit);
    }
    effective()
        .filter_map(|(limit, period)| period.to.filter(|last| *last < date).map(|last_day| (limit, last_day)))
        .max_by_key(|(_, last_day)| *last_day)
        .map_or(Standing::Never, |(limit, last_day)| Standing::Expired { limit, last_day })
}

/// The limits others need to know on a day: those that hold or will, newest start first; the last one that held when
/// there is no other, so that an expired limit differs from one never granted.
pub(crate) fn relevant_on(limits: &[StandingLimit], date: NaiveDate) -> Vec<StandingLimit> {
    let mut kept: Vec<StandingLimit> = limits
        .iter()
        .filter(|limit| limit.effective().is_some_and(|period| !period.is_over_on(date)))
        .cloned()
        .collect();
    if kept.is_empty()
        && let Standing::Expired { limit, .. } = standing_on(limits, date)
    {
        kept.push(limit.clone());
    }
    kept.sort_by_key(|limit| std::cmp::Reverse(limit.period.from));
    kept
}

/// What a new limit takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Supersedes {
    /// Those that begin on its first day or before; later ones still take over when their day comes.
    UpToItsStart,
    /// Those that begin later, too: a cut.
    Everything,
}

/// The first day on which a limit granted earlier takes over from one that begins on `start`; none when none does.
///
/// So what is granted now ends where it does not count any more, and does not come back when the later limit ends.
pub(crate) fn taken_over_on(limits: &[StandingLimit], start: NaiveDate) -> Option<NaiveDate> {
    limits.iter().filter_map(StandingLimit::effective).map(|period| period.from).filter(|from| *from > start).min()
}

/// Marks what a limit that begins on `start` takes the place of; answers the ids of what it marked.
pub(crate) fn supersede(limits: &mut [StandingLimit], start: NaiveDate, what: Supersedes) -> Vec<LimitId> {
    let mut marked = Vec::new();
    for limit in limits {
        let counts_after_start = limit.effective().is_some_and(|period| !period.is_over_on(start));
        let begins_in_reach = limit.period.from <= start || what == Supersedes::Everything;
        if counts_after_start && begins_in_reach {
            limit.superseded_from = Some(start);
            marked.push(limit.limit_id.clone());
        }
    }
    marked
}
