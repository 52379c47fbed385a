//! A context's own database and how transactions run on it. Promises the same meaning on both databases; knows no table.
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool};
use tokio::sync::Notify;

use crate::doubt::Doubt;
use crate::journal::Stamper;
use crate::lanes::{Lane, Lanes};
use crate::location::FolderLock;
use crate::query::{Opaque, Runner, Target};
use crate::tx::{Connection, Tx};
use crate::work::Work;
use crate::{Error, Location, Result, Retryable, lite};

/// How long a request may wait for a connection before it is told that the database is unavailable: longer than any
/// healthy queue, shorter than a client's patience.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// PostgreSQL ends a transaction whose client has gone quiet, so that its row locks do not outlive a hung process.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "60s";
/// How long SQLite waits for another process (a backup, a shell) that holds the file; our own writers queue in the pool.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a transaction runs before its [`Error::Retry`] is passed on.
const ATTEMPTS_MAX: u32 = 6;
/// The pause before the second attempt; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// A context's own database: a schema in PostgreSQL, a file in SQLite. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pub(crate) pools: Pools,
    pub(crate) journal: Arc<Stamper>,
    /// Wakes those who wait for a bookmark.
    pub(crate) followed: Arc<Notify>,
    location: Arc<Location>,
}

#[derive(Debug, Clone)]
pub(crate) enum Pools {
    Postgres {
        pool: PgPool,
        doubt: Arc<Doubt>,
    },
    /// SQLite has one writer at a time: a single lane makes writers queue here, in order, instead of polling
    /// SQLITE_BUSY in the file. Readers never wait (WAL) and cannot write.
    Sqlite {
        write: Arc<Lanes>,
        read: Arc<Lanes>,
        _lock: Arc<FolderLock>,
    },
}

impl Db {
    /// Opens the database, making folder, file or schema if absent; migrates nothing. `readers` is the number of
    /// reading connections in SQLite; PostgreSQL has one pool for everything.
    pub async fn open(location: &Location, readers: u32) -> Result<Db> {
        let pools = match location {
            Location::Sqlite { folder, context } => open_sqlite(folder, context, readers).await?,
            Location::Postgres { url, schema, connections } => {
                open_postgres(url.expose_secret(), schema, *connections).await?
            }
        };
        Ok(Db { pools, journal: Arc::default(), followed: Arc::default(), location: Arc::new(location.clone()) })
    }

    /// Which of the two databases this is.
    pub fn dialect(&self) -> Dialect {
        match self.pools {
            Pools::Postgres { .. } => Dialect::Postgres,
            Pools::Sqlite { .. } => Dialect::Sqlite,
        }
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Starts a query whose text is fixed at compile time; on SQLite it cannot write.
    pub fn query(&self, sql: crate::Sql) -> crate::Query<'_> {
        Runner::query(self, sql)
    }

    /// Starts a query put together at run time from literal parts; on SQLite it cannot write.
    pub fn build(&self, head: &'static str) -> crate::Query<'_> {
        Runner::build(self, head)
    }

    /// Begins a write transaction. SQLite takes its write lock now, so nothing in it can meet SQLITE_BUSY later.
    /// Never begin a second one while holding one: SQLite would wait for itself.
    pub async fn begin(&self) -> Result<Tx> {
        let connection = match &self.pools {
            Pools::Postgres { pool, doubt } => Connection::Postgres(begin_postgres(pool, doubt).await?),
            Pools::Sqlite { write, .. } => Connection::Sqlite(begin_immediate(write).await?),
        };
        Ok(Tx::new(connection, self.journal.clone()))
    }

    /// Runs `work` in a transaction and commits; runs it again, a few times, when the database says [`Error::Retry`].
    /// `work` must have no effect but through its transaction, and must call nobody.
    #[expect(clippy::manual_async_fn, reason = "the future says it is Send: handlers cannot find out by themselves")]
    pub fn transact<T, E>(&self, work: impl for<'t> Work<'t, T, E>) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Send,
        E: From<Error> + Retryable + Send,
    {
        async move {
            let mut attempt = Attempt::default();
            loop {
                let tried = async {
                    let mut tx = self.begin().await?;
                    let value = work.run(&mut tx).await?;
                    tx.commit().await?;
                    Ok::<T, E>(value)
                };
                let done = tried.await;
                let retry = done.as_ref().is_err_and(Retryable::retryable);
                if !retry || !attempt.again().await {
                    return done;
                }
            }
        }
    }

    /// Closes the connections once those in use have come back.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Postgres { pool, .. } => pool.close().await,
            Pools::Sqlite { write, read, .. } => {
                for lanes in [read, write] {
                    if let Err(error) = lanes.close().await {
                        tracing::warn!(%error, "a database was not closed in order; it recovers when it is opened next");
                    }
                }
            }
        }
    }
}

