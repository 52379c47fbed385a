//! The order of things: rounds in which every contender has its turn, so that what the machine does besides hits all of
//! them alike.

use std::{
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Plan,
    contender::Contender,
    load,
    orders::{Orders, Spread},
    report::{self, Row, say},
    stage::{Services, Stage},
};

/// Bytes a batch of sixty decisions writes, about.
const BATCH_BYTES: usize = 64 * 1024;

/// What a plan comes to.
struct Pace {
    spreads: Vec<Spread>,
    callers: Vec<usize>,
    rates: Vec<u64>,
    rounds: usize,
    window: Duration,
}

impl Pace {
    fn of(plan: &Plan) -> Pace {
        let quick = plan.quick;
        let or = |given: &[usize], quick_one: &[usize], full: &[usize]| match given {
            [] if quick => quick_one.to_vec(),
            [] => full.to_vec(),
            given => given.to_vec(),
        };
        let spreads = match plan.spread.as_slice() {
            [] if quick => vec![Spread::Zipf],
            [] => vec![Spread::Uniform, Spread::Zipf, Spread::Hot],
            given => given.to_vec(),
        };
        let rates = match plan.rates.as_slice() {
            [] if quick => vec![5_000],
            [] => vec![1_000, 5_000, 10_000],
            given => given.to_vec(),
        };
        Pace {
            spreads,
            callers: or(&plan.callers, &[256], &[64, 256]),
            rates: rates.into_iter().filter(|rate| *rate > 0).collect(),
            rounds: plan.rounds.unwrap_or(if quick { 3 } else { 5 }),
            window: Duration::from_millis(plan.window_ms.unwrap_or(if quick { 800 } else { 3_000 })),
        }
    }
}

/// Measures everything the plan names and writes tables to standard output.
pub(crate) async fn all(plan: Plan) -> anyhow::Result<()> {
    let pace = Pace::of(&plan);
    let sync = fdatasync()?;
    say(&format!("fdatasync of {} KiB appended: {} µs (median)", BATCH_BYTES / 1024, sync.as_micros()));
    let services = Services::start()?;
    for spread in &pace.spreads {
        say(&format!("\n## {}", spread.name()));
        let stage = Stage::start(&services, *spread, &plan.only).await?;
        let orders = Arc::new(Orders::new(*spread)?);
        for callers in &pace.callers {
            closed(&stage, &orders, *callers, &pace).await?;
        }
        // at a fixed rate the spread hardly matters until an account is too hot
        if *spread != Spread::Uniform {
            for rate in &pace.rates {
                open(&stage, &orders, *rate, &pace).await?;
            }
        }
    }
    Ok(())
}

async fn closed(stage: &Stage, orders: &Arc<Orders>, callers: usize, pace: &Pace) -> anyhow::Result<()> {
    let row = |contender: &Arc<Contender>| Row::new(contender.name, contender.under_way(callers));
    let mut rows: Vec<Row> = stage.contenders.iter().map(row).collect();
    for _ in 0..pace.rounds {
        for (contender, row) in stage.contenders.iter().zip(&mut rows) {
            row.windows.push(load::closed(contender, orders, callers, pace.window).await?);
        }
    }
    say(&format!(
        "\n### {callers} callers, or orders on each stream, closed loop, {} rounds of {:?}\n",
        pace.rounds, pace.window
    ));
    report::closed(&rows);
    Ok(())
}

async fn open(stage: &Stage, orders: &Arc<Orders>, rate: u64, pace: &Pace) -> anyhow::Result<()> {
    // streams are for as many orders as go; a fixed rate asks for the latency of single ones
    let contenders: Vec<_> = stage.contenders.iter().filter(|contender| contender.streams().is_none()).collect();
    let mut rows: Vec<Row> = contenders.iter().map(|contender| Row::new(contender.name, 0)).collect();
    for (contender, row) in contenders.into_iter().zip(&mut rows) {
        row.windows.push(load::open(contender, orders, rate, pace.window).await?);
    }
    say(&format!("\n### {rate} orders a second, open loop, {:?}\n", pace.window));
    report::open(&rows, rate);
    Ok(())
}

/// The least a commit can take: appending a batch and syncing it.
fn fdatasync() -> anyhow::Result<Duration> {
    let mut file = tempfile::tempfile()?;
    let batch = vec![7_u8; BATCH_BYTES];
    let mut took = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        file.write_all(&batch)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}
