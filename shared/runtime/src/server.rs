//! The TCP server before an edge: HTTP/2 for gRPC, HTTP/1.1 for gRPC-Web, on one port.
//!
//! Knows connections; calls are the edge's business.

mod connection;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use self::connection::Connections;
use crate::{dice, edge::Edge, health::HealthEndpoint, shutdown::Shutdown};

/// Pause after a failed accept: the usual cause, too many open files, does not go away by asking again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A tenth of a connection's age is added by chance, so that connections made together do not end together.
const AGE_JITTER_PARTS: u32 = 10;

/// Section `[server]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address and port at which health alone is answered as well, to anybody; empty for nowhere.
    pub health_listen: String,
    /// Connections at once; more are closed at once.
    pub connections_max: usize,
    /// Calls at once on one connection.
    pub streams_max: u32,
    /// The largest list of headers taken.
    pub header_list_bytes_max: u32,
    /// How long a connection may stay silent at its beginning.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// After which silence the server asks whether the client is still there.
    #[serde(with = "humantime_serde")]
    pub keepalive_interval: Duration,
    /// How long the client may take to say so.
    #[serde(with = "humantime_serde")]
    pub keepalive_timeout: Duration,
    /// How old a connection may become, and up to a tenth more; then its client is asked to make a new one.
    #[serde(with = "humantime_serde")]
    pub connection_age_max: Duration,
    /// How long calls under way on an old connection may take.
    #[serde(with = "humantime_serde")]
    pub connection_age_grace: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 7460)),
            health_listen: String::new(),
            connections_max: 4096,
            streams_max: 200,
            header_list_bytes_max: 16 * 1024,
            handshake_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
            connection_age_max: Duration::from_secs(300),
            connection_age_grace: Duration::from_secs(300),
        }
    }
}

impl ServerConfig {
    /// The age of one connection: the configured one and up to a tenth more, by chance.
    fn connection_age(&self) -> Duration {
        self.connection_age_max + dice::up_to(self.connection_age_max / AGE_JITTER_PARTS)
    }
}

/// Why a server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// The address for health cannot be listened on.
    #[error("server.health_listen: cannot listen on {address}: {cause}")]
    ListenForHealth {
        /// The address asked for.
        address: String,
        /// Why not.
        cause: io::Error,
    },
    /// Callers are believed without proof, and the address can be reached from other machines.
    #[error(
        "principal.mode is development, in which every caller is believed: it may listen on loopback only, not on {0}"
    )]
    Unprotected(SocketAddr),
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: ServerConfig,
    edge: Edge,
    health: Option<HealthEndpoint>,
}

impl Server {
    /// Listens on the configured addresses.
    ///
    /// # Errors
    /// Where an address is not free, or the main one is open to other machines while callers are believed without proof.
    pub async fn bind(config: ServerConfig, edge: Edge) -> Result<Self, ServerError> {
        let address = config.listen;
        refuse_unprotected(address, &edge)?;
        let listener = TcpListener::bind(address).await.map_err(|cause| ServerError::Listen { address, cause })?;
        let health = listen_for_health(&config.health_listen, &edge).await?;
        Ok(Server { health, ..Self::on(listener, config, edge)? })
    }

    /// Takes a listener that is there already; the configured addresses are not looked at.
    ///
    /// # Errors
    /// Where the address is open to other machines while callers are believed without proof.
    pub fn on(listener: TcpListener, config: ServerConfig, edge: Edge) -> Result<Self, ServerError> {
        let asked = config.listen;
        let address = listener.local_addr().map_err(|cause| ServerError::Listen { address: asked, cause })?;
        refuse_unprotected(address, &edge)?;
        Ok(Server { listener, address, config, edge, health: None })
    }

    /// The address listened on, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which health alone is answered, with its real port.
    pub fn health_address(&self) -> Option<SocketAddr> {
        self.health.as_ref().map(HealthEndpoint::address)
    }

    /// Answers until the process ends: says so to health when asked, stops listening when draining, and returns when
    /// every connection has ended, at the latest when the time is over.
    pub async fn run(self, shutdown: Shutdown) {
        let Server { listener, address, config, edge, health: endpoint } = self;
        let health = edge.health().clone();
        let ended = CancellationToken::new();
        let _answers_health_until_the_end = ended.clone().drop_guard();
        if let Some(endpoint) = endpoint {
            tokio::spawn(endpoint.run(ended));
        }
        let connections_max = config.connections_max;
        let connections = Connections::new(config, edge, shutdown.clone());
        let mut open = JoinSet::new();
        tracing::info!(%address, "listening");
        let mut asked = std::pin::pin!(async {
            shutdown.asked().cancelled().await;
            health.drain().await;
            shutdown.draining().cancelled().await;
        });
        loop {
            tokio::select! {
                () = &mut asked => break,
                Some(_) = open.join_next() => {},
                accepted = listener.accept() => match accepted {
                    Ok((stream, remote)) if open.len() < connections_max => {
                        open.spawn(connections.clone().serve(stream, remote));
                    }
                    Ok((stream, remote)) => turn_away(stream, remote),
                    Err(error) => {
                        tracing::warn!(%error, "accepting a connection failed");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        tracing::info!(connections = open.len(), "draining");
        while open.join_next().await.is_some() {}
        tracing::info!("closed");
    }
}

fn turn_away(stream: TcpStream, remote: SocketAddr) {
    tracing::warn!(%remote, "connection turned away: there are too many");
    drop(stream);
}

async fn listen_for_health(address: &str, edge: &Edge) -> Result<Option<HealthEndpoint>, ServerError> {
    if address.is_empty() {
        return Ok(None);
    }
    let failed = |cause| ServerError::ListenForHealth { address: address.to_owned(), cause };
    HealthEndpoint::bind(address, edge.health()).await.map(Some).map_err(failed)
}

fn refuse_unprotected(address: SocketAddr, edge: &Edge) -> Result<(), ServerError> {
    if edge.is_loopback_only() && !address.ip().is_loopback() {
        return Err(ServerError::Unprotected(address));
    }
    Ok(())
}
