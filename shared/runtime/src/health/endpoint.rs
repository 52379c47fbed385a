//! The port on which an orchestrator asks for health: in the clear, without a name, and nothing else answers there.
//!
//! So it may be open to a whole cluster where the main port is not: on loopback only, or behind TLS.

use std::net::SocketAddr;

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{io, net::TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::Health;
use crate::side_port::SidePort;

/// The port of health, listening.
#[derive(Debug)]
pub(crate) struct HealthEndpoint {
    port: SidePort,
    routes: Routes,
}

impl HealthEndpoint {
    /// Listens on an address such as `0.0.0.0:7462`; port 0 takes a free one.
    pub(crate) async fn bind(address: &str, health: &Health) -> io::Result<Self> {
        let port = SidePort::bind(address).await?;
        Ok(HealthEndpoint { port, routes: Routes::new(health.service()).prepare() })
    }

    /// The address listened on, with its real port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Answers until told to stop; whoever is connected then is dropped.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let routes = self.routes;
        self.port.run(stop, move |stream| serve(stream, routes.clone())).await;
    }
}

async fn serve(stream: TcpStream, routes: Routes) {
    let builder = Builder::new(TokioExecutor::new()).http2_only();
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)).await {
        tracing::debug!(%error, "a question for health failed");
    }
}
