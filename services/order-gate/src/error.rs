//! What can go wrong in the gate, and what the caller sees of it.

use std::time::Duration;

use weir_model::{Currency, Fault, Kind, Reason};
use weir_store::Retryable;

use crate::exposure::Overflow;
use crate::fx::NoRate;
use crate::hold::{Ended, HoldState};

/// How soon a caller may try again when too many wait: a few batches.
const OVERLOADED_RETRY_AFTER: Duration = Duration::from_millis(50);
/// How soon a caller may try again while the gate reads its book anew.
const UNAVAILABLE_RETRY_AFTER: Duration = Duration::from_millis(500);

/// What can go wrong in the gate. None of it is a decision.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] weir_store::Error),
    /// An amount exceeds what can be represented.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The request itself is wrong.
    #[error(transparent)]
    Invalid(Fault),
    /// What the request names does not exist.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// What happens to an order is not in its currency.
    #[error("the order is in {order}, not in {given}")]
    CurrencyMismatch {
        /// The order's currency.
        order: Currency,
        /// The currency given.
        given: Currency,
    },
    /// Something is in another currency than what it is compared with, and cannot be converted.
    #[error(transparent)]
    NoRate(#[from] NoRate),
    /// The same order revision or delivery came with another content.
    #[error("{0} was given before with another content")]
    IdempotencyMismatch(&'static str),
    /// A higher revision was decided already.
    #[error("revision {newest} of the order was decided already")]
    RevisionConflict {
        /// The newest revision.
        newest: i32,
    },
    /// The hold has ended.
    #[error("the hold has ended: {}", .0.as_str())]
    HoldEnded(HoldState),
    /// The state of something does not allow the step.
    #[error("{0}")]
    WrongState(&'static str),
    /// The caller's authority is below the excess.
    #[error("the caller's authority of {authority} minor units does not cover an excess of {excess}")]
    AuthorityExceeded {
        /// What the caller may release.
        authority: i64,
        /// What would have to be released.
        excess: i64,
    },
    /// Nobody releases an order they asked for.
    #[error("nobody releases an order they asked for themselves")]
    SelfApproval,
    /// The caller looked at another version.
    #[error("version {present} is in place")]
    EtagMismatch {
        /// The present version.
        present: i64,
    },
    /// One of several orders cannot be decided.
    #[error("{order_id}: {error}")]
    OfOrder {
        /// Its place among them, from 0.
        index: usize,
        /// The order.
        order_id: String,
        /// Why.
        error: Box<Error>,
    },
    /// Too many calls wait.
    #[error("too many calls wait")]
    Overloaded,
    /// The gate reads its book anew, or another process owns it: nothing was decided as far as the caller may know.
    #[error("the gate is not there right now")]
    Unavailable,
    /// The freshness asked for was not reached in time.
    #[error("the freshness asked for was not reached in time")]
    NotFresh,
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        Error::HoldEnded(ended.0)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::Invalid(fault)
    }
}

impl Error {
    /// Something named does not exist.
    pub(crate) fn not_found(what: &'static str, id: impl std::fmt::Display) -> Self {
        Error::NotFound { what, id: id.to_string() }
    }
}

impl Retryable for Error {
    fn retryable(&self) -> bool {
        matches!(self, Error::Store(error) if error.retryable())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Store(error) => error.into(),
            Error::Invalid(fault) => fault,
            Error::NotFound { what, id } => Fault::not_found(what, id),
            Error::Overflow(_) => Fault::new(Kind::InvalidArgument, Reason::AmountOverflow, text),
            Error::CurrencyMismatch { order, .. } => {
                Fault::precondition(Reason::CurrencyMismatch, text).with("order_currency", order)
            }
            Error::NoRate(NoRate::Missing { from, to }) => {
                Fault::precondition(Reason::FxRateMissing, text).with("from", from).with("to", to)
            }
            Error::NoRate(NoRate::Stale { from, to, effective, days_max }) => {
                let fault = Fault::precondition(Reason::FxRateStale, text).with("from", from).with("to", to);
                fault.with("effective_date", effective).with("days_max", days_max)
            }
            Error::IdempotencyMismatch(_) => Fault::new(Kind::AlreadyExists, Reason::IdempotencyMismatch, text),
            Error::RevisionConflict { newest } => {
                Fault::precondition(Reason::OrderRevisionConflict, text).with("newest_revision", newest)
            }
            Error::HoldEnded(state) => Fault::precondition(Reason::WrongState, text).with("state", state.as_str()),
            Error::WrongState(_) => Fault::precondition(Reason::WrongState, text),
            Error::AuthorityExceeded { authority, excess } => Fault::precondition(Reason::AuthorityExceeded, text)
                .with("authority_minor", authority)
                .with("excess_minor", excess),
            Error::OfOrder { index, order_id, error } => {
                let fault = Fault { message: text.into(), ..Fault::from(*error) };
                fault.with("index", index).with("order_id", order_id)
            }
            Error::SelfApproval => Fault::precondition(Reason::SelfApproval, text),
            Error::EtagMismatch { present } => {
                Fault::new(Kind::Aborted, Reason::EtagMismatch, text).with("present_version", present)
            }
            Error::Overloaded => {
                Fault::new(Kind::ResourceExhausted, Reason::Overloaded, text).retry_after(OVERLOADED_RETRY_AFTER)
            }
            Error::Unavailable => {
                Fault::new(Kind::Unavailable, Reason::Unavailable, text).retry_after(UNAVAILABLE_RETRY_AFTER)
            }
            Error::NotFresh => {
                Fault::new(Kind::Unavailable, Reason::NotFresh, text).retry_after(UNAVAILABLE_RETRY_AFTER)
            }
        }
    }
}
