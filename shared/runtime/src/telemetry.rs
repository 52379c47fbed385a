//! Logs, traces and figures of the process. OpenTelemetry is known here and nowhere else.

mod metrics;
pub(crate) mod trace;

pub(crate) use self::metrics::Observation;
pub use self::{metrics::Metrics, trace::pass_trace_on};
