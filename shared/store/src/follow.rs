//! Following another context's feed: each change takes effect here exactly once, in order, however often the line breaks.
//!
//! The bookmark moves in the transaction of the effect. Positions must go up by exactly one: a hole is refused and the
//! feed read again from the bookmark. Without a bookmark, or when the feed has forgotten what comes after it, a snapshot
//! comes first. Knows neither gRPC nor what the changes mean.
mod source;

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::ReadyChunks;
use tokio::sync::watch;

pub use source::{Advance, FeedStep, FollowError, Line, SnapshotStep, Source, SourceError};

use crate::db::Attempt;
use crate::{Db, Retryable, bookmark};

/// Changes that take effect in one transaction when they are there already: few enough to keep it short.
const BATCH_MAX: usize = 64;
/// The pause after the first failure; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause: a source that comes back is found within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How far a follower is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// The last position that took effect; none before the first snapshot.
    pub position: Option<i64>,
    /// Whether it was level with the source when it last heard of it. False again when the line breaks.
    pub caught_up: bool,
}

type Lines<S> = ReadyChunks<Line<FeedStep<<S as Source>::Change>>>;
type Outcome<T, S> = Result<T, FollowError<<S as Source>::Error>>;

/// Follows one feed. Drive it with [`run`](Follower::run), or by hand with [`step`](Follower::step).
pub struct Follower<S: Source> {
    db: Db,
    feed: &'static str,
    source: S,
    line: Option<Lines<S>>,
    /// The feed said it has forgotten what comes after the bookmark.
    forgotten: bool,
    status: watch::Sender<Status>,
}

impl<S: Source> std::fmt::Debug for Follower<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("feed", &self.feed).field("status", &*self.status.borrow()).finish()
    }
}

impl<S: Source> Follower<S> {
    /// A follower of `feed`, which is also the name of its bookmark; connects to nothing yet.
    pub fn new(db: Db, feed: &'static str, source: S) -> Self {
        Follower { db, feed, source, line: None, forgotten: false, status: watch::Sender::new(Status::default()) }
    }

    /// The feed's name.
    pub fn feed(&self) -> &'static str {
        self.feed
    }

    /// How far it is, as it goes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Follows for ever, with growing pauses after failures. Dropping it is safe at any point.
    pub async fn run(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.step().await {
                Ok(_) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::warn!(feed = self.feed, %error, "following broke off; trying again");
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// Connects if need be (taking a snapshot if need be), waits for the next step of the feed and lets what is there
    /// take effect; returns how many positions it went forward. After an error the next step connects again.
    pub async fn step(&mut self) -> Outcome<usize, S> {
        let stepped = self.try_step().await;
        if let Err(error) = &stepped {
            self.line = None;
            self.forgotten |= matches!(error, FollowError::Source(SourceError::Compacted));
            self.status.send_if_modified(|status| std::mem::take(&mut status.caught_up));
        }
        stepped
    }

    async fn try_step(&mut self) -> Outcome<usize, S> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => self.connect().await?,
        };
        let steps = line.next().await.ok_or(FollowError::Ended)?;
        let from = self.status.borrow().position.unwrap_or_default();
        let read = Read::in_order(steps, from);
        if read.reached > from {
            self.save(&read.changes, Some(Advance { from: Some(from), to: read.reached })).await?;
        }
        self.status.send_replace(Status { position: Some(read.reached), caught_up: read.caught_up });
        if let Some(error) = read.broken {
            return Err(error);
        }
        self.line = Some(line);
        Ok(usize::try_from(read.reached - from).unwrap_or_default())
    }

    /// Opens the line at the bookmark, after a snapshot where there is none or the feed has moved on without us.
    async fn connect(&mut self) -> Outcome<Lines<S>, S> {
        let bookmark = self.source.bookmark(&self.db, self.feed).await.map_err(FollowError::Store)?;
        let position = match bookmark {
            Some(position) if !self.forgotten => position,
            before => self.restore(before).await?,
        };
        self.forgotten = false;
        self.status.send_replace(Status { position: Some(position), caught_up: false });
        Ok(self.source.watch(position).await?.ready_chunks(BATCH_MAX))
    }

    /// Takes a snapshot, piece by piece; the bookmark moves with the last piece only, so that a snapshot cut short is
    /// taken again. Returns the position it ends with.
    async fn restore(&mut self, from: Option<i64>) -> Outcome<i64, S> {
        tracing::info!(feed = self.feed, "taking a snapshot");
        let mut snapshot = self.source.snapshot().await?.ready_chunks(BATCH_MAX);
        while let Some(steps) = snapshot.next().await {
            let mut pieces = Vec::with_capacity(steps.len());
            let mut end = None;
            for step in steps {
                match step? {
                    SnapshotStep::State(state) => pieces.push(state),
                    SnapshotStep::End { position } => end = Some(position),
                }
            }
            self.save(&pieces, end.map(|to| Advance { from, to })).await?;
            if let Some(position) = end {
                return Ok(position);
            }
        }
        Err(FollowError::Ended)
    }

    async fn save(&mut self, changes: &[S::Change], bookmark: Option<Advance>) -> Outcome<(), S> {
        self.source.save(&self.db, self.feed, changes, bookmark).await.map_err(FollowError::Effect)?;
        self.source.applied(changes).await;
        self.db.followed.notify_waiters();
        Ok(())
    }
}

/// Effect and bookmark in one transaction, again on a conflict.
async fn save<S: Source + ?Sized>(
    source: &S,
    db: &Db,
    feed: &'static str,
    changes: &[S::Change],
    bookmark: Option<Advance>,
) -> Result<(), S::Error> {
    let mut attempt = Attempt::default();
    loop {
        let tried: Result<(), S::Error> = async {
            let mut tx = db.begin().await?;
            if let Some(Advance { from, to }) = bookmark {
                // first, so that another replica's follower waits here and then finds itself behind
                bookmark::advance_in(&mut tx, feed, from, to).await?;
            }
            for change in changes {
                source.apply_in(&mut tx, change).await?;
            }
            Ok(tx.commit().await?)
        }
        .await;
        let retryable = tried.as_ref().is_err_and(Retryable::retryable);
        if !(retryable && attempt.again().await) {
            return tried;
        }
    }
}

/// What one look at the line brought.
struct Read<C, E> {
    changes: Vec<C>,
    reached: i64,
    caught_up: bool,
    broken: Option<FollowError<E>>,
}

impl<C, E> Read<C, E> {
    /// Takes steps as long as each position follows the one before.
    fn in_order(steps: Vec<Result<FeedStep<C>, SourceError>>, from: i64) -> Self {
        let mut read = Read { changes: Vec::with_capacity(steps.len()), reached: from, caught_up: false, broken: None };
        for step in steps {
            match step {
                Ok(FeedStep::Entry { position, change }) if position == read.reached + 1 => {
                    read.reached = position;
                    read.caught_up = false;
                    read.changes.extend(change);
                }
                Ok(FeedStep::Heartbeat { position }) if position == read.reached => read.caught_up = true,
                Ok(FeedStep::Entry { position: found, .. } | FeedStep::Heartbeat { position: found }) => {
                    read.broken = Some(FollowError::Hole { expected: read.reached + 1, found });
                    break;
                }
                Err(error) => {
                    read.broken = Some(FollowError::Source(error));
                    break;
                }
            }
        }
        read
    }
}
