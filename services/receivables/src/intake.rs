//! The one way in for documents, payments and disputes: some rows, one transaction, a result each.
//!
//! A row that is refused leaves nothing; the others are kept. A row that came before changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Call, Currency, ItemId, Money, TextId as _};
use weir_store::{Change, Tx, journal};

use chrono::NaiveDate;

use crate::{
    Receivables,
    allocation::Allocation,
    document::{Document, DocumentNumber},
    error::Error,
    item::{Item, Weight},
    ledger::{DisputeFact, Ledger, Recording},
    payment::{Advice, AllocationMode, Payment},
    refusal::Refusal,
    store::{self, document::Posted, ledger::Wanted},
};

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

/// The ledgers of some rows, and what came before under their numbers.
struct Batch {
    ledgers: BTreeMap<Owner, Ledger>,
    before: BTreeMap<Owner, Weight>,
    documents: BTreeMap<DocumentNumber, Posted<Document, PostedDocument>>,
    payments: BTreeMap<DocumentNumber, Posted<Advice, RecordedPayment>>,
    disputes: BTreeMap<String, (String, Money)>,
    /// Item ids that are taken.
    items: BTreeSet<ItemId>,
    new_documents: Vec<DocumentNumber>,
    new_payments: Vec<RecordedPayment>,
}

impl Batch {
    async fn load(tx: &mut Tx, rows: &[Row], owners: &[Option<Owner>]) -> Result<Batch, Error> {
        let mut wanted: BTreeMap<Owner, Wanted> = BTreeMap::new();
        let (mut numbers, mut payments, mut keys, mut items) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (row, owner) in rows.iter().zip(owners) {
            let Some(owner) = owner else { continue };
            let wanted = wanted.entry(owner.clone()).or_default();
            match row {
                Row::Document(document) => {
                    wanted.documents.extend(document.corrects.clone());
                    numbers.insert(document.number.clone());
                    items.extend(document.items().into_iter().map(|(id, _)| id));
                }
                Row::Payment(advice) => {
                    wanted.open_items |= advice.mode == AllocationMode::Automatic;
                    let names = advice.references.iter().map(|reference| reference.name.as_str());
                    wanted.documents.extend(names.clone().filter_map(|name| DocumentNumber::parse(name).ok()));
                    wanted.items.extend(names.filter_map(|name| ItemId::parse(name).ok()));
                    payments.extend(advice.number.clone());
                }
                Row::Dispute(order) => {
                    wanted.items.insert(order.item_id.clone());
                    keys.extend(order.key.clone());
                }
            }
        }
        // in the order of account and currency, so that two batches never wait for each other in a circle
        let mut ledgers = BTreeMap::new();
        for (owner, wanted) in wanted {
            let ledger = store::ledger::load(tx, &owner.0, owner.1, &wanted).await?;
            ledgers.insert(owner, ledger);
        }
        // after the locks: what was posted by whoever held them is seen
        Ok(Batch {
            before: ledgers.iter().map(|(owner, ledger)| (owner.clone(), ledger.total)).collect(),
            ledgers,
            documents: store::document::posted(tx, &numbers).await?,
            payments: store::document::recorded(tx, &payments).await?,
            disputes: store::document::disputed(tx, &keys).await?,
            items: store::document::items_taken(tx, &items).await?,
            new_documents: Vec::new(),
            new_payments: Vec::new(),
        })
    }

    /// Takes a row in, or leaves everything as it was.
    fn take(&mut self, row: &Row, owner: &Owner, call: &Call, recording: Recording) -> Result<Taken, Refusal> {
        let Some(ledger) = self.ledgers.get(owner) else { return Err(missing(row)) };
        let mut draft = ledger.clone();
        // one clock may lag behind another's: what is recorded later is never said to be known earlier
        let at = draft.last_recorded_at.map_or(call.at, |last| last.max(call.at));
        let recording = Recording { at, ..recording };
        let taken = match row {
            Row::Document(document) => self.post(&mut draft, document, &recording)?,
            Row::Payment(advice) => self.record(&mut draft, advice, &recording)?,
            Row::Dispute(order) => self.dispute(&mut draft, order, &recording)?,
        };
        if !taken.unchanged {
            draft.last_recorded_at = Some(at);
            self.ledgers.insert(owner.clone(), draft);
        }
        Ok(taken)
    }

    fn post(&mut self, draft: &mut Ledger, document: &Document, recording: &Recording) -> Result<Taken, Refusal> {
        let number = &document.number;
        if let Some(posted) = self.documents.get(number) {
            if posted.content != *document {
                return Err(Refusal::DocumentMismatch(number.to_string()));
            }
            return Ok(Taken { answer: Answer::Document(posted.answer.clone()), unchanged: true });
        }
        let ids: Vec<ItemId> = document.items().into_iter().map(|(id, _)| id).collect();
        if let Some(taken) = ids.iter().find(|id| self.items.contains(id)) {
            return Err(Refusal::DocumentMismatch(taken.to_string()));
        }
        let facts = draft.changes.allocations.len();
        let posted = draft.post(document, recording)?;
        let answer = PostedDocument {
            items: posted.iter().filter_map(|id| draft.items.get(id)).cloned().collect(),
            allocations: draft.changes.allocations.iter().skip(facts).cloned().collect(),
        };
        self.items.extend(ids);
        self.documents.insert(number.clone(), Posted { content: document.clone(), answer: answer.clone() });
        self.new_documents.push(number.clone());
        Ok(Taken { answer: Answer::Document(answer), unchanged: false })
    }

