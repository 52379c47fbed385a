//! Why a rule does not allow what was asked.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{Fault, Kind, Money, MoneyError, Reason};

/// Why a rule does not allow what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nothing of the kind is known, or not of this account and currency.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What was looked for.
        what: Cow<'static, str>,
        /// Its id.
        id: String,
    },
    /// The number came before with other content.
    #[error("{0} was posted before with other content")]
    DocumentMismatch(String),
    /// More than is there to allocate.
    #[error("{wanted} exceeds what {of} has, {available}")]
    OverAllocation {
        /// The item or source.
        of: String,
        /// What was asked.
        wanted: Money,
        /// What there is.
        available: Money,
    },
    /// It was taken back before.
    #[error("{0} has been reversed already")]
    AlreadyReversed(String),
    /// The state does not allow the step.
    #[error("{0}")]
    WrongState(String),
    /// The date lies before the first on which it could count.
    #[error("{what} can count from {first} at the earliest")]
    TooEarly {
        /// What was to count.
        what: Cow<'static, str>,
        /// The first date possible.
        first: NaiveDate,
    },
    /// The amount is not in the currency of what it is for.
    #[error("{0} is in another currency")]
    Currency(String),
    /// A sum cannot be represented.
    #[error("a sum exceeds what can be represented")]
    Overflow,
}

impl Refusal {
    pub(crate) fn not_found(what: &'static str, id: &(impl ToString + ?Sized)) -> Self {
        Refusal::NotFound { what: what.into(), id: id.to_string() }
    }

    pub(crate) fn too_early(what: &'static str, first: NaiveDate) -> Self {
        Refusal::TooEarly { what: what.into(), first }
    }
}

impl From<MoneyError> for Refusal {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::CurrencyMismatch { right, .. } => Refusal::Currency(right.to_string()),
            MoneyError::Overflow | MoneyError::PrecisionLoss { .. } => Refusal::Overflow,
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let reason = match refusal {
            Refusal::NotFound { what, id } => return Fault::not_found(&what, id),
            Refusal::DocumentMismatch(number) => {
                return Fault::new(Kind::AlreadyExists, Reason::DocumentMismatch, message)
                    .with("document_number", number);
            }
            Refusal::OverAllocation { wanted, available, .. } => {
                return Fault::precondition(Reason::OverAllocation, message)
                    .with("wanted", wanted)
                    .with("available", available);
            }
            Refusal::TooEarly { first, .. } => {
                return Fault::precondition(Reason::WrongState, message).with("first_date", first);
            }
            Refusal::AlreadyReversed(_) => Reason::AlreadyReversed,
            Refusal::WrongState(_) => Reason::WrongState,
            Refusal::Currency(_) => Reason::CurrencyMismatch,
            Refusal::Overflow => Reason::AmountOverflow,
        };
        Fault::precondition(reason, message)
    }
}
