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

/// Reads who calls and when, and digests the content.
///
/// The principal is the one the edge put there; without it the caller is unknown. Without a correlation id of its own
/// a call is correlated by its content, so that a repetition belongs to the same story.
pub fn call<T: Message>(request: &Request<T>, rpc: &'static str, clock: &Clock) -> Result<Call, Fault> {
    let principal = request
        .extensions()
        .get::<Principal>()
        .cloned()
        .ok_or_else(|| Fault::new(Kind::Unauthenticated, Reason::Unauthenticated, "the caller is unknown"))?;
    let fingerprint = Fingerprint(Sha256::digest(request.get_ref().encode_to_vec()).into());
    let correlation_id = match text(request, CORRELATION_HEADER) {
        Some(id) => CorrelationId::parse(&id).map_err(|error| Fault::invalid(CORRELATION_HEADER, error.to_string()))?,
        None => from_content(&fingerprint, clock.now()),
    };
    Ok(Call {
        principal,
        rpc,
        request_id: None,
        fingerprint,
        correlation_id,
        trace: text(request, TRACE_HEADER),
        at: clock.now(),
        today: clock.today(),
    })
}

fn text<T>(request: &Request<T>, key: &str) -> Option<String> {
    request.metadata().get(key).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn from_content(fingerprint: &Fingerprint, at: DateTime<chrono::Utc>) -> CorrelationId {
    let digest: String = fingerprint.0.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    CorrelationId::parse(&format!("{:x}-{digest}", at.timestamp_micros()))
        .expect("hexadecimal digits and a dash, 16 + 1 + 16 at most")
}
