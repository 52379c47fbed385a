//! Rows as the databases give them, and what they are to the rest of the code.

use chrono::NaiveDate;
use weir_model::{AccountId, AllocationId, Currency, ItemId, Money, OrderId, PaymentId, SubjectId, TextId as _};
use weir_store::{Error, Id, Instant, Result};

use crate::{
    allocation::{Allocation, Source},
    document::DocumentNumber,
    item::{Attributes, Item, ItemKind},
    payment::{Payment, PaymentState},
};

/// Columns of an item, in the order of [`ItemRow`]; a macro, for a query's text is put together at compile time.
macro_rules! item_columns {
    () => {
        "items.item_id, items.account_id, items.currency, items.kind, items.document_number, items.document_date,
        items.posting_date, items.due_date, items.amount, items.open_amount, items.dispute_claim, items.settled_date,
        items.settled_days_late, items.cancelled_date, items.restored_date, items.order_id, items.salesperson,
        items.region, items.industry, items.correlation_id, items.recorded_at, items.recorded_by, items.version,
        items.alerts_fired, items.next_alert_date"
    };
}
pub(super) use item_columns;

#[derive(Debug, sqlx::FromRow)]
pub(super) struct ItemRow {
    pub item_id: Id<ItemId>,
    pub account_id: Id<AccountId>,
    pub currency: String,
    pub kind: String,
    pub document_number: String,
    pub document_date: NaiveDate,
    pub posting_date: NaiveDate,
    pub due_date: NaiveDate,
    pub amount: i64,
    pub open_amount: i64,
    pub dispute_claim: i64,
    pub settled_date: Option<NaiveDate>,
    pub settled_days_late: Option<i64>,
    pub cancelled_date: Option<NaiveDate>,
    pub restored_date: Option<NaiveDate>,
    pub order_id: Option<Id<OrderId>>,
    pub salesperson: String,
    pub region: String,
    pub industry: String,
    pub correlation_id: String,
    pub recorded_at: Instant,
    pub recorded_by: Id<SubjectId>,
    pub version: i64,
    pub alerts_fired: i64,
    pub next_alert_date: Option<NaiveDate>,
}

impl ItemRow {
    pub(super) fn item(self) -> Result<Item> {
        let currency = currency(&self.currency)?;
        let money = |minor| Money::new(minor, currency);
        let attributes = Attributes { salesperson: self.salesperson, region: self.region, industry: self.industry };
        Ok(Item {
            id: self.item_id.0,
            account_id: self.account_id.0,
            kind: ItemKind::from_name(&self.kind).ok_or_else(|| unreadable("kind of item", &self.kind))?,
            document_number: number(&self.document_number)?,
            document_date: self.document_date,
            posting_date: self.posting_date,
            due_date: self.due_date,
            amount: money(self.amount),
            open: money(self.open_amount),
            dispute_claim: money(self.dispute_claim),
            settled_date: self.settled_date,
            settled_days_late: self.settled_days_late,
            cancelled_date: self.cancelled_date,
            restored_date: self.restored_date,
            order_id: self.order_id.map(|id| id.0),
            attributes,
            correlation_id: self.correlation_id,
            recorded_at: self.recorded_at.get(),
            recorded_by: self.recorded_by.0,
            version: self.version,
            alerts_fired: self.alerts_fired,
            next_alert_date: self.next_alert_date,
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct PaymentRow {
    pub payment_id: Id<PaymentId>,
    pub account_id: Id<AccountId>,
    pub currency: String,
    pub amount: i64,
    pub unapplied_amount: i64,
    pub effective_date: NaiveDate,
    pub state: String,
    pub reversed_date: Option<NaiveDate>,
    pub restored_date: Option<NaiveDate>,
    pub applied_date: Option<NaiveDate>,
    pub content: String,
    pub correlation_id: String,
    pub recorded_at: Instant,
    pub recorded_by: Id<SubjectId>,
    pub recorded_date: NaiveDate,
    pub version: i64,
}

impl PaymentRow {
    pub(super) fn payment(self) -> Result<Payment> {
        let currency = currency(&self.currency)?;
        Ok(Payment {
            id: self.payment_id.0,
            account_id: self.account_id.0,
            amount: Money::new(self.amount, currency),
            unapplied: Money::new(self.unapplied_amount, currency),
            effective_date: self.effective_date,
            state: PaymentState::from_name(&self.state).ok_or_else(|| unreadable("state of payment", &self.state))?,
            reversed_date: self.reversed_date,
            restored_date: self.restored_date,
            applied_date: self.applied_date,
            advice: serde_json::from_str(&self.content)?,
            correlation_id: self.correlation_id,
            recorded_at: self.recorded_at.get(),
            recorded_by: self.recorded_by.0,
            recorded_date: self.recorded_date,
            version: self.version,
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct AllocationRow {
    pub allocation_id: Id<AllocationId>,
    pub currency: String,
    pub item_id: Id<ItemId>,
    pub source_kind: String,
    pub source_id: String,
    pub amount: i64,
    pub reverses: Option<Id<AllocationId>>,
    pub effective_date: NaiveDate,
    pub recorded_at: Instant,
    pub recorded_by: Id<SubjectId>,
}

impl AllocationRow {
    pub(super) fn allocation(self) -> Result<Allocation> {
        let source = Source::from_parts(&self.source_kind, &self.source_id);
        Ok(Allocation {
            id: self.allocation_id.0,
            item_id: self.item_id.0,
            source: source.ok_or_else(|| unreadable("source of allocation", &self.source_kind))?,
            amount: Money::new(self.amount, currency(&self.currency)?),
            reverses: self.reverses.map(|id| id.0),
            effective_date: self.effective_date,
            recorded_at: self.recorded_at.get(),
            recorded_by: self.recorded_by.0,
        })
    }
}

pub(super) fn currency(code: &str) -> Result<Currency> {
    Currency::from_code(code).map_err(|_| unreadable("currency", code))
}

pub(super) fn number(text: &str) -> Result<DocumentNumber> {
    DocumentNumber::parse(text).map_err(|_| unreadable("document number", text))
}

/// A column holds what this version never wrote.
pub(super) fn unreadable(what: &str, value: &str) -> Error {
    Error::Database(sqlx::Error::Decode(format!("no {what}: {value:?}").into()))
}
