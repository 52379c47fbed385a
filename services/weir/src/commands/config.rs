//! `weir config`: every setting, its value and where that comes from.

use std::{io::Write, process::ExitCode};

use crate::{
    args::ConfigArgs,
    settings::{self, Settings},
};

/// Prints the effective settings, one a line, secrets left out; fails where they do not hold together.
pub(super) fn config(args: &ConfigArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let effective = settings::effective(args.config.as_deref(), &args.flags())?;
    for line in effective.lines() {
        writeln!(out, "{} = {}  # {}", line.key, line.value, line.origin)?;
    }
    Settings::read(&effective)?;
    Ok(ExitCode::SUCCESS)
}
