//! Facts: one idempotent intake for everything sources tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Call};
use weir_store::{Change, Done, Tx, journal};

use super::profiles::json;
use crate::{
    Assessment,
    error::*,
    fact::Fact,
    store::{self, ListedFacts, RecordedFact},
};

/// What an intake did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// How many facts are new.
    pub recorded: usize,
    /// How many were known already.
    pub unchanged: usize,
}

impl Assessment {
    /// Records facts, all or none. A document recorded before changes nothing; one that says something else is refused.
    pub async fn record_facts(&self, call: &Call, facts: &[Fact]) -> Result<Done<Recorded>> {
        self.env.db.once(call, async |tx: &mut Tx| record_in(tx, call, facts).await).await
    }

    /// Facts of an account in the order they were recorded, after a sequence.
    pub async fn facts(
        &self,
        account_id: &AccountId,
        name: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<RecordedFact>> {
        Ok(store::list_facts(&self.env.db, ListedFacts { account_id, name, after, limit }).await?)
    }
}

async fn record_in(tx: &mut Tx, call: &Call, facts: &[Fact]) -> Result<Recorded> {
    let recorded = match store::record_facts_in(tx, call, facts).await? {
        Ok(recorded) => recorded,
        Err((fact, _)) => {
            return Err(Error::DocumentMismatch {
                account_id: fact.account_id.clone(),
                name: fact.name.clone(),
                source_name: fact.source.clone(),
                document_id: fact.document_id.clone(),
            });
        }
    };
    let mut by_account: BTreeMap<&AccountId, (i64, Vec<&Fact>)> = BTreeMap::new();
    for (fact, sequence) in &recorded {
        let (newest, facts) = by_account.entry(&fact.account_id).or_default();
        *newest = (*newest).max(*sequence);
        facts.push(fact);
    }
    let mut changes = Vec::with_capacity(by_account.len());
    for (account_id, (version, facts)) in by_account {
        let after = json(&facts)?;
        changes.push(Change { kind: "facts_recorded", subject: account_id.as_str(), version, before: None, after });
    }
    let entries: Vec<(&Call, &Change<'_>)> = changes.iter().map(|change| (call, change)).collect();
    journal::append_all_in(tx, &entries).await?;
    Ok(Recorded { recorded: recorded.len(), unchanged: facts.len() - recorded.len() })
}
