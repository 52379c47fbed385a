//! Facts into their tables, many rows a statement.

use chrono::NaiveDate;
use weir_model::{AllocationId, OrderId, TextId as _};
use weir_store::{Error, Instant, Query, Result, Tx};

use crate::{
    document::DocumentNumber,
    item::Item,
    ledger::{Ledger, Recording},
};

/// Rows of one insert: at most 26 columns each, below SQLite's 32,766 parameters.
const ROWS_MAX: usize = 1_000;

pub(super) async fn insert_items<'i>(tx: &mut Tx, items: impl Iterator<Item = &'i Item>) -> Result<()> {
    let items: Vec<&Item> = items.collect();
    for chunk in items.chunks(ROWS_MAX) {
        let query = tx.build(
            "insert into items (item_id, account_id, currency, kind, document_number, document_date, posting_date,
                due_date, amount, open_amount, dispute_claim, disputed_amount, settled_date, settled_days_late,
                cancelled_date, restored_date, order_id, salesperson, region, industry, correlation_id, recorded_at,
                recorded_by, version, alerts_fired, next_alert_date) values",
        );
        let query = query.values(chunk, |row, item| {
            row.value(item.id.as_str())
                .value(item.account_id.as_str())
                .value(item.currency().code())
                .value(item.kind.as_str())
                .value(item.document_number.as_str())
                .value(item.document_date)
                .value(item.posting_date)
                .value(item.due_date)
                .value(item.amount.minor())
                .value(item.open.minor())
                .value(item.dispute_claim.minor())
                .value(item.disputed().minor())
                .value(item.settled_date)
                .value(item.settled_days_late)
                .value(item.cancelled_date)
                .value(item.restored_date)
                .value(item.order_id.as_ref().map(OrderId::as_str))
                .value(item.attributes.salesperson.as_str())
                .value(item.attributes.region.as_str())
                .value(item.attributes.industry.as_str())
                .value(item.correlation_id.as_str())
                .value(Instant::from(item.recorded_at))
                .value(item.recorded_by.as_str())
                .value(item.version)
                .value(item.alerts_fired)
                .value(item.next_alert_date);
        });
        insert(query).await?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        CANCEL = "
            insert into cancellations (document_number, reason, effective_date, recorded_at, recorded_by)
            values ($1, $2, $3, $4, $5)";
    }
}

/// The cancellation of a document, and why.
pub(crate) async fn cancel(
    tx: &mut Tx,
    number: &DocumentNumber,
    reason: &str,
    on: NaiveDate,
    recording: &Recording,
) -> Result<()> {
    let query = tx.query(sql::CANCEL).bind(number.as_str()).bind(reason).bind(on);
    insert(query.bind(Instant::from(recording.at)).bind(recording.by.as_str())).await
}

/// Allocations, reversals of payments and disputes.
pub(super) async fn insert_facts(tx: &mut Tx, ledger: &Ledger) -> Result<()> {
    let (account, code) = (ledger.account_id.as_str(), ledger.currency.code());
    for chunk in ledger.changes.allocations.chunks(ROWS_MAX) {
        let query = tx.build(
            "insert into allocations (allocation_id, account_id, currency, item_id, source_kind, source_id, amount,
                reverses, effective_date, recorded_at, recorded_by) values",
        );
        let query = query.values(chunk, |row, fact| {
            let (kind, source) = fact.source.parts();
            row.value(fact.id.as_str())
                .value(account)
                .value(code)
                .value(fact.item_id.as_str())
                .value(kind)
                .value(source)
                .value(fact.amount.minor())
                .value(fact.reverses.as_ref().map(AllocationId::as_str))
                .value(fact.effective_date)
                .value(Instant::from(fact.recorded_at))
                .value(fact.recorded_by.as_str());
        });
        insert(query).await?;
    }
    for chunk in ledger.changes.reversals.chunks(ROWS_MAX) {
        let query = tx.build(
            "insert into payment_reversals (payment_id, reason, effective_date, recorded_at, recorded_by) values",
        );
        let query = query.values(chunk, |row, fact| {
            row.value(fact.payment_id.as_str())
                .value(fact.reason.as_str())
                .value(fact.effective_date)
                .value(Instant::from(fact.recorded_at))
                .value(fact.recorded_by.as_str());
        });
        insert(query).await?;
    }
    for chunk in ledger.changes.disputes.chunks(ROWS_MAX) {
        let query = tx.build(
            "insert into disputes (dispute_id, account_id, currency, item_id, claim, reason, effective_date,
                recorded_at, recorded_by) values",
        );
        let query = query.values(chunk, |row, fact| {
            row.value(fact.id.as_str())
                .value(account)
                .value(code)
                .value(fact.item_id.as_str())
                .value(fact.claim.minor())
                .value(fact.reason.as_str())
                .value(fact.effective_date)
                .value(Instant::from(fact.recorded_at))
                .value(fact.recorded_by.as_str());
        });
        insert(query).await?;
    }
    Ok(())
}

/// Runs an insert; an id that another transaction took just now is found by looking again.
async fn insert(query: Query<'_>) -> Result<()> {
    match query.execute().await {
        Ok(_) => Ok(()),
        Err(Error::Duplicate(id)) => Err(Error::Retry(id)),
        Err(error) => Err(error),
    }
}
