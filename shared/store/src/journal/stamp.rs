//! Numbering: committed rows get their positions, one numberer at a time over all replicas, in id order.
//!
//! Why nothing is skipped: a number is given only to rows visible to the numberer, under the head row's lock, whose
//! holder commits before the next takes its snapshot. So when position n is visible, all below n are. Why subjects stay
//! in order: whoever waited for a subject's row lock drew its id after the holder, and both are numbered in id order.
//! Writers that want to know their position share rounds: one numbers for all that committed before it began.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use tokio::sync::{Mutex, Notify, watch};

use crate::{Db, Dialect, Result};

/// Rows numbered in one statement; bounds the transaction after a long outage.
const BATCH: usize = 1_000;
/// How many of the positions just given are kept for the writers that wait for them.
const RECENT_MAX: usize = 8_192;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    crate::queries! {
        FRESH = "select exists (select 1 from journal where position is null)";
        // in a statement of its own: under READ COMMITTED the next one's snapshot is then taken with the lock held,
        // and so sees all that the numberer before gave
        LOCK = "select position from journal_head where one = 1" pg(" for update");
        NUMBER = "
            with fresh as materialized (select id as row_id from journal where position is null order by id limit $2),
                 numbered as (select row_id, $1 + row_number() over (order by row_id) as place from fresh)
            update journal set position = numbered.place from numbered where journal.id = numbered.row_id
            returning id, position";
        MOVE = "update journal_head set position = $1 where one = 1";
    }
}

/// What a database's clones in this process share about its journal.
#[derive(Debug)]
pub(crate) struct Stamper {
    head: watch::Sender<i64>,
    stamped: watch::Sender<i64>,
    committed: Notify,
    watchers: AtomicUsize,
    begun: AtomicU64,
    rounds: Mutex<Rounds>,
}

#[derive(Debug, Default)]
struct Rounds {
    completed: u64,
    recent: BTreeMap<i64, i64>,
}

impl Default for Stamper {
    fn default() -> Self {
        Stamper {
            head: watch::Sender::new(0),
            stamped: watch::Sender::new(0),
            committed: Notify::new(),
            watchers: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            rounds: Mutex::default(),
        }
    }
}

impl Stamper {
    /// Tells readers how far the journal is; never backwards.
    pub(crate) fn publish(&self, position: i64) {
        self.head.send_if_modified(|head| {
            let higher = position > *head;
            *head = position.max(*head);
            higher
        });
    }

    /// Says that rows were committed that have no position yet.
    pub(crate) fn wake(&self) {
        self.committed.notify_one();
    }

    pub(super) async fn committed(&self) {
        self.committed.notified().await;
    }

    pub(super) fn heads(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// The positions given by this process, for whoever tells other replicas.
    pub(super) fn stamps(&self) -> watch::Receiver<i64> {
        self.stamped.subscribe()
    }

    pub(super) fn watchers(&self) -> usize {
        self.watchers.load(SeqCst)
    }

    pub(super) fn watcher_came(&self) {
        self.watchers.fetch_add(1, SeqCst);
    }

    pub(super) fn watcher_went(&self) {
        self.watchers.fetch_sub(1, SeqCst);
    }
}

/// Numbers what is committed; returns how much. 0 on SQLite, where writers number themselves.
pub(super) async fn stamp(db: &Db) -> Result<usize> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(0);
    }
    // without the lock: most looks find nothing to do
    if !db.query(sql::FRESH).scalar::<bool>().await? {
        return Ok(0);
    }
    let mut rounds = db.journal.rounds.lock().await;
    round(db, &mut rounds).await
}

/// The position of a row this process has committed, numbering it where nobody has yet.
pub(crate) async fn position_of(db: &Db, id: i64) -> Result<i64> {
    // a round that begins from now on sees the commit
    let before = db.journal.begun.load(SeqCst);
    let mut rounds = db.journal.rounds.lock().await;
    if rounds.completed <= before {
        round(db, &mut rounds).await?;
    }
    let given = rounds.recent.get(&id).copied();
    drop(rounds);
    match given {
        Some(position) => Ok(position),
        // another replica was faster
        None => db.query(super::sql::POSITION_OF).bind(id).scalar().await,
    }
}

/// One round: numbers until nothing fresh is left.
async fn round(db: &Db, rounds: &mut Rounds) -> Result<usize> {
    let this = db.journal.begun.fetch_add(1, SeqCst) + 1;
    let mut total = 0;
    loop {
        let given = number(db).await?;
        let Some(&(_, last)) = given.iter().max_by_key(|(_, position)| *position) else { break };
        total += given.len();
        let full = given.len() == BATCH;
        rounds.recent.extend(given);
        while rounds.recent.len() > RECENT_MAX {
            rounds.recent.pop_first();
        }
        db.journal.publish(last);
        db.journal.stamped.send_replace(last);
        if !full {
            break;
        }
    }
    rounds.completed = this;
    Ok(total)
}

async fn number(db: &Db) -> Result<Vec<(i64, i64)>> {
    let mut tx = db.begin().await?;
    let head: i64 = tx.query(sql::LOCK).scalar().await?;
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let given: Vec<(i64, i64)> = tx.query(sql::NUMBER).bind(head).bind(limit).all().await?;
    let Some(last) = given.iter().map(|(_, position)| *position).max() else { return Ok(given) };
    tx.query(sql::MOVE).bind(last).execute().await?;
    tx.commit().await?;
    Ok(given)
}
