//! What was handed in, by its number: found again when it comes again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, de::DeserializeOwned};
use weir_model::{ItemId, Money, TextId as _};
use weir_store::{Error, Id, Instant, Result, Tx};

use super::rows::{currency, number};
use crate::{
    document::{Document, DocumentNumber},
    payment::Payment,
};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        DOCUMENT = "select content from documents where document_number = $1";
        POST = "
            insert into documents (document_number, account_id, currency, content, answer, recorded_at, recorded_by)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict (document_number) do nothing";
        RECORD = "
            insert into payments (payment_id, account_id, currency, amount, unapplied_amount, effective_date, state,
                reversed_date, restored_date, applied_date, content, answer, correlation_id, recorded_at, recorded_by,
                recorded_date, version)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
            on conflict (payment_id) do nothing";
    }
}

/// What was handed in under a number, and what its sender was told.
#[derive(Debug, Clone)]
pub(crate) struct Posted<C, A> {
    pub content: C,
    pub answer: A,
}

#[derive(sqlx::FromRow)]
struct PostedRow {
    number: String,
    content: String,
    answer: String,
}

async fn found<C: DeserializeOwned, A: DeserializeOwned>(
    query: weir_store::Query<'_>,
    numbers: &BTreeSet<DocumentNumber>,
) -> Result<BTreeMap<DocumentNumber, Posted<C, A>>> {
    let list = query.values([()], |row, ()| {
        for number in numbers {
            row.value(number.as_str());
        }
    });
    let rows: Vec<PostedRow> = list.all().await?;
    rows.into_iter()
        .map(|row| {
            let posted =
                Posted { content: serde_json::from_str(&row.content)?, answer: serde_json::from_str(&row.answer)? };
            Ok((number(&row.number)?, posted))
        })
        .collect()
}

/// The documents posted under some numbers.
pub(crate) async fn posted<A: DeserializeOwned>(
    tx: &mut Tx,
    numbers: &BTreeSet<DocumentNumber>,
) -> Result<BTreeMap<DocumentNumber, Posted<Document, A>>> {
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let head = "select document_number as number, content, answer from documents where document_number in";
    found(tx.build(head), numbers).await
}

/// The payments recorded under some numbers.
pub(crate) async fn recorded<C: DeserializeOwned, A: DeserializeOwned>(
    tx: &mut Tx,
    numbers: &BTreeSet<DocumentNumber>,
) -> Result<BTreeMap<DocumentNumber, Posted<C, A>>> {
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let head = "select payment_id as number, content, answer from payments where payment_id in";
    found(tx.build(head), numbers).await
}

#[derive(sqlx::FromRow)]
struct DisputeRow {
    dispute_id: String,
    item_id: String,
    currency: String,
    claim: i64,
}

/// The disputes set under some keys: item and claim.
pub(crate) async fn disputed(tx: &mut Tx, keys: &BTreeSet<String>) -> Result<BTreeMap<String, (String, Money)>> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let query = tx.build("select dispute_id, item_id, currency, claim from disputes where dispute_id in");
    let query = query.values([()], |row, ()| {
        for key in keys {
            row.value(key.as_str());
        }
    });
    let rows: Vec<DisputeRow> = query.all().await?;
    let known = |row: DisputeRow| Ok((row.dispute_id, (row.item_id, Money::new(row.claim, currency(&row.currency)?))));
    rows.into_iter().map(known).collect()
}

/// A document as it was posted.
pub(crate) async fn document(tx: &mut Tx, number: &DocumentNumber) -> Result<Option<Document>> {
    let content: Option<(String,)> = tx.query(sql::DOCUMENT).bind(number.as_str()).optional().await?;
    content.map(|(content,)| Ok(serde_json::from_str(&content)?)).transpose()
}

/// Keeps a document with what its sender is told. [`Error::Retry`] when another transaction posted the number just now.
pub(crate) async fn post<A: Serialize>(
    tx: &mut Tx,
    document: &Document,
    answer: &A,
    (at, by): (chrono::DateTime<chrono::Utc>, &str),
) -> Result<()> {
    let inserted = tx
        .query(sql::POST)
        .bind(document.number.as_str())
        .bind(document.account_id.as_str())
        .bind(document.currency().code())
        .bind(serde_json::to_string(document)?)
        .bind(serde_json::to_string(answer)?)
        .bind(Instant::from(at))
        .bind(by)
        .execute()
        .await?;
    came_first(inserted, document.number.as_str())
}

/// Keeps a payment with what its recorder is told. [`Error::Retry`] when another transaction recorded it just now.
pub(crate) async fn record<A: Serialize>(tx: &mut Tx, payment: &Payment, answer: &A) -> Result<()> {
    let inserted = tx
        .query(sql::RECORD)
        .bind(payment.id.as_str())
        .bind(payment.account_id.as_str())
        .bind(payment.currency().code())
        .bind(payment.amount.minor())
        .bind(payment.unapplied.minor())
        .bind(payment.effective_date)
        .bind(payment.state.as_str())
        .bind(payment.reversed_date)
        .bind(payment.restored_date)
        .bind(payment.applied_date)
        .bind(serde_json::to_string(&payment.advice)?)
        .bind(serde_json::to_string(answer)?)
        .bind(payment.correlation_id.as_str())
        .bind(Instant::from(payment.recorded_at))
        .bind(payment.recorded_by.as_str())
        .bind(payment.recorded_date)
        .bind(payment.version)
        .execute()
        .await?;
    came_first(inserted, payment.id.as_str())
}

fn came_first(inserted: u64, what: &str) -> Result<()> {
    if inserted == 1 { Ok(()) } else { Err(Error::Retry(format!("{what} was posted just now"))) }
}

/// Which of some item ids are taken.
pub(crate) async fn items_taken(tx: &mut Tx, ids: &BTreeSet<ItemId>) -> Result<BTreeSet<ItemId>> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let query = tx.build("select item_id from items where item_id in");
    let query = query.values([()], |row, ()| {
        for id in ids {
            row.value(id.as_str());
        }
    });
    let rows: Vec<(Id<ItemId>,)> = query.all().await?;
    Ok(rows.into_iter().map(|(id,)| id.0).collect())
}
