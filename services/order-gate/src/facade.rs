//! The facade: one function a command or query. Commands go to the engine's task; questions read the book, or the
//! database by key.

mod holds;
mod many;
mod rates;
mod seat;
mod simulate;
mod standing;
mod work;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use tokio::time::Instant;
use weir_model::{AccountId, Call, DecisionId, HoldId, OrderId};
use weir_store::{Env, Journal};

pub use holds::{HoldOutcome, HoldQuery, ReleaseAsk};
pub use many::DecidedTogether;
pub(crate) use seat::About;
pub(crate) use simulate::Simulated;
pub use standing::AccountStanding;

use crate::check::{Circumstances, Now, check};
use crate::decision::{Decision, Followed};
use crate::dossier::{Commitment, Dossier};
use crate::draft::{Activate, Authorize, Cancel, Deliver, Settled};
use crate::engine::{Ask, Engine};
use crate::error::Error;
use crate::hold::Hold;
use crate::order::Order;
use crate::ownership::{Ownership, Partition};
use crate::policy::{Policy, PolicyVersion};
use crate::pulse::Feed;
use crate::store::{self, HoldFilter};

pub use crate::draft::{Cancel as CancelAsk, Deliver as DeliverAsk};

/// How long a caller without a deadline waits for the freshness it asked for.
pub(crate) const FRESHNESS_PATIENCE: Duration = Duration::from_secs(5);

/// Rows of a snapshot read at once.
const SNAPSHOT_PIECE: i64 = 200;

/// How fresh an answer has to be, and by when.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// Positions of the contexts the gate follows.
    pub followed: Followed,
    /// Position of the gate's own journal.
    pub own: i64,
    /// When the wait ends.
    pub deadline: Instant,
}

/// A decision and a position of the journal that holds it and all that came of it.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The position.
    pub position: i64,
}

/// What the gate would answer.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The decision it would make; without id.
    pub decision: Decision,
    /// It holds no order of this id that counts or waits: what was known of one before is left out.
    pub judged_as_new: bool,
}

/// What counts of an order after a command, and the journal's position that holds it.
#[derive(Debug, Clone)]
pub struct Committed {
    /// What counts; none while nothing passed.
    pub commitment: Option<Commitment>,
    /// The position.
    pub position: i64,
}

/// The order gate.
#[derive(Debug)]
pub struct OrderGate {
    pub(crate) env: Env,
    pub(crate) journal: Journal,
    pub(crate) engine: Engine,
    /// How far the held orders have been checked for a new day.
    daily: tokio::sync::Mutex<work::Daily>,
}

impl OrderGate {
    /// Opens the gate on a migrated database: takes its share of the partitions, reads the book and starts deciding. Calls
    /// about accounts of others are told UNAVAILABLE. Migrates nothing.
    pub async fn open(env: Env, ownership: Ownership) -> Result<Self, Error> {
        let journal = Journal::start(&env.db).await?;
        let engine = Engine::start(&env, ownership).await?;
        Ok(OrderGate { env, journal, engine, daily: tokio::sync::Mutex::default() })
    }

    /// Adds what the gate counts to a registry.
    pub fn register(&self, registry: &mut prometheus_client::registry::Registry) {
        self.engine.pulse().register(registry);
    }

    /// Waits until this process has others to pass calls on to.
    pub async fn passes_on(&self) {
        self.engine.passes_on().await;
    }

    /// Who decides for which accounts.
    pub async fn partitions(&self) -> Result<Vec<Partition>, Error> {
        Ok(store::partitions(&self.env.db).await?)
    }

    /// Decides nothing more, and lets another process take over at once.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Whether the book is in memory, of some accounts at least, and every feed has been reached once.
    pub fn ready(&self) -> bool {
        self.engine.is_here() && self.engine.pulse().all_caught_up()
    }

    /// Waits until the freshness asked for is reached.
    pub async fn fresh(&self, freshness: Option<Freshness>) -> Result<(), Error> {
        let Some(Freshness { followed, own, deadline }) = freshness else { return Ok(()) };
        self.engine.followed(followed, deadline).await?;
        self.engine.level(own, deadline).await
    }

    /// What the gate would answer, by the book alone. Writes nothing and waits for nothing.
    pub fn check_order(&self, call: &Call, order: &Order, business_date: NaiveDate) -> Result<Checked, Error> {
        self.engine.read_of(&order.account_id, |book| {
            let credit = book.accounts.get(&order.account_id).and_then(|account| account.credit.as_deref());
            let dossier = book.dossiers.get(&order.order_id);
            let now = Now { today: business_date, ages: self.engine.pulse().ages(call.at) };
            let checked = check(book, dossier.map(|d| &**d), order, now)?;
            self.engine.pulse().count(&checked.verdict);
            let circumstances = Circumstances {
                currency: credit.map(|credit| credit.currency),
                policy_version: book.policy.version,
                limit_version: credit.map_or(0, |credit| credit.version),
                based_on: book.followed,
                staleness_ms: now.ages.oldest_ms(),
                business_date,
                decided_at: call.at,
                correlation_id: dossier.map_or(&call.correlation_id, |d| &d.correlation_id).clone(),
            };
            let decision = circumstances.decision(order, checked.verdict);
            Ok(Checked { decision, judged_as_new: dossier.is_none() })
        })?
    }

