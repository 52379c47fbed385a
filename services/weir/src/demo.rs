//! `weir demo`: a year of a made-up seller's credit business, played through the services' own interface.
//!
//! A fresh embedded database, a clock that is set by hand, companies drawn from a seed. Everything that happens is a
//! call by somebody who may make it; what is printed is what the services answer. A seed plays one year, always the same.

mod collecting;
mod company;
mod credit;
mod customer;
mod diary;
mod facts;
mod history;
mod names;
mod office;
mod report;
mod story;
#[cfg(test)]
mod tests;
mod year;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{Clock, Ids};
use weir_runtime::{Metrics, Shutdown};

use self::{collecting::Efforts, credit::Rulings, customer::Customer, office::Office, report::Report, year::Year};
use crate::{
    args::DemoArgs,
    print::Progress,
    roles::Role,
    settings::Settings,
    suite::{Plan, Suite},
};

/// An instant.
type Instant = DateTime<Utc>;

/// The year that is played.
const YEAR: i32 = 2025;
/// What the progress bar looks like.
const TEMPLATE: &str = "  {bar:40} {percent:>3} %  {msg}";

/// Plays the year, prints what a credit manager sees, and with `--keep` goes on serving.
///
/// # Errors
/// Where a service refuses what the year needs.
pub async fn demo(args: DemoArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut settings = Settings::embedded(folder.path())?;
    settings.server.listen = args.listen;
    let (begins, ends) = span(args.months)?;
    let clock = Clock::manual(DateTime::UNIX_EPOCH, settings.zone()?);
    clock.set(year::instant(&clock, begins, 0));
    let shutdown = Shutdown::new(settings.shutdown.clone());
    let plan = Plan {
        settings: &settings,
        roles: &Role::ALL,
        clock: clock.clone(),
        ids: Ids::seeded(args.seed),
        metrics: Metrics::default(),
        shutdown: shutdown.clone(),
    };
    let suite = Suite::build(plan).await?;
    suite.ready().await;
    let report = play(&args, &suite, clock, (begins, ends)).await?;
    report.print(out)?;
    out.flush()?;
    if !args.keep {
        suite.stop().await;
        return Ok(ExitCode::SUCCESS);
    }
    shutdown.listen_for_signals()?;
    let server = suite.listen(&settings).await?;
    print_calls(out, &server.address().to_string())?;
    out.flush()?;
    suite.run(server).await;
    Ok(ExitCode::SUCCESS)
}

async fn play(
    args: &DemoArgs,
    suite: &Suite,
    clock: Clock,
    (begins, ends): (NaiveDate, NaiveDate),
) -> anyhow::Result<Report> {
    let days = u64::try_from((ends - begins).num_days() + 1)?;
    let progress = Progress::new(days, TEMPLATE);
    let drawn = (1..=args.accounts).map(|number| company::draw(args.seed, number));
    let customers = drawn.map(|(company, rng)| Customer::new(company, rng)).chain(story::customers(args.seed));
    let mut year = Year {
        suite,
        office: Office::new(suite),
        clock,
        customers: customers.collect(),
        rulings: Rulings::default(),
        efforts: Efforts::default(),
    };
    year.play((begins, ends), &progress).await?;
    let report = Report::ask(&year.office, ends, &year.customers, (year.rulings, year.efforts)).await?;
    let story = story::play(&year.office, suite, ends).await?;
    let took = progress.end();
    // how long it took is no part of the report, which a seed prints always the same
    let _ = writeln!(io::stderr(), "played {} days with {} accounts in {took:.1?}", days, args.accounts);
    Ok(report.with_story(story))
}

/// First and last day.
fn span(months: u32) -> anyhow::Result<(NaiveDate, NaiveDate)> {
    let begins = NaiveDate::from_ymd_opt(YEAR, 1, 2).context("a day of the calendar")?;
    let last_month = NaiveDate::from_ymd_opt(YEAR, months, 1).context("a month of the calendar")?;
    let ends = weir_model::end_of_month(last_month).context("a day of the calendar")?;
    Ok((begins, ends))
}

fn print_calls(out: &mut dyn Write, address: &str) -> io::Result<()> {
    let caller = "weir-principal: you; roles=viewer";
    writeln!(out, "\nServing on {address} until Ctrl-C. Ask it, for example:\n")?;
    for (rpc, message) in [
        ("weir.receivables.v1.ReceivablesService/GetAging", "{}"),
        ("weir.order_gate.v1.OrderGateService/GetStanding", r#"{"account_id":"S-HARBOUR"}"#),
        ("weir.order_gate.v1.OrderGateService/ListHolds", r#"{"page_size":5}"#),
        ("weir.collections.v1.CollectionsService/GetWorklist", r#"{"page_size":5}"#),
    ] {
        writeln!(
            out,
            "  buf curl --protocol grpc --http2-prior-knowledge -H '{caller}' -d '{message}' http://{address}/{rpc}"
        )?;
    }
    writeln!(out, "\n  grpcurl -plaintext -H '{caller}' {address} list")
}
