//! A PostgreSQL connection of one writer's own, for a writer that never rests: nothing is asked of it between two
//! statements, and its statements stay prepared.
use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use crate::db::Pools;
use crate::query::Target;
use crate::{Db, Query, Result};

/// A connection of one writer's own, outside any transaction: each statement commits by itself. Whoever meets
/// [`Error::Unavailable`](crate::Error::Unavailable) does not know whether it did.
#[derive(Debug)]
pub struct Session {
    pool: sqlx::PgPool,
    connection: Option<PoolConnection<Postgres>>,
}

impl Db {
    /// A writer's own connection; none on SQLite, where writers share one and have it in a transaction only.
    pub fn session(&self) -> Option<Session> {
        match &self.pools {
            Pools::Postgres { pool, .. } => Some(Session { pool: pool.clone(), connection: None }),
            Pools::Sqlite { .. } => None,
        }
    }

    /// Says that a writer's statement has committed journal entries up to a position it gave itself.
    pub fn appended_up_to(&self, position: i64) {
        self.journal.publish(position);
    }
}

impl Session {
    /// Starts a query put together at run time from literal parts; connects where there is no connection.
    pub async fn build(&mut self, head: &'static str) -> Result<Query<'_>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        let connection = self.connection.insert(connection);
        Ok(Query::build(Target::Pg(connection, Default::default()), head))
    }

    /// Gives the connection up: it may be broken, or in the middle of something.
    pub fn give_up(&mut self) {
        self.connection = None;
    }
}
