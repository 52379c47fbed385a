//! Forgetting the journal's oldest entries, batch by batch, by one runner.
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use weir_model::Call;

use crate::testing::{call, feed, replica};
use crate::{Change, Db, Journal, Tx, journal, lease, on_both_databases};

fn noon(day: i64) -> DateTime<Utc> {
    call().at + TimeDelta::days(day)
}

/// Entries recorded on a day.
async fn write(db: &Db, day: i64, count: usize) {
    let call = Call { at: noon(day), ..call() };
    let change = Change { kind: "written", subject: "a", version: 1, before: None, after: json!(null) };
    let changes: Vec<_> = (0..count).map(|_| (&call, &change)).collect();
    let mut tx: Tx = db.begin().await.unwrap();
    journal::append_all_in(&mut tx, &changes).await.unwrap();
    tx.commit().await.unwrap();
}

/// A journal with one entry on each of some days.
async fn journal_of(db: &Db, days: &[i64]) -> Journal {
    db.migrate(&[]).await.unwrap();
    let journal = Journal::start(db).await.unwrap();
    for day in days {
        write(db, *day, 1).await;
    }
    journal.stamp().await.unwrap();
    journal
}

on_both_databases! {
    async fn entries_recorded_before_an_instant_are_forgotten(db: Db) {
        let journal = journal_of(&db, &[0, 1, 2, 3]).await;
        assert_eq!(journal::forget(&db, "a", noon(2)).await.unwrap(), 2);
        assert_eq!(feed::caught_up(&journal, 2).await.len(), 2);
        assert_eq!(journal::forget(&db, "a", noon(2)).await.unwrap(), 0);
    }

    async fn an_entry_that_is_kept_keeps_those_after_it(db: Db) {
        let journal = journal_of(&db, &[0, 5, 1]).await;
        assert_eq!(journal::forget(&db, "a", noon(2)).await.unwrap(), 1);
        assert_eq!(feed::caught_up(&journal, 1).await.len(), 2);
    }

    async fn a_journal_may_be_forgotten_whole_and_goes_on(db: Db) {
        let journal = journal_of(&db, &[0, 0]).await;
        assert_eq!(journal::forget(&db, "a", noon(1)).await.unwrap(), 2);
        write(&db, 1, 1).await;
        assert_eq!(feed::caught_up(&journal, 2).await.len(), 1);
    }

    async fn a_transaction_forgets_a_bounded_number(db: Db) {
        let journal = journal_of(&db, &[]).await;
        write(&db, 0, 1_001).await;
        journal.stamp().await.unwrap();
        assert_eq!(journal::forget(&db, "a", noon(1)).await.unwrap(), 1_000);
        assert_eq!(journal::forget(&db, "a", noon(1)).await.unwrap(), 1);
    }

    async fn nothing_is_forgotten_while_another_runner_is_at_it(db: Db) {
        journal_of(&db, &[0]).await;
        let lease = lease::acquire(&db, "journal-retention", "a", Duration::from_secs(60)).await.unwrap().unwrap();
        let other = replica(&db).await;
        assert_eq!(journal::forget(&other, "b", noon(1)).await.unwrap(), 0);
        lease::release(&db, &lease).await.unwrap();
        assert_eq!(journal::forget(&other, "b", noon(1)).await.unwrap(), 1);
    }
}
