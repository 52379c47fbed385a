//! Who decides: leases by the database's clock, and the partitions they stand for.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use weir_model::SubjectId;
use weir_store::{Db, Error, Query, Result, Tx};

use crate::ownership::{Partition, partition_of};
use crate::policy::{Policy, PolicyVersion};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        FIRST_POLICY = "insert into policies (version, policy) values (1, $1) on conflict (version) do nothing";
        // whoever changes hands of partitions does it under this lock
        LOCK = "select epoch from partitions where partition = 0" pg(" for update");
        COUNT = "select count(*) from partitions";
        CREATE = "insert into partitions (partition, epoch) values ($1, 0)";
        // one whose batch is being committed is not silent
        BURY = "
            delete from owners where owner in
                (select owner from owners where expires_at <= "
            pg("clock_timestamp()") lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')")
            pg(" for update skip locked") ")";
        BURY_ALL = "delete from owners";
        OWNED = "select count(*) from partitions where owner is not null";
        ENROLL = "
            insert into owners (owner, address, batches, expires_at) values ($1, $3, 0, "
            pg("clock_timestamp() + $2 * interval '1 millisecond'")
            lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', $2 / 1000.0))")
            ")";
        TAKE = "update partitions set owner = $1, epoch = epoch + 1 where owner is null";
        RENEW = "
            update owners set expires_at = "
            pg("clock_timestamp() + $2 * interval '1 millisecond'")
            lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', printf('%+.3f seconds', $2 / 1000.0))")
            " where owner = $1";
        RESIGN = "delete from owners where owner = $1";
        OTHER = "
            select owners.address from partitions join owners on owners.owner = partitions.owner
            where partitions.partition = 0 and owners.expires_at > "
            pg("clock_timestamp()") lite("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')");
        MAP = "
            select partitions.partition, coalesce(owners.address, ''), partitions.epoch
            from partitions left join owners on owners.owner = partitions.owner order by partitions.partition";
        BATCHES = "select batches from owners where owner = $1";
        PROVE = "update owners set batches = batches + 1 where owner = $1 and batches = $2";
        IDLE_AT_MOST = "select " pg("set_config('idle_in_transaction_session_timeout', $1, true)") lite("$1");
    }
}

/// The right to write: a life of this process, and how many batches it wrote.
#[derive(Debug, Clone)]
pub(crate) struct Tenure {
    pub(crate) owner: Arc<str>,
    pub(crate) address: Arc<str>,
    pub(crate) batches: i64,
    pub(crate) partitions: NonZeroU16,
    pub(crate) lease: Duration,
}

impl Tenure {
    /// The partition of an account, or of an order without one.
    pub(crate) fn partition_of(&self, id: &str) -> i64 {
        partition_of(id, self.partitions)
    }
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
    let first = serde_json::to_string(&first)?;
    let mut tx = db.begin().await?;
    let epoch: i64 = tx.query(sql::LOCK).scalar().await?;
    let mut count: i64 = tx.query(sql::COUNT).scalar().await?;
    if epoch == 0 {
        while count < i64::from(partitions.get()) {
            tx.query(sql::CREATE).bind(count).execute().await?;
            count += 1;
        }
    }
    tx.query(sql::FIRST_POLICY).bind(first).execute().await?;
    tx.commit().await?;
    let count = u16::try_from(count).ok().and_then(NonZeroU16::new);
    count.ok_or_else(|| Error::Migration("the number of partitions is out of range".to_owned()))
}

/// Ends every life: for a database that only this process can have open.
pub(crate) async fn bury_all(db: &Db) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.query(sql::BURY_ALL).execute().await?;
    tx.commit().await
}

/// Takes all partitions, each with the next epoch, once nobody owns any; none while somebody does. What the owner
/// before wrote is read in later statements.
pub(crate) async fn acquire(db: &Db, mut tenure: Tenure) -> Result<Option<Tenure>> {
    let mut tx = db.begin().await?;
    let _: i64 = tx.query(sql::LOCK).scalar().await?;
    tx.query(sql::BURY).execute().await?;
    if tx.query(sql::OWNED).scalar::<i64>().await? > 0 {
        // the silent stay buried: their partitions are free for whoever comes next
        tx.commit().await?;
        return Ok(None);
    }
    let owner = &*tenure.owner;
    tx.query(sql::ENROLL).bind(owner).bind(milliseconds(tenure.lease)).bind(&*tenure.address).execute().await?;
    tx.query(sql::TAKE).bind(owner).execute().await?;
    tx.commit().await?;
    tenure.batches = 0;
    Ok(Some(tenure))
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
    let mut tx = db.begin().await?;
    tx.query(sql::RESIGN).bind(&*tenure.owner).execute().await?;
    tx.commit().await
}

/// Where the process is reached that decides, empty when it cannot be; none when nobody's lease lasts.
pub(crate) async fn other(db: &Db) -> Result<Option<String>> {
    let found: Option<(String,)> = db.query(sql::OTHER).optional().await?;
    Ok(found.map(|(address,)| address))
}

/// Who decides for which accounts.
pub(crate) async fn partitions(db: &Db) -> Result<Vec<Partition>> {
    let rows: Vec<(i64, String, i64)> = db.query(sql::MAP).all().await?;
    Ok(rows.into_iter().map(|(partition, address, epoch)| Partition { partition, address, epoch }).collect())
}

/// The tenure as the database has it; none when it is lost.
pub(crate) async fn recall(db: &Db, tenure: &Tenure) -> Result<Option<Tenure>> {
    let batches: Option<(i64,)> = db.query(sql::BATCHES).bind(&*tenure.owner).optional().await?;
    Ok(batches.map(|(batches,)| Tenure { batches, ..tenure.clone() }))
}

/// Proves the tenure in a batch's transaction. [`Error::LeaseLost`] when it is lost.
pub(super) async fn prove_in(tx: &mut Tx, tenure: &Tenure) -> Result<()> {
    let proven = tx.query(sql::PROVE).bind(&*tenure.owner).bind(tenure.batches).execute().await?;
    if proven == 1 { Ok(()) } else { Err(Error::LeaseLost("the order gate".to_owned())) }
}

/// Has PostgreSQL end a transaction whose process falls silent for a lease, as the first thing in it: whoever takes over waits
/// for the rows it has locked, but not for longer.
pub(super) async fn idle_at_most_in(tx: &mut Tx, lease: Duration) -> Result<()> {
    let _: String = tx.query(sql::IDLE_AT_MOST).bind(milliseconds(lease).to_string()).scalar().await?;
    Ok(())
}

/// The same as a part of a `with` clause in PostgreSQL: `proof` is one row where the tenure holds. The row stays locked
/// until the commit, so whoever takes over waits and then sees this batch.
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
