//! Commands on what was posted: allocate, take back, cancel. Each is one transaction under its account's position.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{AllocationId, Call, ItemId, Money, PaymentId};
use weir_store::{Done, Tx};

use crate::{
    Receivables,
    allocation::{Allocation, Source},
    document::DocumentNumber,
    error::Error,
    intake::{Answer, DisputeOrder, Owner, PostedDocument, RecordedPayment, Row, finish},
    item::Item,
    ledger::{Ledger, Recording},
    payment::{Advice, Payment},
    refusal::Refusal,
    store::{self, ledger::Wanted},
};

/// An allocation and its item after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allocated {
    pub allocation: Allocation,
    pub item: Item,
}

/// A payment taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReversedPayment {
    pub payment: Payment,
    pub reversals: Vec<Allocation>,
    pub items: Vec<Item>,
}

fn not_found(what: &'static str, id: &(impl ToString + ?Sized)) -> Error {
    Refusal::not_found(what, id).into()
}

impl Receivables {
    /// Posts a document.
    pub(crate) async fn post(
        &self,
        call: &Call,
        document: crate::document::Document,
        kind: &'static str,
    ) -> Result<Done<PostedDocument>, Error> {
        let row = Row::Document(document);
        self.env
            .db
            .once(call, async |tx: &mut Tx| match self.take_one(tx, call, &row, kind).await? {
                Answer::Document(posted) => Ok(posted),
                _ => Err(not_found("document", "")),
            })
            .await
    }

    /// Records a payment and allocates it.
    pub(crate) async fn record(&self, call: &Call, advice: Advice) -> Result<Done<RecordedPayment>, Error> {
        let row = Row::Payment(advice);
        self.env
            .db
            .once(call, async |tx: &mut Tx| match self.take_one(tx, call, &row, "payment_recorded").await? {
                Answer::Payment(recorded) => Ok(*recorded),
                _ => Err(not_found("payment", "")),
            })
            .await
    }

    /// Takes in rows in bulk; for each whether it was there already, or why it was refused.
    pub(crate) async fn import(&self, call: &Call, rows: &[Row]) -> Result<Done<Vec<Result<bool, Refusal>>>, Error> {
        let done = self.env.db.once(call, async |tx: &mut Tx| {
            let taken = self.take_in(tx, call, rows, "receivables_imported").await?;
            Ok::<_, Error>(taken.into_iter().map(|row| row.map(|taken| taken.unchanged)).collect::<Vec<_>>())
        });
        done.await
    }

    /// Sets how much of an item is disputed.
    pub(crate) async fn dispute(&self, call: &Call, order: DisputeOrder) -> Result<Done<Item>, Error> {
        let row = Row::Dispute(order);
        self.env
            .db
            .once(call, async |tx: &mut Tx| match self.take_one(tx, call, &row, "dispute_set").await? {
                Answer::Dispute(item) => Ok(*item),
                _ => Err(not_found("item", "")),
            })
            .await
    }

    /// Allocates unapplied credit to an item.
    pub(crate) async fn allocate(
        &self,
        call: &Call,
        source: Source,
        item_id: ItemId,
        amount: Option<Money>,
        on: Option<NaiveDate>,
    ) -> Result<Done<Allocated>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let owner = store::ledger::locate_item(tx, &item_id).await?;
                let owner = owner.ok_or_else(|| not_found("item", &item_id))?;
                let mut wanted = Wanted::default();
                wanted.items.insert(item_id.clone());
                match &source {
                    Source::Payment(id) => drop(wanted.payments.insert(id.clone())),
                    Source::CreditNote(id) | Source::Cancellation(id) => drop(wanted.items.insert(id.clone())),
                }
                self.change(tx, call, &owner, &wanted, "credit_allocated", |ledger, recording| {
                    let on = on.unwrap_or(recording.today);
                    let allocation = ledger.allocate(source.clone(), &item_id, amount, on, recording)?;
                    Ok(Allocated { allocation, item: ledger.item(&item_id)?.clone() })
                })
                .await
            })
            .await
    }

    /// Takes an allocation back.
    pub(crate) async fn reverse_allocation(
        &self,
        call: &Call,
        id: AllocationId,
        on: Option<NaiveDate>,
    ) -> Result<Done<Allocated>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let found = store::ledger::locate_allocation(tx, &id).await?;
                let (owner, wanted) = found.ok_or_else(|| not_found("allocation", &id))?;
                self.change(tx, call, &owner, &wanted, "allocation_reversed", |ledger, recording| {
                    let on = on.unwrap_or(recording.today);
                    let allocation = ledger.reverse_allocation(&id, on, recording)?;
                    let item = ledger.item(&allocation.item_id)?.clone();
                    Ok(Allocated { allocation, item })
                })
                .await
            })
            .await
    }

    /// Takes a payment back with everything allocated of it.
    pub(crate) async fn reverse_payment(
        &self,
        call: &Call,
        id: PaymentId,
        reason: String,
        on: Option<NaiveDate>,
    ) -> Result<Done<ReversedPayment>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let owner = store::ledger::locate_payment(tx, &id).await?;
                let owner = owner.ok_or_else(|| not_found("payment", &id))?;
                let mut wanted = Wanted::default();
                wanted.paid_by.insert(id.clone());
                self.change(tx, call, &owner, &wanted, "payment_reversed", |ledger, recording| {
                    let on = on.unwrap_or(recording.today);
                    let reversals = ledger.reverse_payment(&id, &reason, on, recording)?;
                    let items = ledger.items_of_ids(&ledger.changes.items);
                    Ok(ReversedPayment { payment: ledger.payment(&id)?.clone(), reversals, items })
                })
                .await
            })
            .await
    }

    /// Cancels a document as a whole.
    pub(crate) async fn cancel(
        &self,
        call: &Call,
        number: DocumentNumber,
        reason: String,
        on: Option<NaiveDate>,
    ) -> Result<Done<Vec<Item>>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let owner = store::ledger::locate_document(tx, &number).await?;
                let document = store::document::document(tx, &number).await?;
                let (owner, document) = owner.zip(document).ok_or_else(|| not_found("document", &number))?;
                let mut wanted = Wanted::default();
                wanted.documents.insert(number.clone());
                let on = on.unwrap_or(call.today);
                let cancelled = self.change(tx, call, &owner, &wanted, "document_cancelled", |ledger, recording| {
                    let items = ledger.cancel(&number, &document, on, recording)?;
                    Ok(ledger.items_of_ids(&items))
                });
                let items = cancelled.await?;
                // under the position's lock: nobody else cancels it meanwhile
                store::facts::cancel(tx, &number, &reason, on, &self.recording(call)).await?;
                Ok(items)
            })
            .await
    }

    /// Locks and loads a ledger, changes it by a step, keeps it and tells of it.
    pub(crate) async fn change<T>(
        &self,
        tx: &mut Tx,
        call: &Call,
        (account_id, currency): &Owner,
        wanted: &Wanted,
        kind: &'static str,
        step: impl FnOnce(&mut Ledger, &Recording) -> Result<T, Refusal>,
    ) -> Result<T, Error> {
        let mut ledger = store::ledger::load(tx, account_id, *currency, wanted).await?;
        let before = ledger.total;
        let mut recording = self.recording(call);
        recording.at = ledger.last_recorded_at.map_or(call.at, |last| last.max(call.at));
        let value = step(&mut ledger, &recording)?;
        if !ledger.changes.is_empty() {
            ledger.last_recorded_at = Some(recording.at);
            finish(tx, call, &mut ledger, Some(before), kind).await?;
        }
        Ok(value)
    }
}
