//! The databases of the roles: opened, migrated, checked.

use anyhow::bail;
use weir_store::{Db, Migration};

use crate::{roles::Role, settings::Settings};

/// The schema of a role, beside what every context keeps.
fn schema(role: Role) -> &'static [Migration] {
    match role {
        Role::Assessment => weir_assessment::MIGRATIONS,
        Role::Limits => weir_limits::MIGRATIONS,
        Role::OrderGate => weir_order_gate::MIGRATIONS,
        Role::Receivables => weir_receivables::MIGRATIONS,
        Role::Collections => weir_collections::MIGRATIONS,
    }
}

/// Opens a role's database with an up-to-date schema.
///
/// Embedded databases are brought up to date here; nobody else could do it. Those on PostgreSQL are not, because a
/// replica must not change the schema under the others.
pub(super) async fn open(settings: &Settings, role: Role) -> anyhow::Result<Db> {
    let db = Db::open(&settings.location(role), settings.database.readers).await?;
    if settings.is_embedded() {
        db.migrate(schema(role)).await?;
        return Ok(db);
    }
    let behind = db.pending(schema(role)).await?;
    if !behind.is_empty() {
        bail!("the schema is behind by {}: run `weir migrate`", behind.join(", "));
    }
    Ok(db)
}

/// Brings a role's schema up to date; answers the steps that were taken.
///
/// # Errors
/// Where the database cannot be opened or a step fails.
pub async fn migrate(settings: &Settings, role: Role) -> anyhow::Result<Vec<&'static str>> {
    let db = Db::open(&settings.location(role), settings.database.readers).await?;
    let taken = db.pending(schema(role)).await?;
    db.migrate(schema(role)).await?;
    db.close().await;
    Ok(taken)
}

/// The steps a role's schema is behind by; writes nothing.
///
/// # Errors
/// Where the database cannot be read.
pub async fn pending(settings: &Settings, role: Role) -> anyhow::Result<Vec<&'static str>> {
    Ok(weir_store::pending_at(&settings.location(role), schema(role)).await?)
}
