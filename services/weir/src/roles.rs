//! The roles a process can play: one a context.

use std::{fmt, str::FromStr};

/// A context, as a role of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Who deserves how much credit.
    Assessment,
    /// Who may owe how much.
    Limits,
    /// Which order may go.
    OrderGate,
    /// What is owed.
    Receivables,
    /// How it gets paid.
    Collections,
}

impl Role {
    /// Every role, in the order of the loop.
    pub const ALL: [Role; 5] = [Role::Assessment, Role::Limits, Role::OrderGate, Role::Receivables, Role::Collections];

    /// The role's name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Assessment => "assessment",
            Role::Limits => "limits",
            Role::OrderGate => "order-gate",
            Role::Receivables => "receivables",
            Role::Collections => "collections",
        }
    }

    /// The name of the role's database: a schema in PostgreSQL, a file in SQLite.
    pub const fn database(self) -> &'static str {
        match self {
            Role::OrderGate => "order_gate",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Role::ALL.into_iter().find(|role| role.as_str() == text || role.database() == text);
        known.ok_or_else(|| {
            let names: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
            format!("not a role; roles are {}", names.join(", "))
        })
    }
}
