//! Who calls: a subject with roles and the amounts it may approve.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Currency, Money, SubjectId};

/// What a caller may do. Each rpc names the roles it lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sells: asks for limits, never approves them.
    Sales,
    /// Assesses accounts, approves limits within an authority, releases holds.
    CreditManager,
    /// Posts and allocates, manages receivables.
    Finance,
    /// Works cases: contacts, promises, disputes.
    Collector,
    /// The order pipeline: asks the gate.
    OrderPipeline,
    /// Reads everything, changes nothing.
    Viewer,
    /// Another context of this system.
    Service,
    /// Runs the system: policies, scorecards, strategies.
    Admin,
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a role: {0:?}")]
pub struct UnknownRole(String);

impl Role {
    /// Every role there is.
    pub const ALL: [Role; 8] = [
        Role::Sales,
        Role::CreditManager,
        Role::Finance,
        Role::Collector,
        Role::OrderPipeline,
        Role::Viewer,
        Role::Service,
        Role::Admin,
    ];

    /// The role's name in claims, metadata and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Sales => "sales",
            Role::CreditManager => "credit_manager",
            Role::Finance => "finance",
            Role::Collector => "collector",
            Role::OrderPipeline => "order_pipeline",
            Role::Viewer => "viewer",
            Role::Service => "service",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.chars().take(32).collect()))
    }
}

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The person or service.
    pub subject: SubjectId,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// How much it may approve or release, at most one amount a currency.
    pub authority: Vec<Money>,
}

impl Principal {
    /// A caller with roles and no authority to approve amounts.
    pub fn new(subject: SubjectId, roles: impl IntoIterator<Item = Role>) -> Self {
        Principal { subject, roles: roles.into_iter().collect(), authority: Vec::new() }
    }

    /// A context of this system calling another.
    pub fn service(name: &str) -> Self {
        let subject = SubjectId::parse(name).expect("service names are literals of printable ASCII");
        Self::new(subject, [Role::Service])
    }

    /// The same caller with authority over amounts.
    #[must_use]
    pub fn with_authority(mut self, authority: impl IntoIterator<Item = Money>) -> Self {
        self.authority.extend(authority);
        self
    }

    /// Whether the caller has a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// How much the caller may approve in a currency; nothing where no amount is named.
    pub fn authority_in(&self, currency: Currency) -> Money {
        self.authority
            .iter()
            .copied()
            .find(|amount| amount.currency() == currency)
            .unwrap_or_else(|| Money::zero(currency))
    }
}
