//! The one way in for documents, payments and disputes: some rows, one transaction, a result each.
//!
//! A row that is refused leaves nothing; the others are kept. A row that came before changes nothing.

mod batch;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Call, Currency, ItemId, Money};
use weir_store::{Change, Tx, journal};

use chrono::NaiveDate;

use crate::{
    Receivables,
    allocation::Allocation,
    document::Document,
    error::Error,
    item::{Item, Weight},
    ledger::{Ledger, Recording},
    payment::{Advice, Payment},
    refusal::Refusal,
    store,
};
use batch::Batch;

/// How much of an item is disputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// This much; zero ends the dispute.
    Amount(Money),
    /// All of it.
    Whole,
}

/// A dispute to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisputeOrder {
    pub account_id: AccountId,
    pub item_id: ItemId,
    pub extent: Extent,
    pub reason: String,
    pub effective_date: Option<NaiveDate>,
    pub key: Option<String>,
}

/// What comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row {
    Document(Document),
    Payment(Advice),
    Dispute(DisputeOrder),
}

/// What was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostedDocument {
    pub items: Vec<Item>,
    pub allocations: Vec<Allocation>,
}

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedPayment {
    pub payment: Payment,
    pub allocations: Vec<Allocation>,
    pub unmatched: Vec<String>,
}

/// What a row's sender is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Document(PostedDocument),
    Payment(Box<RecordedPayment>),
    Dispute(Box<Item>),
}

/// What became of a row that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub answer: Answer,
    /// It was there already.
    pub unchanged: bool,
}

/// Account and currency: what is locked, loaded and kept as one.
pub(crate) type Owner = (AccountId, Currency);

impl Receivables {
    /// Takes rows in; returns what became of each.
    pub(crate) async fn take_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        rows: &[Row],
        kind: &'static str,
    ) -> Result<Vec<Result<Taken, Refusal>>, Error> {
        let owners = owners(tx, rows).await?;
        let mut batch = Batch::load(tx, rows, &owners).await?;
        let mut results = Vec::with_capacity(rows.len());
        for (row, owner) in rows.iter().zip(&owners) {
            let Some(owner) = owner else {
                results.push(Err(missing(row)));
                continue;
            };
            results.push(batch.take(row, owner, call, self.recording(call)));
        }
        batch.keep(tx, call, kind).await?;
        Ok(results)
    }

    /// Takes one row in, for an rpc.
    pub(crate) async fn take_one(
        &self,
        tx: &mut Tx,
        call: &Call,
        row: &Row,
        kind: &'static str,
    ) -> Result<Answer, Error> {
        let mut results = self.take_in(tx, call, std::slice::from_ref(row), kind).await?;
        let taken = results.pop().ok_or_else(|| Error::from(weir_store::Error::NotFound))??;
        Ok(taken.answer)
    }

    pub(crate) fn recording(&self, call: &Call) -> Recording {
        Recording {
            at: call.at,
            today: call.today,
            by: call.principal.subject.clone(),
            correlation_id: call.correlation_id.to_string(),
            ids: self.env.ids.clone(),
        }
    }
}

fn missing(row: &Row) -> Refusal {
    let id = match row {
        Row::Dispute(order) => order.item_id.to_string(),
        Row::Document(document) => document.number.to_string(),
        Row::Payment(advice) => advice.account_id.to_string(),
    };
    Refusal::not_found("item", &id)
}

/// Whose each row is; none for a dispute about an item that is not the account's.
async fn owners(tx: &mut Tx, rows: &[Row]) -> Result<Vec<Option<Owner>>, Error> {
    let mut coming: BTreeMap<ItemId, Owner> = BTreeMap::new();
    let mut owners = Vec::with_capacity(rows.len());
    for row in rows {
        owners.push(match row {
            Row::Document(document) => {
                let owner = (document.account_id.clone(), document.currency());
                coming.extend(document.items().into_iter().map(|(id, _)| (id, owner.clone())));
                Some(owner)
            }
            Row::Payment(advice) => Some((advice.account_id.clone(), advice.amount.currency())),
            Row::Dispute(order) => {
                let owner = match coming.get(&order.item_id) {
                    Some(owner) => Some(owner.clone()),
                    None => store::ledger::locate_item(tx, &order.item_id).await?,
                };
                owner.filter(|(account_id, _)| *account_id == order.account_id)
            }
        });
    }
    Ok(owners)
}

/// Keeps a changed ledger and tells of it, in as many entries as it takes to tell of all items.
pub(crate) async fn finish(
    tx: &mut Tx,
    call: &Call,
    ledger: &mut Ledger,
    before: Option<Weight>,
    kind: &'static str,
) -> Result<(), Error> {
    let position = store::ledger::keep(tx, ledger).await?;
    let subject = format!("{}/{}", position.account_id, position.currency);
    let mut before = before.map(serde_json::to_value).transpose()?;
    for part in position.parts() {
        let after = serde_json::to_value(&part)?;
        let change = Change { kind, subject: &subject, version: part.version, before: before.take(), after };
        journal::append_in(tx, call, &change).await?;
    }
    Ok(())
}
