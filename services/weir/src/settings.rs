//! The configuration of the suite: what the runtime knows, and the sections of our own.

mod notices;

use std::{
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use weir_model::Clock;
use weir_order_gate::Ownership;
use weir_runtime::{
    EdgeConfig, PrincipalConfig, ServerConfig, ShutdownConfig, TelemetryConfig,
    config::{self, ConfigError, Effective, Layers},
};
use weir_store::Location;

pub use self::notices::Notices;
use crate::roles::Role;

/// Defaults of the sections below.
const DEFAULTS: &str = include_str!("defaults.toml");

/// The shortest a journal may be kept: a follower reads on after its snapshot, which takes minutes where there are
/// millions of accounts. Were what comes after it gone by then, it would take snapshots for ever.
const JOURNAL_RETENTION_MIN: Duration = Duration::from_secs(3_600);

/// Keys whose values are never shown.
const SECRETS: [&str; 3] = ["database.url", "pages.key", "notices.smtp_password"];

/// The shortest lease: a database that takes a while to answer must not make its holder lose it.
const LEASE_MIN: Duration = Duration::from_secs(1);

/// Everything a process of the suite can be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Listening.
    pub server: ServerConfig,
    /// Limits of a call.
    pub edge: EdgeConfig,
    /// How callers are known.
    pub principal: PrincipalConfig,
    /// How the process ends.
    pub shutdown: ShutdownConfig,
    /// Logs, traces, figures.
    pub telemetry: TelemetryConfig,
    /// Where data lives.
    pub database: Database,
    /// The selling entity.
    pub entity: Entity,
    /// How the order gate shares its work among processes.
    pub order_gate: OrderGate,
    /// The other processes.
    pub peers: Peers,
    /// How notices leave.
    pub notices: Notices,
    /// Signs page tokens; empty for a key of this process's own.
    pub pages_key: SecretString,
}

/// Section `[database]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Address of PostgreSQL; empty for SQLite.
    pub url: SecretString,
    /// Folder of the SQLite files.
    pub folder: PathBuf,
    /// Connections of each context to PostgreSQL.
    pub connections: u32,
    /// Readers of each context on SQLite.
    pub readers: u32,
    /// How long a repeated request still gets its first answer.
    #[serde(with = "humantime_serde")]
    pub request_retention: Duration,
    /// How long an entry stays in a context's journal.
    #[serde(with = "humantime_serde")]
    pub journal_retention: Duration,
}

/// Section `[entity]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// Name of the time zone.
    pub time_zone: String,
}

/// Section `[order_gate]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderGate {
    /// How long a silent process is waited for before another decides in its place.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// Partitions of a database that has none yet.
    pub partitions: NonZeroU16,
    /// Where the other gates reach this one.
    pub address: String,
}

impl From<OrderGate> for Ownership {
    fn from(settings: OrderGate) -> Self {
        Ownership { lease: settings.lease, partitions: settings.partitions, address: settings.address }
    }
}

/// Section `[peers]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// Address of assessment.
    pub assessment: String,
    /// Address of limits.
    pub limits: String,
    /// Address of the order gate.
    pub order_gate: String,
    /// Address of receivables.
    pub receivables: String,
    /// Address of collections.
    pub collections: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pages {
    key: SecretString,
}

/// A setting that no key, type or range check could refuse before.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A key, type or value is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The time zone is unknown.
    #[error("entity.time_zone: {0:?} is no time zone, as Asia/Shanghai is")]
    TimeZone(String),
    /// Journals would be forgotten before they are read.
    #[error("database.journal_retention: must be at least 1h, so that a follower's snapshot is taken well within it")]
    JournalRetention,
    /// The lease is too short to be renewed in time.
    #[error("order_gate.lease: must be at least a second")]
    Lease,
}

/// Every setting there is, with its default: the layer that file, environment and flags go over.
pub fn layers() -> Layers {
    Layers::new(&[config::DEFAULTS, DEFAULTS]).with_secrets(&SECRETS)
}

/// The effective configuration: flags over environment over file over defaults.
pub fn effective(
    file: Option<&Path>,
    flags: &[(&'static str, &'static str, String)],
) -> Result<Effective, ConfigError> {
    let mut layers = layers().with_environment();
    if let Some(file) = file {
        layers = layers.with_file(file);
    }
    for (flag, key, value) in flags {
        layers = layers.with_flag(flag, key, value.clone());
    }
    layers.load()
}

impl Settings {
    /// Reads every section.
    pub fn read(effective: &Effective) -> Result<Self, SettingsError> {
        let settings = Settings {
            server: effective.section("server")?,
            edge: effective.section("edge")?,
            principal: effective.section("principal")?,
            shutdown: effective.section("shutdown")?,
            telemetry: effective.section("telemetry")?,
            database: effective.section("database")?,
            entity: effective.section("entity")?,
            order_gate: effective.section("order_gate")?,
            peers: effective.section("peers")?,
            notices: effective.section("notices")?,
            pages_key: effective.section::<Pages>("pages")?.key,
        };
        settings.zone()?;
        if settings.database.journal_retention < JOURNAL_RETENTION_MIN {
            return Err(SettingsError::JournalRetention);
        }
        if settings.order_gate.lease < LEASE_MIN {
            return Err(SettingsError::Lease);
        }
        Ok(settings)
    }

    /// The defaults alone, with data in `folder`: for a demonstration and for tests.
    pub fn embedded(folder: &Path) -> Result<Self, SettingsError> {
        let effective = layers()
            .with_flag("--data", "database.folder", folder.display().to_string())
            .with_flag("--data", "notices.folder", folder.join("outbox").display().to_string())
            .with_flag("--listen", "server.listen", "127.0.0.1:0")
            .with_flag("--metrics", "telemetry.metrics_listen", "")
            .load()?;
        Self::read(&effective)
    }

    /// The selling entity's time zone.
    pub fn zone(&self) -> Result<Tz, SettingsError> {
        let name = &self.entity.time_zone;
        name.parse().map_err(|_| SettingsError::TimeZone(name.clone()))
    }

    /// The system's clock in the entity's time zone.
    pub fn clock(&self) -> Result<Clock, SettingsError> {
        Ok(Clock::system(self.zone()?))
    }

    /// Where a role's database is.
    pub fn location(&self, role: Role) -> Location {
        if self.database.url.expose_secret().is_empty() {
            return Location::Sqlite { folder: self.database.folder.clone(), context: role.database() };
        }
        Location::Postgres {
            url: self.database.url.clone(),
            schema: role.database().to_owned(),
            connections: self.database.connections,
        }
    }

    /// Whether data lives in files of this process's own, which then brings their schema up to date by itself.
    pub fn is_embedded(&self) -> bool {
        self.database.url.expose_secret().is_empty()
    }

    /// Where a role is served that this process does not play; empty when nobody said.
    pub fn peer_address(&self, role: Role) -> &str {
        match role {
            Role::Assessment => &self.peers.assessment,
            Role::Limits => &self.peers.limits,
            Role::OrderGate => &self.peers.order_gate,
            Role::Receivables => &self.peers.receivables,
            Role::Collections => &self.peers.collections,
        }
    }
}
