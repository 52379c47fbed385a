//! From the rules' words to messages.

use chrono::NaiveDate;
use weir_wire::{emit, receivables::v1 as pb};

use crate::{
    alerts::Level,
    allocation::{Allocation, Source},
    behaviour::Behaviour,
    document::Line,
    item::{Attributes, Item, ItemKind},
    ledger::DisputeFact,
    payment::{Payment, PaymentState},
    position::Position,
    store::run::FiredAlert,
};

pub(super) fn kind(kind: ItemKind) -> pb::ItemKind {
    match kind {
        ItemKind::Invoice => pb::ItemKind::Invoice,
        ItemKind::DebitNote => pb::ItemKind::DebitNote,
        ItemKind::CreditNote => pb::ItemKind::CreditNote,
        ItemKind::Charge => pb::ItemKind::Charge,
    }
}

pub(super) fn item(item: &Item) -> pb::OpenItem {
    pb::OpenItem {
        item_id: item.id.to_string(),
        account_id: item.account_id.to_string(),
        kind: kind(item.kind).into(),
        document_number: item.document_number.to_string(),
        document_date: Some(emit::date(item.document_date)),
        due_date: Some(emit::date(item.due_date)),
        amount: Some(emit::money(item.amount)),
        open_amount: Some(emit::money(item.open)),
        disputed_amount: Some(emit::money(item.disputed())),
        state: if item.is_settled() { pb::ItemState::Settled } else { pb::ItemState::Open }.into(),
        settled_date: item.settled_date.map(emit::date),
        order_id: item.order_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        correlation_id: item.correlation_id.clone(),
        version: item.version,
    }
}

pub(super) fn attributes(attributes: &Attributes) -> pb::Attributes {
    pb::Attributes {
        salesperson: attributes.salesperson.clone(),
        region: attributes.region.clone(),
        industry: attributes.industry.clone(),
    }
}

pub(super) fn line(line: &Line) -> pb::InvoiceLine {
    pb::InvoiceLine {
        order_id: line.order_id.to_string(),
        line_id: line.line_id.to_string(),
        amount: Some(emit::money(line.amount)),
    }
}

pub(super) fn allocation(allocation: &Allocation) -> pb::Allocation {
    let source = match &allocation.source {
        Source::Payment(_) => pb::CreditSource::Payment,
        Source::CreditNote(_) => pb::CreditSource::CreditNote,
        Source::Cancellation(_) => pb::CreditSource::Cancellation,
    };
    pb::Allocation {
        allocation_id: allocation.id.to_string(),
        item_id: allocation.item_id.to_string(),
        source: source.into(),
        source_id: allocation.source.parts().1.to_owned(),
        amount: Some(emit::money(allocation.amount)),
        reverses_allocation_id: allocation.reverses.as_ref().map(ToString::to_string).unwrap_or_default(),
        effective_date: Some(emit::date(allocation.effective_date)),
        recorded_time: Some(emit::timestamp(allocation.recorded_at)),
        recorded_by: allocation.recorded_by.to_string(),
    }
}

pub(super) fn payment(payment: &Payment) -> pb::Payment {
    let state = match payment.state {
        PaymentState::Future => pb::PaymentState::Future,
        PaymentState::Booked => pb::PaymentState::Booked,
        PaymentState::Reversed => pb::PaymentState::Reversed,
    };
    pb::Payment {
        payment_id: payment.id.to_string(),
        account_id: payment.account_id.to_string(),
        amount: Some(emit::money(payment.amount)),
        unapplied_amount: Some(emit::money(payment.unapplied)),
        effective_date: Some(emit::date(payment.effective_date)),
        state: state.into(),
        reversed_date: payment.reversed_date.map(emit::date),
        note: payment.advice.note.clone(),
        recorded_time: Some(emit::timestamp(payment.recorded_at)),
        correlation_id: payment.correlation_id.clone(),
    }
}

