//! Reading the journal as it grows: every entry after a position, in order, heartbeats in between. A reader has a bounded
//! buffer; one that takes nothing for too long is disconnected and comes back from its bookmark.
use std::sync::Arc;
use std::time::Duration;

use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Entry, Stamper, head};
use crate::{Db, Error, Result};

/// Entries read from the database at once. The query says it in its text: SQLite would plan it anew for each bound limit.
const BATCH: usize = 500;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    crate::queries! {
        READ = "
            select position, recorded_at, kind, subject, version, before, after, principal, request_id, correlation_id,
                   trace
            from journal where position > $1 order by position limit 500";
    }
}

/// One step of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The next entry.
    Entry(Box<Entry>),
    /// Nothing more so far: everything up to `position` was sent.
    Heartbeat {
        /// The position reached.
        position: i64,
    },
}

/// The steps of a watch; ends after the first error.
pub type Steps = BoxStream<'static, Result<Step>>;

/// How readers of a journal are treated.
#[derive(Debug, Clone, Copy)]
pub struct WatchSettings {
    /// Steps kept ready for a reader.
    pub buffer: usize,
    /// How long a reader may take nothing while its buffer is full.
    pub patience: Duration,
    /// The longest silence: a reader that hears nothing for much longer has lost its line.
    pub heartbeat: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        // a buffer of about a megabyte at a kilobyte an entry; patience for a reader's pause, not for its absence
        WatchSettings { buffer: 1_000, patience: Duration::from_secs(10), heartbeat: Duration::from_secs(1) }
    }
}

pub(super) async fn read(db: &Db, after: i64) -> Result<Vec<Entry>> {
    db.query(sql::READ).bind(after).all().await
}

pub(super) fn watch(db: &Db, after: i64, settings: WatchSettings) -> Steps {
    let db = db.clone();
    Box::pin(async_stream::stream! {
        let (sender, mut steps) = mpsc::channel(settings.buffer.max(1));
        let present = Present::new(&db.journal);
        let sending = tokio::spawn(async move {
            let _present = present;
            send(&db, after, settings, sender).await
        });
        while let Some(step) = steps.recv().await {
            yield Ok(step);
        }
        match sending.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => yield Err(error),
            Err(_) => yield Err(Error::Unavailable(sqlx::Error::WorkerCrashed)),
        }
    })
}

/// Reads on behalf of one reader until it leaves, lags or meets an error.
async fn send(db: &Db, after: i64, settings: WatchSettings, reader: mpsc::Sender<Step>) -> Result<()> {
    let at = head(db).await?;
    if after < at.compacted {
        return Err(Error::PositionCompacted { compacted: at.compacted });
    }
    if after > at.position {
        return Err(Error::PositionAhead { asked: after, head: at.position });
    }
    let mut heads = db.journal.heads();
    let mut cursor = after;
    loop {
        // before the read: what comes after it wakes us
        heads.mark_unchanged();
        let batch = read(db, cursor).await?;
        let may_be_more = batch.len() == BATCH;
        if batch.is_empty() && cursor < *heads.borrow() {
            let compacted = head(db).await?.compacted;
            if cursor < compacted {
                return Err(Error::PositionCompacted { compacted });
            }
        }
        for entry in batch {
            if entry.position != cursor + 1 {
                return Err(missing(db, cursor + 1, entry.position).await?);
            }
            cursor = entry.position;
            if !hand_over(&reader, Step::Entry(Box::new(entry)), settings.patience).await? {
                return Ok(());
            }
        }
        if may_be_more {
            continue;
        }
        if !hand_over(&reader, Step::Heartbeat { position: cursor }, settings.patience).await? {
            return Ok(());
        }
        tokio::select! {
            () = reader.closed() => return Ok(()),
            _ = timeout(settings.heartbeat, heads.changed()) => {}
        }
    }
}

/// Why the entry after the last was not the next position.
async fn missing(db: &Db, expected: i64, found: i64) -> Result<Error> {
    let compacted = head(db).await?.compacted;
    if compacted >= expected {
        return Ok(Error::PositionCompacted { compacted });
    }
    Ok(Error::Hole { expected, found })
}

/// Whether the reader is still there after taking the step.
async fn hand_over(reader: &mpsc::Sender<Step>, step: Step, patience: Duration) -> Result<bool> {
    match timeout(patience, reader.reserve()).await {
        Ok(Ok(place)) => {
            place.send(step);
            Ok(true)
        }
        Ok(Err(_)) => Ok(false),
        Err(_) => Err(Error::SlowReader),
    }
}

/// Counts a reader for as long as it is served.
struct Present(Arc<Stamper>);

impl Present {
    fn new(stamper: &Arc<Stamper>) -> Self {
        stamper.watcher_came();
        Present(stamper.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.watcher_went();
    }
}
