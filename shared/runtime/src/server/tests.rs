//! Connections: how they begin, and that all of them end.

mod shutdown;

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::*;
use crate::{
    EdgeConfig, Identities,
    principal::{PrincipalConfig, PrincipalMode},
    testing::{ECHO, Settings, World, call, connect, told},
};

/// Long enough for anything that is to happen at once, on a machine that is busy.
const SOON: Duration = Duration::from_secs(20);

fn world() -> World {
    World::with_edge(EdgeConfig::default())
}

/// Waits until the server closes a connection.
async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("the server should have closed the connection");
}

#[tokio::test]
async fn development_mode_refuses_to_listen_where_others_can_reach_it() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let config = ServerConfig { listen: address.parse().unwrap(), ..ServerConfig::default() };
        let error = Server::bind(config, world().near).await.unwrap_err();
        assert!(matches!(error, ServerError::Unprotected(_)), "{address}: {error}");
    }
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error = Server::on(listener, ServerConfig::default(), world().near).unwrap_err();
    assert!(matches!(error, ServerError::Unprotected(_)), "a listener given is looked at, too: {error}");
}

#[tokio::test]
async fn with_tokens_the_server_listens_anywhere() {
    let config = PrincipalConfig {
        mode: PrincipalMode::Jwt,
        issuer: "https://issuer.test".to_owned(),
        audience: "weir".to_owned(),
        key_file: crate::principal::tests::key("test_only_public.pem"),
        ..PrincipalConfig::default()
    };
    let world = World::new(Settings { identities: Identities::open(&config).unwrap(), ..Settings::default() });
    let config = ServerConfig { listen: "0.0.0.0:0".parse().unwrap(), ..ServerConfig::default() };
    assert_ne!(Server::bind(config, world.near).await.unwrap().address().port(), 0);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let config = ServerConfig { listen: address, ..ServerConfig::default() };
    let error = Server::bind(config, world().near).await.unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_client_that_never_speaks_is_dropped_after_the_handshake_time() {
    let world = world();
    let config = ServerConfig { handshake_timeout: Duration::from_millis(50), ..ServerConfig::default() };
    let (address, _) = world.serve(config).await;
    closed(&mut TcpStream::connect(address).await.unwrap()).await;
}

#[tokio::test]
async fn a_connection_beyond_the_largest_number_is_turned_away() {
    let world = world();
    let config = ServerConfig { connections_max: 1, ..ServerConfig::default() };
    let (address, _) = world.serve(config).await;
    let channel = connect(address).await;
    call(channel.clone(), ECHO, told("first")).await.unwrap();
    closed(&mut TcpStream::connect(address).await.unwrap()).await;
    call(channel, ECHO, told("first still")).await.unwrap();
}

#[tokio::test]
async fn a_connection_does_not_outlive_its_age_and_grace() {
    let world = world();
    let moment = Duration::from_millis(50);
    let config = ServerConfig { connection_age_max: moment, connection_age_grace: moment, ..ServerConfig::default() };
    let (address, _) = world.serve(config).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(PREFACE).await.unwrap();
    closed(&mut silent).await;
}

#[tokio::test]
async fn a_browser_is_answered_over_http_1() {
    let world = world();
    let (address, _) = world.serve(ServerConfig::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {ECHO} HTTP/1.1\r\nhost: weir\r\ncontent-type: application/grpc-web+proto\r\n\
         weir-principal: ada; roles=viewer\r\nconnection: close\r\ncontent-length: 9\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[0, 0, 0, 0, 4, 0x0A, 2, b'h', b'i']).await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("grpc-status:0") && answer.contains("hi"), "{answer}");
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let world = world();
    let config = ServerConfig { header_list_bytes_max: 1000, ..ServerConfig::default() };
    let (address, _) = world.serve(config).await;
    let channel = connect(address).await;
    let mut request = told("x");
    request.metadata_mut().insert("bulky", "x".repeat(2000).parse().unwrap());
    call(channel.clone(), ECHO, request).await.unwrap_err();
    call(channel, ECHO, told("x")).await.unwrap();
}

/// How an HTTP/2 client begins: the preface, and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

async fn client_that_sends(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}
