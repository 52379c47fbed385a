//! Streams of orders: each message is asked as a single call would, and answered in its turn, with its own error where it
//! has one; what another process decides is sent on to it. What is read of a stream is bounded by what is under way of it,
//! so a caller that does not read its answers is not read either.

use std::future::ready;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, stream::BoxStream};
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tonic::metadata::MetadataMap;
use tonic::{Code, Extensions, Request, Status, Streaming};
use weir_model::{Call, Fault, Fields, Kind, Reason, RequestId};
use weir_runtime::edge::Deadline;
use weir_wire::{
    Caller, in_message,
    order_gate::v1::{authorize_orders_response, check_orders_response, *},
    parse, status,
};

use super::branch::Branch;
use super::forward::{Gate, answered, is_forwarded, pass_on};
use super::{Edge, emit, fresh_until, read, refused};
use crate::Error;
use crate::engine::Pending;
use crate::ownership::Seat;

/// Answers of a stream.
pub(super) type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// Orders of one stream under way: several batches, so that the next is full while one is written.
pub(crate) const UNDER_WAY_MAX: usize = 1_024;

/// Answers what the gate would say of each order.
pub(super) fn check(
    edge: &Edge,
    request: Request<Streaming<CheckOrdersRequest>>,
) -> Result<Answers<CheckOrdersResponse>, Status> {
    let (line, messages) = Line::of(edge, request)?;
    let answers = messages.then(move |message| {
        let line = line.clone();
        async move { line.check(message?).await }
    });
    Ok(answers.boxed())
}

/// Has each order decided, many of them under way at once.
pub(super) fn authorize(
    edge: &Edge,
    request: Request<Streaming<AuthorizeOrdersRequest>>,
) -> Result<Answers<AuthorizeOrdersResponse>, Status> {
    let (line, messages) = Line::of(edge, request)?;
    let answering = line.clone();
    let lined_up = messages.then(move |message| {
        let line = line.clone();
        async move {
            let message = message?;
            Ok((message.sequence, line.line_up(message).await))
        }
    });
    let answers = lined_up.map(move |lined_up: Result<_, Status>| {
        let line = answering.clone();
        async move {
            let (sequence, pending) = lined_up?;
            Ok(line.answer(sequence, pending).await)
        }
    });
    Ok(answers.buffered(UNDER_WAY_MAX).boxed())
}

/// One stream and its caller.
struct Line {
    edge: Edge,
    caller: Caller,
    deadline: Option<Deadline>,
    /// What else its request says, for messages that are passed on; none of one that was passed on itself.
    onward: Option<(MetadataMap, Extensions)>,
    branches: Mutex<HashMap<Arc<str>, Branch>>,
}

/// An order of a stream under way.
enum LinedUp {
    Here(Pending),
    There(oneshot::Receiver<Result<AuthorizeOrdersResponse, Status>>),
}

