//! Measures the order gate beside what a user would take instead: all contenders in turn within one run, closed and open
//! loop, on loopback, with servers and databases of its own that are gone afterwards.
//!
//!     cargo bench -p weir-order-gate --bench gate [-- --quick]
//!     cargo bench -p weir-order-gate --bench gate -- start
//!
//! Ratios of one run may be compared, digits of two runs may not: see `docs/performance.md`.
#![allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures about figures: nothing here is an amount"
)]

mod accounts;
mod alternatives;
mod contender;
mod cpu;
mod echo;
mod load;
mod orders;
mod report;
mod run;
mod server;
mod services;
mod stage;
mod start;
mod streams;

use clap::{Args, Parser, Subcommand};

// as in the program `weir`
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the order gate beside what a user would take instead.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    plan: Plan,
}

/// What is measured, and for how long.
#[derive(Debug, Clone, Args)]
struct Plan {
    /// About a minute: one spread, short windows, few rounds
    #[arg(long)]
    quick: bool,
    /// Only contenders whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How orders spread over accounts
    #[arg(long, value_delimiter = ',')]
    spread: Vec<orders::Spread>,
    /// Callers of the closed loops, and orders under way on each stream
    #[arg(long, value_delimiter = ',')]
    callers: Vec<usize>,
    /// Orders a second of the open loops; 0 for none
    #[arg(long, value_delimiter = ',')]
    rates: Vec<u64>,
    /// Rounds: each asks every contender once
    #[arg(long)]
    rounds: Option<usize>,
    /// Length of a measured window in milliseconds
    #[arg(long)]
    window_ms: Option<u64>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How long a start takes, and how much memory accounts take
    Start(start::Sizes),
    /// Be one of the servers measured; the program starts itself so
    #[command(hide = true)]
    Serve(server::Serve),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Serve(serve)) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(server::run(serve))
        }
        Some(Command::Start(sizes)) => start::all(&sizes),
        // one thread: what the load itself costs is then taken from one core alone
        None => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run::all(cli.plan)),
    }
}
