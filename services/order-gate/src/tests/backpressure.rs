//! What waits is bounded: of a stream, and of all callers together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures::{FutureExt as _, StreamExt as _, poll, stream};
use weir_store::{Db, Dialect, Tx, on_both_databases};
use weir_wire::order_gate::v1::{AuthorizeOrdersRequest, Outcome};

use super::streams::{message, open};
use super::world::{World, credit, order};
use crate::api::UNDER_WAY_MAX;
use crate::engine::QUEUE_MAX;

/// Messages the caller's side of a connection has ready beyond those read: 32 KiB, of at least 50 bytes each.
const ON_THE_WAY_MAX: usize = 32 * 1024 / 50;
/// More than that.
const ORDERS: usize = 2_500;

/// Keeps the gate from writing until it is dropped.
pub(super) async fn stopped(world: &World) -> Tx {
    let mut tx = world.env.db.begin().await.unwrap();
    if world.env.db.dialect() == Dialect::Postgres {
        tx.build("lock table orders in access exclusive mode").execute().await.unwrap();
    }
    tx
}

on_both_databases! {
    async fn a_stream_is_read_no_further_than_what_may_be_under_way(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000_000)).await;
        let stopped = stopped(&world).await;
        let read = Arc::new(AtomicUsize::new(0));
        let messages = counted(read.clone());
        let mut answers = open(&world, stream::iter(messages)).await;
        // the gate is given every chance to read on
        for _ in 0..100 {
            assert!(poll!(answers.next()).is_pending());
            tokio::task::yield_now().await;
        }
        let under_way = UNDER_WAY_MAX..=UNDER_WAY_MAX + 1 + ON_THE_WAY_MAX;
        assert!(under_way.contains(&read.load(Relaxed)), "{} were read", read.load(Relaxed));
        stopped.rollback().await.unwrap();
        let sequences: Vec<_> = answers.map(|answer| answer.unwrap().sequence).collect().await;
        assert!(sequences.into_iter().eq(0..i64::try_from(ORDERS).unwrap()));
    }

    async fn streams_leave_places_to_single_calls(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000_000)).await;
        let stopped = stopped(&world).await;
        let mut streams = Vec::new();
        // together they would take every place
        for n in 0..=QUEUE_MAX / UNDER_WAY_MAX {
            let orders = (0..ORDERS).map(move |m| message(0, order(&format!("o-{n}-{m}"), "acme", 1)));
            streams.push(open(&world, stream::iter(orders)).await);
        }
        for _ in 0..100 {
            for answers in &mut streams {
                assert!(poll!(answers.next()).is_pending());
            }
            tokio::task::yield_now().await;
        }
        let single = world.authorize(order("single", "acme", 1));
        let mut single = std::pin::pin!(single.fuse());
        assert!(poll!(&mut single).is_pending(), "it waits, and is not told to come again");
        drop(streams);
        stopped.rollback().await.unwrap();
        assert_eq!(single.await.outcome(), Outcome::Approve);
        world.authorize(order("later", "acme", 1)).await;
    }
}

/// Orders that count how many of them were taken.
fn counted(taken: Arc<AtomicUsize>) -> impl Iterator<Item = AuthorizeOrdersRequest> + Send {
    (0..ORDERS).map(move |n| {
        taken.fetch_add(1, Relaxed);
        message(i64::try_from(n).unwrap(), order(&format!("o-{n}"), "acme", 1))
    })
}
