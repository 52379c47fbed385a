//! The port from which Prometheus fetches the figures: `GET /metrics`, nothing else.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::Metrics;

const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A scraper needs milliseconds; whoever holds a connection longer is none.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(60);

/// Scrapers at once; there are one or two.
const CONNECTIONS_MAX: usize = 32;

/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
    listener: TcpListener,
    address: SocketAddr,
    metrics: Metrics,
}

impl MetricsEndpoint {
    /// Listens on an address such as `127.0.0.1:7461`; port 0 takes a free one.
    ///
    /// # Errors
    /// Where the address is not free.
    pub async fn bind(address: &str, metrics: Metrics) -> Result<Self, MetricsEndpointError> {
        let failed = |cause| MetricsEndpointError { address: address.to_owned(), cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        Ok(MetricsEndpoint { listener, address: bound, metrics })
    }

    /// The address listened on, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until told to stop; whoever is connected then is dropped.
    pub async fn run(self, stop: CancellationToken) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(_) = open.join_next() => {},
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if open.len() < CONNECTIONS_MAX => {
                        open.spawn(serve(stream, self.metrics.clone()));
                    }
                    Ok(_) => {}
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                },
            }
        }
    }
}

async fn serve(stream: TcpStream, metrics: Metrics) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let response = answer(&request, &metrics);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer);
    if let Ok(Err(error)) = timeout(CONNECTION_AGE_MAX, connection).await {
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
