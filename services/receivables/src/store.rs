//! All SQL of this context: working sets of ledgers in and out, positions, reads as of a date.

pub(crate) mod as_of;
pub(crate) mod document;
pub(crate) mod facts;
pub(crate) mod ledger;
pub(crate) mod position;
mod rows;
pub(crate) mod run;
pub(crate) mod story;

use weir_store::Migration;

/// The schema of this context.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 100, name: "receivables", sql: include_str!("migrations/0100_receivables.sql") },
    Migration { version: 101, name: "items_account", sql: include_str!("migrations/0101_items_account.sql") },
];

/// Every query of fixed text, for the test that prepares them.
#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, weir_store::Sql)> {
    [document::ALL, facts::ALL, ledger::ALL, position::ALL, run::ALL, story::ALL].concat()
}
