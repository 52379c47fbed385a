//! What a follower needs of a feed: its snapshot, its changes, and the effect of a change here. Written by each context
//! over the generated client; knows nothing of bookmarks.
use std::fmt::Display;
use std::future::Future;

use futures::stream::BoxStream;
pub use weir_model::{FeedStep, SnapshotStep, SourceError};

use crate::{Db, Error, Result, Retryable, Tx};

/// A bookmark's way from where it is believed to be to where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// Where it is; none before the first snapshot.
    pub from: Option<i64>,
    /// Where it goes.
    pub to: i64,
}

/// What a feed sends, step by step.
pub type Line<T> = BoxStream<'static, Result<T, SourceError>>;

/// A feed and what its changes do here.
pub trait Source: Send + Sync + 'static {
    /// A change, or the state of one thing in a snapshot: state with a version, so that it can come twice. Whatever of
    /// the entry's header the effect needs is part of it.
    type Change: Send + Sync + 'static;
    /// The context's own error.
    type Error: From<Error> + Retryable + Display + Send + 'static;

    /// Asks for the present state of everything.
    fn snapshot(&self) -> impl Future<Output = Result<Line<SnapshotStep<Self::Change>>, SourceError>> + Send;

    /// Asks for every entry after a position, and those that come.
    fn watch(&self, after: i64) -> impl Future<Output = Result<Line<FeedStep<Self::Change>>, SourceError>> + Send;

    /// Where to go on: the last position that took effect, none before the first snapshot. A context that may not follow
    /// right now answers once it may.
    fn bookmark(&self, db: &Db, feed: &'static str) -> impl Future<Output = Result<Option<i64>>> + Send {
        crate::bookmark::get(db, feed)
    }

    /// Lets a change take effect, through the transaction alone. Applies it only when its version is higher than the one
    /// known: a snapshot may hold more than its position says, and a snapshot may be taken again.
    fn apply_in(&self, tx: &mut Tx, change: &Self::Change) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Makes changes take effect and moves the bookmark in the same transaction, again on a conflict. Only a context
    /// whose every write goes through a task of its own does this in another way.
    fn save(
        &self,
        db: &Db,
        feed: &'static str,
        changes: &[Self::Change],
        bookmark: Option<Advance>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        super::save(self, db, feed, changes, bookmark)
    }

    /// Told after changes have become durable, for what is kept in memory. Not told again after a restart.
    fn applied(&self, changes: &[Self::Change]) -> impl Future<Output = ()> + Send {
        let _ = changes;
        std::future::ready(())
    }
}

/// Why a step of following failed. The next step connects again.
#[derive(Debug, thiserror::Error)]
pub enum FollowError<E> {
    /// The feed could not be read.
    #[error("the feed: {0}")]
    Source(#[from] SourceError),
    /// A position did not follow the one before: something would have been lost.
    #[error("position {found} came where {expected} was due")]
    Hole {
        /// The position that was due.
        expected: i64,
        /// The position that came.
        found: i64,
    },
    /// The feed or its snapshot ended early.
    #[error("the feed ended")]
    Ended,
    /// The bookmark could not be read.
    #[error(transparent)]
    Store(Error),
    /// A change could not take effect; nothing of its batch did.
    #[error("a change could not take effect: {0}")]
    Effect(E),
}
