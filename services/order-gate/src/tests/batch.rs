//! Orders that pass together or not at all.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{self as wire, Outcome};

use super::world::{World, amount, credit, order, reason};
use crate::standing::Credit;

type Reply = wire::AuthorizeOrderBatchResponse;

async fn try_batch(world: &World, request_id: &str, orders: Vec<wire::Order>) -> Result<Reply, Status> {
    let request_id = request_id.to_owned();
    let request = wire::AuthorizeOrderBatchRequest { orders, request_id, ..Default::default() };
    Ok(world.pipeline().authorize_order_batch(request).await?.into_inner())
}

async fn batch(world: &World, orders: Vec<wire::Order>) -> Reply {
    try_batch(world, "", orders).await.unwrap()
}

fn outcomes(reply: &Reply) -> Vec<Outcome> {
    reply.decisions.iter().map(wire::Decision::outcome).collect()
}

/// Decisions and holds that have an id.
fn ids(reply: &Reply) -> usize {
    let given = reply.decisions.iter().flat_map(|decision| [&decision.decision_id, &decision.hold_id]);
    given.filter(|id| !id.is_empty()).count()
}

/// All that an undone batch must not have touched.
async fn traces(world: &World) -> (i64, i32, usize) {
    let standing = world.standing("acme").await;
    (world.net("acme").await, standing.held_count, world.journal().await.len())
}

async fn limit_100(db: Db) -> World {
    let world = World::new(db).await;
    world.credit("acme", credit(100)).await;
    world
}

