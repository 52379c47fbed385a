//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::roles::Role;

/// Trade-credit control: who may owe how much, which order may go, what is owed, and how it gets paid.
#[derive(Debug, Parser)]
#[command(name = "weir", version, about, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve some or all roles until told to stop
    Serve(ServeArgs),
    /// Bring the databases' schemas up to date
    Migrate(MigrateArgs),
    /// Play a year of a made-up seller's credit business and show what a credit manager sees
    Demo(DemoArgs),
    /// Bring existing data in
    Import(ImportArgs),
    /// Show every setting, its value and where that comes from
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// Print the version
    Version,
}

/// Settings every server command takes.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// TOML file of settings; environment (WEIR_SERVER__LISTEN=…) and flags go before it
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder of the embedded databases [setting database.folder, default: data]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// PostgreSQL instead of embedded databases [setting database.url]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

impl ConfigArgs {
    /// The flags that were given, as settings.
    pub fn flags(&self) -> Vec<(&'static str, &'static str, String)> {
        let data = self.data.as_ref().map(|folder| ("--data", "database.folder", folder.display().to_string()));
        let database = self.database.as_ref().map(|url| ("--database", "database.url", url.clone()));
        data.into_iter().chain(database).collect()
    }
}

/// `weir serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Roles to play: assessment, limits, order-gate, receivables, collections [default: all]
    #[arg(value_name = "ROLE")]
    pub roles: Vec<Role>,
    /// Address to listen on; port 0 takes a free one [setting server.listen, default: 127.0.0.1:7460]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Settings.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `weir migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Change nothing; fail when a schema is behind
    #[arg(long)]
    pub check: bool,
    /// Roles whose databases to migrate [default: all]
    #[arg(value_name = "ROLE")]
    pub roles: Vec<Role>,
    /// Settings.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// `weir demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many accounts the portfolio has
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(5..=5_000))]
    pub accounts: u32,
    /// How many months are played
    #[arg(long, value_name = "COUNT", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=12))]
    pub months: u32,
    /// The same seed plays the same year
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Keep serving afterwards, until told to stop
    #[arg(long)]
    pub keep: bool,
    /// Address to keep serving on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7460")]
    pub listen: SocketAddr,
}

/// `weir import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What to bring in.
    #[command(subcommand)]
    pub what: ImportWhat,
}

/// What can be brought in.
#[derive(Debug, Subcommand)]
pub enum ImportWhat {
    /// Invoices, payments and disputes from a CSV file
    Receivables(ImportReceivablesArgs),
}

/// `weir import receivables`.
#[derive(Debug, Args)]
pub struct ImportReceivablesArgs {
    /// The CSV file; its first line names the columns
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which column is which field, as `COLUMN=FIELD`; repeat for each. Fields: account, document, invoice_date,
    /// due_date, amount, currency, disputed, settled_date, order, salesperson, region, industry
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub map: Vec<String>,
    /// How dates are written, in strftime's letters
    #[arg(long, value_name = "FORMAT", default_value = "%Y-%m-%d")]
    pub date_format: String,
    /// Currency of rows that name none
    #[arg(long, value_name = "CODE", default_value = "CNY")]
    pub currency: String,
    /// Days to pay of rows that name no due date
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub terms_days: u16,
    /// Afterwards show the aging as of a date; repeat for more
    #[arg(long, value_name = "DATE")]
    pub aging: Vec<NaiveDate>,
    /// Afterwards assess every account of the file as of a date
    #[arg(long, value_name = "DATE")]
    pub assess: Option<NaiveDate>,
    /// Country of accounts that have no profile yet, for --assess
    #[arg(long, value_name = "CODE", default_value = "CN")]
    pub country: String,
    /// Import into a running server, as http://127.0.0.1:7460, instead of opening the databases here
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "data", "database"])]
    pub server: Option<String>,
    /// Who imports, where the server believes its callers (mode development)
    #[arg(long, value_name = "NAME", default_value = "import")]
    pub principal: String,
    /// A file with the bearer token to show the server (mode jwt)
    #[arg(long, value_name = "FILE", requires = "server")]
    pub token_file: Option<PathBuf>,
    /// Settings.
    #[command(flatten)]
    pub config: ConfigArgs,
}
