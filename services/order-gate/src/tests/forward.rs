//! Calls to a gate that does not decide.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use tonic::{Code, Request};
use weir_runtime::edge::Deadline;
use weir_store::testing::{eventually, on_postgres, replica};
use weir_store::{Db, Env};
use weir_wire::Peer;
use weir_wire::order_gate::v1::{
    AuthorizeOrderBatchRequest, AuthorizeOrderRequest, CheckOrderRequest, GetPartitionMapRequest,
};

use super::streams;
use super::world::{World, credit, order};
use crate::Ownership;

type Seen = Arc<Mutex<Vec<http::HeaderMap>>>;

fn at(address: &str) -> Ownership {
    Ownership { address: address.to_owned(), ..Ownership::default() }
}

/// A gate that decides, one that does not, and the headers of what the second passes on to the first.
async fn two_gates(db: Db) -> (World, World, Seen) {
    let first = World::new_as(db, at("http://first")).await;
    first.credit("acme", credit(100)).await;
    let seen = Seen::default();
    let (routes, notes) = (first.routes(), seen.clone());
    let connect = move |address: &str| {
        assert_eq!(address, "http://first");
        let notes = notes.clone();
        let note = move |request: &mut http::Request<tonic::body::Body>| notes.lock().push(request.headers().clone());
        Some(Peer::new(routes.clone(), Arc::new(note)))
    };
    let env = Env { db: replica(&first.env.db).await, ..first.env.clone() };
    let second = World::open_beside(env, at("http://second"), Arc::new(connect)).await;
    (first, second, seen)
}

#[test]
fn a_gate_that_does_not_decide_passes_calls_on_to_the_one_that_does() {
    on_postgres(async |db: Db| {
        let (first, second, _) = two_gates(db).await;
        let decision = second.authorize(order("o-1", "acme", 60)).await;
        assert_eq!(first.authorize(order("o-1", "acme", 60)).await, decision, "it was decided there");
        assert_eq!((first.net("acme").await, second.net("acme").await), (60, 60));
        second.deliver("o-1", "d-1", &[("1", 20)]).await.expect("it counts");
    });
}

#[test]
fn what_is_refused_there_is_refused_here_in_the_same_words() {
    on_postgres(async |db: Db| {
        let (first, second, _) = two_gates(db).await;
        let wrong = || order("o-1", "no such account, nor such an id", 1);
        let (there, here) = (first.try_authorize(wrong()).await, second.try_authorize(wrong()).await);
        let (there, here) = (there.unwrap_err(), here.unwrap_err());
        assert_eq!((here.code(), here.details()), (there.code(), there.details()));
    });
}

#[test]
fn a_call_passed_on_keeps_its_deadline_and_what_it_belongs_to() {
    on_postgres(async |db: Db| {
        let (_, second, seen) = two_gates(db).await;
        let mut request =
            Request::new(CheckOrderRequest { order: Some(order("o-1", "acme", 1)), ..Default::default() });
        request.metadata_mut().insert("weir-correlation-id", "story-7".parse().unwrap());
        request.extensions_mut().insert(Deadline::after(Duration::from_secs(2)));
        let answer = second.pipeline().check_order(request).await.unwrap().into_inner();
        assert_eq!(answer.decision.unwrap().correlation_id, "story-7");
        let headers = seen.lock()[0].clone();
        let timeout: u64 = headers["grpc-timeout"].to_str().unwrap().trim_end_matches('u').parse().unwrap();
        assert!((1_000_000..=2_000_000).contains(&timeout), "{timeout} microseconds of two seconds");
    });
}

#[test]
fn a_call_is_passed_on_once() {
    on_postgres(async |db: Db| {
        let (_, second, seen) = two_gates(db).await;
        let mut request =
            Request::new(AuthorizeOrderRequest { order: Some(order("o-1", "acme", 1)), ..Default::default() });
        request.metadata_mut().insert("weir-forwarded", "1".parse().unwrap());
        let status = second.pipeline().authorize_order(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(seen.lock().is_empty());
    });
}

#[test]
fn the_map_says_where_every_partition_is_decided() {
    on_postgres(async |db: Db| {
        let (first, second, _) = two_gates(db).await;
        let map = async |world: &World| {
            let response = world.pipeline().get_partition_map(GetPartitionMapRequest {}).await.unwrap();
            let partitions = response.into_inner().partitions;
            assert!((0..64).eq(partitions.iter().map(|partition| partition.partition)));
            partitions.into_iter().map(|p| (p.address, p.epoch)).collect::<std::collections::BTreeSet<_>>()
        };
        let decided_by = |address: &str, epoch| [(address.to_owned(), epoch)].into();
        assert_eq!(map(&second).await, decided_by("http://first", 1));
        first.gate.close().await;
        eventually("the second decides", async || map(&second).await == decided_by("http://second", 2)).await;
    });
}

#[test]
fn a_stream_is_passed_on_as_a_whole_and_once() {
    on_postgres(async |db: Db| {
        let (first, second, seen) = two_gates(db).await;
        let answers = async |world: &World, forwarded: bool| {
            let mut request = Request::new(stream::iter(streams::orders(20)));
            request.extensions_mut().insert(Deadline::after(Duration::from_secs(20)));
            if forwarded {
                request.metadata_mut().insert("weir-forwarded", "1".parse().unwrap());
            }
            let answers = world.pipeline().authorize_orders(request).await.unwrap().into_inner();
            answers.collect::<Vec<_>>().await
        };
        let decisions = async |world: &World| {
            let answers = answers(world, false).await.into_iter();
            answers.map(|answer| streams::decision(&answer.unwrap().result.unwrap()).clone()).collect::<Vec<_>>()
        };
        let there = decisions(&second).await;
        assert_eq!(there.len(), 20);
        assert!(decisions(&first).await == there, "it was decided there");
        assert_eq!(seen.lock().len(), 1, "one call for the whole stream");
        assert!(seen.lock()[0].contains_key("grpc-timeout"));
        let end = answers(&second, true).await;
        assert_eq!((end.len(), end[0].as_ref().unwrap_err().code()), (1, Code::Unavailable));
        assert_eq!(seen.lock().len(), 1);
    });
}

#[test]
fn a_stream_passed_on_ends_with_the_error_of_a_message_that_cannot_be_read() {
    on_postgres(async |db: Db| {
        let (first, second, _) = two_gates(db).await;
        let answers = streams::raw(&second, streams::two_good_and_a_bad_one()).await;
        let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(tonic::Status::code)).collect();
        assert_eq!(codes, [None, None, Some(Code::InvalidArgument)]);
        assert_eq!(first.net("acme").await, 3);
    });
}

#[test]
fn a_batch_is_passed_on() {
    on_postgres(async |db: Db| {
        let (first, second, _) = two_gates(db).await;
        let orders = vec![order("o-1", "acme", 60), order("o-2", "acme", 40)];
        let request = AuthorizeOrderBatchRequest { orders, ..Default::default() };
        assert!(second.pipeline().authorize_order_batch(request).await.unwrap().into_inner().reserved);
        assert_eq!(first.net("acme").await, 100);
    });
}
