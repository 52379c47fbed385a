//! All SQL of the gate. One partition for now; its row says who may write and is the end of the chain of batches.

mod load;
mod read;
mod save;

pub(crate) use load::{Tenure, load, take, tenure_holds};
pub(crate) use read::{HoldFilter, commitments_after, decision, dossier, hold, holds, live_after, policy};
pub(crate) use save::{dossiers_in, save_in};

use weir_store::Migration;

/// The gate's tables.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 100, name: "gate", sql: include_str!("migrations/0100_gate.sql") }];

/// The only partition so far.
const PARTITION: i64 = 0;

/// Kinds of inputs that are not currencies.
const CREDIT: &str = "credit";
const CONDUCT: &str = "conduct";

/// Every query with a fixed text, to be prepared by a test.
#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, weir_store::Sql)> {
    [load::ALL, read::ALL, save::ALL].concat()
}
