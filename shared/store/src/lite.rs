//! Running one statement on a SQLite connection. The connection's thread says when the statement is done, and closes
//! the line a moment later: waiting for that too, as sqlx's own `execute` and `fetch_all` do, wakes the caller twice.
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Either, Executor as _, SqlStr, Sqlite, SqliteConnection};

use crate::Result;
use crate::bind::Record;

/// A statement with its arguments.
type Statement = Query<'static, Sqlite, SqliteArguments>;

/// A statement with its arguments; `persistent` ones stay prepared.
pub(crate) fn query(sql: SqlStr, arguments: SqliteArguments, persistent: bool) -> Statement {
    sqlx::query_with(sql, arguments).persistent(persistent)
}

/// Runs one statement; the number of rows it changed.
pub(crate) async fn execute(connection: &mut SqliteConnection, statement: Statement) -> Result<u64> {
    let mut steps = connection.fetch_many(statement);
    while let Some(step) = steps.try_next().await? {
        if let Either::Left(done) = step {
            return Ok(done.rows_affected());
        }
    }
    Ok(0)
}

/// Runs one statement; its rows.
pub(crate) async fn all<T: Record>(connection: &mut SqliteConnection, statement: Statement) -> Result<Vec<T>> {
    let mut steps = connection.fetch_many(statement);
    let mut rows = Vec::new();
    while let Some(step) = steps.try_next().await? {
        match step {
            Either::Left(_) => break,
            Either::Right(row) => rows.push(record(&row)?),
        }
    }
    Ok(rows)
}

/// Runs one statement up to its first row.
pub(crate) async fn optional<T: Record>(connection: &mut SqliteConnection, statement: Statement) -> Result<Option<T>> {
    connection.fetch_optional(statement).await?.as_ref().map(record).transpose()
}

/// Has the connection's thread run one statement after whatever it is at, and waits for nothing.
pub(crate) fn start(connection: &mut SqliteConnection, sql: &'static str) {
    // asking once hands it over: there is room for dozens, and the connection has one user
    let _ = connection.fetch_many(sqlx::query(sql)).next().now_or_never();
}

fn record<T: Record>(row: &SqliteRow) -> Result<T> {
    Ok(T::from_row(row)?)
}
