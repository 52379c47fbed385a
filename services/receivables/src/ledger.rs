//! What an account owes in one currency, as far as a step needs it: the running position, items, payments and live
//! allocations. Steps (post, pay, allocate, reverse, dispute) change it and note the facts to keep.
//!
//! A step that is refused may leave it half changed: run it on a clone, which is cheap. Knows neither clock nor storage.

mod credit;
mod posting;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{AccountId, AllocationId, Currency, Ids, ItemId, LineId, Money, OrderId, PaymentId, SubjectId};

use crate::{
    alerts,
    allocation::{Allocation, Source},
    behaviour::Behaviour,
    item::{Item, Weight},
    payment::Payment,
    refusal::Refusal,
};

/// When and by whom a fact is recorded, and where its id comes from.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub at: DateTime<Utc>,
    pub today: NaiveDate,
    pub by: SubjectId,
    /// What the step belongs to, where what is posted does not say.
    pub correlation_id: String,
    pub ids: Ids,
}

/// A dispute as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisputeFact {
    /// The caller's key, else a new one.
    pub id: String,
    pub item_id: ItemId,
    pub claim: Money,
    pub reason: String,
    pub effective_date: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: SubjectId,
}

/// The taking back of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentReversal {
    pub payment_id: PaymentId,
    pub reason: String,
    pub effective_date: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: SubjectId,
}

/// What a step is to leave behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub new_items: BTreeSet<ItemId>,
    pub items: BTreeSet<ItemId>,
    pub new_payments: BTreeSet<PaymentId>,
    pub payments: BTreeSet<PaymentId>,
    pub allocations: Vec<Allocation>,
    pub reversals: Vec<PaymentReversal>,
    pub disputes: Vec<DisputeFact>,
    /// What is to be added to the invoiced amounts of order lines.
    pub order_lines: BTreeMap<(OrderId, LineId), Money>,
    /// What is to be added to how the account has paid and bought.
    pub behaviour: Behaviour,
}

impl Changes {
    /// Adds what another step left behind; when a sum overflows, everything stays as it was.
    fn add(&mut self, more: Changes) -> Result<(), Refusal> {
        let mut behaviour = self.behaviour.clone();
        behaviour.add(&more.behaviour)?;
        let mut lines = Vec::with_capacity(more.order_lines.len());
        for (line, amount) in more.order_lines {
            let before = self.order_lines.get(&line).copied().unwrap_or(Money::zero(amount.currency()));
            lines.push((line, before.checked_add(amount)?));
        }
        self.behaviour = behaviour;
        self.order_lines.extend(lines);
        self.new_items.extend(more.new_items);
        self.items.extend(more.items);
        self.new_payments.extend(more.new_payments);
        self.payments.extend(more.payments);
        self.allocations.extend(more.allocations);
        self.reversals.extend(more.reversals);
        self.disputes.extend(more.disputes);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Changes::default()
    }
}

/// What an account owes in one currency, as far as a step needs it.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub account_id: AccountId,
    pub currency: Currency,
    pub version: i64,
    /// Running sums over all items and payments, loaded or not.
    pub total: Weight,
    /// Latest instant a fact was recorded at; the next is never recorded before.
    pub last_recorded_at: Option<DateTime<Utc>>,
    pub items: BTreeMap<ItemId, Arc<Item>>,
    pub payments: BTreeMap<PaymentId, Arc<Payment>>,
    /// Live allocations, at least all those of the items and payments a step may change.
    pub allocations: BTreeMap<AllocationId, Arc<Allocation>>,
    pub changes: Changes,
}

impl Ledger {
    pub(crate) fn new(account_id: AccountId, currency: Currency) -> Self {
        Ledger {
            account_id,
            currency,
            version: 0,
            total: Weight::zero(currency),
            last_recorded_at: None,
            items: BTreeMap::new(),
            payments: BTreeMap::new(),
            allocations: BTreeMap::new(),
            changes: Changes::default(),
        }
    }

    /// A copy to try a step on, without the changes of the steps before.
    pub(crate) fn draft(&self) -> Ledger {
        Ledger {
            account_id: self.account_id.clone(),
            items: self.items.clone(),
            payments: self.payments.clone(),
            allocations: self.allocations.clone(),
            changes: Changes::default(),
            ..*self
        }
    }

    /// Becomes the draft, whose changes come after those of the steps before; or stays as it was.
    pub(crate) fn adopt(&mut self, mut draft: Ledger) -> Result<(), Refusal> {
        self.changes.add(std::mem::take(&mut draft.changes))?;
        draft.changes = std::mem::take(&mut self.changes);
        *self = draft;
        Ok(())
    }

    pub(crate) fn item(&self, id: &ItemId) -> Result<&Item, Refusal> {
        self.items.get(id).map(Arc::as_ref).ok_or_else(|| Refusal::not_found("item", id))
    }

    pub(crate) fn payment(&self, id: &PaymentId) -> Result<&Payment, Refusal> {
        self.payments.get(id).map(Arc::as_ref).ok_or_else(|| Refusal::not_found("payment", id))
    }

