//! Adding to the journal, in the transaction that makes the change.
use weir_model::{Call, RequestId};

use super::Change;
use crate::{Dialect, Instant, Result, Tx};

/// Rows of one insert: twelve columns each, far below SQLite's 32 766 parameters.
const ROWS_MAX: usize = 500;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    crate::queries! {
        TAKE = "update journal_head set position = position + $1 where one = 1 returning position";
    }
}

/// Adds a change. Take the subject's row lock (update it) first, so that its entries come in the order of its changes.
pub async fn append_in(tx: &mut Tx, call: &Call, change: &Change<'_>) -> Result<()> {
    append_all_in(tx, &[(call, change)]).await
}

/// Adds many changes, in this order, with few statements.
pub async fn append_all_in(tx: &mut Tx, changes: &[(&Call, &Change<'_>)]) -> Result<()> {
    match tx.dialect() {
        Dialect::Postgres => {
            for chunk in changes.chunks(ROWS_MAX) {
                insert(tx, chunk, None).await?;
            }
        }
        Dialect::Sqlite => {
            append_numbered_in(tx, changes).await?;
        }
    }
    Ok(())
}

/// Adds many changes and gives them their positions at once; returns the last one given so far.
///
/// Holds the head row until the transaction ends, so that writers come one after the other: for a context that has one
/// writer anyway and must know positions before it commits.
pub async fn append_numbered_in(tx: &mut Tx, changes: &[(&Call, &Change<'_>)]) -> Result<i64> {
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let last: i64 = tx.query(sql::TAKE).bind(count).scalar().await?;
    let mut base = last - count;
    for chunk in changes.chunks(ROWS_MAX) {
        insert(tx, chunk, Some(base)).await?;
        base += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
    }
    if count > 0 {
        tx.wrote_position(last);
    }
    Ok(last)
}

/// Inserts rows, numbered from the one after `base` where the writer numbers them itself.
async fn insert(tx: &mut Tx, changes: &[(&Call, &Change<'_>)], base: Option<i64>) -> Result<()> {
    let mut position = base;
    let texts =
        changes.iter().map(|(_, change)| Ok((change.before.as_ref().map(text).transpose()?, text(&change.after)?)));
    let texts: Vec<(Option<String>, String)> = texts.collect::<Result<_>>()?;
    let insert = tx.build(
        "insert into journal (position, recorded_at, kind, subject, version, before, after, principal, request_id,
            correlation_id, trace) values",
    );
    let ids: Vec<i64> = insert
        .values(changes.iter().zip(&texts), |row, ((call, change), (before, after))| {
            position = position.map(|p| p + 1);
            row.value(position)
                .value(Instant::from(call.at))
                .value(change.kind)
                .value(change.subject)
                .value(change.version)
                .value(before.as_deref())
                .value(after.as_str())
                .value(call.principal.subject.as_str())
                .value(call.request_id.as_ref().map(RequestId::as_str))
                .value(call.correlation_id.as_str())
                .value(call.trace.as_deref());
        })
        .push(" returning id")
        .scalars()
        .await?;
    if let Some(last) = ids.into_iter().max() {
        tx.wrote_row(last);
    }
    Ok(())
}

fn text(value: &serde_json::Value) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}
