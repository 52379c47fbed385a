//! Says who deserves how much credit, and why.
//!
//! Takes in profiles and facts, follows how accounts pay and what becomes of their orders, scores them by a scorecard that
//! is data, and keeps a report that explains every point. Knows no limit in force: what it decides leaves by its feed.

pub mod altman;
pub mod api;
pub mod behaviour;
pub mod catalogue;
pub mod defaults;
pub mod error;
mod facade;
pub mod fact;
pub mod follow;
pub mod fulfilment;
pub mod grade;
pub mod input;
pub mod knockout;
pub mod outlook;
pub mod profile;
pub mod recommendation;
pub mod record;
pub mod report;
pub mod scorecard;
pub mod scoring;
pub mod statement;
mod store;
#[cfg(test)]
mod tests;
pub mod value;

pub use error::Error;
pub use facade::{AssessRequest, BEHAVIOUR_DAYS_KEPT, Piece, Recorded, VersionedProfile};
pub use store::{MIGRATIONS, PolicyRecord, RecordedFact, ScorecardRecord};

use tokio::sync::Mutex;
use weir_model::{Call, CorrelationId};
use weir_store::{Env, Journal, Tx};

/// The context: its commands and queries. Share it in an `Arc`.
#[derive(Debug)]
pub struct Assessment {
    env: Env,
    journal: Journal,
    forgetting: Mutex<facade::Forgetting>,
}

impl Assessment {
    /// Opens the context on a migrated database. Where there is no scorecard and no grade policy yet, those shipped
    /// with it are put there.
    pub async fn open(env: Env) -> Result<Self, Error> {
        let correlation_id = CorrelationId::parse("defaults").expect("printable ASCII");
        let call = Call::internal("install_defaults", correlation_id, env.clock.now(), env.clock.today());
        env.db
            .transact(async |tx: &mut Tx| -> Result<(), Error> {
                facade::install_scorecard_in(tx, &call).await?;
                facade::install_grade_policy_in(tx, &call).await
            })
            .await?;
        let journal = Journal::start(&env.db).await?;
        Ok(Assessment { env, journal, forgetting: Mutex::default() })
    }

    /// What it was given to work with.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Its journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}
