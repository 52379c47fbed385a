//! The facade: one function a command or question. Loads, lets the rules decide, saves, all in one transaction.

mod cases;
mod desk;
mod learn;
mod notices;
mod pauses;
mod promises;
mod run;
mod standing;
mod strategies;
mod tasks;
mod worklist;

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use tokio::time::Instant;
use weir_model::StrategyId;
use weir_store::{Env, Journal, bookmark};

pub(crate) use cases::CaseView;
pub(crate) use learn::{HeldOrder, PositionLearned};
pub(crate) use pauses::NewPause;
pub(crate) use promises::NewPromise;
pub(crate) use worklist::{Line, WorklistFilter};

use crate::{
    Error,
    channel::Channel,
    record::StrategyRecord,
    settings::Settings,
    store::{runs, strategies as stored},
    strategy::{DEFAULT_TOML, Strategy, StrategyState},
    template::Templates,
};

/// Name of receivables' feed among the bookmarks.
pub(crate) const RECEIVABLES: &str = "receivables";
/// Name of the gate's feed among the bookmarks.
pub(crate) const ORDER_GATE: &str = "order_gate";
/// Name of the limits' feed among the bookmarks.
pub(crate) const LIMITS: &str = "limits";
/// Id of the ladder every installation begins with.
const FIRST_STRATEGY: &str = "first";
/// How long an answer may wait until it is fresh enough, where the call has no deadline of its own.
const FRESH_WITHIN: Duration = Duration::from_secs(10);

/// The collections context. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Collections {
    env: Env,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    journal: Journal,
    templates: Templates,
    channel: Channel,
}

/// How far other feeds and our own must have come before an answer is given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Position of receivables' feed.
    pub receivables: Option<i64>,
    /// Position of the gate's feed.
    pub order_gate: Option<i64>,
    /// Position of the limits' feed.
    pub limits: Option<i64>,
    /// Position of our own.
    pub collections: Option<i64>,
}

impl Collections {
    /// Opens the context over a migrated database; puts the first ladder to use if there is none.
    pub async fn open(env: Env, settings: Settings) -> Result<Self, Error> {
        let channel = Channel::new(&settings.transport)
            .map_err(|error| weir_model::Fault::invalid("transport", error.to_string()))?;
        let first = settings.first_strategy.as_deref().unwrap_or(DEFAULT_TOML);
        let first = first_strategy(first)?;
        let journal = Journal::start(&env.db).await?;
        let inner = Inner { settings, journal, templates: Templates::embedded()?, channel };
        let context = Collections { env, inner: Arc::new(inner) };
        context.put_first_strategy(first).await?;
        Ok(context)
    }

    /// The journal, which feeds are read from.
    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// What the context works with.
    pub fn env(&self) -> &Env {
        &self.env
    }

    async fn put_first_strategy(&self, strategy: Strategy) -> Result<(), Error> {
        let id = StrategyId::parse(FIRST_STRATEGY)?;
        let by = weir_model::SubjectId::parse("weir")?;
        let at = self.env.clock.now();
        let record = StrategyRecord {
            strategy_id: Some(id.clone()),
            strategy,
            state: StrategyState::Active,
            created_by: by.clone(),
            created_at: at,
            activated: Some((by, at)),
            version: 1,
        };
        self.env.db.transact(async |tx: &mut weir_store::Tx| stored::insert_first_in(tx, &id, &record).await).await
    }

    /// Waits until what was written up to there is counted here.
    pub async fn fresh(&self, freshness: Freshness) -> Result<(), Error> {
        let deadline = Instant::now() + FRESH_WITHIN;
        let followed =
            [(RECEIVABLES, freshness.receivables), (ORDER_GATE, freshness.order_gate), (LIMITS, freshness.limits)];
        for (feed, position) in followed {
            if let Some(position) = position.filter(|position| *position > 0) {
                bookmark::reached(&self.env.db, feed, position, deadline).await?;
            }
        }
        if let Some(position) = freshness.collections.filter(|position| *position > 0) {
            self.inner.journal.reached(position, deadline).await?;
        }
        Ok(())
    }

    /// The date an answer counts to: the one asked for, else that of the newest run, else today.
    async fn as_of(&self, asked: Option<NaiveDate>) -> Result<NaiveDate, Error> {
        if let Some(date) = asked {
            return Ok(date);
        }
        Ok(runs::newest(&self.env.db).await?.unwrap_or_else(|| self.env.clock.today()))
    }
}

/// Reads a ladder from TOML.
pub(crate) fn first_strategy(text: &str) -> Result<Strategy, Error> {
    let strategy: Strategy = toml::from_str(text)
        .map_err(|error| weir_model::Fault::invalid("first_strategy", error.message().to_owned()))?;
    let mut fields = weir_model::Fields::default();
    let strategy = strategy.checked("first_strategy", &mut fields);
    fields.finish()?;
    if strategy.grade.is_some() {
        return Err(weir_model::Fault::invalid("first_strategy.grade", "must be left out: it is for everybody").into());
    }
    Ok(strategy)
}