    /// Some items as they are now, in the order asked for.
    pub(crate) fn items_of_ids<'i>(&self, ids: impl IntoIterator<Item = &'i ItemId>) -> Vec<Item> {
        ids.into_iter().filter_map(|id| self.items.get(id)).map(|item| Item::clone(item)).collect()
    }

    /// Live allocations to an item.
    pub(crate) fn allocated_to(&self, id: &ItemId) -> impl Iterator<Item = &Allocation> {
        self.allocations.values().map(Arc::as_ref).filter(move |allocation| allocation.item_id == *id)
    }

    /// Live allocations of a source.
    fn allocated_from(&self, source: &Source) -> impl Iterator<Item = &Allocation> {
        self.allocations.values().map(Arc::as_ref).filter(move |allocation| allocation.source == *source)
    }

    fn add_item(&mut self, item: Item) -> Result<(), Refusal> {
        self.total = self.total.checked_add(item.weight())?;
        self.changes.new_items.insert(item.id.clone());
        self.changes.items.insert(item.id.clone());
        self.items.insert(item.id.clone(), Arc::new(item));
        Ok(())
    }

    fn add_payment(&mut self, payment: Payment) -> Result<(), Refusal> {
        self.total = self.total.checked_add(payment.weight())?;
        self.changes.new_payments.insert(payment.id.clone());
        self.changes.payments.insert(payment.id.clone());
        self.payments.insert(payment.id.clone(), Arc::new(payment));
        Ok(())
    }

    fn change_item(
        &mut self,
        id: &ItemId,
        change: impl FnOnce(&mut Item) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let before = self.item(id)?.clone();
        let mut after = before.clone();
        change(&mut after)?;
        if !self.changes.items.contains(id) {
            after.version += 1;
        }
        self.total = self.total.checked_sub(before.weight())?.checked_add(after.weight())?;
        self.changes.items.insert(id.clone());
        self.items.insert(id.clone(), Arc::new(after));
        Ok(())
    }

    fn change_payment(
        &mut self,
        id: &PaymentId,
        change: impl FnOnce(&mut Payment) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let before = self.payment(id)?.clone();
        let mut after = before.clone();
        change(&mut after)?;
        if !self.changes.payments.contains(id) {
            after.version += 1;
        }
        self.total = self.total.checked_sub(before.weight())?.checked_add(after.weight())?;
        self.changes.payments.insert(id.clone());
        self.payments.insert(id.clone(), Arc::new(after));
        Ok(())
    }

    /// Records an allocation, or the taking back of one: item, source and behaviour follow.
    fn apply(&mut self, allocation: Allocation) -> Result<(), Refusal> {
        let item = self.item(&allocation.item_id)?;
        let was_settled = item.is_settled();
        let (due_date, days_late_before) = (item.due_date, item.settled_days_late);
        let restored = allocation.amount.is_negative().then_some(allocation.effective_date);
        // lateness is that of the day the money counted, also when it is taken back
        let counted_from = match allocation.reverses.as_ref().and_then(|id| self.allocations.get(id)) {
            Some(reversed) => reversed.effective_date,
            None => allocation.effective_date,
        };
        match &allocation.reverses {
            Some(reversed) => drop(self.allocations.remove(reversed)),
            None => drop(self.allocations.insert(allocation.id.clone(), Arc::new(allocation.clone()))),
        }
        let by_payment = matches!(allocation.source, Source::Payment(_));
        let settled_date = self.allocated_to(&allocation.item_id).map(|live| live.effective_date).max();
        let paid = self.allocated_to(&allocation.item_id).filter(|live| matches!(live.source, Source::Payment(_)));
        let paid_date = paid.map(|live| live.effective_date).max();
        let cancelled = matches!(allocation.source, Source::Cancellation(_));
        self.change_item(&allocation.item_id, |item| {
            item.open = item.open.checked_sub(allocation.amount)?;
            item.restored_date = item.restored_date.max(restored);
            item.settled_date = if item.is_settled() { settled_date } else { None };
            item.settled_days_late = item.settled_date.and(paid_date).map(|date| item.days_past_due(date));
            item.next_alert_date =
                if item.is_settled() { None } else { alerts::next_date(item.due_date, item.alerts_fired, None) };
            if cancelled {
                item.cancelled_date = Some(allocation.effective_date);
            }
            Ok(())
        })?;
        let days_late = self.item(&allocation.item_id)?.settled_days_late;
        if by_payment {
            let days = weir_model::days_past_due(due_date, counted_from);
            self.changes.behaviour.add_settled(days, allocation.amount)?;
        }
        if was_settled && let Some(days) = days_late_before {
            self.changes.behaviour.count_settled(days, self.currency, -1);
        }
        if let Some(days) = days_late {
            self.changes.behaviour.count_settled(days, self.currency, 1);
        }
        self.draw(&allocation, restored)?;
        self.changes.allocations.push(allocation);
        Ok(())
    }

    /// Takes an allocation's amount from its source, or gives it back.
    fn draw(&mut self, allocation: &Allocation, restored: Option<NaiveDate>) -> Result<(), Refusal> {
        let used_up = self.allocated_from(&allocation.source).map(|live| live.effective_date).max();
        match &allocation.source {
            Source::Payment(id) => self.change_payment(id, |payment| {
                payment.unapplied = payment.unapplied.checked_sub(allocation.amount)?;
                payment.restored_date = payment.restored_date.max(restored);
                payment.applied_date = if payment.unapplied.is_zero() { used_up } else { None };
                Ok(())
            }),
            Source::CreditNote(id) => self.change_item(id, |note| {
                note.open = note.open.checked_sub(allocation.amount)?;
                note.restored_date = note.restored_date.max(restored);
                note.settled_date = if note.is_settled() { used_up } else { None };
                Ok(())
            }),
            Source::Cancellation(_) => Ok(()),
        }
    }
}
