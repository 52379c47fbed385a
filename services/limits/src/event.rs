//! What the journal keeps of a change: the whole state after it.

use serde::{Deserialize, Serialize};

use crate::{account::CreditAccount, group::Group, policy::Policy, request::LimitRequest};

/// The state of what changed. Only accounts and groups concern other contexts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A credit account, without what is past.
    Account(Box<CreditAccount>),
    /// A limit request.
    Request(Box<LimitRequest>),
    /// A group.
    Group(Group),
    /// A policy.
    Policy(Box<Policy>),
}
