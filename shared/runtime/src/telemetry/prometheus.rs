//! The port from which Prometheus fetches the figures: `GET /metrics`, nothing else.

use std::{convert::Infallible, net::SocketAddr};

use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{io, net::TcpStream};
use tokio_util::sync::CancellationToken;

use super::Metrics;
use crate::side_port::SidePort;

const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The endpoint's address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("telemetry.metrics_listen: cannot listen on {address}: {cause}")]
pub struct MetricsEndpointError {
    address: String,
    cause: io::Error,
}

/// The port of the figures, listening.
#[derive(Debug)]
pub struct MetricsEndpoint {
    port: SidePort,
    metrics: Metrics,
}

impl MetricsEndpoint {
    /// Listens on an address such as `127.0.0.1:7461`; port 0 takes a free one.
    ///
    /// # Errors
    /// Where the address is not free.
    pub async fn bind(address: &str, metrics: Metrics) -> Result<Self, MetricsEndpointError> {
        let failed = |cause| MetricsEndpointError { address: address.to_owned(), cause };
        Ok(MetricsEndpoint { port: SidePort::bind(address).await.map_err(failed)?, metrics })
    }

    /// The address listened on, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Answers until told to stop; whoever is connected then is dropped.
    pub async fn run(self, stop: CancellationToken) {
        let metrics = self.metrics;
        self.port.run(stop, move |stream| serve(stream, metrics.clone())).await;
    }
}

async fn serve(stream: TcpStream, metrics: Metrics) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let response = answer(&request, &metrics);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a scrape failed");
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics) -> Response<Full<Bytes>> {
    if request.method() != Method::GET || request.uri().path() != "/metrics" {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut response = Response::new(Full::from(metrics.encode()));
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(CONTENT));
    response
}
