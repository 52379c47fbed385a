//! `weir serve`: some or all roles, until told to stop.

use std::process::ExitCode;

use weir_model::Ids;
use weir_runtime::{Metrics, MetricsEndpoint, Shutdown, Telemetry};

use crate::{
    args::ServeArgs,
    roles::Role,
    settings::{self, Settings},
    suite::{Plan, Suite},
};

/// Serves until a signal comes, then drains.
pub(super) async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let listen = args.listen.into_iter().map(|address| ("--listen", "server.listen", address));
    let flags: Vec<_> = args.config.flags().into_iter().chain(listen).collect();
    let settings = Settings::read(&settings::effective(args.config.config.as_deref(), &flags)?)?;
    let roles = roles_or_all(&args.roles);

    let telemetry = Telemetry::start(&settings.telemetry, env!("CARGO_PKG_VERSION"))?;
    let shutdown = Shutdown::new(settings.shutdown.clone());
    shutdown.listen_for_signals()?;
    let metrics = telemetry.metrics().clone();
    serve_metrics(&settings, metrics.clone(), &shutdown).await?;

    let clock = settings.clock()?;
    let plan = Plan { settings: &settings, roles: &roles, clock, ids: Ids::random(), metrics, shutdown };
    let suite = Suite::build(plan).await?;
    let server = suite.listen(&settings).await?;
    suite.run(server).await;
    telemetry.flush().await;
    Ok(ExitCode::SUCCESS)
}

async fn serve_metrics(settings: &Settings, metrics: Metrics, shutdown: &Shutdown) -> anyhow::Result<()> {
    if !settings.telemetry.metrics_listen.is_empty() {
        let endpoint = MetricsEndpoint::bind(&settings.telemetry.metrics_listen, metrics).await?;
        tokio::spawn(endpoint.run(shutdown.over().clone()));
    }
    Ok(())
}

/// The roles named, each once, or all where none is named.
pub(super) fn roles_or_all(named: &[Role]) -> Vec<Role> {
    if named.is_empty() {
        return Role::ALL.to_vec();
    }
    Role::ALL.into_iter().filter(|role| named.contains(role)).collect()
}
