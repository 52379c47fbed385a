//! Exposure reserved by an order: line arithmetic of rule 4.2. A document counts once as it goes from order to delivery
//! to invoice, in whichever order the news of it comes. Amounts are minor units of one currency.

use crate::brief::is_default;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use weir_model::LineId;

/// One line of an order with what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its id within the order.
    pub line_id: LineId,
    /// Ordered; not negative.
    pub ordered: i64,
    /// Cancelled of it; at most what was ordered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cancelled: i64,
    /// Delivered so far; may exceed what was ordered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delivered: i64,
    /// Invoiced so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub invoiced: i64,
}

impl Line {
    /// What still counts: `max(ordered − cancelled, delivered) − invoiced`, not below zero.
    pub fn remaining(&self) -> i128 {
        let due = (i128::from(self.ordered) - i128::from(self.cancelled)).max(self.delivered.into());
        (due - i128::from(self.invoiced)).max(0)
    }

    /// The part of it that is delivered.
    pub fn delivered_not_billed(&self) -> i128 {
        (i128::from(self.delivered) - i128::from(self.invoiced)).max(0)
    }
}

/// What commitments add to an account's exposure. Wide, so that running totals cannot overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reserved {
    /// Not yet delivered.
    pub ordered: i128,
    /// Delivered, not yet invoiced.
    pub delivered: i128,
    /// Paid in advance, and not used up by invoices.
    pub prepaid: i128,
}

impl Reserved {
    /// What an order's lines reserve. Of what was `prepaid` as much is left as is not invoiced: the payment is allocated
    /// to the first invoices, and counts as paid there.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a Line>, prepaid: i64) -> Reserved {
        let (mut remaining, mut delivered, mut invoiced) = (0, 0, 0);
        for line in lines {
            invoiced += i128::from(line.invoiced);
            remaining += line.remaining();
            delivered += line.delivered_not_billed();
        }
        let prepaid = (i128::from(prepaid) - invoiced).max(0).min(remaining);
        Reserved { ordered: remaining - delivered, delivered, prepaid }
    }

    /// Everything that still counts, paid in advance or not.
    pub fn remaining(&self) -> i128 {
        self.ordered + self.delivered
    }

    /// The part of it that needs credit.
    pub fn credit_needed(&self) -> i128 {
        self.remaining() - self.prepaid
    }

    /// Whether nothing counts any more.
    pub fn is_nothing(&self) -> bool {
        *self == Reserved::default()
    }
}

impl std::ops::AddAssign for Reserved {
    fn add_assign(&mut self, other: Reserved) {
        self.ordered += other.ordered;
        self.delivered += other.delivered;
        self.prepaid += other.prepaid;
    }
}

impl std::ops::SubAssign for Reserved {
    fn sub_assign(&mut self, other: Reserved) {
        self.ordered -= other.ordered;
        self.delivered -= other.delivered;
        self.prepaid -= other.prepaid;
    }
}

/// Where a commitment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitmentState {
    /// It counts.
    Live,
    /// Everything is invoiced.
    Converted,
    /// What was not delivered is cancelled, and nothing else counts.
    Cancelled,
    /// It ran out before anything was delivered, and nothing counts.
    Expired,
}

/// Whether a commitment that was to ship, or where nobody knows when, that passed on a day has run out: it counts up to
/// so many days after, that day included.
pub(crate) fn has_run_out(expected: Option<NaiveDate>, days: i32, today: NaiveDate) -> bool {
    let days = Days::new(u64::try_from(days).unwrap_or(0));
    expected.and_then(|expected| expected.checked_add_days(days)).is_some_and(|last| today > last)
}
