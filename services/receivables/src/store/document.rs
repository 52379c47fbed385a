//! What was handed in, by its number: found again when it comes again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
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

/// Rows of one insert, ids of one look-up: at most 17 columns each, below SQLite's 32,766 parameters.
const ROWS_MAX: usize = 1_000;

/// Keeps documents with what their sender is told and when. [`Error::Retry`] when another transaction posted one of the
/// numbers just now.
pub(crate) async fn post<A: Serialize>(
    tx: &mut Tx,
    documents: &[(&Document, &A, DateTime<Utc>)],
    by: &str,
) -> Result<()> {
    for chunk in documents.chunks(ROWS_MAX) {
        let texts = chunk.iter().map(|(document, answer, _)| texts(document, answer)).collect::<Result<Vec<_>>>()?;
        let query = tx.build(
            "insert into documents (document_number, account_id, currency, content, answer, recorded_at, recorded_by)
            values",
        );
        let query = query.values(chunk.iter().zip(&texts), |row, ((document, _, at), (content, answer))| {
            row.value(document.number.as_str())
                .value(document.account_id.as_str())
                .value(document.currency().code())
                .value(content.as_str())
                .value(answer.as_str())
                .value(Instant::from(*at))
                .value(by);
        });
        came_first(query.push(" on conflict (document_number) do nothing").execute().await?, chunk.len())?;
    }
    Ok(())
}

/// Keeps payments with what their recorder is told. [`Error::Retry`] when another transaction recorded one just now.
pub(crate) async fn record<A: Serialize>(tx: &mut Tx, payments: &[(&Payment, &A)]) -> Result<()> {
    for chunk in payments.chunks(ROWS_MAX) {
        let texts = chunk.iter().map(|(payment, answer)| texts(&payment.advice, answer)).collect::<Result<Vec<_>>>()?;
        let query = tx.build(
            "insert into payments (payment_id, account_id, currency, amount, unapplied_amount, effective_date, state,
                reversed_date, restored_date, applied_date, content, answer, correlation_id, recorded_at, recorded_by,
                recorded_date, version) values",
        );
        let query = query.values(chunk.iter().zip(&texts), |row, ((payment, _), (content, answer))| {
            row.value(payment.id.as_str())
                .value(payment.account_id.as_str())
                .value(payment.currency().code())
                .value(payment.amount.minor())
                .value(payment.unapplied.minor())
                .value(payment.effective_date)
                .value(payment.state.as_str())
                .value(payment.reversed_date)
                .value(payment.restored_date)
                .value(payment.applied_date)
                .value(content.as_str())
                .value(answer.as_str())
                .value(payment.correlation_id.as_str())
                .value(Instant::from(payment.recorded_at))
                .value(payment.recorded_by.as_str())
                .value(payment.recorded_date)
                .value(payment.version);
        });
        came_first(query.push(" on conflict (payment_id) do nothing").execute().await?, chunk.len())?;
    }
    Ok(())
}

fn texts(content: &impl Serialize, answer: &impl Serialize) -> Result<(String, String)> {
    Ok((serde_json::to_string(content)?, serde_json::to_string(answer)?))
}

fn came_first(inserted: u64, wanted: usize) -> Result<()> {
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == wanted) {
        Ok(())
    } else {
        Err(Error::Retry("one of the numbers was posted just now".to_owned()))
    }
}

/// Which of some item ids are taken.
pub(crate) async fn items_taken(tx: &mut Tx, ids: &BTreeSet<ItemId>) -> Result<BTreeSet<ItemId>> {
    let mut taken = BTreeSet::new();
    let ids: Vec<&ItemId> = ids.iter().collect();
    for chunk in ids.chunks(ROWS_MAX) {
        let query = tx.build("select item_id from items where item_id in");
        let query = query.values([()], |row, ()| {
            for id in chunk {
                row.value(id.as_str());
            }
        });
        let rows: Vec<(Id<ItemId>,)> = query.all().await?;
        taken.extend(rows.into_iter().map(|(id,)| id.0));
    }
    Ok(taken)
}
