//! Steps on documents: post, correct, cancel, dispute.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use weir_model::{AllocationId, ItemId, LineId, Money, OrderId};

use super::{DisputeFact, Ledger, Recording};
use crate::{
    alerts,
    allocation::{Allocation, Source},
    document::{Document, DocumentNumber},
    item::{Item, ItemKind},
    refusal::Refusal,
};

impl Ledger {
    /// Posts a document: its items, what it invoices of orders, and, for a credit note, what it corrects.
    pub(crate) fn post(&mut self, document: &Document, recording: &Recording) -> Result<Vec<ItemId>, Refusal> {
        let posting_date = document.posting_date(recording.today);
        let is_credit = document.kind == ItemKind::CreditNote;
        let corrected = match &document.corrects {
            Some(number) => self.items_of(number)?,
            None => Vec::new(),
        };
        let inherited = corrected.first().and_then(|id| self.items.get(id)).map(|item| item.correlation_id.clone());
        let correlation_id = match &document.correlation_id {
            Some(id) => id.to_string(),
            None => inherited.unwrap_or_else(|| recording.correlation_id.clone()),
        };
        let mut posted = Vec::with_capacity(document.rows.len());
        for (id, row) in document.items() {
            let next_alert_date = if is_credit { None } else { alerts::next_date(row.due_date, 0, None) };
            posted.push(id.clone());
            self.add_item(Item {
                id,
                account_id: self.account_id.clone(),
                kind: document.kind,
                document_number: document.number.clone(),
                document_date: document.document_date,
                posting_date,
                due_date: row.due_date,
                amount: row.amount,
                open: row.amount,
                dispute_claim: Money::zero(self.currency),
                settled_date: None,
                settled_days_late: None,
                cancelled_date: None,
                restored_date: None,
                order_id: document.order().cloned(),
                attributes: document.attributes.clone(),
                correlation_id: correlation_id.clone(),
                recorded_at: recording.at,
                recorded_by: recording.by.clone(),
                version: 1,
                alerts_fired: 0,
                next_alert_date,
            })?;
        }
        for line in &document.lines {
            self.add_invoiced(line.order_id.clone(), line.line_id.clone(), line.amount)?;
        }
        self.add_sale(document.kind, document.document_date, document.amount, 1)?;
        if document.kind == ItemKind::Invoice {
            self.changes.behaviour.first_invoice_date = match self.changes.behaviour.first_invoice_date {
                Some(known) => Some(known.min(document.document_date)),
                None => Some(document.document_date),
            };
        }
        if let Some(note) = posted.first().filter(|_| is_credit) {
            self.correct(note, &corrected, recording)?;
        }
        Ok(posted)
    }

    /// Gives a credit note's amount to the items it corrects, oldest due first.
    fn correct(&mut self, note: &ItemId, corrected: &[ItemId], recording: &Recording) -> Result<(), Refusal> {
        for id in corrected {
            let (item, credit) = (self.item(id)?, self.item(note)?);
            let amount = Money::new(item.open.minor().min(credit.open.minor()), self.currency);
            if amount.is_positive() {
                let first = item.allocatable_from().max(credit.allocatable_from());
                self.apply(Allocation {
                    id: recording.ids.next::<AllocationId>(),
                    item_id: id.clone(),
                    source: Source::CreditNote(note.clone()),
                    amount,
                    reverses: None,
                    effective_date: first,
                    recorded_at: recording.at,
                    recorded_by: recording.by.clone(),
                })?;
            }
        }
        Ok(())
    }

    /// Cancels a document nothing is allocated to, from a date.
    pub(crate) fn cancel(
        &mut self,
        number: &DocumentNumber,
        document: &Document,
        on: NaiveDate,
        recording: &Recording,
    ) -> Result<Vec<ItemId>, Refusal> {
        let items = self.items_of(number)?;
        for id in &items {
            let item = self.item(id)?;
            if item.is_credit() {
                return Err(Refusal::WrongState(format!("{number} is a credit note: its credit may be in use")));
            }
            if item.cancelled_date.is_some() {
                return Err(Refusal::WrongState(format!("{number} is cancelled already")));
            }
            if item.open != item.amount {
                return Err(Refusal::WrongState(format!("{number} has allocations: reverse them first")));
            }
            if on < item.allocatable_from() {
                return Err(Refusal::too_early("the cancellation", item.allocatable_from()));
            }
        }
        for id in &items {
            let amount = self.item(id)?.amount;
            self.apply(Allocation {
                id: recording.ids.next::<AllocationId>(),
                item_id: id.clone(),
                source: Source::Cancellation(id.clone()),
                amount,
                reverses: None,
                effective_date: on,
                recorded_at: recording.at,
                recorded_by: recording.by.clone(),
            })?;
        }
        for line in &document.lines {
            self.add_invoiced(line.order_id.clone(), line.line_id.clone(), line.amount.checked_neg()?)?;
        }
        self.add_sale(document.kind, document.document_date, document.amount.checked_neg()?, -1)?;
        Ok(items)
    }

    /// Sets how much of an item is disputed from a date on; whether that changes anything.
    pub(crate) fn dispute(&mut self, fact: DisputeFact) -> Result<(), Refusal> {
        let item = self.item(&fact.item_id)?;
        if item.is_credit() {
            return Err(Refusal::WrongState(format!("{} is a credit note: nothing of it is owed", item.id)));
        }
        if fact.claim.currency() != self.currency {
            return Err(Refusal::Currency(format!("item {}", item.id)));
        }
        if fact.claim.minor() > item.amount.minor() {
            let of = format!("item {}", item.id);
            return Err(Refusal::OverAllocation { of, wanted: fact.claim, available: item.amount });
        }
        if fact.effective_date < item.posting_date {
            return Err(Refusal::too_early("the dispute", item.posting_date));
        }
        let claim = fact.claim;
        self.change_item(&fact.item_id, |item| {
            item.dispute_claim = claim;
            Ok(())
        })?;
        self.changes.disputes.push(fact);
        Ok(())
    }

    /// The items of a document, oldest due first.
    pub(crate) fn items_of(&self, number: &DocumentNumber) -> Result<Vec<ItemId>, Refusal> {
        let items = self.items.values().filter(|item| item.document_number == *number);
        let by_due: BTreeSet<_> = items.map(|item| (item.due_date, item.id.clone())).collect();
        if by_due.is_empty() {
            return Err(Refusal::not_found("document", number));
        }
        Ok(by_due.into_iter().map(|(_, id)| id).collect())
    }

    fn add_invoiced(&mut self, order: OrderId, line: LineId, amount: Money) -> Result<(), Refusal> {
        let invoiced = self.changes.order_lines.entry((order, line)).or_insert(Money::zero(amount.currency()));
        *invoiced = invoiced.checked_add(amount)?;
        Ok(())
    }

    /// Sales are what was invoiced and debited less what was credited; interest and fees are none.
    fn add_sale(&mut self, kind: ItemKind, on: NaiveDate, amount: Money, sign: i64) -> Result<(), Refusal> {
        let (amount, invoices) = match kind {
            ItemKind::Invoice => (amount, sign),
            ItemKind::DebitNote => (amount, 0),
            ItemKind::CreditNote => (amount.checked_neg()?, 0),
            ItemKind::Charge => return Ok(()),
        };
        Ok(self.changes.behaviour.add_sale(on, amount, invoices)?)
    }
}
