//! An assessment that was made: who, when, where it stands, and its report.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, AssessmentId, Money, SubjectId};

use crate::{grade::Grade, report::Report};

/// Where an assessment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// An expert adjusted it: somebody else has to approve it.
    PendingApproval,
    /// It counts, unless a newer one does.
    Approved,
    /// It never counts.
    Rejected,
}

impl State {
    /// The state's name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::PendingApproval => "pending_approval",
            State::Approved => "approved",
            State::Rejected => "rejected",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<State> {
        [State::PendingApproval, State::Approved, State::Rejected].into_iter().find(|state| state.as_str() == name)
    }
}

/// An assessment without its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id; none when only validated.
    pub assessment_id: Option<AssessmentId>,
    /// The account.
    pub account_id: AccountId,
    /// The date it was assessed for.
    pub as_of: NaiveDate,
    /// Where it stands.
    pub state: State,
    /// The grade that counts once approved.
    pub grade: Grade,
    /// The score that counts.
    pub score: Decimal,
    /// Recommended limit.
    pub limit: Money,
    /// Recommended terms in days.
    pub terms_days: i32,
    /// Date by which to assess again.
    pub review_date: NaiveDate,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: SubjectId,
    /// When somebody approved or rejected it.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who that was.
    pub decided_by: Option<SubjectId>,
}

/// An assessment with its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What lists show.
    pub summary: Summary,
    /// Why it came out so.
    pub report: Report,
}

/// The present grade of an account: its newest approved assessment. What the feed tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GradeRecord {
    /// The account.
    pub account_id: AccountId,
    /// Goes up with each change.
    pub version: i64,
    /// The assessment behind it.
    pub assessment_id: AssessmentId,
    /// The grade.
    pub grade: Grade,
    /// The score.
    pub score: Decimal,
    /// Recommended limit.
    pub limit: Money,
    /// Recommended terms in days.
    pub terms_days: i32,
    /// Date from which it holds.
    pub effective_date: NaiveDate,
    /// Date by which to assess again.
    pub review_date: NaiveDate,
    /// Country of registration as the profile had it, ISO 3166-1 alpha-2.
    pub country: String,
}
