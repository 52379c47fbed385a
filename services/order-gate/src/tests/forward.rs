//! Calls to a gate about what another decides.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use tonic::{Code, Request};
use weir_runtime::edge::Deadline;
use weir_store::Db;
use weir_store::testing::{eventually, on_postgres};
use weir_wire::order_gate::v1::{
    ActivatePolicyRequest, AuthorizeOrderBatchRequest, AuthorizeOrderRequest, CancelOrderRequest, CheckOrderRequest,
    GetPartitionMapRequest, GetPolicyRequest, Outcome, ReleaseHoldRequest,
    order_gate_service_client::OrderGateServiceClient,
};

use super::pair::Pair;
use super::streams;
use super::world::{World, order, reason};

#[test]
fn a_call_about_an_account_is_decided_by_the_gate_that_has_it_whichever_is_asked() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        for (n, (id, asked, has)) in
            [(&one, &pair.second, &pair.first), (&other, &pair.first, &pair.second)].into_iter().enumerate()
        {
            let order_id = format!("o-{n}");
            let decision = asked.authorize(order(&order_id, id, 60)).await;
            assert_eq!(has.authorize(order(&order_id, id, 60)).await, decision, "it was decided there");
            assert_eq!((asked.net(id).await, has.net(id).await), (60, 60));
            assert_eq!(asked.check(order("o-9", id, 41)).await.outcome(), Outcome::Hold);
        }
    });
}

#[test]
fn a_call_about_an_order_or_a_hold_finds_its_gate() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        pair.second.authorize(order("o-1", &one, 60)).await;
        pair.second.deliver("o-1", "d-1", &[("1", 20)]).await.expect("it counts");
        let held = pair.second.authorize(order("o-2", &one, 41)).await;
        let release = ReleaseHoldRequest { hold_id: held.hold_id, reason: "known".to_owned(), ..Default::default() };
        let released = pair.second.manager("ann", 1_000).release_hold(release).await.unwrap().into_inner();
        assert!(released.decision.unwrap().outcome() != Outcome::Hold);
        assert_eq!(pair.first.net(&one).await, 101);
        let cancel = CancelOrderRequest { order_id: "o-2".to_owned(), ..Default::default() };
        pair.second.pipeline().cancel_order(cancel).await.unwrap();
        assert_eq!(pair.first.net(&one).await, 60);
    });
}

#[test]
fn what_is_refused_there_is_refused_here_in_the_same_words() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        let wrong = || order("no such id", &one, 1);
        let (there, here) = (pair.first.try_authorize(wrong()).await, pair.second.try_authorize(wrong()).await);
        let (there, here) = (there.unwrap_err(), here.unwrap_err());
        assert_eq!((here.code(), here.details()), (there.code(), there.details()));
    });
}

#[test]
fn a_call_passed_on_keeps_its_deadline_and_what_it_belongs_to() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        let mut request = Request::new(CheckOrderRequest { order: Some(order("o-1", &one, 1)), ..Default::default() });
        request.metadata_mut().insert("weir-correlation-id", "story-7".parse().unwrap());
        request.extensions_mut().insert(Deadline::after(Duration::from_secs(2)));
        let answer = pair.second.pipeline().check_order(request).await.unwrap().into_inner();
        assert_eq!(answer.decision.unwrap().correlation_id, "story-7");
        let (to, headers) = pair.seen.lock()[0].clone();
        assert_eq!(to, "http://first");
        let timeout: u64 = headers["grpc-timeout"].to_str().unwrap().trim_end_matches('u').parse().unwrap();
        assert!((1_000_000..=2_000_000).contains(&timeout), "{timeout} microseconds of two seconds");
    });
}

#[test]
fn a_call_is_passed_on_once() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        let mut request =
            Request::new(AuthorizeOrderRequest { order: Some(order("o-1", &one, 1)), ..Default::default() });
        request.metadata_mut().insert("weir-forwarded", "1".parse().unwrap());
        let status = pair.second.pipeline().authorize_order(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(pair.seen.lock().is_empty());
    });
}

#[test]
fn the_map_says_where_every_partition_is_decided() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let map = async |world: &World| {
            let response = world.pipeline().get_partition_map(GetPartitionMapRequest {}).await.unwrap();
            let partitions = response.into_inner().partitions;
            assert!((0..64).eq(partitions.iter().map(|partition| partition.partition)));
            partitions.into_iter().map(|p| p.address).collect::<Vec<_>>()
        };
        let count = |map: &[String], address: &str| map.iter().filter(|at| *at == address).count();
        let told = map(&pair.second).await;
        assert_eq!((count(&told, "http://first"), count(&told, "http://second")), (32, 32));
        pair.first.gate.close().await;
        eventually("the second has all", async || count(&map(&pair.second).await, "http://second") == 64).await;
    });
}

