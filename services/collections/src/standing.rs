//! What the gate is told of an account: whether it is blocked, and its dunning level. A block is a person's word: it
//! beats everything and never lifts itself. Knows no storage.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, SubjectId};

/// A person's stop of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: SubjectId,
    /// When.
    pub at: DateTime<Utc>,
}

/// What the gate is told of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The account.
    pub account_id: AccountId,
    /// Goes up with each change; 0 when nothing was ever told.
    pub version: i64,
    /// The block, if there is one.
    pub block: Option<Block>,
    /// Highest dunning level over its currencies.
    pub dunning_level: i64,
}

impl Standing {
    /// An account of which nothing was ever told.
    pub fn none(account_id: AccountId) -> Self {
        Standing { account_id, version: 0, block: None, dunning_level: 0 }
    }
}
