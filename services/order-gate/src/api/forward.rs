//! Calls that another process decides, passed on to it: once, in their caller's name, within their deadline, in their
//! trace.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Status};
use weir_runtime::edge::Deadline;
use weir_wire::Peer;
use weir_wire::order_gate::v1::{
    Order, fx_rate_service_client::FxRateServiceClient, order_gate_service_client::OrderGateServiceClient,
};

use super::{Edge, refused};
use crate::Error;
use crate::facade::About;
use crate::ownership::Seat;

/// Metadata of a call that was passed on: it is not passed on again.
const FORWARDED: &str = "weir-forwarded";

/// Opens the way to another gate at an address, for calls made in their own callers' names; none where that is no
/// address.
pub type Connect = Arc<dyn Fn(&str) -> Option<Peer> + Send + Sync>;

/// The services of another gate.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) orders: OrderGateServiceClient<Peer>,
    pub(super) rates: FxRateServiceClient<Peer>,
}

/// The ways to the gates that decide, by where they are reached.
#[derive(Clone)]
pub(super) struct Onward {
    connect: Connect,
    known: Arc<Mutex<HashMap<Arc<str>, Gate>>>,
}

/// Ways kept: gates that come and go leave theirs behind.
const KNOWN_MAX: usize = 64;

impl fmt::Debug for Onward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Onward")
    }
}

impl Onward {
    pub(super) fn new(connect: Connect) -> Self {
        Onward { connect, known: Arc::default() }
    }

    /// The way to another gate; none where its address is none.
    pub(super) fn gate(&self, address: &Arc<str>) -> Option<Gate> {
        let mut known = self.known.lock();
        if let Some(gate) = known.get(address) {
            return Some(gate.clone());
        }
        let peer = (self.connect)(address).filter(|_| !address.is_empty())?;
        let gate = Gate { orders: OrderGateServiceClient::new(peer.clone()), rates: FxRateServiceClient::new(peer) };
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(address.clone(), gate.clone());
        Some(gate)
    }
}

/// Where a call is decided.
pub(super) enum Decided<T> {
    Here(Request<T>),
    There(Box<Gate>, Request<T>),
}

impl Edge {
    /// Where a call about something is decided. Here too where nobody can be asked: the call is then told to come again.
    pub(super) async fn decided<T>(
        &self,
        mut request: Request<T>,
        about: impl Fn(&T) -> About<'_>,
    ) -> Result<Decided<T>, Status> {
        let seat = self.context.seat_of(about(request.get_ref())).await.map_err(refused)?;
        let gate = match seat {
            Seat::There(address) if !is_forwarded(request.metadata()) => self.onward.gate(&address),
            _ => None,
        };
        let Some(gate) = gate else { return Ok(Decided::Here(request)) };
        pass_on(&mut request);
        Ok(Decided::There(Box::new(gate), request))
    }
}

/// Whether a call was passed on by another gate.
pub(super) fn is_forwarded(metadata: &MetadataMap) -> bool {
    metadata.contains_key(FORWARDED)
}

/// Makes a request one that is passed on: with what is left of its time, and once.
pub(super) fn pass_on<T>(request: &mut Request<T>) {
    if let Some(deadline) = request.extensions().get::<Deadline>().copied() {
        request.set_timeout(deadline.remaining());
    }
    request.metadata_mut().insert(FORWARDED, MetadataValue::from_static("1"));
}

/// The other's answer. Where there was none, nobody knows whether it was decided: the caller may ask again.
pub(super) fn answered<T>(answer: Result<T, Status>) -> Result<T, Status> {
    answer.map_err(|status| {
        let is_the_lines = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
        if is_the_lines && status.details().is_empty() { refused(Error::Unavailable) } else { status }
    })
}

/// Goes on with a call that is decided here; passes any other on.
macro_rules! here {
    ($edge:ident, $request:ident, $rpc:ident, $about:expr) => {
        $crate::api::forward::here!($edge, $request, orders, $rpc, $about)
    };
    ($edge:ident, $request:ident, $service:ident, $rpc:ident, $about:expr) => {
        match $edge.decided($request, $about).await? {
            $crate::api::forward::Decided::Here(request) => request,
            $crate::api::forward::Decided::There(mut gate, request) => {
                return $crate::api::forward::answered(gate.$service.$rpc(request).await);
            }
        }
    };
}
pub(super) use here;

/// The account of an order asked about; none is nobody's.
pub(super) fn account_of(order: Option<&Order>) -> About<'_> {
    About::Account(order.map_or("", |order| order.account_id.as_str()))
}
