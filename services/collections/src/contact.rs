//! A contact with a debtor: appended, never changed, never deleted. Knows no storage.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, CaseId, ContactId, SubjectId};

/// How a debtor was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactChannel {
    /// By telephone.
    Phone,
    /// By electronic mail.
    Email,
    /// By letter.
    Letter,
    /// By chat.
    Chat,
    /// In person.
    Visit,
}

/// What came of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactOutcome {
    /// Nobody was reached.
    NotReached,
    /// Reached, nothing agreed.
    Reached,
    /// The debtor promised to pay.
    Promised,
    /// The debtor disputes the claim.
    Disputed,
    /// The debtor refuses to pay.
    Refused,
    /// The debtor says it has been paid.
    ClaimsPaid,
}

/// What is said of a contact by whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    /// The case.
    pub case_id: CaseId,
    /// How.
    pub channel: ContactChannel,
    /// What came of it.
    pub outcome: ContactOutcome,
    /// With whom.
    pub contact_person: String,
    /// What was said.
    pub note: String,
    /// When; none for now.
    pub contact_at: Option<DateTime<Utc>>,
}

/// A contact noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its id.
    pub contact_id: ContactId,
    /// The case.
    pub case_id: CaseId,
    /// The account.
    pub account_id: AccountId,
    /// How.
    pub channel: ContactChannel,
    /// What came of it.
    pub outcome: ContactOutcome,
    /// With whom.
    pub contact_person: String,
    /// What was said.
    pub note: String,
    /// When.
    pub contact_at: DateTime<Utc>,
    /// Who recorded it.
    pub recorded_by: SubjectId,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}
