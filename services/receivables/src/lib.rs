//! What is owed, by whom, since when: open items, payments and what of them is allocated to what, aging as of any date.
//!
//! Everything recorded is a fact that stays; running balances stand beside the facts and always equal what a rebuild
//! from them gives. Tells others by its feed; decides nothing about limits or orders.

mod aging;
mod alerts;
mod allocation;
pub mod api;
mod behaviour;
mod commands;
mod document;
mod error;
mod figures;
mod intake;
mod item;
mod ledger;
mod payment;
mod position;
mod queries;
mod refusal;
mod run;
mod schedule;
mod store;

use weir_store::{Env, Journal};

pub use error::Error;
pub use store::MIGRATIONS;

/// The receivables context.
#[derive(Debug, Clone)]
pub struct Receivables {
    env: Env,
    journal: Journal,
}

impl Receivables {
    /// Opens the context on its migrated database.
    pub async fn open(env: Env) -> Result<Self, Error> {
        let journal = Journal::start(&env.db).await?;
        Ok(Receivables { env, journal })
    }

    /// Its journal, which its feed is read from.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

#[cfg(test)]
mod tests;
