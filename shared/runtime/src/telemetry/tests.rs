//! The figures' own port, and what may be added to them.

use prometheus_client::metrics::counter::Counter;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::*;

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: weir\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn prometheus_fetches_figures_of_all_parts() {
    let metrics = Metrics::new();
    let decided: Counter = Counter::default();
    metrics.register(|registry| registry.register("orders_decided", "Orders decided", decided.clone()));
    decided.inc_by(7);
    let endpoint = MetricsEndpoint::bind("127.0.0.1:0", metrics).await.unwrap();
    let (address, stop) = (endpoint.address(), CancellationToken::new());
    let running = tokio::spawn(endpoint.run(stop.clone()));
    let answer = get(address, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-type: application/openmetrics-text"), "{answer}");
    assert!(answer.contains("orders_decided_total 7"), "{answer}");
    assert!(answer.trim_end().ends_with("# EOF"), "{answer}");
    assert!(get(address, "/").await.starts_with("HTTP/1.1 404"));
    let silent = TcpStream::connect(address).await.unwrap();
    stop.cancel();
    running.await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = MetricsEndpoint::bind("127.0.0.1:0", Metrics::new()).await.unwrap();
    let address = taken.address().to_string();
    let error = MetricsEndpoint::bind(&address, Metrics::new()).await.unwrap_err().to_string();
    assert!(error.contains(&address) && error.contains("telemetry.metrics_listen"), "{error}");
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_refused() {
    let config = TelemetryConfig { log: "info,=loud=".to_owned(), ..TelemetryConfig::default() };
    let error = Telemetry::start(&config, "0").unwrap_err();
    assert!(matches!(error, TelemetryError::Filter(_)), "{error}");
}
