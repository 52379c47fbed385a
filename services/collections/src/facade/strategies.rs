//! Strategies: made as drafts, put to use one a grade.

use weir_model::{Call, StrategyId};
use weir_store::{Done, Tx};

use super::Collections;
use crate::{
    Error,
    record::StrategyRecord,
    store::{Notes, Page, strategies as stored},
    strategy::{Strategy, StrategyState},
};

impl Collections {
    /// What [`create_strategy`](Self::create_strategy) would make.
    pub fn draft_strategy(&self, call: &Call, strategy: Strategy) -> StrategyRecord {
        StrategyRecord {
            strategy_id: None,
            strategy,
            state: StrategyState::Draft,
            created_by: call.principal.subject.clone(),
            created_at: call.at,
            activated: None,
            version: 1,
        }
    }

    /// Makes a checked strategy as a draft.
    pub async fn create_strategy(&self, call: &Call, strategy: Strategy) -> Result<Done<StrategyRecord>, Error> {
        let draft = self.draft_strategy(call, strategy);
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let id: StrategyId = self.env.ids.next();
                let record = StrategyRecord { strategy_id: Some(id.clone()), ..draft.clone() };
                stored::insert_in(tx, &id, &record).await?;
                let mut notes = Notes::default();
                notes.add(call, "strategy_created", id.as_str(), record.version, (None, &record))?;
                notes.write_in(tx).await?;
                Ok::<_, Error>(record)
            })
            .await
    }

    /// Puts a draft to use and retires the active strategy of the same grade.
    pub async fn activate_strategy(&self, call: &Call, id: &StrategyId) -> Result<Done<StrategyRecord>, Error> {
        self.env.db.once(call, async |tx: &mut Tx| self.activate_strategy_in(tx, call, id).await).await
    }

    async fn activate_strategy_in(&self, tx: &mut Tx, call: &Call, id: &StrategyId) -> Result<StrategyRecord, Error> {
        stored::lock_policy_in(tx).await?;
        let before = stored::get_in(tx, id).await?.ok_or_else(|| unknown(id))?;
        if before.state != StrategyState::Draft {
            let state = before.state.as_str();
            return Err(Error::WrongState { what: "strategy", id: id.to_string(), state });
        }
        let mut notes = Notes::default();
        for retired in stored::retire_in(tx, before.strategy.grade).await? {
            if let Some(record) = stored::get_in(tx, &retired).await? {
                notes.add(call, "strategy_retired", retired.as_str(), record.version, (None, &record))?;
            }
        }
        let record = StrategyRecord {
            state: StrategyState::Active,
            activated: Some((call.principal.subject.clone(), call.at)),
            version: before.version + 1,
            ..before.clone()
        };
        stored::activate_in(tx, id, &record).await?;
        notes.add(call, "strategy_activated", id.as_str(), record.version, (Some(&before), &record))?;
        notes.write_in(tx).await?;
        Ok(record)
    }

    /// One strategy.
    pub async fn get_strategy(&self, id: &StrategyId) -> Result<StrategyRecord, Error> {
        stored::get(&self.env.db, id).await?.ok_or_else(|| unknown(id))
    }

    /// Strategies, newest first.
    pub async fn list_strategies(
        &self,
        state: Option<StrategyState>,
        page: &Page<stored::Key>,
    ) -> Result<Vec<StrategyRecord>, Error> {
        stored::list(&self.env.db, state, page).await
    }
}

fn unknown(id: &StrategyId) -> Error {
    Error::NotFound { what: "strategy", id: id.to_string() }
}
