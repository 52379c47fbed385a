//! What others learn from the gate, and what the gate learns from others.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use tonic::{Request, Response, Status, async_trait, service::RoutesBuilder};
use weir_store::{Db, on_both_databases};
use weir_wire::common::v1::{EntryHeader, Heartbeat, SnapshotEnd};
use weir_wire::order_gate::v1 as gate;
use weir_wire::receivables::v1::{
    Change, DueAmount, Entry, OrderLineInvoiced, PaymentBehaviour, PositionChange, SettledByLateness, SnapshotRequest,
    SnapshotResponse, WatchRequest, WatchResponse, change,
    feed_service_server::{FeedService, FeedServiceServer},
    snapshot_response, watch_response,
};
use weir_wire::{Peer, emit};

use super::world::{World, account, amount, credit, date, order, owed, units};
use crate::follow;

on_both_databases! {
    async fn the_journal_does_what_every_feed_must(db: Db) {
        let world = World::new(db.clone()).await;
        world.credit("acme", credit(1_000)).await;
        let write = async |n: usize| {
            world.authorize(order(&format!("o-{n}"), "acme", 30)).await;
        };
        weir_store::testing::feed::all(&db, write).await;
    }

    async fn decisions_commitments_and_holds_are_told_in_order(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 60)).await;
        let held = world.authorize(order("o-2", "acme", 60)).await;
        let mut watch = world.feed().watch(gate::WatchRequest { after_position: 0 }).await.unwrap().into_inner();
        let mut told = Vec::new();
        while told.len() < 4 {
            let step = watch.message().await.unwrap().unwrap().step.unwrap();
            if let gate::watch_response::Step::Entry(entry) = step {
                told.push((entry.header.unwrap().position, entry.change.unwrap().change.unwrap()));
            }
        }
        let positions: Vec<i64> = told.iter().map(|(position, _)| *position).collect();
        assert_eq!(positions, [1, 2, 3, 4]);
        let gate::change::Change::Commitment(commitment) = &told[1].1 else { panic!("{:?}", told[1]) };
        assert_eq!((commitment.order_id.as_str(), units(commitment.ordered_amount.as_ref())), ("o-1", 60));
        let gate::change::Change::Decision(decision) = &told[2].1 else { panic!("{:?}", told[2]) };
        assert_eq!(*decision, held);
        let gate::change::Change::Hold(hold) = &told[3].1 else { panic!("{:?}", told[3]) };
        assert_eq!((hold.hold_id.as_str(), hold.version), (held.hold_id.as_str(), 1));
    }

    async fn a_snapshot_holds_every_commitment_and_hold_and_ends_with_the_position(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 60)).await;
        world.authorize(order("o-2", "acme", 60)).await;
        let snapshot = world.feed().snapshot(gate::SnapshotRequest {}).await.unwrap().into_inner();
        let steps: Vec<_> = snapshot.map(|step| step.unwrap().step.unwrap()).collect().await;
        let names: Vec<String> = steps
            .iter()
            .map(|step| match step {
                gate::snapshot_response::Step::Change(change) => match change.change.as_ref().unwrap() {
                    gate::change::Change::Commitment(commitment) => format!("commitment {}", commitment.order_id),
                    gate::change::Change::Hold(hold) => format!("hold {}", hold.order_id),
                    gate::change::Change::Decision(_) => "decision".to_owned(),
                },
                gate::snapshot_response::Step::End(end) => format!("end {}", end.position),
            })
            .collect();
        assert_eq!(names, ["commitment o-1", "hold o-2", "end 4"]);
    }

    async fn one_correlation_id_follows_an_order(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.owes("acme", owed(1, 100)).await;
        let decision = world.authorize(order("o-1", "acme", 60)).await;
        world.owes("acme", owed(2, 0)).await;
        let correlations = world.journal().await.into_iter().map(|entry| entry.correlation_id);
        assert!(correlations.into_iter().all(|id| id == decision.correlation_id));
    }

    async fn receivables_are_followed_with_exactly_once_effect(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        for id in ["o-1", "o-2"] {
            world.authorize(order(id, "acme", 60)).await;
        }
        let mut routes = RoutesBuilder::default();
        routes.add_service(FeedServiceServer::new(Receivables));
        let peer = Peer::new(routes.routes(), Arc::new(|_: &mut http::Request<tonic::body::Body>| {}));
        for _ in 0..2 {
            // the second follower begins at the bookmark, as after a restart
            let mut follower = follow::receivables(&world.gate, peer.clone());
            let mut status = follower.status();
            while !status.borrow_and_update().caught_up {
                follower.step().await.unwrap();
            }
            assert_eq!(world.gate.engine.followed_now().receivables, Some(12));
            let exposure = world.standing("acme").await.exposure.unwrap();
            assert_eq!(units(exposure.open_not_due.as_ref()), 65);
            // 15 of the one order; of the other, told in a message of its own, 40
            assert_eq!(units(exposure.ordered.as_ref()), 55);
            // told in the snapshot; the position after it moved nothing of it
            let index = world.gate.engine.read(|book| book.accounts[&account("acme")].purses[0].payment_index());
            assert_eq!(index.unwrap(), Some("70".parse().unwrap()));
        }
    }
}

