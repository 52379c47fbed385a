//! The end: announced, graceful, and bounded whatever clients do.

use tokio::task::JoinHandle;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use super::*;
use crate::{
    ShutdownConfig,
    testing::{reason, watch},
};

const LONG: Duration = Duration::from_secs(3600);

fn ending(wait: Duration, hard_limit: Duration) -> World {
    World::new(Settings { shutdown: ShutdownConfig { wait, hard_limit }, ..Settings::default() })
}

async fn returns(server: JoinHandle<()>) {
    timeout(SOON, server).await.expect("the server should have returned").unwrap();
}

#[tokio::test]
async fn without_clients_the_server_returns_at_once() {
    let world = ending(Duration::ZERO, LONG);
    let (_, server) = world.serve(ServerConfig::default()).await;
    world.shutdown.ask();
    returns(server).await;
}

#[tokio::test]
async fn clients_that_have_not_finished_their_handshake_do_not_hold_the_end_up() {
    let half_preface = &PREFACE[..10];
    for (name, sent) in [("nothing", &b""[..]), ("half a preface", half_preface)] {
        let world = ending(Duration::ZERO, LONG);
        let config = ServerConfig { handshake_timeout: LONG, ..ServerConfig::default() };
        let (address, server) = world.serve(config).await;
        let mut silent = client_that_sends(address, sent).await;
        // A connection accepted later is answered: so the silent one has been accepted.
        call(connect(address).await, ECHO, told("x")).await.unwrap();
        world.shutdown.ask();
        timeout(SOON, server).await.unwrap_or_else(|_| panic!("{name} held the end up")).unwrap();
        closed(&mut silent).await;
    }
}

#[tokio::test]
async fn a_client_that_falls_silent_later_is_dropped_at_the_hard_limit_at_the_latest() {
    let world = ending(Duration::ZERO, Duration::from_millis(200));
    let (address, server) = world.serve(ServerConfig::default()).await;
    let mut clients = Vec::new();
    for sent in [&PREFACE[..24], PREFACE, b"POST / HTTP/1.1\r\nhost: we"] {
        clients.push(client_that_sends(address, sent).await);
    }
    call(connect(address).await, ECHO, told("x")).await.unwrap();
    world.shutdown.ask();
    returns(server).await;
    for client in &mut clients {
        closed(client).await;
    }
}

#[tokio::test]
async fn a_call_under_way_is_finished() {
    let world = ending(Duration::ZERO, LONG);
    let (address, server) = world.serve(ServerConfig::default()).await;
    let held = tokio::spawn(call(connect(address).await, ECHO, told("hold")));
    world.service.begun.acquire().await.unwrap().forget();
    world.shutdown.ask();
    world.shutdown.draining().cancelled().await;
    world.service.released.add_permits(1);
    assert_eq!(held.await.unwrap().unwrap(), "held");
    returns(server).await;
}

#[tokio::test]
async fn a_call_that_never_ends_is_dropped_at_the_hard_limit() {
    let world = ending(Duration::ZERO, Duration::from_millis(200));
    let (address, server) = world.serve(ServerConfig::default()).await;
    let held = tokio::spawn(call(connect(address).await, ECHO, told("hold")));
    world.service.begun.acquire().await.unwrap().forget();
    world.shutdown.ask();
    returns(server).await;
    held.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn streams_are_told_to_go_elsewhere() {
    let world = ending(Duration::ZERO, LONG);
    let (address, server) = world.serve(ServerConfig::default()).await;
    let mut far = watch(connect(address).await, told("")).await.unwrap();
    let mut near = watch(world.near.clone(), told("")).await.unwrap();
    for stream in [&mut far, &mut near] {
        assert_eq!(stream.message().await.unwrap().unwrap(), "begun");
    }
    world.shutdown.ask();
    for stream in [&mut far, &mut near] {
        let status = stream.message().await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "UNAVAILABLE"));
    }
    returns(server).await;
}

#[tokio::test]
async fn while_waiting_it_says_not_serving_and_serves() {
    let world = ending(LONG, LONG);
    let (address, server) = world.serve(ServerConfig::default()).await;
    world.near.health().set_all_ready().await;
    let channel = connect(address).await;
    let mut health = HealthClient::new(channel.clone());
    let mut statuses = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(statuses.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    world.shutdown.ask();
    assert_eq!(statuses.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(call(channel, ECHO, told("still there")).await.unwrap(), "still there");
    assert_eq!(call(connect(address).await, ECHO, told("newcomer")).await.unwrap(), "newcomer");
    world.shutdown.hurry();
    returns(server).await;
}

#[tokio::test]
async fn once_draining_nobody_new_is_let_in() {
    let world = ending(Duration::ZERO, LONG);
    let (address, server) = world.serve(ServerConfig::default()).await;
    world.shutdown.ask();
    returns(server).await;
    TcpStream::connect(address).await.unwrap_err();
}
