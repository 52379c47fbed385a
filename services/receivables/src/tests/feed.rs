//! The feed: what others are told, and how reliably.

use futures::StreamExt as _;
use weir_store::{Db, on_both_databases, testing};
use weir_wire::receivables::v1 as pb;

use super::world::{World, invoice, minor, payment, world};

/// Every entry so far.
pub(super) async fn entries(world: &World) -> Vec<pb::Entry> {
    let request = pb::WatchRequest { after_position: 0 };
    let mut steps = world.feed.clone().watch(request).await.unwrap().into_inner();
    let mut entries = Vec::new();
    while let Some(step) = steps.next().await {
        match step.unwrap().step.unwrap() {
            pb::watch_response::Step::Entry(entry) => entries.push(entry),
            pb::watch_response::Step::Heartbeat(_) => break,
        }
    }
    entries
}

/// The last change that was told.
pub(super) async fn last_change(world: &World) -> pb::PositionChange {
    let mut changes = entries(world).await.into_iter().filter_map(|entry| entry.change?.change);
    let pb::change::Change::Position(position) = changes.next_back().unwrap();
    position
}

async fn snapshot(world: &World) -> (Vec<pb::PositionChange>, i64) {
    let mut steps = world.feed.clone().snapshot(pb::SnapshotRequest {}).await.unwrap().into_inner();
    let mut positions = Vec::new();
    loop {
        match steps.next().await.unwrap().unwrap().step.unwrap() {
            pb::snapshot_response::Step::Change(change) => {
                let pb::change::Change::Position(position) = change.change.unwrap();
                positions.push(position);
            }
            pb::snapshot_response::Step::End(end) => {
                assert!(steps.next().await.is_none(), "nothing comes after the end");
                return (positions, end.position);
            }
        }
    }
}

on_both_databases! {
    async fn the_feed_passes_the_suite(db: Db) {
        let world = world(&db).await;
        testing::feed::all(&db, async |n| {
            world.post(invoice("A", &format!("I-{n}"), "2026-03-01", "2026-03-31", 100)).await.unwrap();
        })
        .await;
    }

    async fn a_snapshot_tells_what_the_watch_told(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-03-01", "2026-03-31", 1_000)).await.unwrap();
        world.post(invoice("B", "I-2", "2026-03-02", "2026-04-30", 2_000)).await.unwrap();
        world.pay(payment("A", "P", "2026-03-20", 1_300)).await.unwrap();
        let (positions, head) = snapshot(&world).await;
        assert_eq!(head, 3);
        let [a, b] = positions.as_slice() else { panic!("two positions") };
        let told = last_change(&world).await;
        assert_eq!((a.version, &a.schedule, &a.unapplied_credit), (told.version, &told.schedule, &told.unapplied_credit));
        assert_eq!(a.items, told.items);
        assert_eq!(a.payment_behaviour, told.payment_behaviour);
        assert_eq!(minor(b.schedule[0].open_amount.as_ref()), 2_000);
    }

    async fn versions_of_a_position_go_up_by_one(db: Db) {
        let world = world(&db).await;
        for n in 1..=3 {
            world.post(invoice("A", &format!("I-{n}"), "2026-03-01", "2026-03-31", 100)).await.unwrap();
        }
        world.pay(payment("A", "P", "2026-03-20", 150)).await.unwrap();
        let versions: Vec<i64> = entries(&world).await.iter().map(|entry| entry.header.as_ref().unwrap().version).collect();
        assert_eq!(versions, [1, 2, 3, 4]);
    }

    async fn an_entry_belongs_to_the_story_of_its_document(db: Db) {
        let world = world(&db).await;
        let story = pb::Invoice {
            correlation_id: "order-story".to_owned(),
            ..invoice("A", "I", "2026-03-01", "2026-03-31", 100)
        };
        world.post(story).await.unwrap();
        let entries = entries(&world).await;
        assert_eq!(entries[0].header.as_ref().unwrap().correlation_id, "order-story");
        assert_eq!(last_change(&world).await.items[0].correlation_id, "order-story");
    }
}
