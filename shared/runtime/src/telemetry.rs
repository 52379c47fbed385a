//! Logs, traces and figures of the process. OpenTelemetry is known here and nowhere else.
//!
//! Logs go to standard error; traces and figures go by OTLP where an endpoint is configured; Prometheus may fetch the
//! figures from a port of its own.

mod metrics;
mod prometheus;
#[cfg(test)]
mod tests;
pub(crate) mod trace;

use std::{fmt, io::IsTerminal as _, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{Sampler, SdkTracerProvider},
};
use serde::{Deserialize, Serialize};
use tracing::{Subscriber, span::Record};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    field::RecordFields,
    fmt::{
        FormatFields, FormattedFields,
        format::{DefaultFields, JsonFields, Writer},
    },
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

pub(crate) use self::metrics::Observation;
pub use self::{
    metrics::Metrics,
    prometheus::{MetricsEndpoint, MetricsEndpointError},
    trace::pass_trace_on,
};

/// How long one export may take: telemetry must never hold up the process.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Human,
    /// For machines: one JSON object a line.
    Json,
}

/// Section `[telemetry]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Which log lines to write, as `info` or `info,weir_store=debug`.
    pub log: String,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Where to send traces and figures by OTLP over gRPC; empty for nowhere.
    pub otlp_endpoint: String,
    /// How many of a hundred traces to keep, where the caller has not decided.
    pub trace_percent: u8,
    /// Address of the Prometheus endpoint; empty for none.
    pub metrics_listen: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        TelemetryConfig {
            log: "info".to_owned(),
            log_format: LogFormat::Auto,
            otlp_endpoint: String::new(),
            trace_percent: 100,
            metrics_listen: "127.0.0.1:7461".to_owned(),
        }
    }
}

/// Why telemetry cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log filter cannot be read.
    #[error("telemetry.log: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be made.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The process has telemetry already.
    #[error("telemetry has been started before")]
    Twice,
}

/// The process's telemetry; keep it until the end, then flush it.
#[derive(Debug)]
pub struct Telemetry {
    metrics: Metrics,
    exporters: Option<(SdkTracerProvider, SdkMeterProvider)>,
}

impl Telemetry {
    /// Starts logging, and exporting where an endpoint is configured. Once in a process, within a tokio runtime.
    ///
    /// # Errors
    /// Where a setting cannot be read, or telemetry has been started before.
    pub fn start(config: &TelemetryConfig, version: &'static str) -> Result<Self, TelemetryError> {
        let filter = EnvFilter::try_new(&config.log)?;
        let exporters = exporters(config, version)?;
        let tracing =
            exporters.as_ref().map(|(traces, _)| tracing_opentelemetry::layer().with_tracer(traces.tracer("weir")));
        let subscriber = Registry::default()
            .with(tracing.with_filter(without_the_exporter(filter.clone())))
            .with(lines(config, filter));
        subscriber.try_init().map_err(|_| TelemetryError::Twice)?;
        if let Some((_, figures)) = &exporters {
            opentelemetry::global::set_meter_provider(figures.clone());
        }
        log_panics();
        Ok(Telemetry { metrics: Metrics::new(), exporters })
    }

    /// The figures of the process.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Sends what has not been sent yet, within a few seconds.
    pub async fn flush(self) {
        let Some((traces, figures)) = self.exporters else { return };
        let flushed = tokio::task::spawn_blocking(move || {
            (traces.shutdown_with_timeout(EXPORT_TIMEOUT), figures.shutdown_with_timeout(EXPORT_TIMEOUT))
        });
        match flushed.await {
            Ok((Ok(()), Ok(()))) => {}
            Ok((traces, figures)) => tracing::warn!(?traces, ?figures, "telemetry was not sent to its end"),
            Err(error) => tracing::warn!(%error, "telemetry was not sent to its end"),
        }
    }
}

fn exporters(
    config: &TelemetryConfig,
    version: &'static str,
) -> Result<Option<(SdkTracerProvider, SdkMeterProvider)>, ExporterBuildError> {
    if config.otlp_endpoint.is_empty() {
        return Ok(None);
    }
    let resource =
        Resource::builder().with_service_name("weir").with_attribute(KeyValue::new("service.version", version)).build();
    let endpoint = config.otlp_endpoint.as_str();
    let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build()?;
    let figures =
        MetricExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT).build()?;
    let kept = ratio(config.trace_percent);
    let traces = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(kept))))
        .with_batch_exporter(spans)
        .build();
    let figures = SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(figures).build();
    Ok(Some((traces, figures)))
}

#[expect(clippy::float_arithmetic, reason = "OpenTelemetry wants a ratio; it is no amount")]
fn ratio(percent: u8) -> f64 {
    f64::from(percent.min(100)) / 100.0
}

/// Exporting a span makes calls of its own; traces of these would never end.
fn without_the_exporter(filter: EnvFilter) -> EnvFilter {
    ["h2=off", "hyper=off", "hyper_util=off", "tonic=off", "tower=off"].into_iter().fold(filter, |filter, directive| {
        filter.add_directive(directive.parse().expect("a literal of the form target=level"))
    })
}

/// Log lines in the configured form.
fn lines<S>(config: &TelemetryConfig, filter: EnvFilter) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let is_terminal = std::io::stderr().is_terminal();
    let is_human = match config.log_format {
        LogFormat::Auto => is_terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if is_human {
        lines.with_ansi(is_terminal).fmt_fields(AsBegun(DefaultFields::new())).with_filter(filter).boxed()
    } else {
        let lines = lines.json().flatten_event(true).fmt_fields(AsBegun(JsonFields::new()));
        lines.with_filter(filter).boxed()
    }
}

/// Log lines name a call as it began. What its span learns later, such as the code it ends with, is for traces alone:
/// keeping a text up to date that nobody may ever read took 6 % of the processor time of an order's decision.
#[derive(Debug)]
struct AsBegun<F>(F);

impl<'writer, F: FormatFields<'writer>> FormatFields<'writer> for AsBegun<F> {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        self.0.format_fields(writer, fields)
    }

    fn add_fields(&self, _: &'writer mut FormattedFields<Self>, _: &Record<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Sends panics to the log, with the place they happened at.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("(no message)");
        tracing::error!(place, message, "panic");
    }));
}
