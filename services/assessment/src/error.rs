//! What can go wrong, and what its caller sees of it.

use chrono::NaiveDate;
use weir_model::{AccountId, AssessmentId, Currency, Fault, Kind, PolicyId, Reason, ScorecardId};
use weir_store::Retryable;

use crate::{
    recommendation::RecommendationError,
    record::State,
    report::AssessError,
    scorecard::{BinsProblem, WeightsProblem},
};

/// A result of the context.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] weir_store::Error),
    /// The request is malformed; names every bad field.
    #[error(transparent)]
    Invalid(Fault),
    /// The account has no profile.
    #[error("account {0} has no profile")]
    AccountUnknown(AccountId),
    /// There is no such assessment.
    #[error("assessment {0} does not exist")]
    AssessmentUnknown(AssessmentId),
    /// There is no such scorecard.
    #[error("scorecard {0} does not exist")]
    ScorecardUnknown(ScorecardId),
    /// There is no such policy.
    #[error("grade policy {0} does not exist")]
    PolicyUnknown(PolicyId),
    /// A profile's currency is fixed once it is made.
    #[error("the account's currency is {present} and cannot become {asked}")]
    CurrencyFixed {
        /// What it is.
        present: Currency,
        /// What was asked for.
        asked: Currency,
    },
    /// The profile changed since it was read.
    #[error("the profile changed since it was read")]
    EtagMismatch,
    /// The same document said something else before.
    #[error("document {document_id} of {source_name} said something else of {name} before")]
    DocumentMismatch {
        /// The account.
        account_id: AccountId,
        /// The fact's name.
        name: String,
        /// The source.
        source_name: String,
        /// The document.
        document_id: String,
    },
    /// Bins do not hold every number exactly once.
    #[error(transparent)]
    Bins(#[from] BinsProblem),
    /// Weights do not sum to 100 %.
    #[error(transparent)]
    Weights(#[from] WeightsProblem),
    /// No scorecard is in use at the date.
    #[error("no scorecard is in use on {0}")]
    NoActiveScorecard(NaiveDate),
    /// No grade policy is in use at the date.
    #[error("no grade policy is in use on {0}")]
    NoActivePolicy(NaiveDate),
    /// The account cannot be assessed.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// The assessment was decided before.
    #[error("the assessment is {}", .0.as_str())]
    WrongState(State),
    /// Nobody approves what they adjusted themselves.
    #[error("nobody approves an adjustment of their own")]
    SelfApproval,
    /// What another context knew at a position has not arrived in time.
    #[error("position {position} of {feed} was not reached in time")]
    NotFresh {
        /// The context's feed.
        feed: &'static str,
        /// The position waited for.
        position: i64,
    },
}

impl Retryable for Error {
    fn retryable(&self) -> bool {
        matches!(self, Error::Store(error) if error.retryable())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::Invalid(fault)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let precondition = |reason| Fault::precondition(reason, message.clone());
        match error {
            Error::Store(error) => error.into(),
            Error::Invalid(fault) => fault,
            Error::AccountUnknown(_) => Fault::new(Kind::NotFound, Reason::AccountUnknown, message),
            Error::AssessmentUnknown(_) | Error::ScorecardUnknown(_) | Error::PolicyUnknown(_) => {
                Fault::new(Kind::NotFound, Reason::NotFound, message)
            }
            Error::CurrencyFixed { .. } => precondition(Reason::CurrencyMismatch),
            Error::EtagMismatch => Fault::new(Kind::Aborted, Reason::EtagMismatch, message),
            Error::DocumentMismatch { account_id, name, source_name, document_id } => {
                Fault::new(Kind::AlreadyExists, Reason::DocumentMismatch, message)
                    .with("account_id", account_id)
                    .with("name", name)
                    .with("source", source_name)
                    .with("source_document_id", document_id)
            }
            Error::Bins(problem) => precondition(Reason::BinsInvalid).with("factor", problem.factor),
            Error::Weights(problem) => {
                precondition(Reason::WeightsNotHundred).with("sum", problem.sum).with("of", problem.of)
            }
            Error::NoActiveScorecard(_) | Error::NoActivePolicy(_) => precondition(Reason::NoActiveScorecard),
            Error::Assess(error) => of_assess(&error, message),
            Error::WrongState(state) => precondition(Reason::WrongState).with("state", state.as_str()),
            Error::SelfApproval => precondition(Reason::SelfApproval),
            Error::NotFresh { position, .. } => {
                Fault::new(Kind::DeadlineExceeded, Reason::NotFresh, message).with("position", position)
            }
        }
    }
}

fn of_assess(error: &AssessError, message: String) -> Fault {
    match error {
        AssessError::CountryRatingMissing => Fault::precondition(Reason::CountryRatingMissing, message),
        AssessError::UnknownDimension { index, .. } => {
            Fault::invalid(format!("adjustment.dimensions[{index}].dimension"), message)
        }
        AssessError::Recommendation(RecommendationError::NoRange(currency)) => {
            Fault::precondition(Reason::FxRateMissing, message).with("currency_code", currency)
        }
        AssessError::Recommendation(RecommendationError::Amount(_)) => {
            Fault::precondition(Reason::AmountOverflow, message)
        }
    }
}
