//! Streams of orders: each message is asked as a single call would, and answered in its turn, with its own error where it
//! has one. What is read of a stream is bounded by what is under way of it, so a caller that does not read its answers
//! is not read either.

use std::future::ready;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, stream::BoxStream};
use tonic::{Code, Request, Status, Streaming};
use weir_model::{Call, Fault, Fields, Kind, Reason, RequestId};
use weir_runtime::edge::Deadline;
use weir_wire::{
    Caller, in_message,
    order_gate::v1::{authorize_orders_response, check_orders_response, *},
    parse, status,
};

use super::{Edge, emit, fresh_until, read, refused};
use crate::Error;
use crate::engine::Pending;

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
}

impl Line {
    /// A stream's caller and messages, up to the first that cannot be taken; its error is the stream's end.
    fn of<T: Send + 'static>(
        edge: &Edge,
        request: Request<Streaming<T>>,
    ) -> Result<(Arc<Self>, impl Stream<Item = Result<T, Status>> + Send + 'static), Status> {
        let caller = Caller::of(&request).map_err(status)?;
        let deadline = request.extensions().get::<Deadline>().copied();
        let line = Arc::new(Line { edge: edge.clone(), caller, deadline });
        let gate = edge.context.clone();
        let messages = request.into_inner().scan(false, move |has_ended, message| {
            if *has_ended {
                return ready(None);
            }
            let message = match message {
                // another stream will find the gate that decides
                Ok(_) if gate.is_elsewhere() => Err(refused(Error::Unavailable)),
                message => message.map_err(unreadable),
            };
            *has_ended = message.is_err();
            ready(Some(message))
        });
        Ok((line, messages))
    }

    async fn check(&self, message: CheckOrdersRequest) -> Result<CheckOrdersResponse, Status> {
        use check_orders_response::Result::{Answer, Error};
        let call = self.call(&message, "weir.order_gate.v1.OrderGateService/CheckOrders");
        let sequence = message.sequence;
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
    async fn line_up(&self, message: AuthorizeOrdersRequest) -> Result<Pending, Status> {
        let call = self.call(&message, "weir.order_gate.v1.OrderGateService/AuthorizeOrders");
        let ask = (message.order, message.checkpoint, message.business_date, message.at_least_as_fresh);
        let mut f = Fields::default();
        let asked = read::asked(&mut f, ask, &call, fresh_until(self.deadline.as_ref()));
        let request_id: Option<Option<RequestId>> = parse::optional_id(&mut f, "request_id", &message.request_id);
        let read = (|| Some((asked?, request_id?)))();
        let (read::Asked { order, date, fresh }, request_id) = f.finish_with(read).map_err(status)?;
        self.edge.context.fresh(fresh).await.map_err(refused)?;
        self.edge.context.line_up(call.with_request_id(request_id), order, date).await.map_err(refused)
    }

    async fn answer(&self, sequence: i64, pending: Result<Pending, Status>) -> AuthorizeOrdersResponse {
        use authorize_orders_response::Result::{Answer, Error};
        let decided = match pending {
            Ok(pending) => self.edge.context.decided(pending).await.map_err(refused),
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
