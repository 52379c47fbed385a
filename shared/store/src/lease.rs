//! Leases: one runner a job over all replicas. Time is the database's, so replicas' clocks do not matter; the epoch goes
//! up with each change of hands, so that a holder that lost its lease without noticing can be kept from writing.
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{Db, Error, Instant, Result, Tx};

mod sql {
    crate::queries! {
        ACQUIRE = "
            insert into leases (name, owner, epoch, expires_at)
            values ($1, $2, 1, "
            pg("clock_timestamp() + $3 * interval '1 millisecond'")
            lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', $3 / 1000.0))")
            ")
            on conflict (name) do update
                set owner = excluded.owner, epoch = leases.epoch + 1, expires_at = excluded.expires_at
                where leases.owner = excluded.owner or leases.expires_at <= "
            pg("clock_timestamp()") lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")
            " returning epoch, expires_at";
        RENEW = "
            update leases set expires_at = "
            pg("clock_timestamp() + $4 * interval '1 millisecond'")
            lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', $4 / 1000.0))")
            " where name = $1 and owner = $2 and epoch = $3 returning epoch, expires_at";
        RELEASE = "
            update leases set expires_at = "
            pg("clock_timestamp()") lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")
            " where name = $1 and owner = $2 and epoch = $3";
        GUARD = "select epoch from leases where name = $1" pg(" for share");
    }
}

/// A lease held. Worth something only until it expires by the database's clock, or as long as [`guard_in`] says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub name: String,
    /// The holder: unique to one life of one process.
    pub owner: String,
    /// Goes up with each change of hands.
    pub epoch: i64,
    /// When it may be taken over, by the database's clock.
    pub expires_at: DateTime<Utc>,
}

/// Takes the lease if it is free, expired or the owner's already (which starts a new epoch); none if another holds it.
pub async fn acquire(db: &Db, name: &str, owner: &str, ttl: Duration) -> Result<Option<Lease>> {
    let mut tx = db.begin().await?;
    let row = tx.query(sql::ACQUIRE).bind(name).bind(owner).bind(milliseconds(ttl)).optional().await?;
    tx.commit().await?;
    Ok(row.map(|row| made(name, owner, row)))
}

/// Holds it for another `ttl` from now; [`Error::LeaseLost`] when another took it over.
pub async fn renew(db: &Db, lease: &Lease, ttl: Duration) -> Result<Lease> {
    let mut tx = db.begin().await?;
    let query = tx.query(sql::RENEW).bind(lease.name.as_str()).bind(lease.owner.as_str()).bind(lease.epoch);
    let row = query.bind(milliseconds(ttl)).optional().await?;
    tx.commit().await?;
    row.map(|row| made(&lease.name, &lease.owner, row)).ok_or_else(|| Error::LeaseLost(lease.name.clone()))
}

/// Gives it up, so that another need not wait for its end. Nothing happens when it is lost already.
pub async fn release(db: &Db, lease: &Lease) -> Result<()> {
    let mut tx = db.begin().await?;
    let query = tx.query(sql::RELEASE).bind(lease.name.as_str()).bind(lease.owner.as_str()).bind(lease.epoch);
    query.execute().await?;
    tx.commit().await
}

/// Refuses to go on with [`Error::LeaseLost`] when another took the lease over, and keeps it from being taken over until
/// the transaction ends: what only the holder may write is written under this.
pub async fn guard_in(tx: &mut Tx, lease: &Lease) -> Result<()> {
    let epoch: Option<(i64,)> = tx.query(sql::GUARD).bind(lease.name.as_str()).optional().await?;
    if epoch == Some((lease.epoch,)) { Ok(()) } else { Err(Error::LeaseLost(lease.name.clone())) }
}

fn made(name: &str, owner: &str, (epoch, expires_at): (i64, Instant)) -> Lease {
    Lease { name: name.to_owned(), owner: owner.to_owned(), epoch, expires_at: expires_at.0 }
}

/// A lease longer than 292 million years is cut to that.
fn milliseconds(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, crate::Sql)> {
    sql::ALL.to_vec()
}