/// Counts the attempts of one transaction and pauses between them.
#[derive(Debug, Default)]
pub(crate) struct Attempt(u32);

impl Attempt {
    /// Whether there is another attempt, after a pause.
    pub(crate) async fn again(&mut self) -> bool {
        self.0 += 1;
        if self.0 >= ATTEMPTS_MAX {
            return false;
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(self.0 - 1)).await;
        true
    }
}

/// How to connect to a schema, whether or not it is there.
pub(crate) fn postgres_options(url: &str, schema: &str) -> Result<PgConnectOptions> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if schema.is_empty() || !schema.bytes().all(plain) {
        return Err(Error::Location(format!("schema {schema:?} may have only lower-case letters, digits and _")));
    }
    Ok(PgConnectOptions::from_str(url)?.application_name(&format!("weir-{schema}")).options([
        ("search_path", schema),
        ("timezone", "UTC"),
        // the journal's numbering relies on it, whatever the server's default is
        ("default_transaction_isolation", "read committed"),
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
    ]))
}

async fn open_postgres(url: &str, schema: &str, connections: u32) -> Result<Pools> {
    let options = postgres_options(url, schema)?;
    if connections < 2 {
        return Err(Error::Location(format!("{connections} connections are too few; at least 2 are needed")));
    }
    let mut connection = PgConnection::connect_with(&options).await?;
    // asked first: a role that may not make schemas can still work in one that is there
    let (exists,): (bool,) = sqlx::query_as("select exists (select 1 from pg_namespace where nspname = $1)")
        .bind(schema)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        let sql = format!("create schema if not exists {schema}");
        let made = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map_err(Error::from);
        // two processes that make it at the same moment: one of them is told it is a duplicate
        if let Err(e) = made
            && !matches!(e, Error::Duplicate(_))
        {
            return Err(e);
        }
    }
    connection.close().await?;
    let doubt = Arc::new(Doubt::default());
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire({
            let doubt = doubt.clone();
            move |connection, meta| {
                let is_asked = doubt.concerns(&meta);
                Box::pin(async move {
                    if is_asked {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            }
        })
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres { pool, doubt })
}

/// A connection that was cut since it was used last says so at `begin`, which has no effect by itself: then it is done once
/// more, on a connection that was asked.
async fn begin_postgres(pool: &PgPool, doubt: &Doubt) -> Result<sqlx::Transaction<'static, sqlx::Postgres>> {
    match doubt.note(pool.begin().await) {
        Err(Error::Unavailable(sqlx::Error::Io(_) | sqlx::Error::Database(_))) => doubt.note(pool.begin().await),
        begun => begun,
    }
}

/// The file of a context in a data folder.
pub(crate) fn sqlite_file(folder: &Path, context: &str) -> PathBuf {
    folder.join(format!("{context}.db"))
}

async fn open_sqlite(folder: &Path, context: &str, readers: u32) -> Result<Pools> {
    let lock = FolderLock::take(folder)?;
    let options = SqliteConnectOptions::new()
        .filename(sqlite_file(folder, context))
        .create_if_missing(true)
        // money: a commit that was acknowledged survives power loss
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let write = Lanes::new(options.clone().journal_mode(SqliteJournalMode::Wal), 1, ACQUIRE_TIMEOUT);
    // makes the file and its journal, so that readers, who may come while somebody writes, find them
    drop(write.take().await?);
    let read = Lanes::new(options.pragma("query_only", "on"), readers.max(1), ACQUIRE_TIMEOUT);
    Ok(Pools::Sqlite { write, read, _lock: lock })
}

async fn begin_immediate(write: &Arc<Lanes>) -> Result<Lane> {
    let mut lane = write.take().await?;
    // said first: whoever is cut short while it begins has begun
    lane.unfinished = true;
    lite::execute(&mut lane, sqlx::query("begin immediate")).await?;
    Ok(lane)
}

impl<'c> Runner<'c> for &'c Db {
    fn target(self) -> Opaque<'c> {
        Opaque(match &self.pools {
            Pools::Postgres { pool, doubt } => Target::PgPool((pool, doubt), Default::default()),
            Pools::Sqlite { read, .. } => Target::LitePool(read, Default::default()),
        })
    }
}
