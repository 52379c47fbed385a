//! Figures of the process, in one registry that every part may add to.

use std::{fmt, sync::Arc, time::Duration};

use opentelemetry::{KeyValue, metrics::Histogram as OtelHistogram};
use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tokio::time::Instant;
use tonic::Code;
use tracing::Span;

use crate::edge::code_name;

/// Bounds of the call duration's buckets, as OpenTelemetry advises for `rpc.server.call.duration`, and three finer ones
/// since an order's check takes well below five milliseconds. In seconds.
const CALL_BUCKETS_SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    rpc_system_name: &'static str,
    rpc_method: &'static str,
    rpc_response_status_code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkerLabels {
    worker: String,
    outcome: &'static str,
}

type Durations = Family<CallLabels, Histogram, fn() -> Histogram>;

/// The figures of the process; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    durations: Durations,
    in_flight: Gauge,
    worker_steps: Family<WorkerLabels, Counter>,
    exported: OtelHistogram<f64>,
}

impl Metrics {
    /// A registry with the figures of the edge and of the workers in it.
    ///
    /// Call durations also go to the OpenTelemetry meter that is global at this moment.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let durations = Durations::new_with_constructor(|| Histogram::new(CALL_BUCKETS_SECONDS));
        let in_flight = Gauge::default();
        let worker_steps = Family::default();
        registry.register_with_unit(
            "rpc_server_call_duration",
            "Time from a call's arrival to the end of its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register("rpc_server_calls_in_flight", "Calls not answered to their end", in_flight.clone());
        registry.register("worker_steps", "Steps of background work by outcome", worker_steps.clone());
        let exported = opentelemetry::global::meter("weir")
            .f64_histogram("rpc.server.call.duration")
            .with_unit("s")
            .with_boundaries(CALL_BUCKETS_SECONDS.to_vec())
            .build();
        Metrics { registry: Arc::new(Mutex::new(registry)), durations, in_flight, worker_steps, exported }
    }

    /// Adds figures of another part.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock());
    }

    /// All figures in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry.lock()).expect("writing to a string does not fail");
        text
    }

    /// Begins to watch a call.
    pub(crate) fn begin(&self, method: &'static str) -> Observation {
        self.in_flight.inc();
        Observation { metrics: self.clone(), method, began: Instant::now(), is_over: false }
    }

    /// Counts a worker's step.
    pub(crate) fn count_step(&self, worker: &str, outcome: &'static str) {
        self.worker_steps.get_or_create(&WorkerLabels { worker: worker.to_owned(), outcome }).inc();
    }

    fn record(&self, method: &'static str, code: &'static str, took: Duration) {
        let labels = CallLabels { rpc_system_name: "grpc", rpc_method: method, rpc_response_status_code: code };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        self.in_flight.dec();
        let attributes = [
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", method),
            KeyValue::new("rpc.response.status_code", code),
        ];
        self.exported.record(took.as_secs_f64(), &attributes);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A call being watched. One that is dropped before its end was given up by its caller.
pub(crate) struct Observation {
    metrics: Metrics,
    method: &'static str,
    began: Instant,
    is_over: bool,
}

impl Observation {
    /// The call ended with a code.
    pub(crate) fn end(mut self, code: Code, span: &Span) {
        self.is_over = true;
        let took = self.began.elapsed();
        self.metrics.record(self.method, code_name(code), took);
        span.record("rpc.response.status_code", code_name(code));
        if is_server_fault(code) {
            span.record("otel.status_code", "ERROR");
        }
        tracing::debug!(parent: span, code = code_name(code), took_us = took.as_micros(), "answered");
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if !self.is_over {
            self.metrics.record(self.method, code_name(Code::Cancelled), self.began.elapsed());
        }
    }
}

/// Whether a code says that the server failed, rather than that its caller did.
fn is_server_fault(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable | Code::DeadlineExceeded)
}