#[test]
fn a_stream_is_answered_in_its_order_whoever_decides_its_messages() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        let messages = (1..=40).map(|n| {
            let id = if n % 3 == 0 { &other } else { &one };
            streams::message(n, order(&format!("o-{n}"), id, 3))
        });
        let messages = messages.collect::<Vec<_>>();
        let answers = streams::open(&pair.second, stream::iter(messages)).await;
        let answers: Vec<_> = answers.map(|answer| answer.unwrap()).collect().await;
        assert!(answers.iter().map(|answer| answer.sequence).eq(1..=40));
        for (n, answer) in (1..).zip(&answers) {
            assert_eq!(streams::decision(answer.result.as_ref().unwrap()).order_id, format!("o-{n}"));
        }
        assert_eq!((pair.first.net(&one).await, pair.second.net(&other).await), (81, 39), "27 and 13 of 3 each");
        assert_eq!(pair.seen.lock().len(), 1, "one stream to the other for all");
    });
}

#[test]
fn orders_of_a_stream_are_decided_in_their_order_there_too() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        let messages = (1..=60).map(|n| streams::message(n, order(&format!("o-{n}"), &one, 2))).collect::<Vec<_>>();
        let answers = streams::open(&pair.second, stream::iter(messages)).await;
        let passed: Vec<bool> = answers
            .map(|answer| streams::decision(&answer.unwrap().result.unwrap()).outcome() != Outcome::Hold)
            .collect()
            .await;
        assert!((0..60).map(|n| n < 50).eq(passed), "the first fifty of 2 fill 100");
    });
}

#[test]
fn a_stream_of_checks_asks_whoever_decides() {
    on_postgres(async |db: Db| {
        use weir_wire::order_gate::v1::{CheckOrdersRequest, check_orders_response::Result::Answer};
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        let asked = [&one, &other].into_iter().zip(1..).map(|(id, sequence)| CheckOrdersRequest {
            sequence,
            order: Some(order("o-1", id, 100)),
            ..Default::default()
        });
        let asked = asked.collect::<Vec<_>>();
        let answers = pair.second.pipeline().check_orders(stream::iter(asked)).await.unwrap().into_inner();
        let accounts: Vec<_> = answers
            .map(|answer| match answer.unwrap().result {
                Some(Answer(answer)) => answer.decision.unwrap().account_id,
                other => panic!("{other:?}"),
            })
            .collect()
            .await;
        assert_eq!(accounts, [one, other]);
    });
}

#[test]
fn a_stream_ends_with_the_error_of_a_message_that_cannot_be_read() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let answers = streams::raw(&pair.second, streams::two_good_and_a_bad_one()).await;
        let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(tonic::Status::code)).collect();
        assert_eq!(codes, [None, None, Some(Code::InvalidArgument)]);
    });
}

#[test]
fn a_batch_is_decided_where_all_its_accounts_are_and_refused_where_they_are_apart() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        let together = |orders| AuthorizeOrderBatchRequest { orders, ..Default::default() };
        let orders = vec![order("o-1", &one, 60), order("o-2", &one, 40)];
        assert!(pair.second.pipeline().authorize_order_batch(together(orders)).await.unwrap().into_inner().reserved);
        assert_eq!(pair.first.net(&one).await, 100);
        let apart = vec![order("o-3", &one, 1), order("o-4", &other, 1)];
        let status = pair.second.pipeline().authorize_order_batch(together(apart)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    });
}

#[test]
fn a_policy_put_in_force_at_one_gate_is_in_force_at_the_other_once_its_token_is_named() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        let admin = |world: &World| {
            use weir_model::{Principal, Role, SubjectId};
            let principal = Principal::new(SubjectId::parse("root").unwrap(), [Role::Admin]);
            OrderGateServiceClient::new(world.peer(principal))
        };
        let present = admin(&pair.first).get_policy(GetPolicyRequest::default()).await.unwrap().into_inner();
        let policy = present.policy_version.unwrap().policy;
        let request = ActivatePolicyRequest { policy, reason: "the same again".to_owned(), ..Default::default() };
        let token = admin(&pair.second).activate_policy(request).await.unwrap().into_inner().token;
        for id in [&one, &other] {
            let request = CheckOrderRequest {
                order: Some(order("o-1", id, 1)),
                at_least_as_fresh: token.clone(),
                ..Default::default()
            };
            let decision = pair.second.pipeline().check_order(request).await.unwrap().into_inner().decision.unwrap();
            assert_eq!(decision.policy_version, 2);
        }
    });
}
