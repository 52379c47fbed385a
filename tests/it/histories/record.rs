//! What callers asked and were answered, and when.

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;

/// What was asked, in whole yuan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// An order in a revision.
    Authorize { revision: i32, value: i64 },
    /// What is not delivered of an order is taken back.
    Cancel,
    /// A delivery, with what was delivered of the order in all then.
    Deliver { in_all: i64 },
    /// How the account stands.
    Standing,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Decided {
        decision_id: String,
        passes: bool,
    },
    Done,
    /// Ordered and not delivered; delivered and not invoiced.
    Stands {
        ordered: i64,
        delivered: i64,
    },
}

/// One call, however often it was tried.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) account: String,
    pub(super) order: String,
    pub(super) asked: Asked,
    /// Before it was tried first.
    pub(super) from: Instant,
    /// After it was answered, and what; none where the caller gave up, and nobody knows.
    pub(super) answered: Option<(Instant, Answer)>,
}

impl Call {
    pub(super) fn answer(&self) -> Option<&Answer> {
        self.answered.as_ref().map(|(_, answer)| answer)
    }

    /// Whether it was answered before something happened.
    pub(super) fn ended_before(&self, instant: Instant) -> bool {
        self.answered.as_ref().is_some_and(|(at, _)| *at < instant)
    }
}

/// All calls of a run, in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub(super) struct History(Arc<Mutex<Vec<Call>>>);

impl History {
    pub(super) fn note(&self, call: Call) {
        self.0.lock().push(call);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.0.lock().clone()
    }
}
