//! One receivable: what is owed since when, and what is still open of it.
//!
//! Holds running figures only; what changed them are allocations, which stay. Knows neither clock nor storage.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Currency, ItemId, Money, MoneyError, OrderId, SubjectId, days_past_due};

use crate::document::DocumentNumber;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ItemKind {
    /// Goods or services invoiced.
    Invoice,
    /// A correction in the seller's favour.
    DebitNote,
    /// A correction in the customer's favour: its open amount is unapplied credit.
    CreditNote,
    /// Interest or a fee.
    Charge,
}

impl ItemKind {
    pub(crate) const ALL: [ItemKind; 4] =
        [ItemKind::Invoice, ItemKind::DebitNote, ItemKind::CreditNote, ItemKind::Charge];

    /// Its name in a column.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            ItemKind::Invoice => "invoice",
            ItemKind::DebitNote => "debit_note",
            ItemKind::CreditNote => "credit_note",
            ItemKind::Charge => "charge",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What a document is grouped by in reports; empty where unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub salesperson: String,
    pub region: String,
    pub industry: String,
}

/// One receivable, or the credit of a credit note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub id: ItemId,
    pub account_id: AccountId,
    pub kind: ItemKind,
    pub document_number: DocumentNumber,
    pub document_date: NaiveDate,
    /// Date from which it counts.
    pub posting_date: NaiveDate,
    pub due_date: NaiveDate,
    pub amount: Money,
    pub open: Money,
    /// What was last said to be disputed; of it counts at most what is open.
    pub dispute_claim: Money,
    pub settled_date: Option<NaiveDate>,
    /// Days from due date to the last payment that settled it; none while open or settled without payment.
    pub settled_days_late: Option<i64>,
    /// Date of its cancellation.
    pub cancelled_date: Option<NaiveDate>,
    /// Latest date from which an allocation was taken back: no allocation may count from before it, or the item would
    /// have been paid twice on the days in between.
    pub restored_date: Option<NaiveDate>,
    pub order_id: Option<OrderId>,
    pub attributes: Attributes,
    pub correlation_id: String,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: SubjectId,
    pub version: i64,
    /// Alert levels that fired, one bit each; see [`crate::alerts`].
    pub alerts_fired: i64,
    /// First date on which a run has to look at it again.
    pub next_alert_date: Option<NaiveDate>,
}

impl Item {
    pub(crate) fn currency(&self) -> Currency {
        self.amount.currency()
    }

    pub(crate) fn is_credit(&self) -> bool {
        self.kind == ItemKind::CreditNote
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_zero()
    }

    /// The disputed part of what is open.
    pub(crate) fn disputed(&self) -> Money {
        Money::new(self.dispute_claim.minor().min(self.open.minor()), self.currency())
    }

    /// Days past due; negative when not yet due, 0 on the due date.
    pub(crate) fn days_past_due(&self, as_of: NaiveDate) -> i64 {
        days_past_due(self.due_date, as_of)
    }

    /// First date from which an allocation to it may count.
    pub(crate) fn allocatable_from(&self) -> NaiveDate {
        self.restored_date.map_or(self.posting_date, |restored| restored.max(self.posting_date))
    }

    /// What it adds to its account's position.
    pub(crate) fn weight(&self) -> Weight {
        let zero = Money::zero(self.currency());
        if self.is_credit() {
            Weight { open: zero, disputed: zero, unapplied: self.open }
        } else {
            Weight { open: self.open, disputed: self.disputed(), unapplied: zero }
        }
    }
}

/// What is open, disputed and unapplied: of one item, or summed up for an account in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weight {
    pub open: Money,
    pub disputed: Money,
    pub unapplied: Money,
}

impl Weight {
    pub(crate) fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Weight { open: zero, disputed: zero, unapplied: zero }
    }

    pub(crate) fn checked_add(self, other: Weight) -> Result<Weight, MoneyError> {
        Ok(Weight {
            open: self.open.checked_add(other.open)?,
            disputed: self.disputed.checked_add(other.disputed)?,
            unapplied: self.unapplied.checked_add(other.unapplied)?,
        })
    }

    pub(crate) fn checked_sub(self, other: Weight) -> Result<Weight, MoneyError> {
        Ok(Weight {
            open: self.open.checked_sub(other.open)?,
            disputed: self.disputed.checked_sub(other.disputed)?,
            unapplied: self.unapplied.checked_sub(other.unapplied)?,
        })
    }
}
