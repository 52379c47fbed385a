//! A pause: days on which an item's clock stands still, while a dispute is cleared or a plan is kept. Knows no storage.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{ItemId, add_days, days_past_due};

/// How long a pause may last, and how far back it may begin, in days.
pub(crate) const PAUSE_DAYS_MAX: i64 = 366;

/// Why the clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// A dispute is being cleared.
    Dispute,
    /// A plan of payments is being kept.
    Plan,
}

/// Days on which the clock stands still: of one item, or of all of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The item; none for every item of the account.
    pub item_id: Option<ItemId>,
    /// The first day.
    pub from: NaiveDate,
    /// The last day as it was set.
    pub to: NaiveDate,
    /// The day from which it holds no more, where it was lifted.
    pub lifted: Option<NaiveDate>,
}

impl Pause {
    /// The last day on which it holds; before the first where it was lifted before it began.
    pub fn last_day(&self) -> NaiveDate {
        let lifted = self.lifted.and_then(|day| add_days(day, -1));
        lifted.map_or(self.to, |day| day.min(self.to))
    }

    /// Whether it holds for an item.
    pub fn is_of(&self, item_id: &ItemId) -> bool {
        self.item_id.as_ref().is_none_or(|own| own == item_id)
    }

    /// Whether it holds on a day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.last_day()
    }

    /// Whether both hold for some item on some day.
    pub fn overlaps(&self, other: &Pause) -> bool {
        let same = match (&self.item_id, &other.item_id) {
            (Some(own), Some(others)) => own == others,
            _ => true,
        };
        same && self.from.max(other.from) <= self.last_day().min(other.last_day())
    }

    /// On how many days between a due date and another date it stopped the clock, which first strikes on the day after
    /// the due date.
    fn days_within(&self, due_date: NaiveDate, as_of: NaiveDate) -> i64 {
        let before_first = add_days(self.from, -1).map_or(due_date, |day| day.max(due_date));
        days_past_due(before_first, self.last_day().min(as_of)).max(0)
    }
}

/// On how many days the clock of an item stood still, by pauses of the item that do not overlap.
pub(crate) fn paused_days<'a>(
    pauses: impl IntoIterator<Item = &'a Pause>,
    due_date: NaiveDate,
    as_of: NaiveDate,
) -> i64 {
    pauses.into_iter().map(|pause| pause.days_within(due_date, as_of)).sum()
}
