//! The gRPC edge: reads messages, asks the gate, writes answers. Knows no rule and no database.

mod batch;
mod branch;
mod emit;
mod feed;
mod forward;
mod groups;
mod policy;
mod rates;
mod read;
mod service;
mod simulate;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Request, Status, service::RoutesBuilder};
use weir_model::{Call, Fault, Fields, Role};
use weir_runtime::edge::Deadline;
use weir_wire::{
    PageTokens,
    common::v1::{Context, Token},
    order_gate::v1::{
        feed_service_server::FeedServiceServer, fx_rate_service_server::FxRateServiceServer,
        order_gate_service_server::OrderGateServiceServer,
    },
    parse, status,
};

pub use self::forward::Connect;
use self::forward::Onward;
#[cfg(test)]
pub(crate) use self::stream::UNDER_WAY_MAX;
use crate::decision::Followed;
use crate::facade::FRESHNESS_PATIENCE;
use crate::{Error, Freshness, OrderGate};

/// What is kept of a call's time to answer that the freshness was not reached.
const TIME_TO_SAY_SO: Duration = Duration::from_millis(100);

/// Who sends orders.
const PIPELINE: &[Role] = &[Role::OrderPipeline, Role::Service, Role::Admin];
/// Who decides on holds.
const DECIDERS: &[Role] = &[Role::CreditManager, Role::Admin];
/// Who may ask what would be answered, or how things stand.
const READERS: &[Role] = &Role::ALL;
/// Who may have a hold checked again.
const CHECKERS: &[Role] = &[Role::CreditManager, Role::OrderPipeline, Role::Service, Role::Admin];
/// Who changes what the gate goes by.
const ADMINS: &[Role] = &[Role::Admin];
/// Who puts exchange rates.
const TREASURERS: &[Role] = &[Role::Finance, Role::Admin];
/// Who reads the feed: other contexts, and whoever reads everything.
const FOLLOWERS: &[Role] = &[Role::Service, Role::Viewer, Role::Admin];

/// Which roles each rpc lets in.
pub const ACCESS: &[(&str, &[Role])] = &[
    ("/weir.order_gate.v1.OrderGateService/CheckOrder", READERS),
    ("/weir.order_gate.v1.OrderGateService/CheckOrders", READERS),
    ("/weir.order_gate.v1.OrderGateService/AuthorizeOrder", PIPELINE),
    ("/weir.order_gate.v1.OrderGateService/AuthorizeOrders", PIPELINE),
    ("/weir.order_gate.v1.OrderGateService/AuthorizeOrderBatch", PIPELINE),
    ("/weir.order_gate.v1.OrderGateService/AmendOrder", PIPELINE),
    ("/weir.order_gate.v1.OrderGateService/CancelOrder", PIPELINE),
    ("/weir.order_gate.v1.OrderGateService/RecordDelivery", PIPELINE),
    ("/weir.order_gate.v1.OrderGateService/ListHolds", READERS),
    ("/weir.order_gate.v1.OrderGateService/GetHold", READERS),
    ("/weir.order_gate.v1.OrderGateService/ReleaseHold", DECIDERS),
    ("/weir.order_gate.v1.OrderGateService/RejectHold", DECIDERS),
    ("/weir.order_gate.v1.OrderGateService/RecheckHold", CHECKERS),
    ("/weir.order_gate.v1.OrderGateService/GetStanding", READERS),
    ("/weir.order_gate.v1.OrderGateService/GetDecision", READERS),
    ("/weir.order_gate.v1.OrderGateService/ExplainDecision", READERS),
    ("/weir.order_gate.v1.OrderGateService/GetCommitment", READERS),
    ("/weir.order_gate.v1.OrderGateService/GetPolicy", READERS),
    ("/weir.order_gate.v1.OrderGateService/ActivatePolicy", ADMINS),
    ("/weir.order_gate.v1.OrderGateService/SimulatePolicy", DECIDERS),
    ("/weir.order_gate.v1.OrderGateService/GetPartitionMap", READERS),
    ("/weir.order_gate.v1.FxRateService/PutFxRates", TREASURERS),
    ("/weir.order_gate.v1.FxRateService/ListFxRates", READERS),
    ("/weir.order_gate.v1.FeedService/Snapshot", FOLLOWERS),
    ("/weir.order_gate.v1.FeedService/Watch", FOLLOWERS),
];

/// Adds the context's services.
pub fn routes(context: &Arc<OrderGate>, pages: &PageTokens, connect: Connect, routes: &mut RoutesBuilder) {
    let edge = Edge { context: context.clone(), pages: pages.clone(), onward: Onward::new(connect) };
    routes
        .add_service(OrderGateServiceServer::new(edge.clone()))
        .add_service(FxRateServiceServer::new(edge.clone()))
        .add_service(FeedServiceServer::new(edge));
}

/// What the services share.
#[derive(Debug, Clone)]
struct Edge {
    context: Arc<OrderGate>,
    pages: PageTokens,
    onward: Onward,
}

impl Edge {
    fn call<T: prost::Message>(&self, request: &Request<T>, rpc: &'static str) -> Result<Call, Status> {
        weir_wire::call(request, rpc, &self.context.env.clock).map_err(status)
    }
}

fn refused(error: Error) -> Status {
    status(Fault::from(error))
}

fn token(position: i64) -> Option<Token> {
    Some(weir_wire::emit::token(Context::OrderGate, position))
}

/// When a wait for freshness ends: soon enough before the call's deadline to say so; a call without one waits only so
/// long.
fn deadline<T>(request: &Request<T>) -> Instant {
    fresh_until(request.extensions().get::<Deadline>())
}

fn fresh_until(deadline: Option<&Deadline>) -> Instant {
    match deadline {
        Some(deadline) => deadline.at() - TIME_TO_SAY_SO.min(deadline.remaining() / 2),
        None => Instant::now() + FRESHNESS_PATIENCE,
    }
}

/// The freshness asked for. The gate cannot tell how far contexts are that it does not follow itself.
fn freshness(f: &mut Fields, token: Option<&Token>, deadline: Instant) -> Option<Option<Freshness>> {
    let Some(token) = token else { return Some(None) };
    let path = "at_least_as_fresh";
    let mut position = |context| parse::fresh(f, path, Some(token), context);
    let limits = position(Context::Limits)?;
    let receivables = position(Context::Receivables)?;
    let collections = position(Context::Collections)?;
    let own = position(Context::OrderGate)?.unwrap_or(0);
    if position(Context::Assessment)?.is_some() {
        f.add(path, "names assessment, which the gate does not follow; limits does");
        return None;
    }
    Some(Some(Freshness { followed: Followed { limits, receivables, collections }, own, deadline }))
}
