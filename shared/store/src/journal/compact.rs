//! Forgetting the oldest entries. The head row remembers how far, so that a reader that is not that far is told.
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{Db, Instant, Result, Tx, lease};

/// Positions purged in one transaction: few enough that writers on SQLite, who wait for it, hardly notice.
const BATCH: i64 = 1_000;
/// The job of forgetting: one runner over all replicas.
const LEASE: &str = "journal-retention";
/// How long a runner that died keeps others from going on: far longer than a batch takes.
const LEASE_TTL: Duration = Duration::from_secs(60);

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    crate::queries! {
        MARK = "update journal_head set compacted = $1 where one = 1 and compacted < $1 and position >= $1";
        PURGE = "delete from journal where position <= $1";
        FIRST_KEPT = "
            select min(position) from journal where position > $1 and position <= $2 and recorded_at >= $3";
    }
}

pub(super) async fn compact(db: &Db, position: i64) -> Result<u64> {
    let mut purged = 0;
    loop {
        let head = super::head(db).await?;
        let target = position.min(head.position);
        if target <= head.compacted {
            return Ok(purged);
        }
        let next = target.min(head.compacted + BATCH);
        let mut tx = db.begin().await?;
        purged += purge_in(&mut tx, next).await?;
        tx.commit().await?;
    }
}

/// Forgets one batch of the entries recorded before an instant; answers how many. An entry recorded later keeps all
/// that come after it. None are forgotten where there are none, and where another runner is at it.
///
/// `runner` is unique to one life of one process.
pub async fn forget(db: &Db, runner: &str, before: DateTime<Utc>) -> Result<usize> {
    let head = super::head(db).await?;
    let last = head.position.min(head.compacted + BATCH);
    let query = db.query(sql::FIRST_KEPT).bind(head.compacted).bind(last).bind(Instant::from(before));
    let (first_kept,): (Option<i64>,) = query.one().await?;
    let last = first_kept.map_or(last, |position| position - 1);
    if last <= head.compacted {
        return Ok(0);
    }
    let Some(lease) = lease::acquire(db, LEASE, runner, LEASE_TTL).await? else { return Ok(0) };
    let mut tx = db.begin().await?;
    lease::guard_in(&mut tx, &lease).await?;
    let purged = purge_in(&mut tx, last).await?;
    tx.commit().await?;
    Ok(usize::try_from(purged).unwrap_or(usize::MAX))
}

async fn purge_in(tx: &mut Tx, position: i64) -> Result<u64> {
    let purged = tx.query(sql::PURGE).bind(position).execute().await?;
    // last: whoever numbers waits for the head row
    tx.query(sql::MARK).bind(position).execute().await?;
    Ok(purged)
}
