//! What the gate does by itself as days go by: a limit that starts or ends needs no news from anybody, so held orders are
//! checked again when the business date changes.

use chrono::{DateTime, NaiveDate, Utc};
use indexmap::IndexSet;
use weir_model::{Call, CorrelationId, HoldId};

use super::OrderGate;
use crate::draft::News;
use crate::engine::Ask;
use crate::error::Error;
use crate::hold::HoldState;
use crate::store::{self, HoldFilter};

/// Holds looked at in one step.
const STEP_HOLDS_MAX: i64 = 200;

/// How far the held orders have been checked for a business date. Not kept: a gate that was opened again begins anew,
/// and what finds nothing new changes nothing.
#[derive(Debug, Default)]
pub(super) struct Daily {
    date: Option<NaiveDate>,
    after: Option<(DateTime<Utc>, HoldId)>,
    is_done: bool,
}

impl OrderGate {
    /// Checks some held orders again for the present business date, oldest first; answers how many, 0 when all have been.
    pub async fn step(&self) -> Result<usize, Error> {
        let today = self.env.clock.today();
        let mut daily = self.daily.lock().await;
        if daily.date != Some(today) {
            *daily = Daily { date: Some(today), ..Daily::default() };
        }
        if daily.is_done {
            return Ok(0);
        }
        let filter = HoldFilter {
            account_id: None,
            states: vec![HoldState::Held],
            after: daily.after.clone(),
            limit: STEP_HOLDS_MAX,
        };
        let holds = store::holds(&self.env.db, &filter).await?;
        let Some(last) = holds.last() else {
            daily.is_done = true;
            return Ok(0);
        };
        let accounts: IndexSet<_> = holds.iter().map(|hold| hold.order.account_id.clone()).collect();
        let correlation_id = CorrelationId::parse("order_gate").expect("the name of a context");
        let call = Call::internal("weir.order_gate/new_day", correlation_id, self.env.clock.now(), today);
        let news = accounts.into_iter().map(News::Day).collect();
        self.engine.ask(Ask::Hear { news, bookmark: None }, call).await?;
        daily.after = Some((last.held_at, last.hold_id.clone()));
        Ok(holds.len())
    }
}