    fn record(&mut self, draft: &mut Ledger, advice: &Advice, recording: &Recording) -> Result<Taken, Refusal> {
        if let Some((number, recorded)) = advice.number.as_ref().and_then(|number| self.payments.get_key_value(number))
        {
            if recorded.content != *advice {
                return Err(Refusal::DocumentMismatch(number.to_string()));
            }
            return Ok(Taken { answer: Answer::Payment(Box::new(recorded.answer.clone())), unchanged: true });
        }
        let facts = draft.changes.allocations.len();
        let (id, unmatched) = draft.record(advice, recording)?;
        let payment = draft.payment(&id)?.clone();
        let allocations = draft.changes.allocations.iter().skip(facts).cloned().collect();
        let answer = RecordedPayment { payment, allocations, unmatched };
        if let Some(number) = &advice.number {
            self.payments.insert(number.clone(), Posted { content: advice.clone(), answer: answer.clone() });
        }
        self.new_payments.push(answer.clone());
        Ok(Taken { answer: Answer::Payment(Box::new(answer)), unchanged: false })
    }

    fn dispute(&mut self, draft: &mut Ledger, order: &DisputeOrder, recording: &Recording) -> Result<Taken, Refusal> {
        let item = draft.item(&order.item_id)?;
        let claim = match order.extent {
            Extent::Amount(amount) => amount,
            Extent::Whole => item.amount,
        };
        let unchanged = Taken { answer: Answer::Dispute(Box::new(item.clone())), unchanged: true };
        match order.key.as_ref().and_then(|key| self.disputes.get(key)) {
            Some((item_id, known)) if item_id == item.id.as_str() && *known == claim => return Ok(unchanged),
            Some(_) => return Err(Refusal::DocumentMismatch(order.key.clone().unwrap_or_default())),
            None if order.key.is_none() && item.dispute_claim == claim => return Ok(unchanged),
            None => {}
        }
        let key = order.key.clone().unwrap_or_else(|| recording.ids.next::<ItemId>().to_string());
        draft.dispute(DisputeFact {
            id: key.clone(),
            item_id: order.item_id.clone(),
            claim,
            reason: order.reason.clone(),
            effective_date: order.effective_date.unwrap_or(recording.today),
            recorded_at: recording.at,
            recorded_by: recording.by.clone(),
        })?;
        self.disputes.insert(key, (order.item_id.to_string(), claim));
        let item = draft.item(&order.item_id)?.clone();
        Ok(Taken { answer: Answer::Dispute(Box::new(item)), unchanged: false })
    }

    /// Keeps what the rows changed: documents, payments, ledgers, and one journal entry a ledger.
    async fn keep(mut self, tx: &mut Tx, call: &Call, kind: &'static str) -> Result<(), Error> {
        let recorded_at = |owner: &Owner| {
            let ledger = self.ledgers.get(owner);
            ledger.and_then(|ledger| ledger.last_recorded_at).unwrap_or(call.at)
        };
        let documents: Vec<_> = self
            .new_documents
            .iter()
            .filter_map(|number| self.documents.get(number))
            .map(|posted| {
                let owner = (posted.content.account_id.clone(), posted.content.currency());
                (&posted.content, &posted.answer, recorded_at(&owner))
            })
            .collect();
        store::document::post(tx, &documents, call.principal.subject.as_str()).await?;
        let payments: Vec<_> = self
            .new_payments
            .iter()
            .map(|recorded| {
                let owner = (recorded.payment.account_id.clone(), recorded.payment.currency());
                let ledger = self.ledgers.get(&owner);
                // as it stands after the whole batch
                let payment = ledger.and_then(|ledger| ledger.payments.get(&recorded.payment.id));
                (payment.unwrap_or(&recorded.payment), recorded)
            })
            .collect();
        store::document::record(tx, &payments).await?;
        for (owner, before) in self.before {
            if let Some(ledger) = self.ledgers.get_mut(&owner).filter(|ledger| !ledger.changes.is_empty()) {
                finish(tx, call, ledger, Some(before), kind).await?;
            }
        }
        Ok(())
    }
}

/// Keeps a changed ledger and tells of it.
pub(crate) async fn finish(
    tx: &mut Tx,
    call: &Call,
    ledger: &mut Ledger,
    before: Option<Weight>,
    kind: &'static str,
) -> Result<(), Error> {
    let position = store::ledger::keep(tx, ledger).await?;
    let subject = format!("{}/{}", position.account_id, position.currency);
    let change = Change {
        kind,
        subject: &subject,
        version: position.version,
        before: before.map(serde_json::to_value).transpose()?,
        after: serde_json::to_value(&position)?,
    };
    journal::append_in(tx, call, &change).await?;
    Ok(())
}
