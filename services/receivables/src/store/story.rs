//! One item or payment with everything that happened to it.

use weir_model::{ItemId, Money, PaymentId, SubjectId};
use weir_store::{Db, Id, Instant, Result};

use super::rows::{AllocationRow, ItemRow, PaymentRow, currency, item_columns};
use crate::{
    allocation::Allocation,
    document::{Document, DocumentNumber},
    item::Item,
    ledger::DisputeFact,
    payment::Payment,
};
use chrono::NaiveDate;
use weir_model::TextId as _;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    use super::item_columns;
    weir_store::queries! {
        PAYMENT = "
            select payment_id, account_id, currency, amount, unapplied_amount, effective_date, state, reversed_date,
                restored_date, applied_date, content, correlation_id, recorded_at, recorded_by, recorded_date, version
            from payments where payment_id = $1";
        OF_ITEM = "
            select allocation_id, currency, item_id, source_kind, source_id, amount, reverses, effective_date,
                recorded_at, recorded_by
            from allocations where item_id = $1 or (source_kind = 'credit_note' and source_id = $1)
            order by recorded_at, case when reverses is null then 0 else 1 end, allocation_id";
        OF_PAYMENT = "
            select allocation_id, currency, item_id, source_kind, source_id, amount, reverses, effective_date,
                recorded_at, recorded_by
            from allocations where source_kind = 'payment' and source_id = $1
            order by recorded_at, case when reverses is null then 0 else 1 end, allocation_id";
        DISPUTES = "
            select dispute_id, item_id, currency, claim, reason, effective_date, recorded_at, recorded_by
            from disputes where item_id = $1 order by number";
        WHY_CANCELLED = "select reason from cancellations where document_number = $1";
        WHY_REVERSED = "select reason from payment_reversals where payment_id = $1";
        DOCUMENT = "select content from documents where document_number = $1";
    }
    pub(super) const ITEM: weir_store::Sql = {
        const TEXT: &str = concat!("select ", item_columns!(), " from items where item_id = $1");
        weir_store::Sql::new(TEXT, TEXT)
    };
}

/// An item as it is now.
pub(crate) async fn item(db: &Db, id: &ItemId) -> Result<Option<Item>> {
    let row: Option<ItemRow> = db.query(sql::ITEM).bind(id.as_str()).optional().await?;
    row.map(ItemRow::item).transpose()
}

/// A payment as it is now.
pub(crate) async fn payment(db: &Db, id: &PaymentId) -> Result<Option<Payment>> {
    let row: Option<PaymentRow> = db.query(sql::PAYMENT).bind(id.as_str()).optional().await?;
    row.map(PaymentRow::payment).transpose()
}

/// The document an item comes from.
pub(crate) async fn document_of(db: &Db, number: &DocumentNumber) -> Result<Document> {
    let content: String = db.query(sql::DOCUMENT).bind(number.as_str()).scalar().await?;
    Ok(serde_json::from_str(&content)?)
}

/// Why a document was cancelled; none when it was not.
pub(crate) async fn why_cancelled(db: &Db, number: &DocumentNumber) -> Result<Option<String>> {
    let reason: Option<(String,)> = db.query(sql::WHY_CANCELLED).bind(number.as_str()).optional().await?;
    Ok(reason.map(|(reason,)| reason))
}

/// Why a payment was taken back; none when it was not.
pub(crate) async fn why_reversed(db: &Db, id: &PaymentId) -> Result<Option<String>> {
    let reason: Option<(String,)> = db.query(sql::WHY_REVERSED).bind(id.as_str()).optional().await?;
    Ok(reason.map(|(reason,)| reason))
}

/// What was allocated to an item, or of a credit note, and taken back, as recorded.
pub(crate) async fn allocations_of_item(db: &Db, id: &ItemId) -> Result<Vec<Allocation>> {
    let rows: Vec<AllocationRow> = db.query(sql::OF_ITEM).bind(id.as_str()).all().await?;
    rows.into_iter().map(AllocationRow::allocation).collect()
}

/// What was allocated of a payment and taken back, as recorded.
pub(crate) async fn allocations_of_payment(db: &Db, id: &PaymentId) -> Result<Vec<Allocation>> {
    let rows: Vec<AllocationRow> = db.query(sql::OF_PAYMENT).bind(id.as_str()).all().await?;
    rows.into_iter().map(AllocationRow::allocation).collect()
}

#[derive(sqlx::FromRow)]
struct DisputeRow {
    dispute_id: String,
    item_id: Id<ItemId>,
    currency: String,
    claim: i64,
    reason: String,
    effective_date: NaiveDate,
    recorded_at: Instant,
    recorded_by: Id<SubjectId>,
}

/// The disputes of an item, as recorded.
pub(crate) async fn disputes_of(db: &Db, id: &ItemId) -> Result<Vec<DisputeFact>> {
    let rows: Vec<DisputeRow> = db.query(sql::DISPUTES).bind(id.as_str()).all().await?;
    rows.into_iter()
        .map(|row| {
            Ok(DisputeFact {
                id: row.dispute_id,
                item_id: row.item_id.0,
                claim: Money::new(row.claim, currency(&row.currency)?),
                reason: row.reason,
                effective_date: row.effective_date,
                recorded_at: row.recorded_at.get(),
                recorded_by: row.recorded_by.0,
            })
        })
        .collect()
}
