//! PostgreSQL drops every connection while requests are under way: callers are told, may ask again under the same
//! request id, and nothing is done twice, lost or stuck.
use serde_json::json;
use weir_model::Kind;

use crate::testing::{self, feed, replica, request, soon};
use crate::{Change, Db, Error, Journal, Location, Tx, journal, sql};

use super::{COUNTERS, count, counter};

const WRITERS: usize = 8;
const WRITES: usize = 25;
const OUTAGES: usize = 5;

async fn write(db: &Db, id: &str) -> crate::Result<i64> {
    let call = request(id, 1);
    let done = db.once(&call, async |tx: &mut Tx| -> crate::Result<i64> {
        let n = count(tx, 1).await?;
        let change = Change { kind: "counted", subject: "1", version: n, before: None, after: json!(n) };
        journal::append_in(tx, &call, &change).await?;
        Ok(n)
    });
    Ok(done.await?.value)
}

/// Ends every connection of the schema but the one that asks.
async fn outage(db: &Db, schema: &str) {
    let end = sql!(
        pg("select count(pg_terminate_backend(pid)) from pg_stat_activity
            where application_name = $1 and pid <> pg_backend_pid()")
        lite("select length($1)")
    );
    let _: i64 = db.query(end).bind(format!("weir-{schema}")).scalar().await.unwrap();
}

#[test]
fn requests_asked_again_after_an_outage_have_one_effect() {
    testing::on_postgres(async |db: Db| {
        db.migrate(COUNTERS).await.unwrap();
        let Location::Postgres { schema, .. } = db.location().clone() else { return };
        let journal = Journal::start(&db).await.unwrap();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let db = db.clone();
                tokio::spawn(async move {
                    let mut told = 0;
                    for n in 0..WRITES {
                        while let Err(error) = write(&db, &format!("{writer}-{n}")).await {
                            let kind = weir_model::Fault::from(error).kind;
                            assert!(matches!(kind, Kind::Unavailable | Kind::Aborted), "{kind:?}");
                            told += 1;
                        }
                    }
                    told
                })
            })
            .collect();
        let other = replica(&db).await;
        for outages in 1..=OUTAGES {
            let reached = i64::try_from(outages * WRITERS * WRITES / (OUTAGES + 1)).unwrap();
            testing::eventually("enough is written", async || {
                // this connection may be the one that was ended
                let query = other.query(sql!("select n from counters where id = 1")).scalar::<i64>();
                query.await.is_ok_and(|n| n >= reached)
            })
            .await;
            outage(&other, &schema).await;
        }
        let mut told = 0;
        for writer in writers {
            told += soon("the writer comes through", writer).await.unwrap();
        }
        assert!(told > 0, "nobody noticed {OUTAGES} outages");
        // on fresh connections: an idle one may still not know that it was ended
        let fresh = replica(&db).await;
        let all = WRITERS * WRITES;
        assert_eq!(counter(&fresh, 1).await, i64::try_from(all).unwrap());
        drop(journal);
        let journal = Journal::start(&fresh).await.unwrap();
        assert_eq!(feed::caught_up(&journal, 0).await.len(), all);
    });
}

#[test]
fn a_lost_connection_is_unavailable() {
    testing::on_postgres(async |db: Db| {
        let Location::Postgres { schema, .. } = db.location().clone() else { return };
        let other = replica(&db).await;
        let mut tx = db.begin().await.unwrap();
        outage(&other, &schema).await;
        let lost = tx.query(sql!("select 1")).execute().await;
        assert!(matches!(lost, Err(Error::Unavailable(_))), "{lost:?}");
    });
}

/// Has several connections rest in the pool, then ends them all.
async fn ended_while_they_rested(db: &Db) -> Option<()> {
    let Location::Postgres { schema, .. } = db.location().clone() else { return None };
    let open = futures::future::join_all((0..4).map(|_| db.begin())).await;
    for tx in open {
        tx.unwrap().commit().await.unwrap();
    }
    outage(&replica(db).await, &schema).await;
    Some(())
}

#[test]
fn a_transaction_begins_though_every_resting_connection_was_ended() {
    testing::on_postgres(async |db: Db| {
        let Some(()) = ended_while_they_rested(&db).await else { return };
        for tx in futures::future::join_all((0..4).map(|_| db.begin())).await {
            tx.unwrap().commit().await.unwrap();
        }
    });
}

#[test]
fn one_read_that_finds_its_connection_broken_spares_the_others() {
    testing::on_postgres(async |db: Db| {
        let Some(()) = ended_while_they_rested(&db).await else { return };
        let first: crate::Result<i64> = db.query(sql!("select cast(1 as bigint)")).scalar().await;
        assert!(matches!(first, Err(Error::Unavailable(_))), "{first:?}");
        let reads = (0..4).map(|_| db.query(sql!("select cast(1 as bigint)")).scalar::<i64>());
        for read in futures::future::join_all(reads).await {
            assert_eq!(read.unwrap(), 1);
        }
    });
}
