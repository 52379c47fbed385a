//! What the edge learned about a request, as the model's [`Call`].

use chrono::DateTime;
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::Request;
use weir_model::{Call, Clock, CorrelationId, Fault, Fingerprint, Kind, Principal, Reason};

/// Metadata key under which a client may say what a call belongs to.
pub const CORRELATION_HEADER: &str = "weir-correlation-id";

/// Metadata key of the W3C trace context.
const TRACE_HEADER: &str = "traceparent";

/// Who calls, in which story and trace: what a call says once, however many messages it brings.
#[derive(Debug, Clone)]
pub struct Caller {
    principal: Principal,
    correlation_id: Option<CorrelationId>,
    trace: Option<String>,
}

impl Caller {
    /// Reads what a request says beside its messages.
    ///
    /// The principal is the one the edge put there; without it the caller is unknown.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Fault> {
        let principal = request
            .extensions()
            .get::<Principal>()
            .cloned()
            .ok_or_else(|| Fault::new(Kind::Unauthenticated, Reason::Unauthenticated, "the caller is unknown"))?;
        let correlation_id = text(request, CORRELATION_HEADER)
            .map(|id| CorrelationId::parse(&id).map_err(|error| Fault::invalid(CORRELATION_HEADER, error.to_string())))
            .transpose()?;
        Ok(Caller { principal, correlation_id, trace: text(request, TRACE_HEADER) })
    }

    /// The call that one message is, now: digests its content.
    ///
    /// Without a correlation id of its own a call is correlated by its content, so that a repetition belongs to the same
    /// story.
    pub fn call<T: Message>(&self, message: &T, rpc: &'static str, clock: &Clock) -> Call {
        let fingerprint = Fingerprint(Sha256::digest(message.encode_to_vec()).into());
        let at = clock.now();
        Call {
            principal: self.principal.clone(),
            rpc,
            request_id: None,
            fingerprint,
            correlation_id: self.correlation_id.clone().unwrap_or_else(|| from_content(&fingerprint, at)),
            trace: self.trace.clone(),
            at,
            today: clock.today(),
        }
    }
}

/// Reads who calls and when, and digests the content of a request that is one message.
pub fn call<T: Message>(request: &Request<T>, rpc: &'static str, clock: &Clock) -> Result<Call, Fault> {
    Ok(Caller::of(request)?.call(request.get_ref(), rpc, clock))
}

fn text<T>(request: &Request<T>, key: &str) -> Option<String> {
    request.metadata().get(key).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn from_content(fingerprint: &Fingerprint, at: DateTime<chrono::Utc>) -> CorrelationId {
    let digest: String = fingerprint.0.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    CorrelationId::parse(&format!("{:x}-{digest}", at.timestamp_micros()))
        .expect("hexadecimal digits and a dash, 16 + 1 + 16 at most")
}
