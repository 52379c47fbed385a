//! One process at a time decides, by a lease on the database's clock.

use std::num::NonZeroU16;
use std::time::Duration;

use tonic::Code;
use weir_store::testing::{eventually, on_postgres, replica};
use weir_store::{Db, Env, on_both_databases, sql};
use weir_wire::order_gate::v1::{AuthorizeOrderRequest, CheckOrderRequest};

use super::pair::{holds, share};
use super::world::{World, credit, order, reason};
use crate::{Ownership, store};

/// A lease nobody outlives by chance within a test.
const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(300);

fn lease(lease: Duration) -> Ownership {
    Ownership { lease, ..Ownership::default() }
}

/// Another process on the same database.
async fn beside(world: &World, ownership: Ownership) -> World {
    let env = Env { db: replica(&world.env.db).await, ..world.env.clone() };
    World::open_as(env, ownership).await
}

async fn decides(world: &World) -> bool {
    let request = CheckOrderRequest { order: Some(order("o-0", "acme", 1)), ..Default::default() };
    match world.pipeline().check_order(request).await {
        Ok(_) => true,
        Err(status) => {
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "UNAVAILABLE"));
            false
        }
    }
}

async fn rename(world: &World, sql: &'static str) {
    let mut tx = world.env.db.begin().await.unwrap();
    tx.build(sql).execute().await.unwrap();
    tx.commit().await.unwrap();
}

/// An account the first of two gates decides for.
fn account_of(world: &World) -> String {
    (0..).map(|n| format!("a-{n}")).find(|id| holds(world, id)).unwrap()
}

async fn two_gates(db: Db, ownership: Ownership) -> (World, World) {
    let first = World::new_as(db, ownership).await;
    let second = beside(&first, lease(LONG)).await;
    eventually("each has half", async || (share(&first), share(&second)) == (32, 32)).await;
    (first, second)
}

#[test]
fn a_call_about_an_account_of_a_gate_that_cannot_be_reached_is_told_to_come_again() {
    on_postgres(async |db: Db| {
        let (first, second) = two_gates(db, lease(LONG)).await;
        let id = account_of(&first);
        let request = AuthorizeOrderRequest { order: Some(order("o-1", &id, 1)), ..Default::default() };
        let status = second.pipeline().authorize_order(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(tonic_types::StatusExt::get_details_retry_info(&status).is_some());
        first.credit(&id, credit(100)).await;
        first.authorize(order("o-1", &id, 1)).await;
    });
}

#[test]
fn a_silent_process_is_taken_over_from_when_its_lease_ends() {
    on_postgres(async |db: Db| {
        let (first, second) = two_gates(db, lease(SHORT)).await;
        let id = account_of(&first);
        first.credit(&id, credit(100)).await;
        first.authorize(order("o-1", &id, 60)).await;
        first.gate.engine.stop();
        eventually("the second has all", async || share(&second) == 64).await;
        assert_eq!(second.net(&id).await, 60);
    });
}

#[test]
fn a_process_that_was_buried_alive_writes_nothing_and_takes_its_share_again() {
    on_postgres(async |db: Db| {
        let (first, second) = two_gates(db, lease(LONG)).await;
        let id = account_of(&first);
        first.credit(&id, credit(100)).await;
        store::bury_all(&first.env.db).await.unwrap();
        first.try_authorize(order("o-1", &id, 60)).await.unwrap_err();
        let has = async || {
            let request = CheckOrderRequest { order: Some(order("o-0", &id, 100)), ..Default::default() };
            first.pipeline().check_order(request.clone()).await.is_ok()
                || second.pipeline().check_order(request).await.is_ok()
        };
        eventually("somebody decides again", has).await;
        eventually("both have a share", async || share(&first) + share(&second) == 64 && share(&first) > 0).await;
        let orders: i64 = first.env.db.query(sql!("select count(*) from orders")).scalar().await.unwrap();
        assert_eq!(orders, 0);
    });
}

on_both_databases! {
    async fn a_lease_that_could_not_be_renewed_is_not_relied_on(db: Db) {
        let world = World::new_as(db, lease(SHORT)).await;
        world.credit("acme", credit(100)).await;
        rename(&world, "alter table owners rename to elsewhere").await;
        eventually("it falls silent", async || !decides(&world).await).await;
        rename(&world, "alter table elsewhere rename to owners").await;
        eventually("it goes on", async || decides(&world).await).await;
        world.authorize(order("o-1", "acme", 60)).await;
        assert_eq!(world.net("acme").await, 60);
    }

    async fn each_change_of_hands_begins_an_epoch(db: Db) {
        let world = World::new(db).await.reopened().await.reopened().await;
        let epochs: Vec<i64> = world.env.db.query(sql!("select distinct epoch from partitions")).scalars().await.unwrap();
        assert_eq!(epochs, [3]);
    }

    async fn the_number_of_partitions_is_fixed_when_the_database_is_made(db: Db) {
        let three = Ownership { partitions: NonZeroU16::new(3).unwrap(), ..Ownership::default() };
        let world = World::new_as(db, three).await.reopened().await;
        world.credit("acme", credit(100)).await;
        let count: i64 = world.env.db.query(sql!("select count(*) from partitions")).scalar().await.unwrap();
        assert_eq!(count, 3);
        let partition: i64 = world.env.db.query(sql!("select partition from inputs")).scalar().await.unwrap();
        // 64-bit FNV-1a of "acme" is 0x724d383f4f6de0f
        assert_eq!(partition, i64::try_from(0x0724_d383_f4f6_de0f_u64 % 3).unwrap());
    }
}
