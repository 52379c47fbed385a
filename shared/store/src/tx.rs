//! A write transaction. Rolled back when dropped, so a handler that is cut short leaves nothing.
use std::sync::Arc;

use sqlx::Postgres;

use crate::db::Attempt;
use crate::journal::{self, Stamper};
use crate::lanes::Lane;
use crate::query::{Opaque, Runner, Target};
use crate::{Db, Dialect, Query, Result, Sql, lite};

/// A write transaction; rolled back when dropped.
///
/// Treat every error as its end: PostgreSQL refuses what comes after an error, SQLite does not.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    connection: Connection,
    journal: Arc<Stamper>,
    /// The last journal row it wrote.
    row: Option<i64>,
    /// That row's position, where the writer gave it itself.
    position: Option<i64>,
}

#[derive(Debug)]
pub(crate) enum Connection {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(Lane),
}

impl Tx {
    pub(crate) fn new(connection: Connection, journal: Arc<Stamper>) -> Self {
        Tx { connection, journal, row: None, position: None }
    }

    /// Which of the two databases this is.
    pub fn dialect(&self) -> Dialect {
        match self.connection {
            Connection::Postgres(_) => Dialect::Postgres,
            Connection::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Starts a query whose text is fixed at compile time.
    pub fn query(&mut self, sql: Sql) -> Query<'_> {
        Runner::query(self, sql)
    }

    /// Starts a query put together at run time from literal parts.
    pub fn build(&mut self, head: &'static str) -> Query<'_> {
        Runner::build(self, head)
    }

    /// Makes it durable. Journal entries it wrote are numbered soon after; see [`commit_at`](Tx::commit_at).
    pub async fn commit(self) -> Result<()> {
        let journal = self.journal.clone();
        let (row, position) = (self.row, self.position);
        self.end().await?;
        match position {
            Some(position) => journal.publish(position),
            None if row.is_some() => journal.wake(),
            None => {}
        }
        Ok(())
    }

    /// Makes it durable and returns the position of its last journal entry, numbering it if need be; the head if it
    /// wrote none; 0 if it is durable but the database went away before the position was known.
    pub async fn commit_at(self, db: &Db) -> Result<i64> {
        let (row, position) = (self.row, self.position);
        self.commit().await?;
        if let Some(position) = position {
            return Ok(position);
        }
        let mut attempt = Attempt::default();
        loop {
            let found = match row {
                Some(row) => journal::committed_position_of(db, row).await,
                None => journal::head_position(db).await,
            };
            match found {
                Ok(position) => return Ok(position),
                Err(_) if attempt.again().await => {}
                Err(error) => {
                    tracing::warn!(%error, "a durable write's position is not known; its token promises nothing");
                    return Ok(0);
                }
            }
        }
    }

    /// Undoes it now, rather than when its connection is used next.
    pub async fn rollback(self) -> Result<()> {
        match self.connection {
            Connection::Postgres(tx) => tx.rollback().await?,
            Connection::Sqlite(lane) => finish(lane, "rollback").await?,
        }
        Ok(())
    }

    async fn end(self) -> Result<()> {
        match self.connection {
            Connection::Postgres(tx) => tx.commit().await?,
            Connection::Sqlite(lane) => finish(lane, "commit").await?,
        }
        Ok(())
    }

    pub(crate) fn wrote_row(&mut self, id: i64) {
        self.row = self.row.max(Some(id));
    }

    pub(crate) fn wrote_position(&mut self, position: i64) {
        self.position = Some(position);
    }

    pub(crate) fn last_row(&self) -> Option<i64> {
        self.row
    }
}

/// Ends the transaction of a lane; one that does not end is undone before the lane is used again.
async fn finish(mut lane: Lane, how: &'static str) -> Result<()> {
    lite::execute(&mut lane, sqlx::query(how)).await?;
    lane.unfinished = false;
    Ok(())
}

impl<'c> Runner<'c> for &'c mut Tx {
    fn target(self) -> Opaque<'c> {
        Opaque(match &mut self.connection {
            Connection::Postgres(tx) => Target::Pg(tx, Default::default()),
            Connection::Sqlite(lane) => Target::Lite(lane, Default::default()),
        })
    }
}
