//! What the edge bounds: time, size, number; and what it does with handlers that break.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::Service as _;

use super::EdgeConfig;
use crate::testing::{ECHO, World, call, reason, told, told_by, watch};

fn short_deadlines() -> EdgeConfig {
    let moment = Duration::from_millis(50);
    EdgeConfig { deadline_default: moment, deadline_max: moment, ..EdgeConfig::default() }
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_as_deadline_exceeded_near_and_far() {
    let world = World::with_edge(short_deadlines());
    for status in [
        call(world.near.clone(), ECHO, told("hang")).await.unwrap_err(),
        call(world.far().await, ECHO, told("hang")).await.unwrap_err(),
    ] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    }
}

#[tokio::test]
async fn the_callers_timeout_counts_when_it_is_shorter() {
    let world = World::with_edge(EdgeConfig::default());
    let mut request = told("hang");
    request.metadata_mut().insert("grpc-timeout", "50m".parse().unwrap());
    let status = call(world.near.clone(), ECHO, request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_callers_timeout_does_not_count_beyond_the_longest_allowed() {
    let world = World::with_edge(short_deadlines());
    let mut request = told("hang");
    request.metadata_mut().insert("grpc-timeout", "1H".parse().unwrap());
    let status = call(world.near.clone(), ECHO, request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_handler_learns_its_deadline() {
    let world = World::with_edge(EdgeConfig::default());
    assert_eq!(call(world.near.clone(), ECHO, told("has deadline")).await.unwrap(), "true");
}

#[tokio::test]
async fn whom_a_handler_calls_learns_what_remains_near_and_far() {
    let world = World::with_edge(EdgeConfig::default());
    for passed_on in [
        call(world.near.clone(), ECHO, told("pass on")).await.unwrap(),
        call(world.far().await, ECHO, told("pass on")).await.unwrap(),
    ] {
        // the default of 30 seconds, in microseconds
        let micros: u64 = passed_on.strip_suffix('u').unwrap().parse().unwrap();
        assert!((20_000_000..=30_000_000).contains(&micros), "{passed_on}");
    }
}

#[tokio::test]
async fn a_deadline_tells_what_remains() {
    let deadline = crate::Deadline::after(Duration::from_secs(60));
    assert!(deadline.remaining() <= Duration::from_secs(60));
    assert!(deadline.remaining() > Duration::from_secs(50));
    assert_eq!(crate::Deadline::after(Duration::ZERO).remaining(), Duration::ZERO);
}

#[tokio::test]
async fn a_stream_outlives_the_default_deadline() {
    let world = World::with_edge(short_deadlines());
    let mut stream = watch(world.near.clone(), told("")).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), "begun");
    let later = Instant::now() + Duration::from_millis(200);
    assert!(tokio::time::timeout_at(later, stream.message()).await.is_err(), "still open");
}

#[tokio::test]
async fn a_stream_ends_at_the_deadline_its_caller_asked_for() {
    let world = World::with_edge(EdgeConfig::default());
    let mut request = told("");
    request.metadata_mut().insert("grpc-timeout", "100m".parse().unwrap());
    let mut stream = watch(world.near.clone(), request).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), "begun");
    assert_eq!(stream.message().await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stream_that_ends_by_itself_ends_well() {
    let world = World::with_edge(EdgeConfig::default());
    for mut stream in
        [watch(world.near.clone(), told("end")).await.unwrap(), watch(world.far().await, told("end")).await.unwrap()]
    {
        assert_eq!(stream.message().await.unwrap().unwrap(), "begun");
        assert_eq!(stream.message().await.unwrap(), None);
    }
}

#[tokio::test]
async fn one_call_more_than_allowed_is_refused_at_once_and_told_when_to_try_again() {
    let world = World::with_edge(EdgeConfig { concurrency_max: 1, ..EdgeConfig::default() });
    let held = tokio::spawn(call(world.near.clone(), ECHO, told("hold")));
    world.service.begun.acquire().await.unwrap().forget();
    let status = call(world.far().await, ECHO, told("one more")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    world.service.released.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap(), "held");
    assert_eq!(call(world.near.clone(), ECHO, told("again")).await.unwrap(), "again");
}

#[tokio::test]
async fn a_caller_that_calls_too_often_is_told_to_wait_and_others_are_let_in() {
    let rate = EdgeConfig { caller_calls_per_second_max: 1, caller_calls_burst_max: 1, ..EdgeConfig::default() };
    let world = World::with_edge(rate);
    let far = world.far().await;
    let refused = loop {
        if let Err(status) = call(far.clone(), ECHO, told("again")).await {
            break status;
        }
    };
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "RATE_EXCEEDED"));
    let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    assert!(call(far.clone(), ECHO, told_by("bob; roles=viewer", "hello")).await.is_ok());
    for _ in 0..10 {
        assert!(call(far.clone(), ECHO, told_by("limits; roles=service", "hello")).await.is_ok());
    }
}

fn small_messages() -> EdgeConfig {
    EdgeConfig { message_in_bytes_max: 100, message_out_bytes_max: 200, ..EdgeConfig::default() }
}

fn assert_too_large(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    assert!(status.get_details_retry_info().is_none(), "trying again does not help");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_near_and_far() {
    let world = World::with_edge(small_messages());
    let text = "x".repeat(99);
    assert_too_large(&call(world.near.clone(), ECHO, told(&text)).await.unwrap_err());
    assert_too_large(&call(world.far().await, ECHO, told(&text)).await.unwrap_err());
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_sent_near_and_far() {
    let world = World::with_edge(small_messages());
    assert_too_large(&call(world.near.clone(), ECHO, told("long:201")).await.unwrap_err());
    assert_too_large(&call(world.far().await, ECHO, told("long:201")).await.unwrap_err());
}

#[tokio::test]
async fn messages_within_the_limits_pass() {
    let world = World::with_edge(small_messages());
    let text = "x".repeat(98);
    assert_eq!(call(world.near.clone(), ECHO, told(&text)).await.unwrap(), text);
    assert_eq!(call(world.far().await, ECHO, told("long:197")).await.unwrap().len(), 197);
}

#[tokio::test]
async fn a_panic_is_internal_and_tells_nothing() {
    let world = World::with_edge(EdgeConfig::default());
    for status in [
        call(world.near.clone(), ECHO, told("panic")).await.unwrap_err(),
        call(world.far().await, ECHO, told("panic")).await.unwrap_err(),
    ] {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
        assert!(!status.message().contains("as told"));
    }
    assert_eq!(call(world.near.clone(), ECHO, told("still there")).await.unwrap(), "still there");
}

#[tokio::test]
async fn a_panic_within_a_stream_ends_it_as_internal() {
    let world = World::with_edge(EdgeConfig::default());
    let mut stream = watch(world.far().await, told("panic")).await.unwrap();
    let status = loop {
        match stream.message().await {
            Ok(message) => assert_eq!(message.as_deref(), Some("begun"), "it must not end well"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Internal, "INTERNAL"));
}

#[tokio::test]
async fn bytes_that_are_no_protobuf_are_the_callers_mistake() {
    let mut world = World::with_edge(EdgeConfig::default());
    let request = http::Request::post(ECHO)
        .header("content-type", "application/grpc")
        .header("weir-principal", "ada; roles=viewer")
        .body(Full::new(Bytes::from_static(&[0, 0, 0, 0, 2, 0xFF, 0xFF])))
        .unwrap();
    let response = world.near.call(request).await.unwrap();
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
}
