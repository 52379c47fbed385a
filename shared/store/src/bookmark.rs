//! How far a context has followed another's feed: saved in the transaction of the effect, so that what is delivered at
//! least once takes effect exactly once.
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{Db, Error, Result, Tx};

/// How often a waiter looks for a bookmark another replica may have moved.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

mod sql {
    crate::queries! {
        GET = "select position from bookmarks where feed = $1";
        SAVE = "
            insert into bookmarks (feed, position) values ($1, $2)
            on conflict (feed) do update set position = excluded.position";
        START = "insert into bookmarks (feed, position) values ($1, $2) on conflict (feed) do nothing";
        ADVANCE = "update bookmarks set position = $3 where feed = $1 and position = $2";
    }
}

/// The last position of `feed` that took effect here; none before the first.
pub async fn get(db: &Db, feed: &str) -> Result<Option<i64>> {
    Ok(db.query(sql::GET).bind(feed).optional::<(i64,)>().await?.map(|row| row.0))
}

/// Sets the bookmark, wherever it was: what a snapshot of the feed does.
pub async fn save_in(tx: &mut Tx, feed: &str, position: i64) -> Result<()> {
    tx.query(sql::SAVE).bind(feed).bind(position).execute().await?;
    Ok(())
}

/// Moves the bookmark from where it is believed to be; [`Error::BookmarkMoved`] when it is elsewhere. Keeps its row
/// locked until the transaction ends, so that two replicas cannot both have the effect.
pub async fn advance_in(tx: &mut Tx, feed: &str, from: Option<i64>, to: i64) -> Result<()> {
    let moved = match from {
        None => tx.query(sql::START).bind(feed).bind(to).execute().await?,
        Some(from) => tx.query(sql::ADVANCE).bind(feed).bind(from).bind(to).execute().await?,
    };
    if moved == 1 { Ok(()) } else { Err(Error::BookmarkMoved(feed.to_owned())) }
}

/// Waits until `feed` has taken effect here up to `position`; [`Error::DeadlinePassed`] when it has not in time.
pub async fn reached(db: &Db, feed: &str, position: i64, deadline: Instant) -> Result<()> {
    loop {
        let moved = db.followed.notified();
        if get(db, feed).await?.is_some_and(|at| at >= position) {
            return Ok(());
        }
        let now = Instant::now();
        if now >= deadline {
            return Err(Error::DeadlinePassed);
        }
        tokio::select! {
            () = moved => {}
            () = sleep_until(deadline.min(now + LOOK_AGAIN)) => {}
        }
    }
}

#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, crate::Sql)> {
    sql::ALL.to_vec()
}
