//! SQLite connections, handed out in the order they are asked for.
//!
//! Not sqlx's own pool: that one asks each connection that comes back whether it still lives, which is a hop to the
//! connection's thread and back for every query, and the next in line waits for it. A connection to a local file does
//! not die of idleness or age.
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::{Result, lite};

/// A fixed number of connections to one file, opened as they are needed.
#[derive(Debug)]
pub(crate) struct Lanes {
    options: SqliteConnectOptions,
    free: Mutex<Vec<SqliteConnection>>,
    permits: Arc<Semaphore>,
    size: u32,
    patience: Duration,
}

impl Lanes {
    /// At most `size` connections; who waits for one longer than `patience` is told so.
    pub(crate) fn new(options: SqliteConnectOptions, size: u32, patience: Duration) -> Arc<Lanes> {
        let permits = Arc::new(Semaphore::new(usize::try_from(size).unwrap_or(1)));
        Arc::new(Lanes { options, free: Mutex::default(), permits, size, patience })
    }

    /// A connection outside any transaction, once one is free.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Lane> {
        let waiting = timeout(self.patience, self.permits.clone().acquire_owned());
        let permit = waiting.await.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let free = self.free.lock().pop();
        let connection = match free {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        Ok(Lane { connection: Some(connection), lanes: self.clone(), unfinished: false, _permit: permit })
    }

    /// Waits until every connection has come back, and closes them all.
    pub(crate) async fn close(&self) -> Result<()> {
        let Ok(_all) = self.permits.acquire_many(self.size).await else { return Ok(()) };
        self.permits.close();
        let free = std::mem::take(&mut *self.free.lock());
        for connection in free {
            connection.close().await?;
        }
        Ok(())
    }
}

/// A connection in use; back among the others when dropped.
#[derive(Debug)]
pub(crate) struct Lane {
    /// None only while it is dropped.
    connection: Option<SqliteConnection>,
    lanes: Arc<Lanes>,
    /// Whether a transaction is under way, to be undone when this is dropped.
    pub(crate) unfinished: bool,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Lane {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("there until it is dropped")
    }
}

impl DerefMut for Lane {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("there until it is dropped")
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.unfinished {
            lite::start(self, "rollback");
        }
        // before the permit, which is dropped after this
        self.lanes.free.lock().extend(self.connection.take());
    }
}