on_both_databases! {
    async fn orders_that_all_pass_are_reserved_and_recorded_as_single_ones(db: Db) {
        let world = limit_100(db).await;
        world.credit("globex", credit(100)).await;
        let orders = vec![order("o-1", "acme", 40), order("o-2", "globex", 70), order("o-3", "acme", 30)];
        let reply = batch(&world, orders.clone()).await;
        assert_eq!((reply.reserved, outcomes(&reply)), (true, vec![Outcome::Approve; 3]));
        assert_eq!(reply.decisions.iter().map(|d| d.order_id.as_str()).collect::<Vec<_>>(), ["o-1", "o-2", "o-3"]);
        let again = world.reopened().await;
        assert_eq!((again.net("acme").await, again.net("globex").await), (70, 70));
        for (order, decision) in orders.into_iter().zip(reply.decisions) {
            assert_eq!(again.authorize(order).await, decision);
        }
    }

    async fn orders_of_one_account_add_up_and_one_too_many_undoes_all(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-0", "acme", 10)).await;
        let before = traces(&world).await;
        let reply = batch(&world, vec![order("o-1", "acme", 60), order("o-2", "acme", 60), order("o-3", "acme", 20)]).await;
        assert!(!reply.reserved);
        assert_eq!(outcomes(&reply), [Outcome::Approve, Outcome::Hold, Outcome::ApproveWithWarnings], "60, then 60 more, then 20");
        assert_eq!(ids(&reply), 0);
        assert_eq!(traces(&world).await, before);
        let again = world.reopened().await;
        assert_eq!(traces(&again).await, before);
        let unknown = wire::GetCommitmentRequest { order_id: "o-1".to_owned() };
        assert_eq!(again.pipeline().get_commitment(unknown).await.unwrap_err().code(), Code::NotFound);
        assert!(batch(&again, vec![order("o-1", "acme", 60), order("o-3", "acme", 20)]).await.reserved);
        assert_eq!(again.net("acme").await, 90);
    }

    async fn a_batch_under_the_same_request_id_gets_the_same_answer(db: Db) {
        let world = limit_100(db).await;
        let orders = || vec![order("o-1", "acme", 40), order("o-2", "acme", 30)];
        let first = try_batch(&world, "r-1", orders()).await.unwrap();
        assert_eq!(try_batch(&world, "r-1", orders()).await.unwrap(), first);
        let again = world.reopened().await;
        assert_eq!(try_batch(&again, "r-1", orders()).await.unwrap(), first);
        let other = try_batch(&again, "r-1", vec![order("o-1", "acme", 40)]).await.unwrap_err();
        assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
        assert_eq!(try_batch(&again, "r-2", orders()).await.unwrap().decisions, first.decisions, "reserved once");
        assert_eq!(again.net("acme").await, 70);
    }

    async fn a_refused_batch_is_refused_again_under_its_request_id_alone(db: Db) {
        let world = limit_100(db).await;
        let orders = || vec![order("o-1", "acme", 60), order("o-2", "acme", 60)];
        let refused = try_batch(&world, "r-1", orders()).await.unwrap();
        assert!(!refused.reserved);
        world.credit("acme", Credit { version: 2, ..credit(200) }).await;
        let again = world.reopened().await;
        assert_eq!(try_batch(&again, "r-1", orders()).await.unwrap(), refused);
        assert!(try_batch(&again, "r-2", orders()).await.unwrap().reserved, "there is room now");
        assert_eq!(again.net("acme").await, 120);
    }

    async fn an_order_decided_before_keeps_its_answer_in_a_batch(db: Db) {
        let world = limit_100(db).await;
        let passed = world.authorize(order("o-1", "acme", 60)).await;
        let held = world.authorize(order("o-2", "acme", 60)).await;
        let reply = batch(&world, vec![order("o-1", "acme", 60), order("o-3", "acme", 10)]).await;
        assert!(reply.reserved);
        assert_eq!((&reply.decisions[0], world.net("acme").await), (&passed, 70));
        let reply = batch(&world, vec![order("o-4", "acme", 10), order("o-2", "acme", 60)]).await;
        assert!(!reply.reserved);
        assert_eq!((reply.decisions[0].decision_id.as_str(), &reply.decisions[1]), ("", &held));
        assert_eq!(world.net("acme").await, 70);
    }

    async fn a_batch_amends_orders(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 80)).await;
        let smaller = wire::Order { revision: 2, ..order("o-1", "acme", 30) };
        let reply = batch(&world, vec![smaller.clone(), order("o-2", "acme", 70)]).await;
        assert_eq!((reply.reserved, world.net("acme").await), (true, 100));
        let larger = wire::Order { revision: 3, ..order("o-1", "acme", 31) };
        assert!(!batch(&world, vec![larger]).await.reserved);
        assert_eq!(world.authorize(smaller).await, reply.decisions[0], "the revision before is untouched");
    }

    async fn an_order_that_cannot_be_decided_fails_the_whole_batch_by_name(db: Db) {
        let world = limit_100(db).await;
        let usd = weir_model::Currency::from_code("USD").unwrap();
        world.credit("globex", Credit { currency: usd, ..credit(100) }).await;
        let before = traces(&world).await;
        let status = try_batch(&world, "r-1", vec![order("o-1", "acme", 1), order("o-2", "globex", 1)]).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "FX_RATE_MISSING"));
        let facts = status.get_details_error_info().unwrap().metadata;
        assert_eq!((facts["index"].as_str(), facts["order_id"].as_str()), ("1", "o-2"));
        assert_eq!(traces(&world).await, before);
        assert!(try_batch(&world, "r-1", vec![order("o-1", "acme", 1)]).await.unwrap().reserved, "an error is not kept");
    }

    async fn a_refused_batch_leaves_those_decided_with_it_alone(db: Db) {
        let world = limit_100(db).await;
        let (first, refused, last) = tokio::join!(
            world.authorize(order("o-1", "acme", 50)),
            batch(&world, vec![order("o-2", "acme", 30), order("o-3", "acme", 30)]),
            world.authorize(order("o-4", "acme", 50)),
        );
        assert!(!refused.reserved && first.outcome() != Outcome::Hold && last.outcome() != Outcome::Hold);
        let again = world.reopened().await;
        assert_eq!((again.net("acme").await, again.standing("acme").await.held_count), (100, 0));
    }

    async fn batches_that_are_too_many_for_one_transaction_take_several(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let of = |n: usize| (0..300).map(|m| order(&format!("o-{n}-{m}"), "acme", 1)).collect();
        let (one, two, three) = tokio::join!(batch(&world, of(1)), batch(&world, of(2)), batch(&world, of(3)));
        assert!(one.reserved && two.reserved && three.reserved);
        assert_eq!(world.net("acme").await, 900);
    }

    async fn a_batch_wrong_all_over_is_told_so_at_once(db: Db) {
        let world = limit_100(db).await;
        let mut malformed = order("o 2", "acme", 1);
        malformed.lines.push(wire::OrderLine { line_id: "2".to_owned(), amount: amount(-1) });
        let request = wire::AuthorizeOrderBatchRequest {
            orders: vec![order("o-1", "acme", 1), malformed, order("o-1", "acme", 1), wire::Order::default()],
            checkpoint: 77,
            request_id: "\u{7}".to_owned(),
            ..Default::default()
        };
        let status = world.pipeline().authorize_order_batch(request).await.unwrap_err();
        assert_eq!(fields(&status), [
            "checkpoint",
            "orders[1].order_id",
            "orders[1].lines[1].amount",
            "orders[3].order_id",
            "orders[3].revision",
            "orders[3].account_id",
            "orders[3].currency_code",
            "orders[3].lines",
            "request_id",
        ]);
        let twice = try_batch(&world, "", vec![order("o-1", "acme", 1), order("o-1", "acme", 1)]).await.unwrap_err();
        assert_eq!(fields(&twice), ["orders[1].order_id"]);
        assert_eq!(fields(&try_batch(&world, "", Vec::new()).await.unwrap_err()), ["orders"]);
        let many = (0..501).map(|n| order(&format!("o-{n}"), "acme", 0)).collect();
        assert_eq!(fields(&try_batch(&world, "", many).await.unwrap_err()), ["orders"]);
        assert_eq!(world.journal().await.len(), 0);
    }

    async fn a_batch_passes_exactly_when_its_orders_would_one_after_the_other(db: Db) {
        let world = World::new(db).await;
        let mut runner = TestRunner::deterministic();
        let amounts = prop::collection::vec(1..60_i64, 1..5);
        for case in 0..24 {
            let (alone, together) = (format!("alone-{case}"), format!("together-{case}"));
            for account_id in [&alone, &together] {
                world.credit(account_id, credit(100)).await;
            }
            let amounts = amounts.new_tree(&mut runner).unwrap().current();
            let mut expected = Vec::new();
            for (n, amount) in amounts.iter().enumerate() {
                expected.push(world.authorize(order(&format!("a-{case}-{n}"), &alone, *amount)).await.outcome());
            }
            let orders = amounts.iter().enumerate().map(|(n, amount)| order(&format!("t-{case}-{n}"), &together, *amount));
            let reply = batch(&world, orders.collect()).await;
            assert_eq!(outcomes(&reply), expected, "{amounts:?}");
            let all_fit = amounts.iter().sum::<i64>() <= 100;
            let net = if all_fit { amounts.iter().sum() } else { 0 };
            assert_eq!((reply.reserved, world.net(&together).await), (all_fit, net), "{amounts:?}");
        }
    }
}

/// The fields a refusal names, in order.
fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().expect("a BadRequest");
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}
