//! `weir migrate`: the databases' schemas brought up to date, or checked.

use std::{io::Write, process::ExitCode};

use anyhow::Context as _;

use super::serve::roles_or_all;
use crate::{
    args::MigrateArgs,
    settings::{self, Settings},
    suite,
};

/// Migrates the databases of the roles, and says what was done; with `--check` only says what would be, and fails where
/// that is anything.
pub(super) async fn migrate(args: &MigrateArgs, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&settings::effective(args.config.config.as_deref(), &args.config.flags())?)?;
    let mut is_behind = false;
    for role in roles_or_all(&args.roles) {
        let steps =
            if args.check { suite::pending(&settings, role).await } else { suite::migrate(&settings, role).await };
        let steps = steps.with_context(|| format!("role {role}"))?;
        is_behind |= !steps.is_empty();
        let verb = if args.check { "behind by" } else { "took" };
        match steps.as_slice() {
            [] => writeln!(out, "{role}: up to date")?,
            steps => writeln!(out, "{role}: {verb} {}", steps.join(", "))?,
        }
    }
    Ok(if args.check && is_behind { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
