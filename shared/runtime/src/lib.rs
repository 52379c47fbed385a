//! What every process of the suite does: configuration, telemetry, serving, the edge every call passes, background
//! work and shutdown.
//!
//! It knows nothing of credit: services are routes and an access table, work is a `step`.

pub mod config;
mod dice;
pub mod edge;
mod health;
pub mod principal;
pub mod server;
pub mod shutdown;
mod side_port;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod workers;

pub use prometheus_client;

pub use self::{
    config::{Effective, Layers},
    edge::{AccessRow, Deadline, Edge, EdgeConfig, EdgeParts},
    health::{Health, LIVENESS},
    principal::{Credentials, Identities, PrincipalConfig},
    server::{Server, ServerConfig},
    shutdown::{Shutdown, ShutdownConfig},
    telemetry::{Metrics, MetricsEndpoint, Telemetry, TelemetryConfig},
    workers::{Pace, WakeUp, Workers},
};
