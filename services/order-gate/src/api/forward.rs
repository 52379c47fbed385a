//! Calls that another process decides, passed on to it: once, in their caller's name, within their deadline, in their
//! trace.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status, Streaming};
use weir_runtime::edge::Deadline;
use weir_wire::Peer;
use weir_wire::order_gate::v1::{
    fx_rate_service_client::FxRateServiceClient, order_gate_service_client::OrderGateServiceClient,
};

use super::stream::{Answers, unreadable};
use super::{Edge, refused};
use crate::Error;

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
        let peer = (self.connect)(address)?;
        let gate = Gate { orders: OrderGateServiceClient::new(peer.clone()), rates: FxRateServiceClient::new(peer) };
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
pub(super) fn answered<T>(answer: Result<T, Status>) -> Result<T, Status> {
    answer.map_err(|status| {
        let is_the_lines = matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
        if is_the_lines && status.details().is_empty() { refused(Error::Unavailable) } else { status }
    })
}

/// A stream as it is passed on: its messages, and, for when the other has answered them, the error that ended it here.
pub(super) fn onward<T: Send + 'static>(
    request: Request<Streaming<T>>,
) -> (Request<impl Stream<Item = T> + Send + 'static>, oneshot::Receiver<Status>) {
    let (broken, ending) = oneshot::channel();
    let mut broken = Some(broken);
    let request = request.map(|messages| {
        messages.map_err(unreadable).scan((), move |(), message| {
            let passed_on = message.map_err(|status| {
                // whoever waited for the answers may have gone
                broken.take().map(|broken| broken.send(status))
            });
            ready(passed_on.ok())
        })
    });
    (request, ending)
}

/// The other's answers, then the error that ended the stream here.
pub(super) fn until<T: Send + 'static>(answers: Streaming<T>, mut ending: oneshot::Receiver<Status>) -> Answers<T> {
    let last = stream::once(async move { ending.try_recv().ok().map(Err) }).filter_map(ready);
    answers.map(answered).chain(last).boxed()
}

/// Goes on with a call that is decided here; passes any other on.
macro_rules! here {
    ($edge:ident, $request:ident, $rpc:ident) => {
        $crate::api::forward::here!($edge, $request, orders, $rpc)
    };
    ($edge:ident, $request:ident, $service:ident, $rpc:ident) => {
        match $edge.decided($request) {
            $crate::api::forward::Decided::Here(request) => request,
            $crate::api::forward::Decided::There(mut gate, request) => {
                return $crate::api::forward::answered(gate.$service.$rpc(request).await);
            }
        }
    };
}
pub(super) use here;

/// Goes on with a stream that is decided here; passes any other on as a whole.
macro_rules! stream_here {
    ($edge:ident, $request:ident, $rpc:ident, $here:path) => {
        match $edge.decided($request) {
            $crate::api::forward::Decided::Here(request) => $here($edge, request).map(Response::new),
            $crate::api::forward::Decided::There(mut gate, request) => {
                let (request, ending) = $crate::api::forward::onward(request);
                let answers = $crate::api::forward::answered(gate.orders.$rpc(request).await)?;
                Ok(answers.map(|answers| $crate::api::forward::until(answers, ending)))
            }
        }
    };
}
pub(super) use stream_here;
