//! What the gate does by itself as time goes by: commitments run out; and a limit that starts or ends needs no news from
//! anybody, so held orders are checked again when the business date changes, and when the gate hears of others again
//! after it was cut off, or of other exchange rates.

use chrono::{DateTime, NaiveDate, Utc};
use indexmap::IndexSet;
use weir_model::{Call, CorrelationId, HoldId};

use super::OrderGate;
use crate::draft::News;
use crate::engine::Ask;
use crate::error::Error;
use crate::hold::HoldState;
use crate::ownership::Directory;
use crate::store::{self, HoldFilter};

/// Orders looked at in one step.
const STEP_ORDERS_MAX: i64 = 200;

/// How far a business date has been worked on. Not kept: a gate that was opened again begins anew, and what finds
/// nothing new changes nothing.
#[derive(Debug, Default)]
pub(super) struct Daily {
    date: Option<NaiveDate>,
    next: Next,
    /// What the gate knew was too old by its policy.
    was_stale: bool,
    /// How often exchange rates had been put.
    rates_put: u64,
    /// How often this process had begun to decide for partitions.
    times_here: u64,
}

/// What is next on a business date: first what has run out, for it leaves room.
#[derive(Debug, Clone, Default)]
enum Next {
    /// Partition by partition, the last first.
    Expiry {
        partitions: Vec<i64>,
        after: String,
    },
    Holds {
        after: Option<(DateTime<Utc>, HoldId)>,
    },
    #[default]
    Done,
}

impl OrderGate {
    /// Does some of what the present business date brings: commitments that have run out expire, then held orders are
    /// checked again, the oldest first. Answers how many orders it looked at, 0 when all is done and where another process
    /// decides.
    pub async fn step(&self) -> Result<usize, Error> {
        if !self.engine.is_here() {
            return Ok(0);
        }
        let (now, today) = (self.env.clock.now(), self.env.clock.today());
        let mut daily = self.daily.lock().await;
        let ages = self.engine.pulse().ages(now);
        let (is_stale, expires, rates_put) = self.engine.read(|book| {
            let policy = &book.policy.policy;
            (policy.is_stale(ages), policy.commitment_days, book.rates.puts())
        })?;
        // what was held for want of news has them now; and other rates may leave room
        let hears_again = (daily.was_stale && !is_stale) || daily.rates_put != rates_put;
        let times_here = self.engine.times_here();
        if daily.date != Some(today) || hears_again || daily.times_here != times_here {
            let partitions = self.engine.directory(Directory::here);
            let next = Next::Expiry { partitions, after: String::new() };
            *daily = Daily { date: Some(today), next, times_here, ..Daily::default() };
        }
        (daily.was_stale, daily.rates_put) = (is_stale, rates_put);
        if let (Next::Expiry { partitions, after }, Some(days)) = (&mut daily.next, expires) {
            while let Some(partition) = partitions.last() {
                let (live, last) = store::live_after(&self.env.db, (*partition, after), STEP_ORDERS_MAX).await?;
                let Some(last) = last else {
                    partitions.pop();
                    after.clear();
                    continue;
                };
                let due = live.iter().filter(|dossier| dossier.is_due_to_expire(days, today));
                self.tell(due.map(|dossier| News::Expiry(dossier.order_id.clone())).collect()).await?;
                *after = last;
                return Ok(live.len());
            }
        }
        let after = match &daily.next {
            Next::Done => return Ok(0),
            Next::Holds { after } => after.clone(),
            Next::Expiry { .. } => None,
        };
        let states = vec![HoldState::Held];
        let filter = HoldFilter { account_id: None, states, after, limit: STEP_ORDERS_MAX };
        let holds = store::holds(&self.env.db, &filter).await?;
        let accounts: IndexSet<_> = holds.iter().map(|hold| hold.order.account_id.clone()).collect();
        self.tell(accounts.into_iter().map(News::Day).collect()).await?;
        daily.next = match holds.last() {
            Some(last) => Next::Holds { after: Some((last.held_at, last.hold_id.clone())) },
            None => Next::Done,
        };
        Ok(holds.len())
    }

    /// Has the engine take in what the calendar says.
    async fn tell(&self, news: Vec<News>) -> Result<(), Error> {
        if news.is_empty() {
            return Ok(());
        }
        let correlation_id = CorrelationId::parse("order_gate").expect("the name of a context");
        let (now, today) = (self.env.clock.now(), self.env.clock.today());
        let call = Call::internal("weir.order_gate/new_day", correlation_id, now, today);
        self.engine.ask(Ask::Hear { news, bookmark: None }, call).await?;
        Ok(())
    }
}
