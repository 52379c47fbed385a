//! The order gate's feed: what became of orders, once they are closed.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use weir_model::{AccountId, Fields, OrderId, SourceError};
use weir_store::{
    Tx,
    follow::{FeedStep, Follower, SnapshotStep, Source},
};
use weir_wire::{
    Peer,
    common::v1::EntryHeader,
    feed,
    order_gate::v1::{self as pb, CommitmentState},
    parse,
};

use super::{known_on, recorded_at};
use crate::{
    Assessment,
    error::Error,
    facade::ORDER_GATE,
    fulfilment::{Fulfilment, Line},
    store,
};

/// Follows the order gate's feed into the context's own tables.
pub fn order_gate(context: &Arc<Assessment>, peer: Peer) -> Follower<OrderGateSource> {
    Follower::new(context.env.db.clone(), ORDER_GATE, OrderGateSource { context: context.clone(), peer })
}

/// The order gate's feed, and what its changes do here.
#[derive(Debug)]
pub struct OrderGateSource {
    context: Arc<Assessment>,
    peer: Peer,
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderChange {
    /// The order.
    pub order_id: OrderId,
    /// The account.
    pub account_id: AccountId,
    /// Goes up with each change of the order.
    pub version: i64,
    /// When the gate recorded it; none in a snapshot.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Whether nothing of it is left to come.
    pub closed: bool,
    /// What was ordered and what came of it.
    pub fulfilment: Fulfilment,
}

impl Source for OrderGateSource {
    type Change = OrderChange;
    type Error = Error;

    async fn snapshot(
        &self,
    ) -> Result<BoxStream<'static, Result<SnapshotStep<OrderChange>, SourceError>>, SourceError> {
        feed::order_gate::snapshot(&self.peer, |header, change| understand(header.as_ref(), &change)).await
    }

    async fn watch(
        &self,
        after: i64,
    ) -> Result<BoxStream<'static, Result<FeedStep<OrderChange>, SourceError>>, SourceError> {
        feed::order_gate::watch(&self.peer, after, |header, change| understand(header.as_ref(), &change)).await
    }

    async fn apply_in(&self, tx: &mut Tx, change: &OrderChange) -> Result<(), Error> {
        let closed_on = change.closed.then(|| known_on(&self.context, change.recorded_at));
        let ids = (&change.order_id, &change.account_id);
        Ok(store::save_order_in(tx, ids, change.version, &change.fulfilment, closed_on).await?)
    }
}

/// Reads a commitment; decisions and holds concern nobody here. One that breaks the contract stops the follower: what
/// cannot be read must not be skipped.
fn understand(header: Option<&EntryHeader>, change: &pb::Change) -> Result<Option<OrderChange>, SourceError> {
    let Some(pb::change::Change::Commitment(commitment)) = &change.change else { return Ok(None) };
    let mut fields = Fields::default();
    let recorded_at = recorded_at(&mut fields, header);
    let read = recorded_at.and_then(|recorded_at| read(&mut fields, commitment, recorded_at));
    fields.finish_with(read).map(Some).map_err(SourceError::failed)
}

fn read(fields: &mut Fields, commitment: &pb::Commitment, recorded_at: Option<DateTime<Utc>>) -> Option<OrderChange> {
    let order_id = parse::id(fields, "order_id", &commitment.order_id);
    let account_id = parse::id(fields, "account_id", &commitment.account_id);
    let state: Option<CommitmentState> = parse::one_of(fields, "state", commitment.state);
    let ordered = parse::money(fields, "ordered_amount", commitment.ordered_amount.as_ref());
    let lines: Option<Vec<Line>> = commitment.lines.iter().map(|line| read_line(fields, line)).collect();
    let fulfilment = match Fulfilment::of_order(ordered?.currency(), &lines?) {
        Ok(fulfilment) => Some(fulfilment),
        Err(error) => {
            fields.add("lines", error.to_string());
            None
        }
    };
    Some(OrderChange {
        order_id: order_id?,
        account_id: account_id?,
        version: commitment.version,
        recorded_at,
        closed: state? != CommitmentState::Live,
        fulfilment: fulfilment?,
    })
}

fn read_line(fields: &mut Fields, line: &pb::CommitmentLine) -> Option<Line> {
    let ordered = parse::money(fields, "lines.ordered_amount", line.ordered_amount.as_ref());
    let delivered = parse::money(fields, "lines.delivered_amount", line.delivered_amount.as_ref());
    let invoiced = parse::money(fields, "lines.invoiced_amount", line.invoiced_amount.as_ref());
    Some(Line { ordered: ordered?, delivered: delivered?, invoiced: invoiced? })
}
