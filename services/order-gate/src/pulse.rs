//! When the gate last heard of each context it follows, and whether it was level with it then. Kept beside the book:
//! hearing that nothing changed is no change.

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

/// A context the gate follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feed {
    /// Credit accounts.
    Limits,
    /// What is owed.
    Receivables,
    /// Blocks and dunning levels.
    Collections,
}

impl Feed {
    /// Every feed.
    pub(crate) const ALL: [Feed; 3] = [Feed::Limits, Feed::Receivables, Feed::Collections];

    /// The followed context's name, which is also the bookmark's.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Feed::Limits => "limits",
            Feed::Receivables => "receivables",
            Feed::Collections => "collections",
        }
    }
}

/// When the gate was last level with each feed since it was opened; none where it never was.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<[Option<DateTime<Utc>>; 3]>);

impl Pulse {
    /// Heard of a feed while level with it.
    pub(crate) fn caught_up(&self, feed: Feed, at: DateTime<Utc>) {
        let mut beats = self.0.lock();
        if let Some(beat) = beats.get_mut(feed as usize) {
            // none sorts before every time
            *beat = (*beat).max(Some(at));
        }
    }

    /// Whether every feed was reached once since the gate was opened.
    pub(crate) fn all_caught_up(&self) -> bool {
        self.0.lock().iter().all(Option::is_some)
    }

    /// How long ago the gate was level with the feed it was level with longest ago, in milliseconds. How long others
    /// went on while the gate was closed nobody knows: a feed it was not level with since it was opened counts from
    /// 1970, which no bound on staleness lets pass.
    pub(crate) fn staleness_ms(&self, now: DateTime<Utc>) -> i64 {
        let oldest = self.0.lock().iter().map(|beat| beat.unwrap_or(DateTime::UNIX_EPOCH)).min();
        oldest.map_or(0, |level_at| (now - level_at).num_milliseconds().max(0))
    }
}
