//! What can go wrong in this context, and how the caller is told.

use chrono::NaiveDate;
use weir_model::{Fault, IdError, Kind, MoneyError, Reason, UnknownCurrency};
use weir_store::Retryable;

/// What can go wrong in this context.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request itself is wrong, or a rule forbids it; told as it is.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database.
    #[error(transparent)]
    Store(#[from] weir_store::Error),
    /// An amount could not be computed.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// What is named does not exist.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// What.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The thing's state does not allow the step.
    #[error("{what} {id} is {state}")]
    WrongState {
        /// What.
        what: &'static str,
        /// Its id.
        id: String,
        /// The state it is in.
        state: &'static str,
    },
    /// The item has an open promise.
    #[error("item {0} has an open promise")]
    PromiseOpen(String),
    /// Less than that is open and undisputed.
    #[error("item {item_id} has {available} open and undisputed")]
    LessIsOpen {
        /// The item.
        item_id: String,
        /// What is open and undisputed.
        available: String,
    },
    /// Another pause holds on some of the days.
    #[error("pause {0} holds on some of the days")]
    PauseOverlaps(i64),
    /// A later date was run.
    #[error("{asked} comes before {newest}, which was run")]
    RunOutOfOrder {
        /// The date asked for.
        asked: NaiveDate,
        /// The newest date that was run.
        newest: NaiveDate,
    },
    /// Another run is under way.
    #[error("another run is under way")]
    RunInProgress,
    /// A row holds what nothing here writes.
    #[error("the database holds an unknown {0}")]
    Corrupt(&'static str),
    /// A template could not be rendered.
    #[error("template: {0}")]
    Template(#[from] minijinja::Error),
    /// The work ended without an answer.
    #[error("the work ended without an answer")]
    Lost,
}

/// How soon to ask again while another run is under way.
const RUN_RETRY: std::time::Duration = std::time::Duration::from_secs(2);

impl From<IdError> for Error {
    fn from(_: IdError) -> Self {
        Error::Corrupt("id")
    }
}

impl From<UnknownCurrency> for Error {
    fn from(_: UnknownCurrency) -> Self {
        Error::Corrupt("currency")
    }
}

impl Retryable for Error {
    fn retryable(&self) -> bool {
        matches!(self, Error::Store(error) if error.retryable())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Fault(fault) => fault,
            Error::Store(error) => error.into(),
            Error::Money(_) => Fault::new(Kind::InvalidArgument, Reason::AmountOverflow, message),
            Error::NotFound { what, id } => Fault::not_found(what, id),
            Error::WrongState { state, .. } => Fault::precondition(Reason::WrongState, message).with("state", state),
            Error::PromiseOpen(_) => Fault::precondition(Reason::PromiseOpen, message),
            Error::LessIsOpen { available, .. } => {
                Fault::precondition(Reason::WrongState, message).with("available", available)
            }
            Error::PauseOverlaps(number) => {
                Fault::precondition(Reason::WrongState, message).with("pause_number", number)
            }
            Error::RunOutOfOrder { newest, .. } => {
                Fault::precondition(Reason::RunOutOfOrder, message).with("newest_date", newest)
            }
            Error::RunInProgress => Fault::new(Kind::Aborted, Reason::RunInProgress, message).retry_after(RUN_RETRY),
            Error::Corrupt(_) | Error::Template(_) | Error::Lost => {
                tracing::error!(%message, "collections failed");
                Fault::internal()
            }
        }
    }
}
