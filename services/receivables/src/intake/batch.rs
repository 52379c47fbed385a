//! Some rows at work: their ledgers locked and loaded, what came before under their numbers, and what they come to.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::{Call, ItemId, Money, TextId as _};
use weir_store::Tx;

use super::{Answer, DisputeOrder, Extent, Owner, PostedDocument, RecordedPayment, Row, Taken, finish, missing};
use crate::{
    document::{Document, DocumentNumber},
    error::Error,
    item::Weight,
    ledger::{DisputeFact, Ledger, Recording},
    payment::{Advice, AllocationMode},
    refusal::Refusal,
    store::{self, document::Posted, ledger::Wanted},
};

/// What a row comes to.
enum Outcome {
    Unchanged(Answer),
    Changed(Answer, News),
}

/// What the rows after a row have to know of it.
enum News {
    Document(Box<Posted<Document, PostedDocument>>),
    Payment(Box<RecordedPayment>),
    Dispute { key: String, item_id: String, claim: Money },
}

/// The ledgers of some rows, and what came before under their numbers.
pub(super) struct Batch {
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
    pub(super) async fn load(tx: &mut Tx, rows: &[Row], owners: &[Option<Owner>]) -> Result<Batch, Error> {
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
    pub(super) fn take(
        &mut self,
        row: &Row,
        owner: &Owner,
        call: &Call,
        recording: Recording,
    ) -> Result<Taken, Refusal> {
        let Some(ledger) = self.ledgers.get(owner) else { return Err(missing(row)) };
        let mut draft = ledger.draft();
        // one clock may lag behind another's: what is recorded later is never said to be known earlier
        let at = draft.last_recorded_at.map_or(call.at, |last| last.max(call.at));
        let recording = Recording { at, ..recording };
        let outcome = match row {
            Row::Document(document) => self.post(&mut draft, document, &recording)?,
            Row::Payment(advice) => self.record(&mut draft, advice, &recording)?,
            Row::Dispute(order) => self.dispute(&mut draft, order, &recording)?,
        };
        let (answer, news) = match outcome {
            Outcome::Unchanged(answer) => return Ok(Taken { answer, unchanged: true }),
            Outcome::Changed(answer, news) => (answer, news),
        };
        draft.last_recorded_at = Some(at);
        if let Some(ledger) = self.ledgers.get_mut(owner) {
            ledger.adopt(draft)?;
        }
        self.learn(news);
        Ok(Taken { answer, unchanged: false })
    }

    fn post(&self, draft: &mut Ledger, document: &Document, recording: &Recording) -> Result<Outcome, Refusal> {
        let number = &document.number;
        if let Some(posted) = self.documents.get(number) {
            if posted.content != *document {
                return Err(Refusal::DocumentMismatch(number.to_string()));
            }
            return Ok(Outcome::Unchanged(Answer::Document(posted.answer.clone())));
        }
        if let Some((taken, _)) = document.items().iter().find(|(id, _)| self.items.contains(id)) {
            return Err(Refusal::DocumentMismatch(taken.to_string()));
        }
        let posted = draft.post(document, recording)?;
        let items = draft.items_of_ids(&posted);
        let answer = PostedDocument { items, allocations: draft.changes.allocations.clone() };
        let news = News::Document(Box::new(Posted { content: document.clone(), answer: answer.clone() }));
        Ok(Outcome::Changed(Answer::Document(answer), news))
    }

    fn record(&self, draft: &mut Ledger, advice: &Advice, recording: &Recording) -> Result<Outcome, Refusal> {
        if let Some((number, recorded)) = advice.number.as_ref().and_then(|number| self.payments.get_key_value(number))
        {
            if recorded.content != *advice {
                return Err(Refusal::DocumentMismatch(number.to_string()));
            }
            return Ok(Outcome::Unchanged(Answer::Payment(Box::new(recorded.answer.clone()))));
        }
        let (id, unmatched) = draft.record(advice, recording)?;
        let payment = draft.payment(&id)?.clone();
        let answer = RecordedPayment { payment, allocations: draft.changes.allocations.clone(), unmatched };
        Ok(Outcome::Changed(Answer::Payment(Box::new(answer.clone())), News::Payment(Box::new(answer))))
    }

    fn dispute(&self, draft: &mut Ledger, order: &DisputeOrder, recording: &Recording) -> Result<Outcome, Refusal> {
        let item = draft.item(&order.item_id)?;
        let claim = match order.extent {
            Extent::Amount(amount) => amount,
            Extent::Whole => item.amount,
        };
        let unchanged = Outcome::Unchanged(Answer::Dispute(Box::new(item.clone())));
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
        let item = draft.item(&order.item_id)?.clone();
        let news = News::Dispute { key, item_id: item.id.to_string(), claim };
        Ok(Outcome::Changed(Answer::Dispute(Box::new(item)), news))
    }

    /// Remembers a row for the rows after it.
    fn learn(&mut self, news: News) {
        match news {
            News::Document(posted) => {
                let number = posted.content.number.clone();
                self.items.extend(posted.content.items().into_iter().map(|(id, _)| id));
                self.new_documents.push(number.clone());
                self.documents.insert(number, *posted);
            }
            News::Payment(recorded) => {
                let content = recorded.payment.advice.clone();
                if let Some(number) = content.number.clone() {
                    self.payments.insert(number, Posted { content, answer: (*recorded).clone() });
                }
                self.new_payments.push(*recorded);
            }
            News::Dispute { key, item_id, claim } => drop(self.disputes.insert(key, (item_id, claim))),
        }
    }

    /// Keeps what the rows changed: documents, payments, ledgers, and one journal entry a ledger.
    pub(super) async fn keep(mut self, tx: &mut Tx, call: &Call, kind: &'static str) -> Result<(), Error> {
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
                let payment = ledger.and_then(|ledger| ledger.payment(&recorded.payment.id).ok());
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
