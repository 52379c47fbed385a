//! Adding to the journal, in the transaction that makes the change.
use weir_model::{Call, RequestId};

use super::{Change, NewEntry};
use crate::{Column, Dialect, Instant, Query, Result, Tx};

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
    let mut base = match tx.dialect() {
        Dialect::Postgres => None,
        Dialect::Sqlite => Some(take(tx, changes.len()).await?),
    };
    for chunk in changes.chunks(ROWS_MAX) {
        insert(tx, chunk, base).await?;
        base = base.map(|base| base + count(chunk));
    }
    if let Some(last) = base.filter(|_| !changes.is_empty()) {
        tx.wrote_position(last);
    }
    Ok(())
}

/// Adds many changes at the next positions, in one statement or two, however many they are; returns the position before
/// the first.
///
/// Holds the head row until the transaction ends, so that writers come one after the other: for a context whose writers
/// are few and must know positions before they commit. Append last, so that the row is held briefly.
pub async fn append_numbered_in(tx: &mut Tx, entries: &[NewEntry<'_>]) -> Result<i64> {
    let before = match tx.dialect() {
        Dialect::Postgres => {
            let query = push_numbered(tx.build("with "), "true", entries);
            query.push(" select position from head").scalar::<i64>().await? - count(entries)
        }
        Dialect::Sqlite => insert_json(tx, entries).await?,
    };
    if !entries.is_empty() {
        tx.wrote_position(before + count(entries));
    }
    Ok(before)
}

fn count<T>(entries: &[T]) -> i64 {
    i64::try_from(entries.len()).unwrap_or(i64::MAX)
}

/// Takes so many positions; returns the one before the first.
async fn take(tx: &mut Tx, length: usize) -> Result<i64> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let last: i64 = tx.query(sql::TAKE).bind(length).scalar().await?;
    Ok(last - length)
}

/// Two parts of a `with` clause in PostgreSQL, for a writer whose whole batch is one statement: `head` moves the journal's
/// head to the last of the entries, where `condition` holds, and is then one row with that `position`; `added` adds the
/// entries if there is that row. A writer without a transaction of its own says so afterwards with
/// [`Db::appended_up_to`](crate::Db::appended_up_to).
///
/// One array a column: measured to cost PostgreSQL a fraction of as many placeholders as there are values.
pub fn push_numbered<'c>(query: Query<'c>, condition: &'static str, entries: &[NewEntry<'_>]) -> Query<'c> {
    fn column<'a, T>(entries: &'a [NewEntry<'a>], of: impl Fn(&'a NewEntry<'a>) -> T) -> Column<T> {
        entries.iter().map(of).collect()
    }
    query
        .push("head as (update journal_head set position = position + ")
        .value(count(entries))
        .push(" where one = 1 and ")
        .push(condition)
        .push(
            " returning position), added as (
                insert into journal (position, recorded_at, kind, subject, version, before, after, principal, request_id,
                    correlation_id, trace)
                select head.position - ",
        )
        .value(count(entries))
        .push(
            " + line.place, line.recorded_at, line.kind, line.subject, line.version, line.before, line.after,
                    line.principal, line.request_id, line.correlation_id, line.trace
                from head, unnest(",
        )
        .value(column(entries, |entry| Instant::from(entry.call.at)))
        .push(", ")
        .value(column(entries, |entry| entry.kind))
        .push(", ")
        .value(column(entries, |entry| entry.subject))
        .push(", ")
        .value(column(entries, |entry| entry.version))
        .push(", ")
        .value(column(entries, |entry| entry.before))
        .push(", ")
        .value(column(entries, |entry| entry.after))
        .push(", ")
        .value(column(entries, |entry| entry.call.principal.subject.as_str()))
        .push(", ")
        .value(column(entries, |entry| entry.call.request_id.as_ref().map(RequestId::as_str)))
        .push(", ")
        .value(column(entries, |entry| entry.call.correlation_id.as_str()))
        .push(", ")
        .value(column(entries, |entry| entry.call.trace.as_deref()))
        .push(
            ") with ordinality as line
                (recorded_at, kind, subject, version, before, after, principal, request_id, correlation_id, trace, place))",
        )
}

/// One JSON text: SQLite has no arrays.
async fn insert_json(tx: &mut Tx, entries: &[NewEntry<'_>]) -> Result<i64> {
    let before = take(tx, entries.len()).await?;
    let rows = entries.iter().map(row).collect::<Result<Vec<Row<'_>>>>()?;
    tx.build(
        "insert into journal (position, recorded_at, kind, subject, version, before, after, principal, request_id,
            correlation_id, trace)
        select ",
    )
    .value(before)
    .push(
        " + 1 + entry.key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
            value ->> 7, value ->> 8, value ->> 9
        from json_each(",
    )
    .value(serde_json::to_string(&rows)?)
    .push(") as entry")
    .execute()
    .await?;
    Ok(before)
}

/// The columns of a row but for its position, in the order of the table.
type Row<'a> =
    (String, &'a str, &'a str, i64, Option<&'a str>, &'a str, &'a str, Option<&'a str>, &'a str, Option<&'a str>);

fn row<'a>(entry: &NewEntry<'a>) -> Result<Row<'a>> {
    let NewEntry { call, kind, subject, version, before, after } = *entry;
    let recorded_at = Instant::from(call.at).text().map_err(sqlx::Error::Encode)?;
    let (principal, request_id) = (call.principal.subject.as_str(), call.request_id.as_ref().map(RequestId::as_str));
    let (correlation_id, trace) = (call.correlation_id.as_str(), call.trace.as_deref());
    Ok((recorded_at, kind, subject, version, before, after, principal, request_id, correlation_id, trace))
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
