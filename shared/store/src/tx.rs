//! A write transaction. Rolled back when dropped, so a handler that is cut short leaves nothing.
use sqlx::{Postgres, Sqlite};

use crate::query::{Opaque, Runner, Target};
use crate::{Dialect, Query, Result, Sql};

/// A write transaction; rolled back when dropped.
///
/// Treat every error as its end: PostgreSQL refuses what comes after an error, SQLite does not.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    connection: Connection,
}

#[derive(Debug)]
pub(crate) enum Connection {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Tx {
    pub(crate) fn new(connection: Connection) -> Self {
        Tx { connection }
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

    /// Makes it durable.
    pub async fn commit(self) -> Result<()> {
        match self.connection {
            Connection::Postgres(tx) => tx.commit().await?,
            Connection::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl<'c> Runner<'c> for &'c mut Tx {
    fn target(self) -> Opaque<'c> {
        Opaque(match &mut self.connection {
            Connection::Postgres(tx) => Target::Pg(tx, Default::default()),
            Connection::Sqlite(tx) => Target::Lite(tx, Default::default()),
        })
    }
}
