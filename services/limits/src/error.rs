//! What can go wrong in the limits context, and how its caller sees it.

use weir_model::{AccountId, Fault, Kind, MoneyError, Reason};
use weir_store::Retryable;

/// What can go wrong in the limits context.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] weir_store::Error),
    /// An amount could not be computed.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// What the request names does not exist.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The account has no credit account.
    #[error("account {0} has no credit account")]
    AccountUnknown(AccountId),
    /// It exists already, with other content.
    #[error("{what} {id} exists already, with other content")]
    Exists {
        /// The kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The etag is not the present one.
    #[error("the etag is not the present one; read again")]
    EtagMismatch,
    /// The caller is not the one who may.
    #[error("{0}")]
    Forbidden(&'static str),
    /// A rule forbids it.
    #[error("{message}")]
    Refused {
        /// The published reason.
        reason: Reason,
        /// One sentence for people.
        message: String,
    },
    /// The request itself is wrong.
    #[error(transparent)]
    Invalid(Fault),
    /// The shipped policy cannot be read.
    #[error("the default policy: {0}")]
    DefaultPolicy(String),
}

impl Error {
    pub(crate) fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Error::Refused { reason, message: message.into() }
    }

    pub(crate) fn not_found(what: &'static str, id: &(impl ToString + ?Sized)) -> Self {
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
        match error {
            Error::Store(error) => error.into(),
            Error::Invalid(fault) => fault,
            Error::NotFound { what, id } => Fault::not_found(what, id),
            Error::AccountUnknown(account_id) => {
                let message = format!("account {account_id} has no credit account");
                Fault::new(Kind::NotFound, Reason::AccountUnknown, message).with("account_id", account_id)
            }
            Error::Exists { .. } => Fault::new(Kind::AlreadyExists, Reason::AlreadyExists, error.to_string()),
            Error::EtagMismatch => Fault::new(Kind::Aborted, Reason::EtagMismatch, error.to_string()),
            Error::Forbidden(message) => Fault::new(Kind::PermissionDenied, Reason::PermissionDenied, message),
            Error::Refused { reason, message } => Fault::precondition(reason, message),
            Error::Money(MoneyError::CurrencyMismatch { .. }) => {
                Fault::precondition(Reason::CurrencyMismatch, error.to_string())
            }
            Error::Money(_) => Fault::precondition(Reason::AmountOverflow, error.to_string()),
            Error::DefaultPolicy(_) => {
                tracing::error!(%error, "the shipped policy cannot be read");
                Fault::internal()
            }
        }
    }
}
