//! How a debtor is reached. Knows no channel and no storage.

use serde::{Deserialize, Serialize};
use weir_model::{AccountId, SubjectId};

use crate::{notice::Language, run::Address};

/// How a debtor is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debtor {
    /// The account.
    pub account_id: AccountId,
    /// Name to address.
    pub name: String,
    /// Language to write in.
    pub language: Language,
    /// Addresses notices go to.
    pub emails: Vec<String>,
    /// Telephone number; empty if unknown.
    pub phone: String,
    /// Salesperson of the account.
    pub salesperson: Option<SubjectId>,
    /// Goes up with each change; 0 in what a caller says.
    pub version: i64,
}

impl Debtor {
    /// Whether a notice could reach it.
    pub fn address(&self) -> Address {
        if self.emails.is_empty() { Address::Missing } else { Address::Known }
    }
}
