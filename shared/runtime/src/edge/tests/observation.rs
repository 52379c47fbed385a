//! What the edge tells of itself: figures, traces, health, reflection.

use tonic::{Code, Request};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::{
    v1::{self, server_reflection_client::ServerReflectionClient, server_reflection_request::MessageRequest},
    v1alpha,
};

use super::EdgeConfig;
use crate::{
    Edge,
    testing::{ECHO, SERVICE, World, call, told, watch},
};

fn count(world: &World, method: &str, code: &str) -> u64 {
    let start = "rpc_server_call_duration_seconds_count{";
    let text = world.metrics.encode();
    let has = |line: &&str| {
        line.starts_with(start)
            && line.contains(&format!("rpc_method=\"{method}\""))
            && line.contains(&format!("rpc_response_status_code=\"{code}\""))
    };
    let line = text.lines().find(has);
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let world = World::with_edge(EdgeConfig::default());
    let far = world.far().await;
    for _ in 0..2 {
        call(world.near.clone(), ECHO, told("x")).await.unwrap();
    }
    call(far, ECHO, told("x")).await.unwrap();
    call(world.near.clone(), ECHO, told("panic")).await.unwrap_err();
    call(world.near.clone(), ECHO, Request::new("x".to_owned())).await.unwrap_err();
    call(world.near.clone(), "/a.B/C", told("x")).await.unwrap_err();
    let echo = "weir.test.v1.TestService/Echo";
    assert_eq!(count(&world, echo, "OK"), 3);
    assert_eq!(count(&world, echo, "INTERNAL"), 1);
    assert_eq!(count(&world, echo, "UNAUTHENTICATED"), 1);
    assert_eq!(count(&world, "_OTHER", "PERMISSION_DENIED"), 1, "unknown paths make no labels");
    assert!(world.metrics.encode().contains("rpc_server_calls_in_flight 0"));
}

#[tokio::test]
async fn a_call_its_caller_gives_up_counts_as_cancelled() {
    let world = World::with_edge(EdgeConfig::default());
    let given_up = tokio::spawn(call(world.near.clone(), ECHO, told("hold")));
    world.service.begun.acquire().await.unwrap().forget();
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    assert_eq!(count(&world, "weir.test.v1.TestService/Echo", "CANCELLED"), 1);
    let mut stream = watch(world.near.clone(), told("")).await.unwrap();
    stream.message().await.unwrap();
    drop(stream);
    assert_eq!(count(&world, "weir.test.v1.TestService/Watch", "CANCELLED"), 1);
}

#[tokio::test]
async fn without_an_exporter_the_callers_trace_passes_through() {
    let world = World::with_edge(EdgeConfig::default());
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = told("trace");
    request.metadata_mut().insert("traceparent", trace.parse().unwrap());
    assert_eq!(call(world.near.clone(), ECHO, request).await.unwrap(), trace);
}

async fn health(edge: &Edge, service: &str) -> String {
    let request = HealthCheckRequest { service: service.to_owned() };
    match HealthClient::new(edge.clone()).check(request).await {
        Ok(response) => response.into_inner().status().as_str_name().to_owned(),
        Err(status) => format!("{:?}", status.code()),
    }
}

#[tokio::test]
async fn health_follows_readiness_and_needs_no_name() {
    let world = World::with_edge(EdgeConfig::default());
    let edge = &world.near;
    assert_eq!((health(edge, "").await, health(edge, SERVICE).await), both("NOT_SERVING"));
    edge.health().set_all_ready().await;
    assert_eq!((health(edge, "").await, health(edge, SERVICE).await), both("SERVING"));
    edge.health().drain().await;
    edge.health().set_all_ready().await;
    assert_eq!((health(edge, "").await, health(edge, SERVICE).await), both("NOT_SERVING"), "draining is for ever");
    assert_eq!(health(edge, "weir.missing.v1.MissingService").await, "NotFound");
}

fn both(status: &str) -> (String, String) {
    (status.to_owned(), status.to_owned())
}

#[tokio::test]
async fn both_reflections_name_the_services() {
    let world = World::with_edge(EdgeConfig::default());
    let wanted = ["grpc.health.v1.Health", SERVICE];

    let request = v1::ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = ServerReflectionClient::new(world.near.clone());
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let v1::server_reflection_response::MessageResponse::ListServicesResponse(list) = answer else { panic!() };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    assert!(wanted.iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");

    let request = v1alpha::ServerReflectionRequest {
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(world.near.clone());
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list) = answer else { panic!() };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    assert!(wanted.iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
}

#[tokio::test]
async fn reflection_that_is_switched_off_is_not_there() {
    let world = World::with_edge(EdgeConfig { reflection: false, ..EdgeConfig::default() });
    let mut client = ServerReflectionClient::new(world.near.clone());
    let request = tokio_stream::once(v1::ServerReflectionRequest::default());
    let status = client.server_reflection_info(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated, "as any method that does not exist");
}
