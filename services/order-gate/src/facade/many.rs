//! Many orders at once: one after the other on a stream, or together.

use chrono::NaiveDate;
use hashbrown::HashMap;
use weir_model::{Call, DecisionId};

use super::{Decided, OrderGate};
use crate::decision::Decision;
use crate::draft::{Authorize, AuthorizeTogether, Given, Settled, Together};
use crate::engine::{Ask, Pending};
use crate::error::Error;
use crate::order::Order;
use crate::store;

/// What came of orders that pass together or not at all.
#[derive(Debug, Clone)]
pub struct DecidedTogether {
    /// Whether all of them passed; otherwise nothing changed.
    pub reserved: bool,
    /// What was decided on each, or would have been: then without id.
    pub decisions: Vec<Decision>,
    /// The journal's position that holds them.
    pub position: i64,
}

impl OrderGate {
    /// Asks for an order of a stream to pass, as [`OrderGate::authorize_order`], without waiting for the answer: orders
    /// are decided as they were lined up. Waits where too many calls do.
    pub(crate) async fn line_up(&self, call: Call, order: Order, business_date: NaiveDate) -> Result<Pending, Error> {
        let place = self.engine.streamed_place().await?;
        let ask = Authorize { order, business_date, must_be_known: false };
        self.engine.line_up(place, Ask::Authorize(Box::new(ask)), call)
    }

    /// Waits for the durable answer to an order that was lined up.
    pub(crate) async fn decided(&self, pending: Pending) -> Result<Decided, Error> {
        let settled = pending.answer().await?;
        self.given(settled).await
    }

    /// Checks orders, each once, and reserves all of them or none. Once per request id, and per order id and revision.
    pub async fn authorize_together(
        &self,
        call: Call,
        orders: Vec<Order>,
        business_date: NaiveDate,
    ) -> Result<DecidedTogether, Error> {
        let ask = AuthorizeTogether::new(orders, business_date);
        let settled = self.engine.ask(Ask::AuthorizeTogether(ask), call).await?;
        let Settled { together: Some(Together { reserved, decisions }), position, .. } = settled else {
            return Err(Error::Unavailable);
        };
        let recorded = decisions.iter().filter_map(|given| match given {
            Given::Now(_) => None,
            Given::Recorded(decision_id) => Some(decision_id.clone()),
        });
        let mut recorded = self.all_recorded(recorded.collect()).await?;
        let decisions = decisions.into_iter().map(|given| match given {
            Given::Now(decision) => Ok(*decision),
            Given::Recorded(id) => recorded.remove(&id).ok_or_else(|| Error::not_found("decision", &id)),
        });
        Ok(DecidedTogether { reserved, decisions: decisions.collect::<Result<_, _>>()?, position })
    }

    async fn all_recorded(&self, ids: Vec<DecisionId>) -> Result<HashMap<DecisionId, Decision>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        Ok(store::decisions(&self.env.db, &ids).await?)
    }
}