impl Line {
    /// A stream's caller and messages, up to the first that cannot be taken; its error is the stream's end.
    fn of<T: Send + 'static>(
        edge: &Edge,
        request: Request<Streaming<T>>,
    ) -> Result<(Arc<Self>, impl Stream<Item = Result<T, Status>> + Send + 'static), Status> {
        let caller = Caller::of(&request).map_err(status)?;
        let deadline = request.extensions().get::<Deadline>().copied();
        let (metadata, extensions, messages) = request.into_parts();
        let onward = (!is_forwarded(&metadata)).then_some((metadata, extensions));
        let line = Line { edge: edge.clone(), caller, deadline, onward, branches: Mutex::default() };
        let messages = messages.scan(false, |has_ended, message| {
            if *has_ended {
                return ready(None);
            }
            *has_ended = message.is_err();
            ready(Some(message.map_err(unreadable)))
        });
        Ok((Arc::new(line), messages))
    }

    /// The gate that decides for an order's account, where another does; and where it is reached.
    fn elsewhere(&self, order: Option<&Order>) -> Option<(Arc<str>, Gate)> {
        self.onward.as_ref()?;
        match self.edge.context.seat_of_account(&order?.account_id) {
            Seat::There(address) => {
                let gate = self.edge.onward.gate(&address)?;
                Some((address, gate))
            }
            Seat::Here | Seat::Nobody => None,
        }
    }

    /// Something in the name of the stream's caller.
    fn passed_on<T>(&self, message: T) -> Request<T> {
        let (metadata, extensions) = self.onward.clone().unwrap_or_default();
        let mut request = Request::from_parts(metadata, extensions, message);
        pass_on(&mut request);
        request
    }

    async fn check_there(&self, mut gate: Gate, message: CheckOrdersRequest) -> Result<CheckOrderResponse, Status> {
        let CheckOrdersRequest { sequence: _, order, checkpoint, business_date, at_least_as_fresh } = message;
        let request = CheckOrderRequest { order, checkpoint, business_date, at_least_as_fresh };
        Ok(answered(gate.orders.check_order(self.passed_on(request)).await)?.into_inner())
    }

    fn send_on(&self, (address, gate): (Arc<str>, Gate), message: AuthorizeOrdersRequest) -> Result<LinedUp, Status> {
        let mut branches = self.branches.lock();
        let open = || Branch::open(gate.clone(), |messages| self.passed_on(messages));
        let sent = branches.entry(address.clone()).or_insert_with(open).send(message.clone());
        // one that has ended is opened anew, once
        let sent = sent.or_else(|| {
            let branch = open();
            let sent = branch.send(message);
            branches.insert(address, branch);
            sent
        });
        sent.map(LinedUp::There).ok_or_else(|| refused(Error::Unavailable))
    }

    async fn check(&self, message: CheckOrdersRequest) -> Result<CheckOrdersResponse, Status> {
        use check_orders_response::Result::{Answer, Error};
        let call = self.call(&message, "weir.order_gate.v1.OrderGateService/CheckOrders");
        let sequence = message.sequence;
        if let Some((_, gate)) = self.elsewhere(message.order.as_ref()) {
            let result = match self.check_there(gate, message).await {
                Ok(answer) => Answer(answer),
                Err(status) => Error(in_message(&status)),
            };
            return Ok(CheckOrdersResponse { sequence, result: Some(result) });
        }
        let ask = (message.order, message.checkpoint, message.business_date, message.at_least_as_fresh);
        let checked = async {
            let mut f = Fields::default();
            let asked = read::asked(&mut f, ask, &call, fresh_until(self.deadline.as_ref()));
            let read::Asked { order, date, fresh } = f.finish_with(asked).map_err(status)?;
            self.edge.context.fresh(fresh).await.map_err(refused)?;
            self.edge.context.check_order(&call, &order, date).map_err(refused)
        };
        let result = match checked.await {
            Ok(checked) => Answer(emit::checked(&checked)),
            Err(status) => Error(in_message(&status)),
        };
        Ok(CheckOrdersResponse { sequence, result: Some(result) })
    }

    /// Asks for an order in its turn: those after it wait for this alone.
    async fn line_up(&self, message: AuthorizeOrdersRequest) -> Result<LinedUp, Status> {
        if let Some(found) = self.elsewhere(message.order.as_ref()) {
            return self.send_on(found, message);
        }
        let call = self.call(&message, "weir.order_gate.v1.OrderGateService/AuthorizeOrders");
        let ask = (message.order, message.checkpoint, message.business_date, message.at_least_as_fresh);
        let mut f = Fields::default();
        let asked = read::asked(&mut f, ask, &call, fresh_until(self.deadline.as_ref()));
        let request_id: Option<Option<RequestId>> = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some((asked?, request_id?)))();
        let (read::Asked { order, date, fresh }, request_id) = f.finish_with(read).map_err(status)?;
        self.edge.context.fresh(fresh).await.map_err(refused)?;
        let pending = self.edge.context.line_up(call.with_request_id(request_id), order, date).await;
        pending.map(LinedUp::Here).map_err(refused)
    }

    async fn answer(&self, sequence: i64, lined_up: Result<LinedUp, Status>) -> AuthorizeOrdersResponse {
        use authorize_orders_response::Result::{Answer, Error};
        let decided = match lined_up {
            Ok(LinedUp::Here(pending)) => self.edge.context.decided(pending).await.map_err(refused),
            Ok(LinedUp::There(coming)) => match coming.await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(status)) => Err(status),
                Err(_) => Err(refused(crate::Error::Unavailable)),
            },
            Err(status) => Err(status),
        };
        let result = match decided {
            Ok(decided) => Answer(emit::decided(&decided)),
            Err(status) => Error(in_message(&status)),
        };
        AuthorizeOrdersResponse { sequence, result: Some(result) }
    }

    fn call<T: prost::Message>(&self, message: &T, rpc: &'static str) -> Call {
        self.caller.call(message, rpc, &self.edge.context.env.clock)
    }
}

/// Why a stream could not be read on. tonic calls a malformed message INTERNAL; it is the caller's mistake.
pub(super) fn unreadable(error: Status) -> Status {
    if error.code() != Code::Internal {
        return error;
    }
    status(Fault::new(Kind::InvalidArgument, Reason::InvalidArgument, "a message of the stream cannot be read"))
}