/// Receivables that posted two invoices: one in the snapshot, at position 10 and in two messages, one after it, at 12.
struct Receivables;

fn position(version: i64, open: i64, (order, invoiced): (&str, i64)) -> PositionChange {
    PositionChange {
        account_id: "acme".to_owned(),
        currency_code: "CNY".to_owned(),
        version,
        schedule: vec![DueAmount {
            due_date: Some(emit::date(date(2026, 4, 30))),
            open_amount: amount(open),
            disputed_amount: None,
        }],
        order_lines_invoiced: vec![OrderLineInvoiced {
            order_id: order.to_owned(),
            line_id: "1".to_owned(),
            invoiced_amount: amount(invoiced),
        }],
        ..PositionChange::default()
    }
}

/// (100 × 80 + 200 × 50 + 100 × 100) ÷ 400
fn settled() -> PaymentBehaviour {
    let settled = [(-30, 100), (0, 100), (30, 200)].map(|(days_late, settled)| SettledByLateness {
        days_late,
        item_count: 1,
        settled_amount: amount(settled),
    });
    PaymentBehaviour { settled: settled.to_vec(), ..PaymentBehaviour::default() }
}

fn told(position: PositionChange) -> Change {
    Change { change: Some(change::Change::Position(position)) }
}

#[async_trait]
impl FeedService for Receivables {
    type SnapshotStream = BoxStream<'static, Result<SnapshotResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let steps = [
            snapshot_response::Step::Change(told(PositionChange {
                payment_behaviour: Some(settled()),
                ..position(1, 45, ("o-1", 25))
            })),
            snapshot_response::Step::Change(told(PositionChange { continues: true, ..position(1, 45, ("o-2", 20)) })),
            snapshot_response::Step::End(SnapshotEnd { position: 10 }),
        ];
        let steps = steps.map(|step| Ok(SnapshotResponse { step: Some(step) }));
        Ok(Response::new(stream::iter(steps).boxed()))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let after = request.into_inner().after_position;
        let entry = |position, change| {
            let header = EntryHeader { position, ..EntryHeader::default() };
            watch_response::Step::Entry(Entry { header: Some(header), change })
        };
        let steps = [
            (11, entry(11, None)),
            (12, entry(12, Some(told(position(2, 65, ("o-1", 45)))))),
            (i64::MAX, watch_response::Step::Heartbeat(Heartbeat { position: 12 })),
        ];
        let steps = steps.into_iter().filter(move |(position, _)| *position > after);
        let steps = stream::iter(steps.map(|(_, step)| Ok(WatchResponse { step: Some(step) })));
        Ok(Response::new(steps.chain(stream::pending()).boxed()))
    }
}
