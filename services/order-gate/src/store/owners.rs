//! Who decides: leases by the database's clock, and the partitions their holders have.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use weir_model::SubjectId;
use weir_store::{Db, Dialect, Error, Query, Result, Tx};

use super::{read, text};
use crate::decision::Followed;
use crate::ownership::{Due, Partition, due};
use crate::policy::{Policy, PolicyVersion};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        FIRST_POLICY = "insert into policies (version, policy) values (1, $1) on conflict (version) do nothing";
        // whoever changes hands of partitions does it under this lock
        LOCK = "select epoch from partitions where partition = 0" pg(" for update");
        COUNT = "select count(*) from partitions";
        FIRST = "update partitions set followed = '{}' where partition = 0";
        CREATE = "insert into partitions (partition, epoch, followed) values ($1, 0, '{}')";
        // one whose batch is being committed is not silent
        SILENT = "
            select owner, followed from owners where expires_at <= "
            pg("clock_timestamp()") lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")
            pg(" for update skip locked");
        ALL_OWNERS = "select owner, followed from owners" pg(" for update");
        ENROLL = "
            insert into owners (owner, address, batches, followed, expires_at) values ($1, $3, 0, '{}', "
            pg("clock_timestamp() + $2 * interval '1 millisecond'")
            lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', $2 / 1000.0))")
            ")";
        FREE = "select partition from partitions where owner is null order by partition";
        UNOWNED = "
            select partitions.partition from partitions left join owners on owners.owner = partitions.owner
            where owners.owner is null or owners.expires_at <= "
            pg("clock_timestamp()") lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')");
        RENEW = "
            update owners set expires_at = "
            pg("clock_timestamp() + $2 * interval '1 millisecond'")
            lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', $2 / 1000.0))")
            " where owner = $1";
        FOLLOWED = "select followed from owners where owner = $1";
        FREE_ALL = "update partitions set owner = null, followed = coalesce(followed, $2) where owner = $1";
        LEAVE = "delete from owners where owner = $1";
        ALIVE = "
            select owner, (select count(*) from partitions where partitions.owner = owners.owner)
            from owners where expires_at > "
            pg("clock_timestamp()") lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')");
        MAP = "
            select partitions.partition, coalesce(owners.address, ''), partitions.epoch
            from partitions left join owners on owners.owner = partitions.owner order by partitions.partition";
        SEATS = "
            select partitions.partition, partitions.owner, coalesce(owners.address, '')
            from partitions left join owners on owners.owner = partitions.owner order by partitions.partition";
        HAVING = "select partition, followed from partitions where owner = $1 order by partition";
        BATCHES = "select batches from owners where owner = $1";
        PROVE = "update owners set batches = batches + 1 where owner = $1 and batches = $2";
        FOLLOW = "update owners set followed = $2 where owner = $1";
        IDLE_AT_MOST = "select " pg("set_config('idle_in_transaction_session_timeout', $1, true)") lite("$1");
    }
}

/// The right to write: a life of this process, and how many batches it wrote.
#[derive(Debug, Clone)]
pub(crate) struct Tenure {
    pub(crate) owner: Arc<str>,
    pub(crate) address: Arc<str>,
    pub(crate) batches: i64,
    pub(crate) lease: Duration,
}

/// Makes partitions and a first policy in a database that never had an owner; the number of partitions.
pub(crate) async fn prepare(db: &Db, partitions: NonZeroU16) -> Result<NonZeroU16> {
    let first = PolicyVersion {
        version: 1,
        policy: Policy::default(),
        activated_by: SubjectId::parse("weir").expect("four printable characters"),
        activated_at: DateTime::UNIX_EPOCH,
        reason: "the policy Weir comes with".to_owned(),
    };
    let mut tx = db.begin().await?;
    let epoch: i64 = tx.query(sql::LOCK).scalar().await?;
    let mut count: i64 = tx.query(sql::COUNT).scalar().await?;
    if epoch == 0 {
        tx.query(sql::FIRST).execute().await?;
        while count < i64::from(partitions.get()) {
            tx.query(sql::CREATE).bind(count).execute().await?;
            count += 1;
        }
    }
    tx.query(sql::FIRST_POLICY).bind(text(&first)?).execute().await?;
    tx.commit().await?;
    let count = u16::try_from(count).ok().and_then(NonZeroU16::new);
    count.ok_or_else(|| Error::Migration("the number of partitions is out of range".to_owned()))
}

/// Ends every life: for a database that only this process can have open.
pub(crate) async fn bury_all(db: &Db) -> Result<()> {
    let mut tx = db.begin().await?;
    let _: i64 = tx.query(sql::LOCK).scalar().await?;
    let owners: Vec<(String, String)> = tx.query(sql::ALL_OWNERS).all().await?;
    leave_in(&mut tx, &owners).await?;
    tx.commit().await
}

