//! What every feed must do, named as etcd names it: ordered, unique, reliable, resumable, bookmarkable; and slow readers
//! are disconnected. A context calls [`all`] with a way to make it write, on its own database.
use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;

use super::{eventually, soon};
use crate::journal::WatchSettings;
use crate::{Db, Entry, Error, Journal, Step, Steps};

/// Small, so that a test fills it.
const SMALL: WatchSettings =
    WatchSettings { buffer: 4, patience: Duration::from_millis(20), heartbeat: Duration::from_millis(20) };
/// Mutations of each part of the suite.
const WRITES: usize = 12;

/// The whole suite. `write(n)` makes a mutation that leaves at least one journal entry, committed when it returns; `n`
/// goes up and never comes twice. Nobody else watches the journal meanwhile.
pub async fn all(db: &Db, write: impl AsyncFn(usize)) {
    let journal = Journal::start_with(db, SMALL).await.expect("the journal starts");
    let mut count = 0;
    let mut more = async || {
        for _ in 0..WRITES {
            count += 1;
            write(count).await;
        }
    };
    more().await;
    ordered(&journal).await;
    unique(&journal).await;
    more().await;
    resumable(&journal).await;
    let before = caught_up(&journal, 0).await.len();
    let mut open = journal.watch(0);
    more().await;
    reliable(&mut open, &journal, before + WRITES).await;
    drop(open);
    bookmarkable(&journal).await;
    slow_readers_are_disconnected(&journal).await;
    compacted_positions_are_told(&journal).await;
}

/// Positions go up by exactly one from the first; versions of a subject never go down.
pub async fn ordered(journal: &Journal) {
    let entries = caught_up(journal, 0).await;
    let mut versions = HashMap::new();
    for (expected, entry) in (1..).zip(&entries) {
        assert_eq!(entry.position, expected, "positions go up by one");
        let version = versions.entry((&entry.kind, &entry.subject)).or_insert(entry.version);
        assert!(entry.version >= *version, "{} {} goes back in version", entry.kind, entry.subject);
        *version = entry.version;
    }
}

/// No entry comes twice, and two readers see the same.
pub async fn unique(journal: &Journal) {
    let (one, two) = (caught_up(journal, 0).await, caught_up(journal, 0).await);
    assert_eq!(one, two);
}

/// A reader that was there before the writes sees all of them, at least `expected` entries.
pub async fn reliable(open: &mut Steps, journal: &Journal, expected: usize) {
    let head = reached(journal).await;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last: &Entry| last.position < head) {
        if let Step::Entry(entry) = next(open).await {
            seen.push(*entry);
        }
    }
    assert!(seen.len() >= expected, "{} entries of at least {expected}", seen.len());
}

/// From every position the rest comes, and nothing else.
pub async fn resumable(journal: &Journal) {
    let entries = caught_up(journal, 0).await;
    for (read, entry) in (1..).zip(&entries) {
        let rest = caught_up(journal, entry.position).await;
        assert_eq!(rest.as_slice(), entries.get(read..).unwrap_or_default());
    }
}

/// A heartbeat's position is one to resume from: nothing lies between it and the last entry.
pub async fn bookmarkable(journal: &Journal) {
    let head = reached(journal).await;
    let mut steps = journal.watch(head);
    assert_eq!(next(&mut steps).await, Step::Heartbeat { position: head });
    // and it comes again while nothing happens
    assert_eq!(next(&mut steps).await, Step::Heartbeat { position: head });
}

/// A reader that takes nothing gets what was ready for it, then the error, then the end; others are not held up.
pub async fn slow_readers_are_disconnected(journal: &Journal) {
    eventually("earlier readers are gone", async || journal.watchers() == 0).await;
    let mut slow = journal.watch(0);
    next(&mut slow).await;
    eventually("the slow reader is let go", async || journal.watchers() == 0).await;
    let mut taken = 0;
    let error = loop {
        match soon("the rest of the buffer", slow.next()).await.expect("an error comes before the end") {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::SlowReader), "{error}");
    assert!(taken <= SMALL.buffer, "{taken} steps were kept for it");
    assert!(soon("the end", slow.next()).await.is_none());
}

/// After compaction an older position is refused, the newest still works.
pub async fn compacted_positions_are_told(journal: &Journal) {
    let head = reached(journal).await;
    journal.compact(head - 1).await.expect("compaction");
    let refused = soon("an answer", journal.watch(0).next()).await;
    assert!(matches!(refused, Some(Err(Error::PositionCompacted { compacted })) if compacted == head - 1));
    assert_eq!(caught_up(journal, head - 1).await.len(), 1);
    let ahead = soon("an answer", journal.watch(head + 1).next()).await;
    assert!(matches!(ahead, Some(Err(Error::PositionAhead { .. }))));
}

/// Every entry after a position up to the first heartbeat.
pub async fn caught_up(journal: &Journal, after: i64) -> Vec<Entry> {
    reached(journal).await;
    let mut steps = journal.watch(after);
    let mut entries = Vec::new();
    loop {
        match next(&mut steps).await {
            Step::Entry(entry) => entries.push(*entry),
            Step::Heartbeat { position } => {
                assert_eq!(position, entries.last().map_or(after, |last| last.position), "a heartbeat tells the last");
                return entries;
            }
        }
    }
}

/// The head once everything committed is numbered.
async fn reached(journal: &Journal) -> i64 {
    journal.stamp().await.expect("stamping");
    journal.head().await.expect("the head")
}

async fn next(steps: &mut Steps) -> Step {
    let step = soon("the next step", steps.next()).await.expect("the watch goes on");
    step.expect("the watch goes on")
}
