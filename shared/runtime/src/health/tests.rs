//! What an orchestrator hears on the port of its own.

use std::{net::SocketAddr, time::Duration};

use tokio::net::TcpListener;
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::LIVENESS;
use crate::{
    EdgeConfig, Server, ServerConfig, ShutdownConfig,
    testing::{ECHO, Settings, World, call, connect, told},
};

/// Never reached: each test ends what it has begun.
const LONG: Duration = Duration::from_secs(600);

/// The port of health of a world that is served.
async fn serve(world: &World) -> SocketAddr {
    let address = |text: &str| text.parse().unwrap();
    let config = ServerConfig {
        listen: address("127.0.0.1:0"),
        health_listen: "0.0.0.0:0".to_owned(),
        ..ServerConfig::default()
    };
    let server = Server::bind(config, world.near.clone()).await.unwrap();
    let port = server.health_address().unwrap().port();
    tokio::spawn(server.run(world.shutdown.clone()));
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn ask(address: SocketAddr, service: &str) -> String {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(connect(address).await).check(request).await.unwrap();
    answer.into_inner().status().as_str_name().to_owned()
}

#[tokio::test]
async fn on_its_own_port_health_may_be_asked_from_anywhere_even_in_development() {
    let world = World::with_edge(EdgeConfig::default());
    let address = serve(&world).await;
    assert_eq!(ask(address, "").await, "NOT_SERVING");
    world.near.health().set_all_ready().await;
    assert_eq!(ask(address, "").await, "SERVING");
}

#[tokio::test]
async fn who_is_not_ready_or_drains_still_lives() {
    let shutdown = ShutdownConfig { wait: LONG, hard_limit: LONG };
    let world = World::new(Settings { shutdown, ..Settings::default() });
    let address = serve(&world).await;
    assert_eq!(ask(address, LIVENESS).await, "SERVING");
    world.near.health().drain().await;
    assert_eq!((ask(address, LIVENESS).await, ask(address, "").await), ("SERVING".into(), "NOT_SERVING".into()));
}

#[tokio::test]
async fn nothing_else_answers_on_the_port_of_health() {
    let world = World::with_edge(EdgeConfig::default());
    let channel = connect(serve(&world).await).await;
    assert_eq!(call(channel, ECHO, told("x")).await.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_port_of_health_that_is_taken_is_named_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        health_listen: listen.clone(),
        ..ServerConfig::default()
    };
    let error = Server::bind(config, World::with_edge(EdgeConfig::default()).near).await.unwrap_err().to_string();
    assert!(error.contains("server.health_listen") && error.contains(&listen), "{error}");
}
