//! A context's journal: each change, appended in the transaction that makes it, read in order from a position.
//!
//! The trap it avoids: a reader of `where id > cursor order by id` skips a row for ever when the transaction that drew
//! id 7 commits after the one that drew 8. So a row gets its `position` only once it is committed (`stamp`), one at a
//! time under the head row, in id order. Hence positions go up by exactly one, none is skipped, changes of one subject
//! stay in order (append after taking the subject's row lock), and writers never wait for each other's commits.
//! SQLite has one writer, so there the position is given in the writing transaction itself.
mod append;
mod compact;
mod entry;
mod stamp;
mod wake;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

pub use append::{append_all_in, append_in, append_numbered_in, push_numbered};
pub use compact::forget;
pub use entry::{Change, Entry, NewEntry};
pub(crate) use stamp::{Stamper, position_of as committed_position_of};
pub use watch::{Step, Steps, WatchSettings};

use crate::{Db, Error, Result};

/// How long a wake-up that got lost (a crash between commit and numbering, a broken LISTEN connection) can delay an
/// entry.
const FALLBACK: Duration = Duration::from_millis(500);
/// How often a waiter for a position looks at the database itself, for what another replica numbered.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

mod sql {
    crate::queries! {
        HEAD = "select position, compacted from journal_head where one = 1";
        POSITION_OF = "select position from journal where id = $1";
    }
}

/// The journal at work in this process: numbers what is committed, wakes readers. Every replica may run one; cheap to
/// clone; its tasks end with the last clone.
#[derive(Debug, Clone)]
pub struct Journal {
    db: Db,
    settings: WatchSettings,
    _tasks: Arc<Tasks>,
}

#[derive(Debug)]
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Journal {
    /// Starts numbering and waking for a migrated database.
    pub async fn start(db: &Db) -> Result<Journal> {
        Self::start_with(db, WatchSettings::default()).await
    }

    /// The same with other settings for its readers.
    pub async fn start_with(db: &Db, settings: WatchSettings) -> Result<Journal> {
        db.journal.publish(head(db).await?.position);
        let mut tasks = vec![tokio::spawn(keep_numbering(db.clone()))];
        tasks.extend(wake::start(db));
        Ok(Journal { db: db.clone(), settings, _tasks: Arc::new(Tasks(tasks)) })
    }

    /// The last position given, as the database has it.
    ///
    /// For a snapshot, take this before reading the state: the state then holds everything up to it and perhaps more,
    /// which the version of each change tells.
    pub async fn head(&self) -> Result<i64> {
        Ok(head(&self.db).await?.position)
    }

    /// Waits until the journal has reached `position`; [`Error::DeadlinePassed`] when it does not in time.
    pub async fn reached(&self, position: i64, deadline: Instant) -> Result<()> {
        let mut known = self.db.journal.heads();
        loop {
            if *known.borrow_and_update() >= position {
                return Ok(());
            }
            let there = head(&self.db).await?.position;
            self.db.journal.publish(there);
            if there >= position {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Error::DeadlinePassed);
            }
            let look_again = deadline.min(Instant::now() + LOOK_AGAIN);
            // whether woken or not, the next round looks
            let _ = timeout_at(look_again, known.changed()).await;
        }
    }

    /// The next entries after `position`, in order: at most 500, fewer only where there are no more.
    pub async fn read(&self, position: i64) -> Result<Vec<Entry>> {
        watch::read(&self.db, position).await
    }

    /// Every entry after a position, then those that come, for ever; heartbeats in between.
    ///
    /// Ends with [`Error::PositionCompacted`] when entries after `after` are gone, [`Error::PositionAhead`] when this
    /// journal never gave that position, [`Error::SlowReader`] when the reader takes nothing for too long.
    pub fn watch(&self, after: i64) -> Steps {
        watch::watch(&self.db, after, self.settings)
    }

    /// How many readers watch in this process.
    pub fn watchers(&self) -> usize {
        self.db.journal.watchers()
    }

    /// Numbers what is committed and not numbered yet; returns how much. Its own task does this all the time; a
    /// simulation may do it by hand.
    pub async fn stamp(&self) -> Result<usize> {
        stamp::stamp(&self.db).await
    }

    /// Deletes the entries up to `position` (at most up to the head); returns how many. Readers that are not that far
    /// must take a snapshot.
    pub async fn compact(&self, position: i64) -> Result<u64> {
        compact::compact(&self.db, position).await
    }
}

/// The one row that says how far the journal is.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct Head {
    position: i64,
    compacted: i64,
}

async fn head(db: &Db) -> Result<Head> {
    db.query(sql::HEAD).one().await
}

/// The position of the last of the journal rows a transaction wrote; where it is compacted, how far compaction is.
pub(crate) async fn position_of(db: &Db, id: i64) -> Result<i64> {
    match db.query(sql::POSITION_OF).bind(id).optional::<(Option<i64>,)>().await? {
        Some((Some(position),)) => Ok(position),
        Some((None,)) => stamp::position_of(db, id).await,
        None => Ok(head(db).await?.compacted),
    }
}

/// The last position given in a database, whether or not a [`Journal`] runs on it.
pub async fn head_position(db: &Db) -> Result<i64> {
    Ok(head(db).await?.position)
}

async fn keep_numbering(db: Db) {
    loop {
        if let Err(error) = stamp::stamp(&db).await {
            tracing::warn!(%error, "numbering the journal failed; trying again");
        }
        match head(&db).await {
            Ok(head) => db.journal.publish(head.position),
            Err(error) => tracing::warn!(%error, "reading the journal's head failed; trying again"),
        }
        let _ = timeout(FALLBACK, db.journal.committed()).await;
    }
}

#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, crate::Sql)> {
    [sql::ALL, append::ALL, stamp::ALL, watch::ALL, compact::ALL].concat()
}