/// Frees what owners have, with how far they had followed the feeds of others, and ends their lives.
async fn leave_in(tx: &mut Tx, owners: &[(String, String)]) -> Result<()> {
    for (owner, followed) in owners {
        tx.query(sql::FREE_ALL).bind(owner.as_str()).bind(followed.as_str()).execute().await?;
        tx.query(sql::LEAVE).bind(owner.as_str()).execute().await?;
    }
    Ok(())
}

/// Begins a life, with no partition yet.
pub(crate) async fn enroll(db: &Db, tenure: &Tenure) -> Result<()> {
    let mut tx = db.begin().await?;
    let (owner, lease) = (&*tenure.owner, milliseconds(tenure.lease));
    tx.query(sql::ENROLL).bind(owner).bind(lease).bind(&*tenure.address).execute().await?;
    tx.commit().await
}

/// Ends the lives that fell silent and takes this one's share of what is free, each with the next epoch. What the owners
/// before wrote is read in later statements.
pub(crate) async fn take(db: &Db, tenure: &Tenure) -> Result<()> {
    let mut tx = begin(db, tenure.lease).await?;
    let _: i64 = tx.query(sql::LOCK).scalar().await?;
    let silent: Vec<(String, String)> = tx.query(sql::SILENT).all().await?;
    leave_in(&mut tx, &silent).await?;
    let alive: Vec<(String, i64)> = tx.query(sql::ALIVE).all().await?;
    let free: Vec<i64> = tx.query(sql::FREE).scalars().await?;
    let owned: Vec<_> = alive.iter().map(|(owner, has)| (owner.as_str(), usize::try_from(*has).unwrap_or(0))).collect();
    if let Due::Take(count) = due(&tenure.owner, &owned, free.len()) {
        let taken = free.iter().take(count);
        let query = tx.build("update partitions set epoch = epoch + 1, owner = ").value(&*tenure.owner);
        in_partitions(query.push(" where"), taken).execute().await?;
    }
    tx.commit().await
}

fn in_partitions<'q, 'p>(query: Query<'q>, partitions: impl IntoIterator<Item = &'p i64>) -> Query<'q> {
    let query = query.push(" partition in (values").values(partitions, |row, partition| {
        row.value(*partition);
    });
    query.push(")")
}

/// Whether the lease lasts for its whole length again from now; false when it was lost.
pub(crate) async fn renew(db: &Db, tenure: &Tenure) -> Result<bool> {
    let mut tx = db.begin().await?;
    let renewed = tx.query(sql::RENEW).bind(&*tenure.owner).bind(milliseconds(tenure.lease)).execute().await?;
    tx.commit().await?;
    Ok(renewed == 1)
}

/// Gives everything up, so that others need not wait. Nothing happens when it is lost already.
pub(crate) async fn resign(db: &Db, tenure: &Tenure) -> Result<()> {
    let mut tx = begin(db, tenure.lease).await?;
    let _: i64 = tx.query(sql::LOCK).scalar().await?;
    let followed: Option<(String,)> = tx.query(sql::FOLLOWED).bind(&*tenure.owner).optional().await?;
    if let Some((followed,)) = followed {
        leave_in(&mut tx, &[(tenure.owner.to_string(), followed)]).await?;
    }
    tx.commit().await
}

/// Who decides for which accounts.
pub(crate) async fn partitions(db: &Db) -> Result<Vec<Partition>> {
    let rows: Vec<(i64, String, i64)> = db.query(sql::MAP).all().await?;
    Ok(rows.into_iter().map(|(partition, address, epoch)| Partition { partition, address, epoch }).collect())
}

/// The owner of each partition that has one, and where it is reached.
pub(crate) async fn seats(db: &Db) -> Result<Vec<(i64, Option<String>, String)>> {
    db.query(sql::SEATS).all().await
}

/// What this life is to do about its share, what silent owners have counting as free.
pub(crate) async fn share(db: &Db, tenure: &Tenure) -> Result<Due> {
    let alive: Vec<(String, i64)> = db.query(sql::ALIVE).all().await?;
    let free: Vec<i64> = db.query(sql::UNOWNED).scalars().await?;
    let owned: Vec<_> = alive.iter().map(|(owner, has)| (owner.as_str(), usize::try_from(*has).unwrap_or(0))).collect();
    Ok(due(&tenure.owner, &owned, free.len()))
}

