//! One TCP connection, from its first byte to its end.
//!
//! Promises that it ends: a client that never speaks is dropped after the handshake time, any connection after its age
//! and grace, and all of them when the process is over, however far their handshake is.

use std::{net::SocketAddr, sync::Arc};

use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tonic::transport::server::TcpConnectInfo;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer as _, ServiceExt as _};

use super::ServerConfig;
use crate::{edge::Edge, shutdown::Shutdown};

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Connections {
    config: ServerConfig,
    edge: GrpcWebService<Edge>,
    builder: Builder<TokioExecutor>,
    shutdown: Shutdown,
}

impl Connections {
    pub(super) fn new(config: ServerConfig, edge: Edge, shutdown: Shutdown) -> Arc<Self> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(config.streams_max)
            .max_header_list_size(config.header_list_bytes_max)
            .keep_alive_interval(config.keepalive_interval)
            .keep_alive_timeout(config.keepalive_timeout);
        builder.http1().timer(TokioTimer::new()).header_read_timeout(config.handshake_timeout);
        let edge = GrpcWebLayer::new().layer(edge);
        Arc::new(Connections { config, edge, builder, shutdown })
    }

    /// Serves a connection to its end.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, remote: SocketAddr) {
        tokio::select! {
            () = self.serve_gracefully(stream, remote) => {},
            () = self.shutdown.over().cancelled() => tracing::debug!(%remote, "connection dropped: time is over"),
        }
    }

    async fn serve_gracefully(&self, stream: TcpStream, remote: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%remote, %error, "tcp_nodelay refused");
        }
        if !self.speaks(&stream).await {
            tracing::debug!(%remote, "connection dropped: its client never spoke");
            return;
        }
        let info = TcpConnectInfo { local_addr: stream.local_addr().ok(), remote_addr: Some(remote) };
        let edge = self.edge.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(info.clone());
            request
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(edge));
        tokio::pin!(connection);
        let mut ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.shutdown.draining().cancelled() => None,
            () = sleep(self.config.connection_age()) => None,
        };
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            ended = timeout(self.config.connection_age_grace, connection.as_mut()).await.ok();
        }
        match ended {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!(%remote, %error, "connection failed"),
            None => tracing::debug!(%remote, "connection dropped: calls outlasted its grace"),
        }
    }

    /// Whether the client says anything at all within the handshake time, before the process drains.
    async fn speaks(&self, stream: &TcpStream) -> bool {
        let mut first = [0; 1];
        tokio::select! {
            spoke = timeout(self.config.handshake_timeout, stream.peek(&mut first)) => matches!(spoke, Ok(Ok(1))),
            () = self.shutdown.draining().cancelled() => false,
        }
    }
}
