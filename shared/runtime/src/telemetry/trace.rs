//! The trace a call belongs to, in W3C form: read from metadata, told to the handler, passed on by clients.
//!
//! Without an exporter the caller's `traceparent` passes through unchanged.

use http::HeaderMap;
use opentelemetry::{
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct ToHeaders<'a>(&'a mut HeaderMap);

impl Injector for ToHeaders<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<http::HeaderName>(), value.parse()) {
            self.0.insert(name, value);
        }
    }
}

/// The span of a call, child of its caller's.
pub(crate) fn call_span(method: &'static str, headers: &HeaderMap) -> Span {
    let span = info_span!(
        "rpc",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = tracing::field::Empty,
    );
    if headers.contains_key("traceparent") {
        let parent = TraceContextPropagator::new().extract(&Incoming(headers));
        // Fails only where no exporter is configured: then there is nothing to be a child of.
        let _ = span.set_parent(parent);
    }
    span
}

/// Writes a span's own context over the caller's, so that what the handler records names this call.
pub(crate) fn stamp(span: &Span, headers: &mut HeaderMap) {
    let context = span.context();
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(&context, &mut ToHeaders(headers));
    }
}

/// Writes the present span's context into the headers of a call to another process.
pub fn pass_trace_on(headers: &mut HeaderMap) {
    stamp(&Span::current(), headers);
}
