//! What each command does.

mod config;
mod migrate;
mod serve;

use std::{io::Write, process::ExitCode};

use clap::CommandFactory as _;

use crate::args::{Cli, Command};

/// Does what the command line says; `out` is where results are printed.
///
/// # Errors
/// One chain of causes for a person.
pub async fn run(cli: Cli, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(args) => serve::serve(args).await,
        Command::Migrate(args) => migrate::migrate(&args, out).await,
        Command::Demo(args) => crate::demo::demo(args, out).await,
        Command::Import(args) => crate::import::import(args, out).await,
        Command::Config(args) => config::config(&args, out),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "weir", out);
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => {
            clap_mangen::Man::new(Cli::command()).render(out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            writeln!(out, "weir {}", env!("CARGO_PKG_VERSION"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
