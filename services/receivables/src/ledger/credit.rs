//! Steps on credit: record a payment, allocate, take back.

use std::sync::Arc;

use chrono::NaiveDate;
use weir_model::{AllocationId, ItemId, Money, PaymentId, TextId};

use super::{Ledger, PaymentReversal, Recording};
use crate::{
    allocation::{Allocation, Plan, Source, plan},
    item::Weight,
    payment::{Advice, Payment, PaymentState},
    refusal::Refusal,
};

impl Ledger {
    /// Records a payment and, when its date has come, allocates it. Returns its id and the names that fitted no item.
    ///
    /// One whose date lies ahead is refused when it could not be booked today: its sender is still there to be told.
    pub(crate) fn record(
        &mut self,
        advice: &Advice,
        recording: &Recording,
    ) -> Result<(PaymentId, Vec<String>), Refusal> {
        let id = match &advice.number {
            Some(number) => PaymentId::parse(number.as_str()).expect("a document number is an identifier"),
            None => recording.ids.next::<PaymentId>(),
        };
        let effective_date = advice.effective_date.unwrap_or(recording.today);
        let future = effective_date > recording.today;
        if future {
            self.total.checked_add(Weight { unapplied: advice.amount, ..Weight::zero(self.currency) })?;
        }
        self.add_payment(Payment {
            id: id.clone(),
            account_id: self.account_id.clone(),
            amount: advice.amount,
            unapplied: advice.amount,
            effective_date,
            state: if future { PaymentState::Future } else { PaymentState::Booked },
            reversed_date: None,
            restored_date: None,
            applied_date: None,
            advice: advice.clone(),
            correlation_id: match &advice.correlation_id {
                Some(id) => id.to_string(),
                None => recording.correlation_id.clone(),
            },
            recorded_at: recording.at,
            recorded_by: recording.by.clone(),
            recorded_date: recording.today,
            version: 1,
        })?;
        let unmatched = if future { Vec::new() } else { self.allocate_all(&id, recording)? };
        Ok((id, unmatched))
    }

    /// Books a payment whose date has come, and allocates it.
    pub(crate) fn book(&mut self, id: &PaymentId, recording: &Recording) -> Result<(), Refusal> {
        let payment = self.payment(id)?;
        if payment.state != PaymentState::Future || payment.effective_date > recording.today {
            return Ok(());
        }
        self.change_payment(id, |payment| {
            payment.state = PaymentState::Booked;
            Ok(())
        })?;
        self.allocate_all(id, recording).map(drop)
    }

    /// Allocates a payment by its own mode and references.
    fn allocate_all(&mut self, id: &PaymentId, recording: &Recording) -> Result<Vec<String>, Refusal> {
        let payment = self.payment(id)?;
        let Advice { references, mode, .. } = &payment.advice;
        let Plan { parts, unmatched } =
            plan(self.items.values().map(Arc::as_ref), payment.unapplied, references, *mode);
        for (item, amount) in parts {
            let source = Source::Payment(id.clone());
            let first = self.item(&item)?.allocatable_from().max(self.available_from(&source)?);
            self.apply(self.fact(source, item, amount, first, recording))?;
        }
        Ok(unmatched)
    }

    /// Allocates credit to an item from a date on: so much, or as much as both sides have.
    pub(crate) fn allocate(
        &mut self,
        source: Source,
        item_id: &ItemId,
        amount: Option<Money>,
        on: NaiveDate,
        recording: &Recording,
    ) -> Result<Allocation, Refusal> {
        let item = self.item(item_id)?;
        if item.is_credit() {
            return Err(Refusal::WrongState(format!("{item_id} is a credit note: it gives credit and takes none")));
        }
        let available = self.available(&source)?;
        let most = Money::new(item.open.minor().min(available.minor()), self.currency);
        let wanted = amount.unwrap_or(most);
        if wanted.currency() != self.currency {
            return Err(Refusal::Currency(format!("item {item_id}")));
        }
        if wanted.minor() > item.open.minor() {
            return Err(Refusal::OverAllocation { of: format!("item {item_id}"), wanted, available: item.open });
        }
        if wanted.minor() > available.minor() || !wanted.is_positive() {
            return Err(Refusal::OverAllocation { of: source.parts().1.to_owned(), wanted, available: most });
        }
        let first = item.allocatable_from().max(self.available_from(&source)?);
        if on < first {
            return Err(Refusal::too_early("the allocation", first));
        }
        let fact = self.fact(source, item_id.clone(), wanted, on, recording);
        self.apply(fact.clone())?;
        Ok(fact)
    }

