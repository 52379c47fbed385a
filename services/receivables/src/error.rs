//! What can go wrong in this context.

use weir_model::{Fault, MoneyError};
use weir_store::Retryable;

use crate::refusal::Refusal;

/// What can go wrong in this context.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Inner);

#[derive(Debug, thiserror::Error)]
enum Inner {
    #[error(transparent)]
    Refused(Refusal),
    #[error(transparent)]
    Invalid(Fault),
    #[error(transparent)]
    Store(weir_store::Error),
}

impl Error {
    /// Whether a rule does not allow it: trying again changes nothing, and others are not concerned.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.0, Inner::Refused(_))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error(Inner::Refused(refusal))
    }
}

impl From<MoneyError> for Error {
    fn from(error: MoneyError) -> Self {
        Error(Inner::Refused(error.into()))
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error(Inner::Invalid(fault))
    }
}

impl From<weir_store::Error> for Error {
    fn from(error: weir_store::Error) -> Self {
        Error(Inner::Store(error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error(Inner::Store(error.into()))
    }
}

impl Retryable for Error {
    fn retryable(&self) -> bool {
        matches!(&self.0, Inner::Store(error) if error.retryable())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.0 {
            Inner::Refused(refusal) => refusal.into(),
            Inner::Invalid(fault) => fault,
            Inner::Store(error) => error.into(),
        }
    }
}
