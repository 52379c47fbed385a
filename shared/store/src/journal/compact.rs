//! Forgetting the oldest entries. The head row remembers how far, so that a reader that is not that far is told.
use crate::{Db, Result};

/// Positions purged in one transaction, so that writers do not wait long on SQLite.
const BATCH: i64 = 5_000;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    crate::queries! {
        MARK = "update journal_head set compacted = $1 where one = 1 and compacted < $1 and position >= $1";
        PURGE = "delete from journal where position <= $1";
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
        tx.query(sql::MARK).bind(next).execute().await?;
        purged += tx.query(sql::PURGE).bind(next).execute().await?;
        tx.commit().await?;
    }
}
