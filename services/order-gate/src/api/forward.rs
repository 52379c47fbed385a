//! Calls that another process decides, passed on to it: once, in their caller's name, within their deadline, in their
//! trace.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Response, Status};
use weir_runtime::edge::Deadline;
use weir_wire::{Peer, order_gate::v1::order_gate_service_client::OrderGateServiceClient};

use super::{Edge, refused};
use crate::Error;

/// Metadata of a call that was passed on: it is not passed on again.
const FORWARDED: &str = "weir-forwarded";

/// Opens the way to another gate at an address, for calls made in their own callers' names; none where that is no
/// address.
pub type Connect = Arc<dyn Fn(&str) -> Option<Peer> + Send + Sync>;

pub(super) type Gate = OrderGateServiceClient<Peer>;

/// A gate and where it is reached.
type Found = (Arc<str>, Gate);

/// The way to the gate that decides, kept as long as it is the same one.
#[derive(Clone)]
pub(super) struct Onward {
    connect: Connect,
    last: Arc<Mutex<Option<Found>>>,
}

impl fmt::Debug for Onward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Onward")
    }
}

impl Onward {
    pub(super) fn new(connect: Connect) -> Self {
        Onward { connect, last: Arc::default() }
    }

    fn gate(&self, address: &Arc<str>) -> Option<Gate> {
        let mut last = self.last.lock();
        if let Some((to, gate)) = &*last
            && to == address
        {
            return Some(gate.clone());
        }
        let gate = OrderGateServiceClient::new((self.connect)(address)?);
        *last = Some((address.clone(), gate.clone()));
        Some(gate)
    }
}

/// Where a call is decided.
pub(super) enum Decided<T> {
    Here(Request<T>),
    There(Box<Gate>, Request<T>),
}

impl Edge {
    /// Where a call is decided. Here too where nobody can be asked: the call is then told to come again.
    pub(super) fn decided<T>(&self, mut request: Request<T>) -> Decided<T> {
        let Some(address) = self.context.elsewhere() else { return Decided::Here(request) };
        if request.metadata().contains_key(FORWARDED) {
            return Decided::Here(request);
        }
        let Some(gate) = self.onward.gate(&address) else { return Decided::Here(request) };
        if let Some(deadline) = request.extensions().get::<Deadline>().copied() {
            request.set_timeout(deadline.remaining());
        }
        request.metadata_mut().insert(FORWARDED, MetadataValue::from_static("1"));
        Decided::There(Box::new(gate), request)
    }
}

/// The other's answer. Where there was none, nobody knows whether it was decided: the caller may ask again.
pub(super) fn answered<T>(answer: Result<Response<T>, Status>) -> Result<Response<T>, Status> {
    answer.map_err(|status| {
        let is_the_lines = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
        if is_the_lines && status.details().is_empty() { refused(Error::Unavailable) } else { status }
    })
}

/// Goes on with a call that is decided here; passes any other on.
macro_rules! here {
    ($edge:ident, $request:ident, $rpc:ident) => {
        match $edge.decided($request) {
            $crate::api::forward::Decided::Here(request) => request,
            $crate::api::forward::Decided::There(mut gate, request) => {
                return $crate::api::forward::answered(gate.$rpc(request).await);
            }
        }
    };
}
pub(super) use here;
