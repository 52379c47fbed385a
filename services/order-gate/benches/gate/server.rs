//! The program as one of the servers measured: says its address on standard output when it is ready, and ends when its
//! standard input does.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use futures::{StreamExt as _, stream};
use tokio::net::TcpListener;
use tonic::{
    service::RoutesBuilder,
    transport::server::{Server as Plain, TcpIncoming},
};
use weir_model::{Clock, Ids};
use weir_order_gate::{MIGRATIONS, OrderGate, Ownership, api};
use weir_runtime::{
    Edge, EdgeConfig, EdgeParts, Identities, Server, ServerConfig, Shutdown, ShutdownConfig, Telemetry, TelemetryConfig,
};
use weir_store::{Db, Env, Location};
use weir_wire::{FILE_DESCRIPTOR_SET, PageTokens};

use crate::{
    accounts::{self, Accounts},
    echo::Echo,
    orders, start,
};

/// Connections of the gate's pool, as `weir` opens by default.
const CONNECTIONS: u32 = 8;
/// Readers of an embedded database, as `weir` opens by default.
const READERS: u32 = 4;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Answers bytes
    Echo,
    /// Reads and writes protobuf, and answers the same
    Contract,
    /// The order gate
    Gate,
    /// The order gate until it has reserved one order of each account
    Fill,
}

/// Which server, and what it needs.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    kind: Kind,
    /// The echo's answer, in hexadecimal digits
    #[arg(long, default_value = "")]
    answer: String,
    /// Folder of an embedded database
    #[arg(long)]
    folder: Option<PathBuf>,
    /// URL of a PostgreSQL database
    #[arg(long)]
    url: Option<String>,
    /// Schema in it
    #[arg(long, default_value = "gate")]
    schema: String,
    /// How many accounts there are
    #[arg(long, default_value_t = orders::ACCOUNTS)]
    accounts: u64,
    /// Whether they owe something
    #[arg(long)]
    owe: bool,
}

/// Serves until standard input ends.
pub(crate) async fn run(serve: Serve) -> anyhow::Result<()> {
    // as in production: spans are made, figures are counted
    let telemetry = Telemetry::start(&TelemetryConfig::default(), env!("CARGO_PKG_VERSION"))?;
    match serve.kind {
        Kind::Gate => gate(serve, &telemetry).await?,
        Kind::Fill => fill(serve).await?,
        kind => {
            let answer = unhex(&serve.answer)?;
            let echo = if kind == Kind::Echo { Echo::bare(answer) } else { Echo::with_contract(answer)? };
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            tokio::spawn(Plain::builder().add_service(echo).serve_with_incoming(incoming));
            say(address)?;
        }
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

/// The gate on its database, once it has heard of everything.
async fn open(serve: Serve) -> anyhow::Result<Arc<OrderGate>> {
    let location = match (serve.url, serve.folder) {
        (Some(url), _) => Location::Postgres { url: url.into(), schema: serve.schema, connections: CONNECTIONS },
        (None, Some(folder)) => Location::Sqlite { folder, context: "order_gate" },
        (None, None) => anyhow::bail!("the gate needs a database"),
    };
    let db = Db::open(&location, READERS).await?;
    db.migrate(MIGRATIONS).await?;
    let clock = Clock::system("Asia/Shanghai".parse().context("a time zone")?);
    let gate = Arc::new(OrderGate::open(Env { db, clock, ids: Ids::random() }, Ownership::default()).await?);
    accounts::tell(&gate, Accounts { count: serve.accounts, owe: serve.owe });
    while !gate.ready() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(gate)
}

/// Reserves one order of each account, and gives up.
async fn fill(serve: Serve) -> anyhow::Result<()> {
    let accounts = serve.accounts;
    let gate = open(serve).await?;
    let mut done = stream::iter((0..accounts).map(|n| start::reserve(&gate, n))).buffer_unordered(start::CALLERS);
    while let Some(done) = done.next().await {
        done?;
    }
    gate.close().await;
    writeln!(std::io::stdout(), "filled")?;
    Ok(())
}

/// The gate as `weir serve order-gate` runs it: behind its edge, following other contexts.
async fn gate(serve: Serve, telemetry: &Telemetry) -> anyhow::Result<()> {
    let gate = open(serve).await?;
    let mut routes = RoutesBuilder::default();
    // there is no other gate to pass a call on to
    api::routes(&gate, &PageTokens::new([7; 32]), Arc::new(|_: &str| None), &mut routes);
    let shutdown = Shutdown::new(ShutdownConfig::default());
    let edge = Edge::new(EdgeParts {
        routes: routes.routes(),
        access: api::ACCESS.to_vec(),
        descriptor_sets: vec![FILE_DESCRIPTOR_SET],
        identities: Identities::development(),
        tell: weir_wire::status,
        config: EdgeConfig::default(),
        metrics: telemetry.metrics().clone(),
        draining: shutdown.draining().clone(),
    })?;
    let config = ServerConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServerConfig::default() };
    let server = Server::bind(config, edge).await?;
    let address = server.address();
    tokio::spawn(server.run(shutdown));
    say(address)
}

fn say(address: SocketAddr) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{address}")?;
    Ok(out.flush()?)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| Ok(u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit))?)).collect()
}
