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

#[derive(Debug, Clone, Copy)]
struct Beat {
    heard_at: DateTime<Utc>,
    caught_up_once: bool,
}

/// When each feed was last heard of.
#[derive(Debug)]
pub(crate) struct Pulse(Mutex<[Beat; 3]>);

impl Pulse {
    /// Nothing heard since the gate was opened.
    pub(crate) fn new(opened_at: DateTime<Utc>) -> Self {
        Pulse(Mutex::new([Beat { heard_at: opened_at, caught_up_once: false }; 3]))
    }

    /// Heard of a feed while level with it.
    pub(crate) fn caught_up(&self, feed: Feed, at: DateTime<Utc>) {
        let mut beats = self.0.lock();
        if let Some(beat) = beats.get_mut(feed as usize) {
            *beat = Beat { heard_at: at.max(beat.heard_at), caught_up_once: true };
        }
    }

    /// Whether every feed was reached once since the gate was opened.
    pub(crate) fn all_caught_up(&self) -> bool {
        self.0.lock().iter().all(|beat| beat.caught_up_once)
    }

    /// How long ago the feed heard of least was heard of, in milliseconds.
    pub(crate) fn staleness_ms(&self, now: DateTime<Utc>) -> i64 {
        let oldest = self.0.lock().iter().map(|beat| beat.heard_at).min();
        oldest.map_or(0, |heard_at| (now - heard_at).num_milliseconds().max(0))
    }
}
