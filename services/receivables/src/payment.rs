//! A payment: what was handed in, and what is left of it. Knows neither clock nor storage.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, CorrelationId, Currency, Money, PaymentId, SubjectId};

use crate::{
    document::DocumentNumber,
    item::{Item, Weight},
};

/// How a payment finds its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AllocationMode {
    /// Named, then exact amount, then oldest due.
    Automatic,
    /// Named documents only.
    NamedOnly,
    /// Not at all.
    Nothing,
}

/// Names a document, or an item by its id, that a payment is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub name: String,
    /// How much of the payment; none for as much as is open.
    pub amount: Option<Money>,
}

impl Reference {
    pub(crate) fn names(&self, item: &Item) -> bool {
        item.id.as_str() == self.name || item.document_number.to_string() == self.name
    }
}

/// A payment as it was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Advice {
    pub number: Option<DocumentNumber>,
    pub account_id: AccountId,
    pub amount: Money,
    /// None for the day it is recorded.
    pub effective_date: Option<NaiveDate>,
    pub references: Vec<Reference>,
    pub mode: AllocationMode,
    pub note: String,
    pub correlation_id: Option<CorrelationId>,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentState {
    /// Its date lies ahead.
    Future,
    /// It counts.
    Booked,
    /// It was taken back.
    Reversed,
}

impl PaymentState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            PaymentState::Future => "future",
            PaymentState::Booked => "booked",
            PaymentState::Reversed => "reversed",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [PaymentState::Future, PaymentState::Booked, PaymentState::Reversed].into_iter().find(|s| s.as_str() == name)
    }
}

/// A payment and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub id: PaymentId,
    pub account_id: AccountId,
    pub amount: Money,
    pub unapplied: Money,
    pub effective_date: NaiveDate,
    pub state: PaymentState,
    /// Date of the reversal.
    pub reversed_date: Option<NaiveDate>,
    /// Latest date from which an allocation of it was taken back; see [`Item::restored_date`].
    pub restored_date: Option<NaiveDate>,
    /// Date since which nothing is left of it; none while something is.
    pub applied_date: Option<NaiveDate>,
    pub advice: Advice,
    pub correlation_id: String,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: SubjectId,
    /// The business date on which it was recorded.
    pub recorded_date: NaiveDate,
    pub version: i64,
}

impl Payment {
    pub(crate) fn currency(&self) -> Currency {
        self.amount.currency()
    }

    /// First date from which an allocation of it may count.
    pub(crate) fn allocatable_from(&self) -> NaiveDate {
        self.restored_date.map_or(self.effective_date, |restored| restored.max(self.effective_date))
    }

    /// What it adds to its account's position: nothing before its date comes.
    pub(crate) fn weight(&self) -> Weight {
        let zero = Weight::zero(self.currency());
        if self.state == PaymentState::Booked { Weight { unapplied: self.unapplied, ..zero } } else { zero }
    }
}
