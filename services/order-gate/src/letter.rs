//! What one partition has to tell another. A letter is written in the transaction that makes it true and is gone in the
//! one in which it takes effect, so it takes effect once, whoever owns the partitions by then.

use serde::{Deserialize, Serialize};
use weir_model::AccountId;

use crate::decision::Followed;
use crate::draft::Invoiced;

/// What one partition has to tell another.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Letter {
    /// An account lies here now; what is stored of it goes as far as this.
    Moved {
        /// The account.
        account_id: AccountId,
        /// How far the feeds of others are taken in.
        followed: Followed,
    },
    /// A line of an order that is decided here was invoiced to an account that is not.
    Invoiced {
        /// The account invoiced.
        account_id: AccountId,
        /// The line, and how much of it that account is invoiced in all.
        line: Invoiced,
    },
}

/// A letter to a partition.
#[derive(Debug, Clone)]
pub(crate) struct Addressed {
    pub(crate) partition: i64,
    pub(crate) letter: Letter,
}
