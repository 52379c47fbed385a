//! Alerts over the life of an item: a level fires once, on the first run on or after its day; paying cancels the rest.
//!
//! Of the levels before the due date only the latest reached fires, and none once the item is overdue: nobody wants to
//! hear «due in 7 days» two days before. Levels after the due date all fire.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{add_days, days_past_due};

/// Where in the life of an item an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Due in 7 days or less.
    DueIn7,
    /// Due in 5 days or less.
    DueIn5,
    /// Due in 3 days or less.
    DueIn3,
    /// At least 1 day past due.
    Overdue,
    /// More than 15 days past due.
    Overdue15Exceeded,
}

impl Level {
    /// In the order of their days.
    pub(crate) const ALL: [Level; 5] =
        [Level::DueIn7, Level::DueIn5, Level::DueIn3, Level::Overdue, Level::Overdue15Exceeded];

    /// The least days past due at which it fires.
    pub(crate) const fn days_past_due(self) -> i64 {
        match self {
            Level::DueIn7 => -7,
            Level::DueIn5 => -5,
            Level::DueIn3 => -3,
            Level::Overdue => 1,
            Level::Overdue15Exceeded => 16,
        }
    }

    /// Its bit among those that fired; says nothing of the order of levels.
    pub(crate) const fn bit(self) -> i64 {
        match self {
            Level::DueIn7 => 1,
            Level::DueIn3 => 2,
            Level::Overdue => 4,
            Level::Overdue15Exceeded => 8,
            Level::DueIn5 => 16,
        }
    }

    pub(crate) fn from_bit(bit: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.bit() == bit)
    }

    /// First date on which it may fire.
    pub(crate) fn date(self, due_date: NaiveDate) -> Option<NaiveDate> {
        add_days(due_date, self.days_past_due())
    }

    const fn is_before_due(self) -> bool {
        self.days_past_due() <= 0
    }

    /// Whether it can still fire on a date, given the levels that fired.
    pub(crate) fn is_pending(self, due_date: NaiveDate, fired: i64, on: NaiveDate) -> bool {
        let has_come = |later: Level| later.is_reached(due_date, on) || fired & later.bit() != 0;
        let obsolete = self.is_before_due()
            && (days_past_due(due_date, on) > 0 || Self::ALL.into_iter().any(|later| later > self && has_come(later)));
        fired & self.bit() == 0 && !obsolete
    }

    fn is_reached(self, due_date: NaiveDate, on: NaiveDate) -> bool {
        days_past_due(due_date, on) >= self.days_past_due()
    }
}

/// The levels that fire on a date for an open item, given those that fired before.
pub(crate) fn due(due_date: NaiveDate, fired: i64, on: NaiveDate) -> Vec<Level> {
    Level::ALL
        .into_iter()
        .filter(|level| level.is_reached(due_date, on) && level.is_pending(due_date, fired, on))
        .collect()
}

/// First date on which an open item may have something to fire, given the levels that fired; after `seen`, the date up
/// to which it was looked at.
pub(crate) fn next_date(due_date: NaiveDate, fired: i64, seen: Option<NaiveDate>) -> Option<NaiveDate> {
    let dates =
        Level::ALL.into_iter().filter(|level| fired & level.bit() == 0).filter_map(|level| level.date(due_date));
    dates.filter(|date| seen.is_none_or(|seen| *date > seen)).min()
}
