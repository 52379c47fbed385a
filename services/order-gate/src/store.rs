//! All SQL of the gate.

mod load;
mod owners;
mod read;
mod save;

pub(crate) use load::load;
pub(crate) use owners::{Tenure, acquire, bury_all, other, partitions, prepare, recall, renew, resign};
pub(crate) use read::{HoldFilter, commitments_after, decision, decisions, dossier, hold, holds, live_after, policy};
pub(crate) use save::{dossiers, save, save_in};

use weir_store::Migration;

/// The gate's tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 100, name: "gate", sql: include_str!("migrations/0100_gate.sql") },
    Migration { version: 101, name: "owners", sql: include_str!("migrations/0101_owners.sql") },
];

/// Kinds of inputs that are not currencies.
const CREDIT: &str = "credit";
const CONDUCT: &str = "conduct";
const PATTERN: &str = "pattern";

/// Every query with a fixed text, to be prepared by a test.
#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, weir_store::Sql)> {
    [load::ALL, owners::ALL, read::ALL, save::ALL].concat()
}
