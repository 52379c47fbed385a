//! The edge every call passes, whether it came over TCP or from this process.
//!
//! It bounds the call (concurrency, time, message size), knows its caller, asks the access table, and measures and
//! traces it. Every refusal carries a published reason. It knows nothing of what the services behind it do.

mod answer;
mod call;
mod config;
mod deadline;
mod frames;
mod methods;
mod rate;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{Request, Response};
use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::{Code, body::Body, service::Routes};
use tower::Service;
use tracing::{Instrument as _, Span};
use weir_model::{Fault, Kind, Principal, Reason};

pub use self::{
    answer::Tell,
    config::EdgeConfig,
    deadline::{Deadline, pass_deadline_on},
    methods::{AccessRow, unlisted_methods},
};
pub(crate) use self::{
    answer::{code_name, unauthenticated},
    call::panic_message,
};
use self::{
    call::{CallBody, Ending},
    frames::MeteredRequest,
    methods::{Method, Methods},
    rate::Rates,
};
use crate::{
    health::Health,
    principal::Identities,
    telemetry::{Metrics, Observation, trace},
};

/// Why an edge cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// Two rows of the access tables name the same method.
    #[error("the access tables name {0} twice")]
    MethodTwice(&'static str),
    /// A descriptor set cannot be read.
    #[error("a descriptor set cannot be read: {0}")]
    Descriptors(String),
    /// A setting is out of range.
    #[error("{0} {1}")]
    Setting(&'static str, &'static str),
}

/// What an edge is made of.
#[derive(Debug)]
pub struct EdgeParts<'a> {
    /// The services of the process.
    pub routes: Routes,
    /// Who may call which method; a method without a row is refused for everyone.
    pub access: Vec<AccessRow>,
    /// Encoded descriptor sets of the services: they tell which methods stream, and feed reflection.
    pub descriptor_sets: Vec<&'a [u8]>,
    /// How callers are known.
    pub identities: Identities,
    /// How callers are told what the edge refuses: in the words in which services tell them of their faults.
    pub tell: Tell,
    /// Limits.
    pub config: EdgeConfig,
    /// Where calls are counted.
    pub metrics: Metrics,
    /// Streams still open when this fires are ended with `UNAVAILABLE`.
    pub draining: CancellationToken,
}

/// The services of the process behind their edge. Cheap to clone; a tower service for requests from anywhere.
///
/// A request that carries a [`Principal`] in its extensions keeps it: extensions cannot come over a network, so only
/// this process can put one there.
#[derive(Clone)]
pub struct Edge {
    rules: Arc<Rules>,
    routes: Routes,
}

#[derive(Debug)]
struct Rules {
    methods: Methods,
    identities: Identities,
    tell: Tell,
    config: EdgeConfig,
    metrics: Metrics,
    draining: CancellationToken,
    permits: Arc<Semaphore>,
    /// None where callers may call as often as they like.
    rates: Option<Rates>,
    health: Health,
}

/// What the edge grants a call.
struct Admission {
    method: Method,
    deadline: Option<Deadline>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Edge {
    /// Puts services behind an edge, and health and reflection beside them.
    pub fn new(parts: EdgeParts<'_>) -> Result<Self, EdgeError> {
        let EdgeParts { routes, access, descriptor_sets, identities, tell, config, metrics, draining } = parts;
        config.check()?;
        let methods = Methods::new(&access, &descriptor_sets, config.reflection)?;
        let services = methods.services();
        let (health, mut routes) = Health::beside(routes, &services);
        if config.reflection {
            routes = reflection(routes, &services, &descriptor_sets)?;
        }
        let permits = Arc::new(Semaphore::new(config.concurrency_max.min(Semaphore::MAX_PERMITS)));
        let rates = config.rates();
        let rules = Rules { methods, identities, tell, config, metrics, draining, permits, rates, health };
        Ok(Edge { rules: Arc::new(rules), routes: routes.prepare() })
    }

    /// What the process says of its readiness.
    pub fn health(&self) -> &Health {
        &self.rules.health
    }

    /// Whether callers are believed without proof, so that nobody outside this machine may reach the edge.
    pub fn is_loopback_only(&self) -> bool {
        self.rules.identities.believes_without_proof()
    }

    async fn answer(mut self, mut request: Request<Body>, method: Option<Method>, span: Span) -> Response<Body> {
        let rules = Arc::clone(&self.rules);
        let observation = rules.metrics.begin(name_of(method));
        trace::stamp(&span, request.headers_mut());
        let admission = match rules.admit(method, &mut request) {
            Ok(admission) => admission,
            Err(fault) => return rules.refuse(fault, observation, &span),
        };
        let (bytes_max, tell) = (rules.config.message_in_bytes_max, rules.tell);
        let request = request.map(|body| Body::new(MeteredRequest::new(body, bytes_max, tell)));
        let handled = AssertUnwindSafe(self.routes.call(request)).catch_unwind();
        let handled = deadline::during(admission.deadline, handled);
        let response = match within(admission.deadline, handled).await {
            None => return rules.refuse(answer::late(), observation, &span),
            Some(Err(panic)) => {
                call::note_panic(panic.as_ref());
                return rules.refuse(Fault::internal(), observation, &span);
            }
            Some(Ok(Ok(response))) => response,
        };
        rules.send(response, admission, observation, &span)
    }
}

impl Rules {
    /// Lets a call in, and leaves its principal and deadline in the request's extensions.
    fn admit(&self, method: Option<Method>, request: &mut Request<Body>) -> Result<Admission, Fault> {
        if let Some(method) = method.filter(Method::is_open) {
            let deadline = deadline::of_call(request.headers(), &method, &self.config);
            return Ok(Admission { method, deadline, permit: None });
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| self.overloaded())?;
        let caller = match request.extensions_mut().remove::<Principal>() {
            Some(caller) => caller,
            None => self.identities.identify(request.headers())?,
        };
        if let Some(rates) = &self.rates {
            rates.take(&caller)?;
        }
        let method = method.filter(|method| method.admits(&caller)).ok_or_else(answer::denied)?;
        let deadline = deadline::of_call(request.headers(), &method, &self.config);
        request.extensions_mut().insert(caller);
        if let Some(deadline) = deadline {
            request.extensions_mut().insert(deadline);
        }
        Ok(Admission { method, deadline, permit: Some(permit) })
    }

