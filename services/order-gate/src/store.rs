//! All SQL of the gate.

mod countries;
mod homes;
mod load;
mod owners;
mod read;
mod save;
mod tidings;

pub(crate) use countries::{Owed, tell_totals, totals_of_others};
pub(crate) use homes::{Moved, MovedUpTo, homes_after, homes_in, letters, read_letter};
pub(crate) use load::{load, load_account, load_partitions, load_policy, load_rates};
pub(crate) use owners::{
    Tenure, admit, bury_all, enroll, followed, give, having, partitions, prepare, recall, renew, resign, seats, share,
    take,
};
pub(crate) use read::{
    HoldFilter, account_of, commitments_after, decision, decisions, dossier, hold, holds, live_after, policy,
};
pub(crate) use save::{dossiers, save, save_in};
pub(crate) use tidings::{Tidings, tidings};

use serde::{Serialize, de::DeserializeOwned};
use weir_store::{Migration, Result};

/// The gate's tables.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 100, name: "gate", sql: include_str!("migrations/0100_gate.sql") }];

/// Kinds of inputs that are not currencies.
const CREDIT: &str = "credit";
const CONDUCT: &str = "conduct";
const PATTERN: &str = "pattern";

/// Every query with a fixed text, to be prepared by a test.
#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, weir_store::Sql)> {
    [countries::ALL, homes::ALL, load::ALL, owners::ALL, read::ALL, save::ALL, tidings::ALL].concat()
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text)?)
}

fn text(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}
