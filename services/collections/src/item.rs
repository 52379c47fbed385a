//! What is owed, item by item, as receivables told it, with how far dunning has come. Knows no strategy.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{CorrelationId, ItemId, Money, MoneyError, OrderId, days_past_due};

use crate::pause::{Pause, paused_days};

/// One receivable of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its id.
    pub item_id: ItemId,
    /// Number of the document, as printed on it.
    pub document_number: String,
    /// Date of the document.
    pub document_date: NaiveDate,
    /// Date by which it was to be paid.
    pub due_date: NaiveDate,
    /// Amount of the item.
    pub amount: Money,
    /// What is open; not negative.
    pub open: Money,
    /// The disputed part of what is open; not negative.
    pub disputed: Money,
    /// Date it was settled.
    pub settled_date: Option<NaiveDate>,
    /// The order behind it.
    pub order_id: Option<OrderId>,
    /// What it belongs to, from the first decision on an order to the last reminder.
    pub correlation_id: Option<CorrelationId>,
    /// Goes up with each change at receivables.
    pub version: i64,
    /// First day of the last stage it was dunned at, in days past due; none for never. A day, since the number of a
    /// stage means another one on another ladder.
    pub reached_day: Option<i64>,
    /// Pauses that hold for it, of its own or of its account.
    #[serde(default)]
    pub pauses: Vec<Pause>,
}

impl Item {
    /// Days past due; negative before the due date.
    pub fn days_past_due(&self, as_of: NaiveDate) -> i64 {
        days_past_due(self.due_date, as_of)
    }

    /// Days past due on which its clock did not stand still: what stages and levels go by.
    pub fn clock(&self, as_of: NaiveDate) -> i64 {
        self.days_past_due(as_of) - paused_days(&self.pauses, self.due_date, as_of)
    }

    /// Whether its clock stands still on a date.
    pub fn is_paused(&self, as_of: NaiveDate) -> bool {
        self.pauses.iter().any(|pause| pause.holds_on(as_of))
    }

    /// What a notice may ask for: open and undisputed, never negative.
    pub fn dunnable(&self) -> Result<Money, MoneyError> {
        Ok(self.open.checked_sub(self.disputed)?.or_zero_if_negative())
    }
}