    fn overloaded(&self) -> Fault {
        Fault::new(Kind::ResourceExhausted, Reason::Overloaded, "the server has more calls than it takes at once")
            .retry_after(self.config.overload_retry_after)
    }

    /// Sends a handler's answer on its way, watched until its end.
    fn send(
        &self,
        response: Response<Body>,
        admission: Admission,
        observation: Observation,
        span: &Span,
    ) -> Response<Body> {
        if let Some(code) = call::code_of(response.headers()) {
            return match unreadable(&response, code) {
                Some(fault) => self.refuse(fault, observation, span),
                None => {
                    observation.end(code, span);
                    response
                }
            };
        }
        let ending = admission.method.answers_stream.then(|| self.ending(admission.deadline));
        let limits = (self.config.message_out_bytes_max, ending);
        response.map(|body| {
            Body::new(CallBody::new(body, limits, self.tell, observation, span.clone()).holding(admission.permit))
        })
    }

    fn refuse(&self, fault: Fault, observation: Observation, span: &Span) -> Response<Body> {
        let status = (self.tell)(fault);
        observation.end(status.code(), span);
        status.into_http()
    }

    /// Ends a stream when its deadline passes or the process drains.
    fn ending(&self, deadline: Option<Deadline>) -> Ending {
        let draining = self.draining.clone().cancelled_owned();
        Box::pin(async move {
            match within(deadline, draining).await {
                None => answer::late(),
                Some(()) => Fault::new(Kind::Unavailable, Reason::Unavailable, "the server is shutting down"),
            }
        })
    }
}

/// The message could not be read as protobuf. tonic calls that `INTERNAL` and tells the caller how its parser works;
/// it is the caller's mistake.
fn unreadable(response: &Response<Body>, code: Code) -> Option<Fault> {
    let status = response.extensions().get::<tonic::Status>()?;
    let is_ours = code == Code::Internal && status.message().starts_with("failed to decode Protobuf message");
    is_ours.then(|| Fault::new(Kind::InvalidArgument, Reason::InvalidArgument, "the message is not valid protobuf"))
}

/// What a future yields, unless the deadline passes first.
async fn within<F: Future>(deadline: Option<Deadline>, future: F) -> Option<F::Output> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.at(), future).await.ok(),
        None => Some(future.await),
    }
}

fn name_of(method: Option<Method>) -> &'static str {
    method.map_or("_OTHER", |method| method.name)
}

fn reflection(
    routes: Routes,
    services: &std::collections::BTreeSet<String>,
    descriptor_sets: &[&[u8]],
) -> Result<Routes, EdgeError> {
    let builder = || {
        let mut builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        for bytes in descriptor_sets {
            builder = builder.register_encoded_file_descriptor_set(bytes);
        }
        for service in services {
            builder = builder.with_service_name(service);
        }
        builder
    };
    let unreadable = |error: tonic_reflection::server::Error| EdgeError::Descriptors(error.to_string());
    let v1 = builder().build_v1().map_err(unreadable)?;
    let v1alpha = builder().build_v1alpha().map_err(unreadable)?;
    Ok(routes.add_service(v1).add_service(v1alpha))
}

impl<B> Service<Request<B>> for Edge
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let edge = self.clone();
        let method = self.rules.methods.find(request.uri().path());
        let span = trace::call_span(name_of(method), request.headers());
        let answer = edge.answer(request.map(Body::new), method, span.clone());
        Box::pin(async move { Ok(answer.await) }.instrument(span))
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("services", &self.rules.methods.services()).finish_non_exhaustive()
    }
}
