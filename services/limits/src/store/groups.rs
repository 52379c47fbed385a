//! Groups and their tree.

use weir_model::{AccountId, GroupId, Money};
use weir_store::{Error, Id, Instant, Result, Tx, queries};

use super::{Reader, currency};
use crate::group::{LEVELS_MAX, Member, MemberFlags, MemberId};

queries! {
    LOCK_TREE = "update group_tree set version = version + 1 where one = 1";
    LOCK_GROUP = "
        select group_id, name, version, parent_group_id, shares_exposure, inherits_block, pool_currency, pool_amount,
               head_account_id, created_at
        from account_groups where group_id = $1" pg(" for update");
    PAGE = "
        select group_id, name, version, parent_group_id, shares_exposure, inherits_block, pool_currency, pool_amount,
               head_account_id, created_at
        from account_groups where group_id > $1 order by group_id limit $2";
    INSERT_GROUP = "
        insert into account_groups (group_id, name, version, parent_group_id, shares_exposure, inherits_block,
            pool_currency, pool_amount, head_account_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (group_id) do nothing";
    SAVE_GROUP = "
        update account_groups set version = $2, parent_group_id = $3, shares_exposure = $4, inherits_block = $5,
            pool_currency = $6, pool_amount = $7, head_account_id = $8
        where group_id = $1";
    PARENT = "select parent_group_id from account_groups where group_id = $1";
    CHILDREN = "
        select group_id, shares_exposure, inherits_block from account_groups where parent_group_id = $1
        order by group_id";
    HEAD = "
        select credit_accounts.account_id, credit_accounts.group_id
        from account_groups join credit_accounts on credit_accounts.account_id = account_groups.head_account_id
        where account_groups.group_id = $1";
    HEIGHT = "
        with recursive below (group_id, height) as (
            select group_id, 1 from account_groups where group_id = $1
            union all
            select account_groups.group_id, below.height + 1
            from account_groups join below on account_groups.parent_group_id = below.group_id
            where below.height <= $2
        )
        select cast(coalesce(max(height), 0) as bigint) from below";
}

/// A group's own row.
#[derive(Debug, Clone)]
pub(crate) struct GroupRow {
    pub(crate) group_id: GroupId,
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) parent: Option<GroupId>,
    pub(crate) flags: MemberFlags,
    pub(crate) pool: Option<Money>,
    pub(crate) head: Option<AccountId>,
    pub(crate) created_at: Instant,
}

#[derive(sqlx::FromRow)]
struct Row {
    group_id: Id<GroupId>,
    name: String,
    version: i64,
    parent_group_id: Option<Id<GroupId>>,
    shares_exposure: bool,
    inherits_block: bool,
    pool_currency: Option<String>,
    pool_amount: Option<i64>,
    head_account_id: Option<Id<AccountId>>,
    created_at: Instant,
}

impl TryFrom<Row> for GroupRow {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let pool_currency = row.pool_currency.as_deref().map(currency).transpose()?;
        Ok(GroupRow {
            group_id: row.group_id.0,
            name: row.name,
            version: row.version,
            parent: row.parent_group_id.map(|id| id.0),
            flags: MemberFlags { shares_exposure: row.shares_exposure, inherits_block: row.inherits_block },
            pool: row.pool_amount.zip(pool_currency).map(|(amount, currency)| Money::new(amount, currency)),
            head: row.head_account_id.map(|id| id.0),
            created_at: row.created_at,
        })
    }
}

/// Makes changes of the tree follow each other until the transaction ends.
pub(crate) async fn lock_tree(tx: &mut Tx) -> Result<()> {
    tx.query(LOCK_TREE).execute().await?;
    Ok(())
}

/// A group's row, locked until the transaction ends.
pub(crate) async fn lock_group(tx: &mut Tx, id: &GroupId) -> Result<Option<GroupRow>> {
    tx.query(LOCK_GROUP).bind(id.as_str()).optional::<Row>().await?.map(GroupRow::try_from).transpose()
}

/// Groups after an id, by id.
pub(crate) async fn group_rows(reader: &mut Reader<'_>, after: Option<&GroupId>, limit: i64) -> Result<Vec<GroupRow>> {
    let after = after.map_or("", GroupId::as_str);
    let rows: Vec<Row> = reader.query(PAGE).bind(after).bind(limit).all().await?;
    rows.into_iter().map(GroupRow::try_from).collect()
}

/// Adds a group; whether it was not there yet.
pub(crate) async fn insert_group(tx: &mut Tx, group: &GroupRow) -> Result<bool> {
    let inserted = tx
        .query(INSERT_GROUP)
        .bind(group.group_id.as_str())
        .bind(group.name.as_str())
        .bind(group.version)
        .bind(group.parent.as_ref().map(GroupId::as_str))
        .bind(group.flags.shares_exposure)
        .bind(group.flags.inherits_block)
        .bind(group.pool.map(|pool| pool.currency().code()))
        .bind(group.pool.map(Money::minor))
        .bind(group.head.as_ref().map(AccountId::as_str))
        .bind(group.created_at)
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Writes a group's row back.
pub(crate) async fn save_group(tx: &mut Tx, group: &GroupRow) -> Result<()> {
    tx.query(SAVE_GROUP)
        .bind(group.group_id.as_str())
        .bind(group.version)
        .bind(group.parent.as_ref().map(GroupId::as_str))
        .bind(group.flags.shares_exposure)
        .bind(group.flags.inherits_block)
        .bind(group.pool.map(|pool| pool.currency().code()))
        .bind(group.pool.map(Money::minor))
        .bind(group.head.as_ref().map(AccountId::as_str))
        .execute()
        .await?;
    Ok(())
}

/// A group and all above it, lowest first.
pub(crate) async fn group_line(tx: &mut Tx, id: &GroupId) -> Result<Vec<GroupId>> {
    let mut line = vec![id.clone()];
    let mut next = id.clone();
    while line.len() <= LEVELS_MAX {
        let parent: Option<(Option<Id<GroupId>>,)> = tx.query(PARENT).bind(next.as_str()).optional().await?;
        let Some((Some(parent),)) = parent else { break };
        next = parent.0;
        line.push(next.clone());
    }
    Ok(line)
}

/// A group's head, and the group that is a member of.
pub(crate) async fn head_of(tx: &mut Tx, id: &GroupId) -> Result<Option<(AccountId, Option<GroupId>)>> {
    let head: Option<(Id<AccountId>, Option<Id<GroupId>>)> = tx.query(HEAD).bind(id.as_str()).optional().await?;
    Ok(head.map(|(head, group_id)| (head.0, group_id.map(|id| id.0))))
}

/// The number of levels from a group down, itself included.
pub(crate) async fn height_of(tx: &mut Tx, id: &GroupId) -> Result<usize> {
    let levels_max = i64::try_from(LEVELS_MAX).unwrap_or(i64::MAX);
    let height: i64 = tx.query(HEIGHT).bind(id.as_str()).bind(levels_max).scalar().await?;
    Ok(usize::try_from(height).unwrap_or(usize::MAX))
}

/// The groups right below a group.
pub(crate) async fn child_groups_of(reader: &mut Reader<'_>, id: &GroupId) -> Result<Vec<Member>> {
    let rows: Vec<(Id<GroupId>, bool, bool)> = reader.query(CHILDREN).bind(id.as_str()).all().await?;
    let member = |(group_id, shares_exposure, inherits_block): (Id<GroupId>, bool, bool)| Member {
        id: MemberId::Group(group_id.0),
        flags: MemberFlags { shares_exposure, inherits_block },
    };
    Ok(rows.into_iter().map(member).collect())
}
