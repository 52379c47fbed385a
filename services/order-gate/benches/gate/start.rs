//! How long the gate takes from its start until it decides, and how much memory accounts take: each with a limit, three due
//! dates and a live commitment.

use std::{process::Command, sync::Arc, time::Instant};

use anyhow::Context as _;
use clap::Args;
use weir_model::{AccountId, Call, CorrelationId, Currency, Ids, LineId, OrderId, SubjectId};
use weir_order_gate::{
    OrderGate,
    order::{Checkpoint, Order, OrderLine},
};

use crate::{
    orders::{AMOUNT, account},
    report::say,
    services::{self, Process},
};

/// Orders under way while accounts are filled.
pub(crate) const CALLERS: usize = 512;

/// How many accounts.
#[derive(Debug, Args)]
pub(crate) struct Sizes {
    /// Numbers of accounts
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000, 1_000_000])]
    accounts: Vec<u64>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Measures each size on each database and writes a table to standard output.
pub(crate) fn all(sizes: &Sizes) -> anyhow::Result<()> {
    let postgres = services::postgres()?;
    say("| accounts | database | start s | resident MiB | bytes an account beyond the first row's |");
    say("|---|---|---|---|---|");
    let folder = tempfile::tempdir()?;
    let url = postgres.as_ref().map(|server| format!("postgres://weir@127.0.0.1:{}/postgres", server.port));
    let mut first: [Option<(u64, u64)>; 2] = [None; 2];
    for count in &sizes.accounts {
        let place = folder.path().join(count.to_string());
        let lite = vec!["--folder".to_owned(), place.display().to_string()];
        let pg = url.iter().map(|url| {
            let schema = format!("accounts_{count}");
            ["--url".to_owned(), url.clone(), "--schema".to_owned(), schema].to_vec()
        });
        let places = std::iter::once(("SQLite", lite)).chain(pg.map(|pg| ("PostgreSQL", pg)));
        for ((name, place), first) in places.zip(&mut first) {
            let (seconds, resident) = measure(*count, &place)?;
            let (count_before, resident_before) = *first.get_or_insert((*count, resident));
            let more = (resident.saturating_sub(resident_before)).checked_div(count - count_before);
            let more = more.map_or_else(String::new, |bytes| bytes.to_string());
            say(&format!("| {count} | {name} | {seconds:.2} | {} | {more} |", resident / 1_048_576));
        }
    }
    Ok(())
}

/// Seconds until a filled gate decides again, and the bytes it then has in memory.
fn measure(count: u64, place: &[String]) -> anyhow::Result<(f64, u64)> {
    let serve = |kind: &str| -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", kind, "--owe", "--accounts", &count.to_string()]).args(place);
        Ok(command)
    };
    drop(Process::start(&mut serve("fill")?)?);
    let began = Instant::now();
    let gate = Process::start(&mut serve("gate")?)?;
    let seconds = began.elapsed().as_secs_f64();
    Ok((seconds, resident(gate.pid)?))
}

fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a resident size")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1_024)
}

/// Reserves an order of an account.
pub(crate) async fn reserve(gate: &Arc<OrderGate>, n: u64) -> anyhow::Result<()> {
    let order_id: OrderId = Ids::random().next();
    let clock = weir_model::Clock::system("Asia/Shanghai".parse().context("a time zone")?);
    let call = Call::internal("fill", CorrelationId::parse(order_id.as_str())?, clock.now(), clock.today());
    let order = Order {
        order_id,
        revision: 1,
        account_id: AccountId::parse(&account(n))?,
        currency: Currency::from_code("CNY")?,
        lines: vec![OrderLine { line_id: LineId::parse("10")?, amount: AMOUNT }],
        prepaid: 0,
        ship_date: None,
        terms_days: 0,
        discount_percent: None,
        requested_by: SubjectId::parse("sales-7")?,
        submitted_by: None,
        checkpoint: Checkpoint::Order,
    };
    let today = call.today;
    let decided = gate.authorize_order(call, order, today).await?;
    anyhow::ensure!(decided.decision.verdict.outcome.passes(), "there is room for everything");
    Ok(())
}