pub(super) fn dispute(fact: &DisputeFact) -> pb::DisputeFact {
    pb::DisputeFact {
        amount: Some(emit::money(fact.claim)),
        reason: fact.reason.clone(),
        effective_date: Some(emit::date(fact.effective_date)),
        recorded_time: Some(emit::timestamp(fact.recorded_at)),
        recorded_by: fact.recorded_by.to_string(),
    }
}

pub(super) fn level(level: Level) -> pb::AlertLevel {
    match level {
        Level::DueIn7 => pb::AlertLevel::DueIn7,
        Level::DueIn5 => pb::AlertLevel::DueIn5,
        Level::DueIn3 => pb::AlertLevel::DueIn3,
        Level::Overdue => pb::AlertLevel::Overdue,
        Level::Overdue15Exceeded => pb::AlertLevel::Overdue15Exceeded,
    }
}

pub(super) fn fired(alert: &FiredAlert) -> pb::Alert {
    pb::Alert {
        item_id: alert.item_id.to_string(),
        account_id: alert.account_id.to_string(),
        level: level(alert.level).into(),
        state: pb::AlertState::Fired.into(),
        scheduled_date: alert.level.date(alert.due_date).map(emit::date),
        fired_date: Some(emit::date(alert.fired_date)),
        open_amount: Some(emit::money(alert.open)),
        fired_time: Some(emit::timestamp(alert.recorded_at)),
    }
}

/// A level of an item that has not fired: scheduled, or cancelled when it never will.
pub(super) fn unfired(item: &Item, at: Level, today: NaiveDate) -> pb::Alert {
    let pending = !item.is_settled() && at.is_pending(item.due_date, item.alerts_fired, today);
    pb::Alert {
        item_id: item.id.to_string(),
        account_id: item.account_id.to_string(),
        level: level(at).into(),
        state: if pending { pb::AlertState::Scheduled } else { pb::AlertState::Cancelled }.into(),
        scheduled_date: at.date(item.due_date).map(emit::date),
        fired_date: None,
        open_amount: None,
        fired_time: None,
    }
}

pub(super) fn position(position: &Position) -> pb::PositionChange {
    let due = |due: &crate::position::DueAmount| pb::DueAmount {
        due_date: Some(emit::date(due.due_date)),
        open_amount: Some(emit::money(due.open)),
        disputed_amount: Some(emit::money(due.disputed)),
    };
    let invoiced = |line: &crate::position::Invoiced| pb::OrderLineInvoiced {
        order_id: line.order_id.to_string(),
        line_id: line.line_id.to_string(),
        invoiced_amount: Some(emit::money(line.amount)),
    };
    pb::PositionChange {
        account_id: position.account_id.to_string(),
        currency_code: position.currency.code().to_owned(),
        version: position.version,
        schedule: position.schedule.iter().map(due).collect(),
        unapplied_credit: Some(emit::money(position.unapplied)),
        items: position.items.iter().map(item).collect(),
        order_lines_invoiced: position.order_lines.iter().map(invoiced).collect(),
        payment_behaviour: position.behaviour.as_ref().map(|known| behaviour(known, position.currency)),
        continues: position.continues,
    }
}

fn behaviour(known: &Behaviour, currency: weir_model::Currency) -> pb::PaymentBehaviour {
    let days = |days: i64| i32::try_from(days).unwrap_or(i32::MAX);
    let settled = known.settled.iter().filter(|(_, settled)| settled.amount.is_positive());
    pb::PaymentBehaviour {
        settled: settled
            .map(|(late, settled)| pb::SettledByLateness {
                days_late: days(*late),
                item_count: settled.item_count,
                settled_amount: Some(emit::money(settled.amount)),
            })
            .collect(),
        written_off_amount: Some(emit::money(weir_model::Money::zero(currency))),
        overdue_item_count: known.overdue_item_count(),
        days_past_due_max: days(known.days_past_due_max()),
        sales: known
            .sales
            .iter()
            .map(|(month, sales)| pb::MonthlySales {
                month_date: Some(emit::date(*month)),
                invoice_count: sales.invoice_count,
                invoiced_amount: Some(emit::money(sales.amount)),
            })
            .collect(),
        first_invoice_date: known.first_invoice_date.map(emit::date),
    }
}
