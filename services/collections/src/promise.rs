//! A debtor's word to pay an amount of an item by a date, and how it is judged on the day. Knows no clock.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{ItemId, Money, MoneyError, PromiseId, add_days};

use crate::item::Item;

/// The longest grace, in days.
pub(crate) const GRACE_DAYS_MAX: i64 = 30;
/// How far ahead a promise may lie, in days.
pub(crate) const AHEAD_DAYS_MAX: i64 = 366;

/// Where a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromiseState {
    /// Its day has not come.
    Open,
    /// The promised amount came in time.
    Kept,
    /// A part of it came in time.
    PartlyKept,
    /// Nothing came in time.
    Broken,
    /// Withdrawn by a person.
    Cancelled,
}

/// What the rules need of a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Its id.
    pub promise_id: PromiseId,
    /// The item.
    pub item_id: ItemId,
    /// What was promised.
    pub amount: Money,
    /// By when.
    pub date: NaiveDate,
    /// Days after it on which the money still counts.
    pub grace_days: i64,
    /// What was open on the item when the word was given.
    pub open_before: Money,
    /// What came in time so far.
    pub received: Money,
}

impl Promise {
    /// The last day on which money counts.
    pub fn deadline(&self) -> NaiveDate {
        add_days(self.date, self.grace_days).unwrap_or(self.date)
    }

    /// How the promise is to be judged on a date; none while it is open.
    ///
    /// Kept from the promised date on once the amount came; otherwise judged on the day after the grace.
    pub fn judge(&self, as_of: NaiveDate) -> Option<PromiseState> {
        if self.received.minor() >= self.amount.minor() && as_of >= self.date {
            Some(PromiseState::Kept)
        } else if as_of <= self.deadline() {
            None
        } else if self.received.is_positive() {
            Some(PromiseState::PartlyKept)
        } else {
            Some(PromiseState::Broken)
        }
    }

    /// What came in time, now that the item stands as it does and this was learned on `learned`.
    ///
    /// The date an item was settled beats the date we heard of it; a part payment counts from when we heard.
    pub fn received_by(&self, item: &Item, learned: NaiveDate) -> Result<Money, MoneyError> {
        let counts_from = item.settled_date.filter(|_| item.open.is_zero()).unwrap_or(learned);
        if counts_from > self.deadline() {
            return Ok(self.received);
        }
        Ok(self.open_before.checked_sub(item.open)?.or_zero_if_negative())
    }
}
