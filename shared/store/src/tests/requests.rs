//! A mutation that comes again under its request id changes nothing and gets the same answer.
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::json;
use tokio::sync::Barrier;
use weir_model::{Principal, SubjectId};

use crate::testing::{call, replica, request};
use crate::{Change, Db, Done, Error, Journal, Tx, journal, on_both_databases, sql};

use super::{COUNTERS, count, counter};

/// Counts and journals; answers the count.
async fn bump(db: &Db, call: &weir_model::Call) -> crate::Result<Done<i64>> {
    db.once(call, async |tx: &mut Tx| -> crate::Result<i64> {
        let n = count(tx, 1).await?;
        let change = Change { kind: "counted", subject: "1", version: n, before: None, after: json!(n) };
        journal::append_in(tx, call, &change).await?;
        Ok(n)
    })
    .await
}

on_both_databases! {
    async fn the_same_request_gets_the_same_answer_and_position(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let first = bump(&db, &request("r-1", 1)).await.unwrap();
        assert_eq!(first, Done { value: 1, position: 1, replayed: false });
        bump(&db, &request("r-2", 2)).await.unwrap();
        let again = bump(&db, &request("r-1", 1)).await.unwrap();
        assert_eq!(again, Done { value: 1, position: 1, replayed: true });
        assert_eq!(counter(&db, 1).await, 2);
    }

    async fn the_same_id_with_another_content_is_refused(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        bump(&db, &request("r-1", 1)).await.unwrap();
        assert!(matches!(bump(&db, &request("r-1", 2)).await, Err(Error::IdempotencyMismatch)));
        assert_eq!(counter(&db, 1).await, 1);
    }

    async fn the_same_id_on_another_rpc_is_refused(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        bump(&db, &request("r-1", 1)).await.unwrap();
        let mut other = request("r-1", 1);
        other.rpc = "weir.test.v1.TestService/Other";
        assert!(matches!(bump(&db, &other).await, Err(Error::IdempotencyMismatch)));
    }

    async fn a_request_id_belongs_to_its_caller(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        bump(&db, &request("r-1", 1)).await.unwrap();
        let mut other = request("r-1", 1);
        other.principal = Principal { subject: SubjectId::parse("somebody-else").unwrap(), ..other.principal };
        assert_eq!(bump(&db, &other).await.unwrap().value, 2);
    }

    async fn a_call_without_an_id_is_never_a_repetition(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        bump(&db, &call()).await.unwrap();
        assert_eq!(bump(&db, &call()).await.unwrap(), Done { value: 2, position: 2, replayed: false });
    }

    async fn a_failed_request_may_come_again(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let call = request("r-1", 1);
        let failed: crate::Result<Done<i64>> = db.once(&call, async |tx: &mut Tx| {
            count(tx, 1).await?;
            Err(Error::NotFound)
        }).await;
        assert!(failed.is_err());
        assert_eq!(bump(&db, &call).await.unwrap(), Done { value: 1, position: 1, replayed: false });
    }

    async fn sixteen_twins_have_one_effect_and_one_answer(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        // on PostgreSQL half of them arrive at another replica
        let other = replica(&db).await;
        let start = std::sync::Arc::new(Barrier::new(16));
        let twins: Vec<_> = (0..16)
            .map(|i| {
                let (db, start) = (if i % 2 == 0 { db.clone() } else { other.clone() }, start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    bump(&db, &request("r-1", 1)).await
                })
            })
            .collect();
        let mut fresh = 0;
        for twin in twins {
            let done = twin.await.unwrap().unwrap();
            assert_eq!((done.value, done.position), (1, 1));
            fresh += usize::from(!done.replayed);
        }
        assert_eq!((fresh, counter(&db, 1).await), (1, 1));
    }

    async fn a_twin_whose_first_is_undone_runs_itself(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let runs = AtomicUsize::new(0);
        let (call, start) = (request("r-1", 1), Barrier::new(2));
        let twin = async || -> crate::Result<Done<i64>> {
            start.wait().await;
            db.once(&call, async |tx: &mut Tx| {
                let first = runs.fetch_add(1, SeqCst) == 0;
                let n = count(tx, 1).await?;
                if first { Err(Error::NotFound) } else { Ok(n) }
            })
            .await
        };
        let (one, two) = tokio::join!(twin(), twin());
        let (failed, done) = if one.is_err() { (one, two) } else { (two, one) };
        assert!(failed.is_err());
        assert_eq!((done.unwrap().value, counter(&db, 1).await), (1, 1));
    }

    async fn a_request_that_changes_nothing_answers_with_the_head(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        bump(&db, &call()).await.unwrap();
        let read = db.once(&request("r-2", 2), async |_: &mut Tx| -> crate::Result<i64> { Ok(7) }).await.unwrap();
        assert_eq!(read, Done { value: 7, position: 1, replayed: false });
    }

    async fn a_forgotten_request_is_new(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let first = request("r-1", 1);
        bump(&db, &first).await.unwrap();
        assert_eq!(db.forget_requests(first.at, 10).await.unwrap(), 0, "not before its own instant");
        assert_eq!(db.forget_requests(first.at + chrono::TimeDelta::seconds(1), 10).await.unwrap(), 1);
        assert_eq!(bump(&db, &first).await.unwrap().value, 2);
    }

    async fn a_replayed_position_survives_compaction(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        for id in ["r-1", "r-2", "r-3"] {
            bump(&db, &request(id, 1)).await.unwrap();
        }
        Journal::start(&db).await.unwrap().compact(2).await.unwrap();
        assert_eq!(bump(&db, &request("r-1", 1)).await.unwrap(), Done { value: 1, position: 2, replayed: true });
    }

    async fn a_request_id_row_without_an_answer_is_never_seen(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let _ = db.once(&request("r-1", 1), async |tx: &mut Tx| -> crate::Result<i64> {
            count(tx, 1).await?;
            Err(Error::NotFound)
        }).await;
        let rows: i64 = db.query(sql!("select count(*) from requests")).scalar().await.unwrap();
        assert_eq!(rows, 0);
    }
}

/// A gRPC handler's future must be `Send`, whatever its work borrows.
#[test]
fn work_that_borrows_can_cross_threads() {
    struct Context {
        db: Db,
    }
    impl Context {
        async fn act(&self, call: &weir_model::Call, text: &str) -> crate::Result<Done<i64>> {
            let owned = text.to_owned();
            self.db.transact(async |tx: &mut Tx| count(tx, i64::try_from(owned.len()).unwrap_or(0)).await).await?;
            let done = self.db.once(call, async |tx: &mut Tx| {
                let change = Change { kind: text, subject: &owned, version: 1, before: None, after: json!(text) };
                journal::append_in(tx, call, &change).await?;
                count(tx, 1).await
            });
            done.await
        }
    }
    fn handler(
        context: std::sync::Arc<Context>,
    ) -> std::pin::Pin<Box<dyn Future<Output = crate::Result<Done<i64>>> + Send>> {
        Box::pin(async move { context.act(&call(), "text").await })
    }
    let _ = handler;
}
