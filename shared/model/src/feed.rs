//! The steps of a feed, as whoever reads it sees them: plain data, whichever way it came.

/// One step of a feed as it is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedStep<C> {
    /// The next position.
    Entry {
        /// Its position.
        position: i64,
        /// What changed; none where it is nobody else's business.
        change: Option<C>,
    },
    /// Nothing more so far.
    Heartbeat {
        /// The position reached: the last one sent.
        position: i64,
    },
}

/// One piece of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotStep<C> {
    /// The present state of one thing.
    State(C),
    /// The end: watch on from here.
    End {
        /// The position the snapshot holds at least.
        position: i64,
    },
}

/// Why a feed gives no more.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// `POSITION_COMPACTED`: it has forgotten what comes after the position; take a snapshot.
    #[error("the feed has forgotten what comes after the position")]
    Compacted,
    /// Anything else: ask again later.
    #[error("{0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SourceError {
    /// Wraps whatever the client said.
    pub fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        SourceError::Failed(cause.into())
    }
}