/// The partitions this life has, those it has not admitted yet with how far their inputs go.
pub(crate) async fn having(db: &Db, tenure: &Tenure) -> Result<Vec<(i64, Option<Followed>)>> {
    let rows: Vec<(i64, Option<String>)> = db.query(sql::HAVING).bind(&*tenure.owner).all().await?;
    rows.into_iter()
        .map(|(partition, followed)| Ok((partition, followed.map(|text| read(&text)).transpose()?)))
        .collect()
}

/// How far this life has followed the feeds of others; nowhere when it is lost.
pub(crate) async fn followed(db: &Db, tenure: &Tenure) -> Result<Followed> {
    let followed: Option<(String,)> = db.query(sql::FOLLOWED).bind(&*tenure.owner).optional().await?;
    followed.map_or(Ok(Followed::default()), |(text,)| read(&text))
}

/// Admits partitions it has: from now on their inputs go as far as `followed`, which is as far as all others it has go.
pub(crate) async fn admit(db: &Db, tenure: &mut Tenure, partitions: &[i64], followed: Followed) -> Result<()> {
    let mut tx = begin(db, tenure.lease).await?;
    prove_in(&mut tx, tenure).await?;
    if !partitions.is_empty() {
        let query = tx.build("update partitions set followed = null where owner = ").value(&*tenure.owner);
        let admitted = in_partitions(query.push(" and"), partitions).execute().await?;
        if usize::try_from(admitted).ok() != Some(partitions.len()) {
            return Err(lost());
        }
    }
    follow_in(&mut tx, tenure, followed).await?;
    tx.commit().await?;
    tenure.batches += 1;
    Ok(())
}

/// Gives partitions up, with how far their inputs go.
pub(crate) async fn give(db: &Db, tenure: &mut Tenure, partitions: &[i64], followed: Followed) -> Result<()> {
    let mut tx = begin(db, tenure.lease).await?;
    let _: i64 = tx.query(sql::LOCK).scalar().await?;
    prove_in(&mut tx, tenure).await?;
    let query = tx.build("update partitions set owner = null, followed = ").value(text(&followed)?);
    let query = query.push(" where owner = ").value(&*tenure.owner).push(" and");
    in_partitions(query, partitions).execute().await?;
    tx.commit().await?;
    tenure.batches += 1;
    Ok(())
}

/// Notes how far the feeds of others are followed.
pub(super) async fn follow_in(tx: &mut Tx, tenure: &Tenure, followed: Followed) -> Result<()> {
    tx.query(sql::FOLLOW).bind(&*tenure.owner).bind(text(&followed)?).execute().await?;
    Ok(())
}

/// The tenure as the database has it; none when it is lost.
pub(crate) async fn recall(db: &Db, tenure: &Tenure) -> Result<Option<Tenure>> {
    let batches: Option<(i64,)> = db.query(sql::BATCHES).bind(&*tenure.owner).optional().await?;
    Ok(batches.map(|(batches,)| Tenure { batches, ..tenure.clone() }))
}

/// A transaction that holds what others wait for, but no longer than a lease.
pub(super) async fn begin(db: &Db, lease: Duration) -> Result<Tx> {
    let mut tx = db.begin().await?;
    if tx.dialect() == Dialect::Postgres {
        idle_at_most_in(&mut tx, lease).await?;
    }
    Ok(tx)
}

fn lost() -> Error {
    Error::LeaseLost("the order gate".to_owned())
}

/// Proves the tenure in a transaction. [`Error::LeaseLost`] when it is lost.
pub(super) async fn prove_in(tx: &mut Tx, tenure: &Tenure) -> Result<()> {
    let proven = tx.query(sql::PROVE).bind(&*tenure.owner).bind(tenure.batches).execute().await?;
    if proven == 1 { Ok(()) } else { Err(lost()) }
}

/// Has PostgreSQL end a transaction whose process falls silent for a lease, as the first thing in it: whoever takes over waits
/// for the rows it has locked, but not for longer.
pub(super) async fn idle_at_most_in(tx: &mut Tx, lease: Duration) -> Result<()> {
    let _: String = tx.query(sql::IDLE_AT_MOST).bind(milliseconds(lease).to_string()).scalar().await?;
    Ok(())
}

/// The same as [`prove_in`] as a part of a `with` clause in PostgreSQL: `proof` is one row where the tenure holds. The row
/// stays locked until the commit, so whoever takes over waits and then sees this batch.
pub(super) fn push_proof<'q>(query: Query<'q>, tenure: &Tenure) -> Query<'q> {
    query
        .push("proof as (update owners set batches = batches + 1 where owner = ")
        .value(&*tenure.owner)
        .push(" and batches = ")
        .value(tenure.batches)
        .push(" returning batches)")
}

/// A lease longer than 292 million years is cut to that.
fn milliseconds(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)
}
