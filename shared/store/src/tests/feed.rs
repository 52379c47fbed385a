//! The journal, one fact at a time; the suite every feed must pass is run on it as on any context's.
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;
use weir_model::{CorrelationId, RequestId};

use crate::testing::{self, DEADLINE, call, eventually, replica, request, soon};
use crate::{Change, Db, Error, Journal, Step, Tx, journal, on_both_databases, sql};

use super::{COUNTERS, count};

fn change(subject: &str, version: i64) -> Change<'_> {
    Change { kind: "counted", subject, version, before: None, after: json!(version) }
}

/// Writes one entry and leaves its numbering to whoever does that.
async fn write(db: &Db, subject: &str, version: i64) {
    db.transact(async |tx: &mut Tx| journal::append_in(tx, &call(), &change(subject, version)).await).await.unwrap();
}

on_both_databases! {
    async fn the_feed_suite_holds(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let call = call();
        testing::feed::all(&db, async |n| {
            db.once(&call, async |tx: &mut Tx| -> crate::Result<()> {
                let id = i64::try_from(n).unwrap() % 3;
                let n = count(tx, id).await?;
                journal::append_in(tx, &call, &change(&id.to_string(), n)).await
            })
            .await
            .unwrap();
        })
        .await;
    }

    async fn an_entry_says_who_what_when_and_why(db: Db) {
        db.migrate(&[]).await.unwrap();
        let mut call = request("r-1", 1);
        call.correlation_id = CorrelationId::parse("order-7").unwrap();
        call.trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        let (before, after) = (json!({"minor": "1"}), json!({"minor": "9007199254740993", "currency": "CNY"}));
        let change = Change { kind: "limit_changed", subject: "ACME", version: 4, before: Some(before), after };
        let done = db.once(&call, async |tx: &mut Tx| journal::append_in(tx, &call, &change).await).await.unwrap();
        let entries = Journal::start(&db).await.unwrap().read(0).await.unwrap();
        let entry = entries.first().unwrap();
        assert_eq!((entries.len(), entry.position, done.position), (1, 1, 1));
        assert_eq!((entry.kind.as_str(), entry.subject.as_str(), entry.version), ("limit_changed", "ACME", 4));
        assert_eq!(entry.recorded_at, call.at);
        assert_eq!(entry.principal, call.principal.subject.as_str());
        assert_eq!(entry.request_id.as_deref(), call.request_id.as_ref().map(RequestId::as_str));
        assert_eq!(entry.correlation_id, "order-7");
        assert_eq!(entry.trace, call.trace);
        assert_eq!(entry.before_as::<Value>().unwrap(), change.before);
        assert_eq!(entry.after_as::<Value>().unwrap(), change.after);
    }

    async fn json_is_kept_byte_for_byte(db: Db) {
        db.migrate(&[]).await.unwrap();
        // what jsonb would reorder, deduplicate or round
        let after = json!({"zz": 1, "a": {"b": [], "aa": null}, "n": 1_000_000_000_000_000_000_i64, "t": "\u{e4} \\ \u{0}"});
        let wanted = serde_json::to_string(&after).unwrap();
        let change = Change { kind: "k", subject: "s", version: 1, before: None, after };
        db.transact(async |tx: &mut Tx| journal::append_in(tx, &call(), &change).await).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        let entries = testing::feed::caught_up(&journal, 0).await;
        assert_eq!(entries[0].after, wanted);
    }

    async fn an_undone_transaction_leaves_neither_entry_nor_gap(db: Db) {
        db.migrate(&[]).await.unwrap();
        write(&db, "a", 1).await;
        let mut tx = db.begin().await.unwrap();
        journal::append_in(&mut tx, &call(), &change("a", 2)).await.unwrap();
        tx.rollback().await.unwrap();
        write(&db, "a", 3).await;
        let journal = Journal::start(&db).await.unwrap();
        let entries = testing::feed::caught_up(&journal, 0).await;
        assert_eq!(entries.iter().map(|e| (e.position, e.version)).collect::<Vec<_>>(), [(1, 1), (2, 3)]);
    }

    async fn many_changes_of_one_transaction_keep_their_order(db: Db) {
        db.migrate(&[]).await.unwrap();
        let call = call();
        let changes: Vec<_> = (1..=1_234).map(|version| change("a", version)).collect();
        let all: Vec<_> = changes.iter().map(|change| (&call, change)).collect();
        let done = db.once(&call, async |tx: &mut Tx| journal::append_all_in(tx, &all).await).await.unwrap();
        assert_eq!(done.position, 1_234);
        let journal = Journal::start(&db).await.unwrap();
        let entries = testing::feed::caught_up(&journal, 0).await;
        assert!(entries.iter().all(|e| e.position == e.version) && entries.len() == 1_234);
    }

    async fn a_position_is_never_given_twice_even_after_all_entries_are_gone(db: Db) {
        db.migrate(&[]).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        for version in 1..=3 {
            write(&db, "a", version).await;
        }
        assert_eq!(testing::feed::caught_up(&journal, 0).await.len(), 3);
        assert_eq!(journal.compact(i64::MAX).await.unwrap(), 3);
        write(&db, "a", 4).await;
        let entries = testing::feed::caught_up(&journal, 3).await;
        assert_eq!(entries.iter().map(|e| (e.position, e.version)).collect::<Vec<_>>(), [(4, 4)]);
    }

    async fn a_reader_is_woken_by_a_commit(db: Db) {
        db.migrate(&[]).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        let mut steps = journal.watch(0);
        assert_eq!(steps.next().await.unwrap().unwrap(), Step::Heartbeat { position: 0 });
        write(&db, "a", 1).await;
        let entry = soon("the entry", async {
            loop {
                if let Step::Entry(entry) = steps.next().await.unwrap().unwrap() {
                    return entry;
                }
            }
        });
        assert_eq!(entry.await.position, 1);
    }

    async fn another_replica_sees_what_this_one_wrote(db: Db) {
        db.migrate(&[]).await.unwrap();
        let other = replica(&db).await;
        let (here, there) = (Journal::start(&db).await.unwrap(), Journal::start(&other).await.unwrap());
        let mut steps = there.watch(0);
        write(&db, "a", 1).await;
        let deadline = Instant::now() + DEADLINE;
        here.reached(1, deadline).await.unwrap();
        there.reached(1, deadline).await.unwrap();
        eventually("the other's reader sees it", async || there.read(0).await.unwrap().len() == 1).await;
        let mut entries = 0;
        while entries == 0 {
            entries += usize::from(matches!(soon("a step", steps.next()).await, Some(Ok(Step::Entry(_)))));
        }
    }

    async fn no_notification_is_needed(db: Db) {
        db.migrate(&[]).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        let mut steps = journal.watch(0);
        // no journal runs beside the other replica: it numbers its own write and tells nobody
        let (other, call) = (replica(&db).await, call());
        let done = other.once(&call, async |tx: &mut Tx| journal::append_in(tx, &call, &change("a", 1)).await);
        assert_eq!(done.await.unwrap().position, 1);
        let mut entries = 0;
        while entries == 0 {
            entries += usize::from(matches!(soon("a step", steps.next()).await, Some(Ok(Step::Entry(_)))));
        }
    }

    async fn a_position_that_does_not_come_passes_the_deadline(db: Db) {
        db.migrate(&[]).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        write(&db, "a", 1).await;
        journal.reached(1, Instant::now() + DEADLINE).await.unwrap();
        let waited = journal.reached(2, Instant::now() + Duration::from_millis(1)).await;
        assert!(matches!(waited, Err(Error::DeadlinePassed)));
    }

    async fn a_reader_is_let_go_when_it_leaves(db: Db) {
        db.migrate(&[]).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        let mut steps = journal.watch(0);
        steps.next().await.unwrap().unwrap();
        assert_eq!(journal.watchers(), 1);
        drop(steps);
        eventually("nobody watches", async || journal.watchers() == 0).await;
    }

    async fn a_row_whose_writer_died_before_numbering_is_numbered_by_the_next(db: Db) {
        db.migrate(&[]).await.unwrap();
        // no journal runs here: nobody numbers it
        write(&db, "a", 1).await;
        let other = replica(&db).await;
        let call = call();
        let done = other.once(&call, async |tx: &mut Tx| journal::append_in(tx, &call, &change("a", 2)).await);
        assert_eq!(done.await.unwrap().position, 2);
    }

    async fn an_entry_taken_out_by_hand_is_a_hole_not_silence(db: Db) {
        db.migrate(&[]).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        for version in 1..=3 {
            write(&db, "a", version).await;
        }
        journal.reached(3, Instant::now() + DEADLINE).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.query(sql!("delete from journal where position = 2")).execute().await.unwrap();
        tx.commit().await.unwrap();
        let mut steps = journal.watch(0);
        assert!(matches!(steps.next().await, Some(Ok(Step::Entry(_)))));
        assert!(matches!(steps.next().await, Some(Err(Error::Hole { expected: 2, found: 3 }))));
        assert!(steps.next().await.is_none());
    }
}
