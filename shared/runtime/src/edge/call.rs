//! The answer of one call on its way out: measured, and cut short where it must be.
//!
//! Promises that a caller always gets a status: a panic, a broken stream, a passed deadline and a draining process all
//! end in trailers, never in a reset.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Code, Status, body::Body};
use tracing::Span;
use weir_model::Fault;

use super::{answer::Tell, frames::FrameMeter};
use crate::telemetry::Observation;

/// What may end a stream before its own end, and as what.
pub(crate) type Ending = BoxFuture<'static, Fault>;

/// The body of an answer.
pub(crate) struct CallBody {
    inner: Body,
    meter: FrameMeter,
    ending: Option<Ending>,
    tell: Tell,
    observation: Option<Observation>,
    span: Span,
    is_over: bool,
    permit: Option<OwnedSemaphorePermit>,
}

impl CallBody {
    pub(crate) fn new(
        inner: Body,
        (message_bytes_max, ending): (usize, Option<Ending>),
        tell: Tell,
        observation: Observation,
        span: Span,
    ) -> Self {
        let meter = FrameMeter::new(message_bytes_max);
        CallBody { inner, meter, ending, tell, observation: Some(observation), span, is_over: false, permit: None }
    }

    /// The same, counted among the calls being worked on until its end.
    pub(crate) fn holding(self, permit: Option<OwnedSemaphorePermit>) -> Self {
        CallBody { permit, ..self }
    }

    fn over(&mut self, code: Code) {
        self.is_over = true;
        self.permit = None;
        if let Some(observation) = self.observation.take() {
            observation.end(code, &self.span);
        }
    }

    /// Ends the answer here, with trailers that say why.
    fn cut(&mut self, status: &Status) -> Frame<Bytes> {
        self.over(status.code());
        self.inner = Body::empty();
        self.ending = None;
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("13"));
        }
        Frame::trailers(trailers)
    }
}

impl HttpBody for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        let span = this.span.clone();
        let _entered = span.enter();
        if let Some(ending) = &mut this.ending
            && let Poll::Ready(fault) = ending.as_mut().poll(cx)
        {
            return Poll::Ready(Some(Ok(this.cut(&(this.tell)(fault)))));
        }
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.inner).poll_frame(cx)));
        let frame = match polled {
            Ok(polled) => ready!(polled),
            Err(panic) => {
                note_panic(panic.as_ref());
                return Poll::Ready(Some(Ok(this.cut(&(this.tell)(Fault::internal())))));
            }
        };
        match frame {
            Some(Ok(frame)) => {
                if let Some(chunk) = frame.data_ref()
                    && let Err(fault) = this.meter.pass(chunk)
                {
                    return Poll::Ready(Some(Ok(this.cut(&(this.tell)(fault)))));
                }
                if let Some(trailers) = frame.trailers_ref() {
                    let code = code_of(trailers).unwrap_or(Code::Unknown);
                    this.over(code);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(status)) => Poll::Ready(Some(Ok(this.cut(&status)))),
            None => {
                this.over(Code::Unknown);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The code that headers or trailers carry.
pub(crate) fn code_of(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

/// Tells the log what a handler panicked with; its caller learns nothing of it.
pub(crate) fn note_panic(panic: &(dyn Any + Send)) {
    let message = panic_message(panic);
    tracing::error!(panic = message, "a call panicked");
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}
