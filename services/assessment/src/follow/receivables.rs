//! Receivables' feed: how accounts pay and what they have open, by due date.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use weir_model::{AccountId, Currency, Fields, SourceError};
use weir_store::{
    Tx,
    follow::{FeedStep, Follower, SnapshotStep, Source},
};
use weir_wire::{Peer, common::v1::EntryHeader, feed, parse, receivables::v1 as pb};

use super::{known_on, recorded_at};
use crate::{
    Assessment,
    behaviour::{Behaviour, Due, History, MonthlySales, Settled},
    error::Error,
    facade::RECEIVABLES,
    store,
};

/// Follows receivables' feed into the context's own tables.
pub fn receivables(context: &Arc<Assessment>, peer: Peer) -> Follower<ReceivablesSource> {
    Follower::new(context.env.db.clone(), RECEIVABLES, ReceivablesSource { context: context.clone(), peer })
}

/// Receivables' feed, and what its changes do here.
#[derive(Debug)]
pub struct ReceivablesSource {
    context: Arc<Assessment>,
    peer: Peer,
}

/// How an account behaves in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BehaviourChange {
    /// The account.
    pub account_id: AccountId,
    /// Goes up with each change of the account in this currency.
    pub version: i64,
    /// When receivables recorded it; none in a snapshot.
    pub recorded_at: Option<DateTime<Utc>>,
    /// The state.
    pub behaviour: Behaviour,
}

impl Source for ReceivablesSource {
    type Change = BehaviourChange;
    type Error = Error;

    async fn snapshot(
        &self,
    ) -> Result<BoxStream<'static, Result<SnapshotStep<BehaviourChange>, SourceError>>, SourceError> {
        feed::receivables::snapshot(&self.peer, |header, change| understand(header.as_ref(), &change)).await
    }

    async fn watch(
        &self,
        after: i64,
    ) -> Result<BoxStream<'static, Result<FeedStep<BehaviourChange>, SourceError>>, SourceError> {
        feed::receivables::watch(&self.peer, after, |header, change| understand(header.as_ref(), &change)).await
    }

    async fn apply_in(&self, tx: &mut Tx, change: &BehaviourChange) -> Result<(), Error> {
        let known_on = known_on(&self.context, change.recorded_at);
        Ok(store::save_behaviour_in(tx, &change.account_id, (known_on, change.version), &change.behaviour).await?)
    }
}

/// Reads a change. One that breaks the contract stops the follower: what cannot be read must not be skipped.
fn understand(header: Option<&EntryHeader>, change: &pb::Change) -> Result<Option<BehaviourChange>, SourceError> {
    let Some(pb::change::Change::Position(position)) = &change.change else { return Ok(None) };
    let mut fields = Fields::default();
    let recorded_at = recorded_at(&mut fields, header);
    let read = recorded_at.and_then(|recorded_at| read_position(&mut fields, position, recorded_at));
    fields.finish_with(read).map(Some).map_err(SourceError::failed)
}

fn read_position(
    fields: &mut Fields,
    position: &pb::PositionChange,
    recorded_at: Option<DateTime<Utc>>,
) -> Option<BehaviourChange> {
    let account_id = parse::id(fields, "account_id", &position.account_id);
    let currency = parse::currency(fields, "currency_code", &position.currency_code);
    let schedule: Option<Vec<Due>> = position.schedule.iter().map(|due| read_due(fields, due)).collect();
    let history = match &position.payment_behaviour {
        None => Some(None),
        Some(behaviour) => read_history(fields, behaviour, currency?).map(Some),
    };
    let behaviour = Behaviour { currency: currency?, history: history?, schedule: schedule? };
    Some(BehaviourChange { account_id: account_id?, version: position.version, recorded_at, behaviour })
}

fn read_due(fields: &mut Fields, due: &pb::DueAmount) -> Option<Due> {
    let due_date = parse::date(fields, "schedule.due_date", due.due_date.as_ref());
    let open = parse::money(fields, "schedule.open_amount", due.open_amount.as_ref());
    let disputed = match &due.disputed_amount {
        None => open.map(|open| weir_model::Money::zero(open.currency())),
        some => parse::money(fields, "schedule.disputed_amount", some.as_ref()),
    };
    Some(Due { due_date: due_date?, open: open?, disputed: disputed? })
}

fn read_history(fields: &mut Fields, behaviour: &pb::PaymentBehaviour, currency: Currency) -> Option<History> {
    let settled: Option<Vec<Settled>> = behaviour
        .settled
        .iter()
        .map(|settled| {
            let amount = parse::money(fields, "settled.settled_amount", settled.settled_amount.as_ref())?;
            Some(Settled { days_late: settled.days_late, item_count: settled.item_count, amount })
        })
        .collect();
    let written_off = match &behaviour.written_off_amount {
        None => Some(weir_model::Money::zero(currency)),
        some => parse::money(fields, "written_off_amount", some.as_ref()),
    };
    let sales: Option<Vec<MonthlySales>> = behaviour
        .sales
        .iter()
        .map(|sales| {
            let month = parse::date(fields, "sales.month_date", sales.month_date.as_ref())?;
            let invoiced = parse::money(fields, "sales.invoiced_amount", sales.invoiced_amount.as_ref())?;
            Some(MonthlySales { month, invoice_count: sales.invoice_count, invoiced })
        })
        .collect();
    let first = parse::optional_date(fields, "first_invoice_date", behaviour.first_invoice_date.as_ref());
    Some(History {
        settled: settled?,
        written_off: written_off?,
        overdue_item_count: behaviour.overdue_item_count,
        days_past_due_max: behaviour.days_past_due_max.into(),
        sales: sales?,
        first_invoice_date: first?,
    })
}
