//! One way to have an order authorised, whichever it is: the load knows no more than this.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::{Context as _, ensure};
use prost::Message as _;
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};
use weir_runtime::principal::PRINCIPAL_METADATA;
use weir_wire::order_gate::v1 as wire;

use crate::{
    alternatives::{Redis, Sql},
    orders::Ask,
    streams::{STREAMS, Streams},
};

/// Connections of a gRPC client.
pub(crate) const CONNECTIONS: usize = 4;

type Client = wire::order_gate_service_client::OrderGateServiceClient<Channel>;

/// A contender, and whose processor time it takes.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) way: Way,
    /// Servers that work for it alone, databases included.
    pub(crate) pids: Vec<u32>,
}

/// How it is asked.
#[derive(Debug)]
pub(crate) enum Way {
    /// `AuthorizeOrder` over gRPC.
    Authorize(Grpc),
    /// `CheckOrder` over gRPC.
    Check(Grpc),
    /// Streams of orders over gRPC.
    Streams(Streams),
    /// PostgreSQL.
    Sql(Sql),
    /// Redis.
    Redis(Redis),
}

impl Contender {
    /// Its streams, where it is asked on streams.
    pub(crate) fn streams(&self) -> Option<&Streams> {
        if let Way::Streams(streams) = &self.way { Some(streams) } else { None }
    }

    /// Orders under way in a closed loop of so many callers.
    pub(crate) fn under_way(&self, callers: usize) -> usize {
        if self.streams().is_some() { STREAMS * callers } else { callers }
    }

    /// Asks for one order to pass; an error unless it does.
    pub(crate) async fn ask(&self, ask: Ask) -> anyhow::Result<()> {
        match &self.way {
            Way::Authorize(grpc) => grpc.authorize(&ask).await.map(|_| ()),
            Way::Check(grpc) => grpc.check(&ask).await,
            Way::Streams(_) => anyhow::bail!("a stream is not asked one order at a time"),
            Way::Sql(sql) => sql.ask(&ask).await,
            Way::Redis(redis) => redis.ask(&ask).await,
        }
    }
}

/// A gRPC client as an order pipeline would have it: a few connections, calls on each in turn.
#[derive(Debug)]
pub(crate) struct Grpc {
    clients: Vec<Client>,
    turn: AtomicUsize,
    principal: MetadataValue<Ascii>,
}

impl Grpc {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        let mut clients = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let endpoint = Channel::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
            clients.push(Client::new(endpoint.connect().await?));
        }
        let principal = MetadataValue::from_static("pipeline; roles=order_pipeline");
        Ok(Grpc { clients, turn: AtomicUsize::new(0), principal })
    }

    /// The answer to an order, as the bytes it came as.
    pub(crate) async fn sample(&self, ask: &Ask) -> anyhow::Result<Vec<u8>> {
        Ok(self.authorize(ask).await?.encode_to_vec())
    }

    async fn authorize(&self, ask: &Ask) -> anyhow::Result<wire::AuthorizeOrderResponse> {
        let message = wire::AuthorizeOrderRequest { order: Some(ask.order()), ..Default::default() };
        let answer = self.client()?.authorize_order(self.request(message)).await?.into_inner();
        passes(answer.decision.as_ref())?;
        Ok(answer)
    }

    async fn check(&self, ask: &Ask) -> anyhow::Result<()> {
        let message = wire::CheckOrderRequest { order: Some(ask.order()), ..Default::default() };
        let answer = self.client()?.check_order(self.request(message)).await?.into_inner();
        passes(answer.decision.as_ref())
    }

    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let turn = self.turn.fetch_add(1, Relaxed) % self.clients.len();
        self.clients.get(turn).cloned().context("a connection")
    }

    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(PRINCIPAL_METADATA, self.principal.clone());
        request
    }
}

pub(crate) fn passes(decision: Option<&wire::Decision>) -> anyhow::Result<()> {
    let outcome = decision.context("a decision")?.outcome();
    ensure!(outcome == wire::Outcome::Approve, "there is room for everything, but: {outcome:?}");
    Ok(())
}
