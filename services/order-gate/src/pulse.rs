//! When the gate last heard of each context it follows, and whether it was level with it then. Kept beside the book:
//! hearing that nothing changed is no change.

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_client::registry::Registry;

use crate::decision::{Ages, Verdict};
use crate::policy::Rule;

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
pub(crate) struct Pulse {
    beats: Mutex<[Option<DateTime<Utc>>; 3]>,
    stale: Family<StaleLabels, Counter>,
}

/// What came of an order that was decided by news too old.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StaleLabels {
    outcome: &'static str,
}

impl Pulse {
    /// Counts an answer if news too old had a part in it.
    pub(crate) fn count(&self, verdict: &Verdict) {
        if verdict.failures.iter().any(|failure| failure.rule == Rule::Technical) {
            self.stale.get_or_create(&StaleLabels { outcome: verdict.outcome.as_str() }).inc();
        }
    }

    /// Adds what it counts to a registry.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Orders checked while what the gate knew was too old by its policy, by outcome";
        registry.register("order_gate_stale_decisions", help, self.stale.clone());
    }

    /// Heard of a feed while level with it.
    pub(crate) fn caught_up(&self, feed: Feed, at: DateTime<Utc>) {
        let mut beats = self.beats.lock();
        if let Some(beat) = beats.get_mut(feed as usize) {
            // none sorts before every time
            *beat = (*beat).max(Some(at));
        }
    }

    /// Nothing was heard: what others say from now on is heard by another process.
    pub(crate) fn forget(&self) {
        *self.beats.lock() = Default::default();
    }

    /// Whether every feed was reached once since the gate was opened.
    pub(crate) fn all_caught_up(&self) -> bool {
        self.beats.lock().iter().all(Option::is_some)
    }

    /// How long ago the gate was level with each feed. How long others went on while the gate was closed nobody knows:
    /// a feed it was not level with since it was opened counts from 1970, which no bound on staleness lets pass.
    pub(crate) fn ages(&self, now: DateTime<Utc>) -> Ages {
        let beats = *self.beats.lock();
        let age = |feed: Feed| {
            let level_at = beats.get(feed as usize).copied().flatten().unwrap_or(DateTime::UNIX_EPOCH);
            (now - level_at).num_milliseconds().max(0)
        };
        Ages {
            limits_ms: age(Feed::Limits),
            receivables_ms: age(Feed::Receivables),
            collections_ms: age(Feed::Collections),
        }
    }
}