    /// Takes an allocation back from a date on.
    pub(crate) fn reverse_allocation(
        &mut self,
        id: &AllocationId,
        on: NaiveDate,
        recording: &Recording,
    ) -> Result<Allocation, Refusal> {
        let Some(live) = self.allocations.get(id).map(|live| Allocation::clone(live)) else {
            return Err(Refusal::AlreadyReversed(format!("allocation {id}")));
        };
        if matches!(live.source, Source::Cancellation(_)) {
            return Err(Refusal::WrongState(format!("allocation {id} is a cancellation, which is final")));
        }
        if on < live.effective_date {
            return Err(Refusal::too_early("the reversal", live.effective_date));
        }
        let fact = self.fact(live.source, live.item_id, live.amount.checked_neg()?, on, recording);
        let fact = Allocation { reverses: Some(id.clone()), ..fact };
        self.apply(fact.clone())?;
        Ok(fact)
    }

    /// Takes a payment back from a date on, with everything allocated of it.
    pub(crate) fn reverse_payment(
        &mut self,
        id: &PaymentId,
        reason: &str,
        on: NaiveDate,
        recording: &Recording,
    ) -> Result<Vec<Allocation>, Refusal> {
        let payment = self.payment(id)?;
        if payment.state == PaymentState::Reversed {
            return Err(Refusal::AlreadyReversed(format!("payment {id}")));
        }
        let source = Source::Payment(id.clone());
        let live: Vec<(AllocationId, NaiveDate)> =
            self.allocated_from(&source).map(|live| (live.id.clone(), live.effective_date)).collect();
        let latest = live.iter().map(|(_, date)| *date).chain(payment.restored_date).max();
        // a payment whose date lies ahead never counted: it may be taken back at once
        let counts_from = if payment.state == PaymentState::Future { on } else { payment.effective_date };
        let first = latest.map_or(counts_from, |latest| latest.max(counts_from));
        if on < first {
            return Err(Refusal::too_early("the reversal", first));
        }
        let reversed_from = if payment.state == PaymentState::Future { payment.effective_date } else { on };
        let facts: Result<Vec<_>, _> =
            live.into_iter().map(|(live, _)| self.reverse_allocation(&live, on, recording)).collect();
        let facts = facts?;
        self.change_payment(id, |payment| {
            payment.state = PaymentState::Reversed;
            payment.reversed_date = Some(reversed_from);
            payment.unapplied = Money::zero(payment.currency());
            Ok(())
        })?;
        self.changes.reversals.push(PaymentReversal {
            payment_id: id.clone(),
            reason: reason.to_owned(),
            effective_date: reversed_from,
            recorded_at: recording.at,
            recorded_by: recording.by.clone(),
        });
        Ok(facts)
    }

    /// What a source still has to give.
    fn available(&self, source: &Source) -> Result<Money, Refusal> {
        match source {
            Source::Payment(id) => {
                let payment = self.payment(id)?;
                match payment.state {
                    PaymentState::Booked => Ok(payment.unapplied),
                    PaymentState::Future => Err(Refusal::WrongState(format!("payment {id} is future-dated"))),
                    PaymentState::Reversed => Err(Refusal::WrongState(format!("payment {id} is reversed"))),
                }
            }
            Source::CreditNote(id) => {
                let note = self.item(id)?;
                if note.is_credit() {
                    Ok(note.open)
                } else {
                    Err(Refusal::WrongState(format!("{id} is no credit note")))
                }
            }
            Source::Cancellation(id) => Err(Refusal::WrongState(format!("{id} gives no credit"))),
        }
    }

    /// First date from which an allocation of a source may count.
    fn available_from(&self, source: &Source) -> Result<NaiveDate, Refusal> {
        match source {
            Source::Payment(id) => Ok(self.payment(id)?.allocatable_from()),
            Source::CreditNote(id) | Source::Cancellation(id) => Ok(self.item(id)?.allocatable_from()),
        }
    }

    fn fact(&self, source: Source, item_id: ItemId, amount: Money, on: NaiveDate, recording: &Recording) -> Allocation {
        Allocation {
            id: recording.ids.next::<AllocationId>(),
            item_id,
            source,
            amount,
            reverses: None,
            effective_date: on,
            recorded_at: recording.at,
            recorded_by: recording.by.clone(),
        }
    }
}
