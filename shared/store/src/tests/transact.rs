//! Queries, errors and transactions mean the same on both databases.
use crate::{Db, Dialect, Error, Tx, on_both_databases, sql};

use super::{COUNTERS, count, counter};

on_both_databases! {
    async fn thirty_two_readers_then_writers_lose_no_update(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        // read, think, write: what ends in SQLITE_BUSY_SNAPSHOT under a deferred transaction
                        db.transact(async |tx: &mut Tx| {
                            let n: i64 = tx
                                .query(sql!("select n from counters where id = 1" pg(" for update")))
                                .scalar()
                                .await?;
                            tokio::task::yield_now().await;
                            tx.query(sql!("update counters set n = $1 where id = 1")).bind(n + 1).execute().await
                        })
                        .await
                        .unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(counter(&db, 1).await, 320);
    }

    async fn a_transaction_that_must_retry_runs_again(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let runs = std::sync::atomic::AtomicI64::new(0);
        let n = db
            .transact(async |tx: &mut Tx| {
                let n = count(tx, 1).await?;
                match runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                    0 => Err(Error::Retry("once".to_owned())),
                    _ => Ok(n),
                }
            })
            .await
            .unwrap();
        assert_eq!((n, counter(&db, 1).await), (1, 1), "the first run left nothing");
    }

    async fn a_transaction_that_never_gets_through_gives_up(db: Db) {
        let runs = std::sync::atomic::AtomicI64::new(0);
        let gave_up: crate::Result<()> = db
            .transact(async |_: &mut Tx| {
                runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Err(Error::Retry("always".to_owned()))
            })
            .await;
        assert!(matches!(gave_up, Err(Error::Retry(_))));
        assert_eq!(runs.into_inner(), 6);
    }

    async fn a_failed_transaction_leaves_nothing(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let failed: crate::Result<()> = db
            .transact(async |tx: &mut Tx| {
                count(tx, 1).await?;
                Err(Error::NotFound)
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(counter(&db, 1).await, 0);
    }

    async fn a_second_row_with_the_same_key_is_a_duplicate(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let twice = tx.query(sql!("insert into counters (id, n) values (1, 0)")).execute().await;
        assert!(matches!(twice, Err(Error::Duplicate(_))), "{twice:?}");
    }

    async fn a_null_where_none_may_be_is_a_constraint(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let null = tx.query(sql!("insert into counters (id, n) values (9, $1)")).bind(None::<i64>).execute().await;
        assert!(matches!(null, Err(Error::Constraint(_))), "{null:?}");
    }

    async fn a_missing_row_is_not_found(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let missing = db.query(sql!("select n from counters where id = $1")).bind(99_i64).scalar::<i64>().await;
        assert!(matches!(missing, Err(Error::NotFound)));
    }

    async fn a_missing_bind_is_an_error_not_null(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let short = db.query(sql!("select n from counters where id = $1 and n = $2")).bind(1_i64).scalar::<i64>().await;
        assert!(short.unwrap_err().to_string().contains("1 of 2 parameters"));
    }

    async fn fixed_text_cannot_grow(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let grown = db.query(sql!("select n from counters")).push(" where id = 1").all::<(i64,)>().await;
        assert!(grown.unwrap_err().to_string().contains("start it with build()"));
    }

    async fn sqlite_writes_only_in_transactions(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let write = db.query(sql!("update counters set n = 1 where id = 1")).execute().await;
        assert_eq!(write.is_err(), db.dialect() == Dialect::Sqlite);
    }

    async fn a_query_is_built_from_the_filters_there_are(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let find = async |least: Option<i64>, most: Option<i64>| {
            let query = db.build("select id from counters where 1 = 1").push_if(" and id >= ", least);
            query.push_if(" and id <= ", most).push(" order by id").scalars::<i64>().await.unwrap()
        };
        assert_eq!(find(Some(5), None).await, [5, 6, 7]);
        assert_eq!(find(Some(2), Some(3)).await, [2, 3]);
    }

    async fn many_rows_go_in_at_once(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let insert = tx.build("insert into counters (id, n) values");
        let rows = insert.values(100..1_100_i64, |row, id| { row.value(id).value(id * 2); }).execute().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((rows, counter(&db, 1_099).await), (1_000, 2_198));
    }
}