    /// Checks an order and reserves it, or holds it. Once per order id and revision.
    pub async fn authorize_order(&self, call: Call, order: Order, date: NaiveDate) -> Result<Decided, Error> {
        self.decide(call, Authorize { order, business_date: date, must_be_known: false }).await
    }

    /// Puts a new revision in place of a known order.
    pub async fn amend_order(&self, call: Call, order: Order, date: NaiveDate) -> Result<Decided, Error> {
        self.decide(call, Authorize { order, business_date: date, must_be_known: true }).await
    }

    async fn decide(&self, call: Call, ask: Authorize) -> Result<Decided, Error> {
        let settled = self.engine.ask(Ask::Authorize(Box::new(ask)), call).await?;
        self.given(settled).await
    }

    /// The decision that came of a command, or was given before.
    async fn given(&self, settled: Settled) -> Result<Decided, Error> {
        match settled {
            Settled { decision: Some(decision), position, .. } => Ok(Decided { decision, position }),
            Settled { given_before: Some(decision_id), position, .. } => {
                Ok(Decided { decision: self.decision(&decision_id).await?, position })
            }
            _ => Err(Error::Unavailable),
        }
    }

    /// Takes back what is not delivered of an order: everything, or up to an amount of single lines.
    pub async fn cancel_order(&self, call: Call, ask: Cancel) -> Result<Committed, Error> {
        self.commit(call, Ask::Cancel(ask)).await
    }

    /// Counts a delivery, once.
    pub async fn record_delivery(&self, call: Call, ask: Deliver) -> Result<Committed, Error> {
        self.commit(call, Ask::Deliver(ask)).await
    }

    async fn commit(&self, call: Call, ask: Ask) -> Result<Committed, Error> {
        let Settled { commitment, position, .. } = self.engine.ask(ask, call).await?;
        Ok(Committed { commitment, position })
    }

    /// A recorded decision.
    pub async fn decision(&self, decision_id: &DecisionId) -> Result<Decision, Error> {
        let found = store::decision(&self.env.db, decision_id).await?;
        found.ok_or_else(|| Error::not_found("decision", decision_id))
    }

    /// What counts of an order, and its open hold.
    pub async fn commitment(&self, order_id: &OrderId) -> Result<(Option<Commitment>, Option<Hold>), Error> {
        let of = |dossier: &Dossier| (dossier.commitment(), dossier.waiting.as_deref().cloned());
        if let Some(found) = self.engine.read(|book| book.dossiers.get(order_id).map(|dossier| of(dossier)))? {
            return Ok(found);
        }
        let found = store::dossier(&self.env.db, order_id).await?.filter(|dossier| dossier.answered.is_some());
        found.map(|dossier| of(&dossier)).ok_or_else(|| Error::not_found("order", order_id))
    }

    /// How an account stands.
    pub fn standing(&self, call: &Call, account_id: &AccountId, date: NaiveDate) -> Result<AccountStanding, Error> {
        let staleness_ms = self.engine.pulse().ages(call.at).oldest_ms();
        self.engine.read_of(account_id, |book| standing::standing(book, account_id, date, staleness_ms))?
    }

    /// A version of the policy; the one in force when none is named.
    pub async fn policy(&self, version: Option<i64>) -> Result<Arc<PolicyVersion>, Error> {
        let present = self.engine.read(|book| book.policy.clone())?;
        match version {
            Some(version) if version != present.version => {
                let found = store::policy(&self.env.db, version).await?;
                found.map(Arc::new).ok_or_else(|| Error::not_found("policy version", version))
            }
            _ => Ok(present),
        }
    }

    /// Puts a policy in force for the decisions that follow.
    pub async fn activate_policy(
        &self,
        call: Call,
        (policy, present_version, reason): (Policy, Option<i64>, String),
    ) -> Result<(Arc<PolicyVersion>, i64), Error> {
        let ask = Activate { policy, present_version, reason };
        match self.engine.ask(Ask::Activate(Box::new(ask)), call).await? {
            Settled { policy: Some(policy), position, .. } => Ok((policy, position)),
            _ => Err(Error::Unavailable),
        }
    }

    /// The policy as it would be activated; changes nothing.
    pub async fn validate_policy(
        &self,
        call: &Call,
        (policy, present_version, reason): (Policy, Option<i64>, String),
    ) -> Result<PolicyVersion, Error> {
        let present = self.policy(None).await?.version;
        if present_version.is_some_and(|version| version != present) {
            return Err(Error::EtagMismatch { present });
        }
        let activated_by = call.principal.subject.clone();
        Ok(PolicyVersion { version: present + 1, policy, activated_by, activated_at: call.at, reason })
    }

    /// What counts or counted of the next orders, for a snapshot; and the id to go on after.
    pub(crate) async fn commitments_after(&self, after: &str) -> Result<(Vec<Commitment>, Option<String>), Error> {
        Ok(store::commitments_after(&self.env.db, after, SNAPSHOT_PIECE).await?)
    }

    /// The next holds in any state, for a snapshot.
    pub(crate) async fn holds_after(&self, after: Option<(DateTime<Utc>, HoldId)>) -> Result<Vec<Hold>, Error> {
        let filter = HoldFilter { account_id: None, states: Vec::new(), after, limit: SNAPSHOT_PIECE };
        Ok(store::holds(&self.env.db, &filter).await?)
    }

    /// Heard of a feed while level with it.
    pub(crate) fn caught_up(&self, feed: Feed) {
        self.engine.pulse().caught_up(feed, self.env.clock.now());
    }
}
