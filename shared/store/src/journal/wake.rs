//! Waking other replicas: NOTIFY by whoever numbered, outside every transaction, and LISTEN. Only ever a wake-up: without
//! it readers look for themselves, a little later.
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgListener;
use tokio::task::JoinHandle;

use super::{FALLBACK, head};
use crate::db::Pools;
use crate::{Db, Location};

const CHANNEL: &str = "weir_journal";

/// Starts telling and listening; nothing on SQLite, whose readers are all in this process.
pub(super) fn start(db: &Db) -> Vec<JoinHandle<()>> {
    match (&db.pools, db.location()) {
        (Pools::Postgres { .. }, Location::Postgres { schema, .. }) => {
            vec![tokio::spawn(tell(db.clone(), schema.clone())), tokio::spawn(listen(db.clone(), schema.clone()))]
        }
        _ => Vec::new(),
    }
}

/// Sends one NOTIFY for however many positions were given since the last.
async fn tell(db: Db, schema: String) {
    let Pools::Postgres { pool, .. } = &db.pools else { return };
    let mut stamps = db.journal.stamps();
    while stamps.changed().await.is_ok() {
        let told = sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(&schema).execute(pool).await;
        if let Err(error) = told {
            tracing::debug!(%error, "other replicas were not told of new journal entries; they look for themselves");
        }
    }
}

async fn listen(db: Db, schema: String) {
    let Location::Postgres { url, .. } = db.location() else { return };
    loop {
        if let Err(error) = listen_once(&db, &schema, url.expose_secret()).await {
            tracing::debug!(%error, "not told of new journal entries; looking for them instead");
        }
        tokio::time::sleep(FALLBACK).await;
    }
}

async fn listen_once(db: &Db, schema: &str, url: &str) -> crate::Result<()> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    loop {
        match listener.try_recv().await? {
            Some(told) if told.payload() != schema => {}
            // a notification, or a new connection after a lost one
            _ => db.journal.publish(head(db).await?.position),
        }
    }
}
