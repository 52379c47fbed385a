//! `weir import`: existing data brought in from files, through the same calls everybody makes.
//!
//! Good rows are kept and bad ones told with line, column and reason; running it twice changes nothing.

mod afterwards;
mod mapping;
mod patience;
mod reading;
mod row;
mod sending;
mod tally;
#[cfg(test)]
mod tests;

use std::{fs::File, io::Write, process::ExitCode};

use anyhow::Context as _;
use weir_model::{Currency, Ids, Principal, Role as Part, SubjectId};
use weir_runtime::{Credentials, Metrics, Shutdown};
use weir_wire::Peer;

use self::{
    mapping::Mapping,
    reading::Rows,
    row::{DateFormat, Layout},
};
use crate::{
    args::{ImportArgs, ImportReceivablesArgs, ImportWhat},
    roles::Role,
    settings::{self, Settings},
    suite::{self, Plan, Suite},
};

/// Brings data in; fails where a row was refused.
///
/// # Errors
/// Where nothing could be brought in: a bad command line, an unreadable file, a server that is not there.
pub async fn import(args: ImportArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    match args.what {
        ImportWhat::Receivables(args) => receivables(&args, out).await,
    }
}

async fn receivables(args: &ImportReceivablesArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let named = || args.file.display().to_string();
    let file = File::open(&args.file).with_context(named)?;
    let bytes = file.metadata().with_context(named)?.len();
    let rows = Rows::open(file).with_context(named)?;
    let layout = layout(args, rows.header())?;
    let caller = caller(&args.principal)?;

    let Some(address) = &args.server else {
        let suite = open_suite(args).await?;
        let done = bring_in(args, rows, layout, bytes, suite.peer(caller), out).await;
        suite.stop().await;
        return done;
    };
    let peer = suite::far(address, credentials(args, &caller)?)?;
    bring_in(args, rows, layout, bytes, peer, out).await
}

async fn bring_in(
    args: &ImportReceivablesArgs,
    rows: Rows<File>,
    layout: Layout,
    bytes: u64,
    peer: Peer,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let currency = layout.currency;
    let (tally, token, took) = sending::send(peer.clone(), rows, layout, bytes, out).await?;
    tally.print(out, took)?;
    for date in &args.aging {
        afterwards::aging(&peer, *date, out).await?;
    }
    if let Some(date) = args.assess {
        let wish = afterwards::Assess { date, currency, country: &args.country, token };
        afterwards::assess(&peer, &wish, &tally.accounts, out).await?;
    }
    Ok(if tally.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How rows are to be read, by the command line.
fn layout(args: &ImportReceivablesArgs, header: &[String]) -> anyhow::Result<Layout> {
    Ok(Layout {
        mapping: Mapping::build(&args.map, header)?,
        date_format: args.date_format.parse::<DateFormat>().map_err(anyhow::Error::msg).context("--date-format")?,
        currency: Currency::from_code(&args.currency).context("--currency")?,
        terms_days: args.terms_days,
    })
}

fn caller(name: &str) -> anyhow::Result<Principal> {
    let subject = SubjectId::parse(name).context("--principal")?;
    Ok(Principal::new(subject, [Part::Finance, Part::CreditManager]))
}

/// How to be known to the server: by a token where there is one.
fn credentials(args: &ImportReceivablesArgs, caller: &Principal) -> anyhow::Result<Credentials> {
    match &args.token_file {
        Some(path) => Ok(Credentials::token_file(path)?),
        None => Ok(Credentials::named(caller)),
    }
}

/// What an import needs, in this process on the configured databases, listening to nobody. Assessments take the order
/// gate as well: the one that serves, where it has an address, for another in this process would wait to take over from
/// it; on embedded databases nobody else can serve, and this process plays everything.
async fn open_suite(args: &ImportReceivablesArgs) -> anyhow::Result<Suite> {
    let flags = args.config.flags();
    let settings = Settings::read(&settings::effective(args.config.config.as_deref(), &flags)?)?;
    let roles: &[Role] = match args.assess {
        None => &[Role::Receivables],
        Some(_) if settings.is_embedded() => &Role::ALL,
        Some(_) => &[Role::Assessment, Role::Receivables],
    };
    let plan = Plan {
        settings: &settings,
        roles,
        clock: settings.clock()?,
        ids: Ids::random(),
        metrics: Metrics::default(),
        shutdown: Shutdown::new(settings.shutdown.clone()),
    };
    Suite::build(plan).await
}
