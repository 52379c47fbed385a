//! One runner a job, by the database's clock.
use std::time::Duration;

use crate::testing::{eventually, replica};
use crate::{Db, Error, lease, on_both_databases, sql};

use super::{COUNTERS, count, counter};

const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(30);

/// Ends every lease now.
async fn expire(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    tx.query(sql!("update leases set expires_at = $1"))
        .bind(crate::Instant(chrono::DateTime::UNIX_EPOCH))
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

on_both_databases! {
    async fn one_of_many_gets_the_lease(db: Db) {
        db.migrate(&[]).await.unwrap();
        let other = replica(&db).await;
        let tasks: Vec<_> = (0..16)
            .map(|i| {
                let db = if i % 2 == 0 { db.clone() } else { other.clone() };
                tokio::spawn(async move { lease::acquire(&db, "job", &format!("owner-{i}"), LONG).await.unwrap() })
            })
            .collect();
        let mut held = vec![];
        for task in tasks {
            held.extend(task.await.unwrap());
        }
        assert_eq!(held.len(), 1);
        assert_eq!(held[0].epoch, 1);
    }

    async fn a_lease_held_is_refused_to_others(db: Db) {
        db.migrate(&[]).await.unwrap();
        lease::acquire(&db, "job", "a", LONG).await.unwrap().unwrap();
        assert_eq!(lease::acquire(&db, "job", "b", LONG).await.unwrap(), None);
        assert!(lease::acquire(&db, "another job", "b", LONG).await.unwrap().is_some());
    }

    async fn an_expired_lease_is_taken_over_with_the_next_epoch(db: Db) {
        db.migrate(&[]).await.unwrap();
        let first = lease::acquire(&db, "job", "a", LONG).await.unwrap().unwrap();
        expire(&db).await;
        let second = lease::acquire(&db, "job", "b", LONG).await.unwrap().unwrap();
        assert_eq!((first.epoch, second.epoch), (1, 2));
    }

    async fn a_lease_expires_by_the_databases_clock(db: Db) {
        db.migrate(&[]).await.unwrap();
        let first = lease::acquire(&db, "job", "a", SHORT).await.unwrap().unwrap();
        eventually("b gets it", async || {
            let second = lease::acquire(&db, "job", "b", LONG).await.unwrap();
            // whoever gets it gets it only once the database's clock is past the end of the first
            second.is_some_and(|second| {
                assert!(second.expires_at - first.expires_at >= chrono::TimeDelta::from_std(LONG).unwrap());
                true
            })
        })
        .await;
    }

    async fn a_renewed_lease_keeps_its_epoch_and_lasts_longer(db: Db) {
        db.migrate(&[]).await.unwrap();
        let first = lease::acquire(&db, "job", "a", Duration::from_secs(60)).await.unwrap().unwrap();
        let renewed = lease::renew(&db, &first, LONG).await.unwrap();
        assert_eq!(renewed.epoch, first.epoch);
        assert!(renewed.expires_at > first.expires_at + chrono::TimeDelta::seconds(3_000));
    }

    async fn a_released_lease_is_free_at_once(db: Db) {
        db.migrate(&[]).await.unwrap();
        let first = lease::acquire(&db, "job", "a", LONG).await.unwrap().unwrap();
        lease::release(&db, &first).await.unwrap();
        assert_eq!(lease::acquire(&db, "job", "b", LONG).await.unwrap().unwrap().epoch, 2);
    }

    async fn a_zombie_can_neither_renew_nor_release_nor_write(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let zombie = lease::acquire(&db, "job", "a", LONG).await.unwrap().unwrap();
        expire(&db).await;
        let holder = lease::acquire(&db, "job", "b", LONG).await.unwrap().unwrap();
        assert!(matches!(lease::renew(&db, &zombie, LONG).await, Err(Error::LeaseLost(_))));
        lease::release(&db, &zombie).await.unwrap();
        assert_eq!(lease::acquire(&db, "job", "c", LONG).await.unwrap(), None, "b still holds it");
        let mut tx = db.begin().await.unwrap();
        count(&mut tx, 1).await.unwrap();
        assert!(matches!(lease::guard_in(&mut tx, &zombie).await, Err(Error::LeaseLost(_))));
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        lease::guard_in(&mut tx, &holder).await.unwrap();
        count(&mut tx, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(counter(&db, 1).await, 1);
    }

    async fn a_takeover_waits_for_the_holders_commit(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let holder = lease::acquire(&db, "job", "a", LONG).await.unwrap().unwrap();
        expire(&db).await;
        let mut tx = db.begin().await.unwrap();
        lease::guard_in(&mut tx, &holder).await.unwrap();
        count(&mut tx, 1).await.unwrap();
        let other = db.clone();
        let takeover = tokio::spawn(async move {
            let lease = lease::acquire(&other, "job", "b", LONG).await.unwrap().unwrap();
            (lease.epoch, counter(&other, 1).await)
        });
        tx.commit().await.unwrap();
        assert_eq!(takeover.await.unwrap(), (2, 1), "b sees what a wrote");
    }
}
