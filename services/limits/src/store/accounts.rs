//! Credit accounts with their limits, temporary limits and freezes.

use std::collections::HashMap;

use chrono::NaiveDate;
use weir_model::{AccountId, GroupId, LimitId, LimitRequestId, Money, PolicyId, SubjectId};
use weir_store::{Id, Instant, Json, Result, Tx, queries};

use super::{Reader, corrupt, currency};
use crate::{
    account::CreditAccount,
    freeze::Freeze,
    grade::{Grade, GradeRecord},
    group::{Member, MemberFlags, MemberId, Membership},
    limit::{Limit, Period, StandingLimit},
    policy::OrderPolicy,
    temporary::{Overlay, TemporaryLimit},
};

queries! {
    ACCOUNT = "
        select account_id, version, currency, segment, group_id, shares_exposure, inherits_block, grade_record, terms_days,
               order_policy, policy_id, opened_at
        from credit_accounts where account_id = $1";
    LOCK_ACCOUNT = "
        select account_id, version, currency, segment, group_id, shares_exposure, inherits_block, grade_record, terms_days,
               order_policy, policy_id, opened_at
        from credit_accounts where account_id = $1" pg(" for update");
    INSERT_ACCOUNT = "
        insert into credit_accounts (account_id, version, currency, segment, group_id, shares_exposure, inherits_block,
            grade, grade_version, grade_record, terms_days, order_policy, policy_id, frozen, opened_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        on conflict (account_id) do nothing";
    SAVE_ACCOUNT = "
        update credit_accounts set version = $2, group_id = $3, shares_exposure = $4, inherits_block = $5, grade = $6,
            grade_version = $7, grade_record = $8, terms_days = $9, order_policy = $10, policy_id = $11, frozen = $12
        where account_id = $1";
    INSERT_LIMIT = "
        insert into limits (limit_id, account_id, segment, currency, kind, ceiling, amount, valid_from, valid_to,
            superseded_from, limit_request_id, granted_at)
        values ($1, $2, $3, $4, 'standing', $5, $6, $7, $8, null, $9, $10)";
    SUPERSEDE = "update limits set superseded_from = $2 where limit_id = $1";
    INSERT_TEMPORARY = "
        insert into temporary_limits (temporary_limit_id, account_id, segment, currency, overlay, amount, valid_from,
            valid_to, reason, requested_by, granted_by, granted_at, revoked_on)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, null)";
    REVOKE_TEMPORARY = "update temporary_limits set revoked_on = $2 where temporary_limit_id = $1";
    ACCOUNT_OF_TEMPORARY = "select account_id from temporary_limits where temporary_limit_id = $1";
    INSERT_FREEZE = "
        insert into freezes (account_id, reason, frozen_by, frozen_at, frozen_on) values ($1, $2, $3, $4, $5)";
    CLOSE_FREEZE = "
        update freezes set lifted_by = $2, lifted_at = $3, lifted_on = $4, lift_reason = $5
        where account_id = $1 and lifted_on is null";
    MEMBERS = "
        select account_id, shares_exposure, inherits_block from credit_accounts where group_id = $1 order by account_id";
    OLD_POLICY = "
        select account_id from credit_accounts where grade is not null and (policy_id <> $1 or policy_id is null)
        order by account_id limit $2";
}

#[derive(sqlx::FromRow)]
struct AccountRow {
    account_id: Id<AccountId>,
    version: i64,
    currency: String,
    segment: String,
    group_id: Option<Id<GroupId>>,
    shares_exposure: bool,
    inherits_block: bool,
    grade_record: Option<Json<GradeRecord>>,
    terms_days: i64,
    order_policy: Option<Json<OrderPolicy>>,
    policy_id: Option<Id<PolicyId>>,
    opened_at: Instant,
}

#[derive(sqlx::FromRow)]
struct LimitRow {
    account_id: Id<AccountId>,
    limit_id: Id<LimitId>,
    currency: String,
    ceiling: String,
    amount: Option<i64>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    superseded_from: Option<NaiveDate>,
    limit_request_id: Id<LimitRequestId>,
}

#[derive(sqlx::FromRow)]
struct TemporaryRow {
    account_id: Id<AccountId>,
    temporary_limit_id: Id<LimitId>,
    currency: String,
    overlay: String,
    amount: i64,
    valid_from: NaiveDate,
    valid_to: NaiveDate,
    reason: String,
    requested_by: Id<SubjectId>,
    granted_by: Id<SubjectId>,
    granted_at: Instant,
    revoked_on: Option<NaiveDate>,
}

#[derive(sqlx::FromRow)]
struct FreezeRow {
    account_id: Id<AccountId>,
    reason: String,
    frozen_by: Id<SubjectId>,
    frozen_at: Instant,
    frozen_on: NaiveDate,
    lifted_on: Option<NaiveDate>,
}

/// Which accounts a list holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountFilter {
    pub(crate) group_id: Option<GroupId>,
    pub(crate) grade: Option<Grade>,
    pub(crate) frozen: Option<bool>,
}

/// An account as it is.
pub(crate) async fn account(reader: Reader<'_>, account_id: &AccountId) -> Result<Option<CreditAccount>> {
    let mut reader = reader;
    let row = reader.query(ACCOUNT).bind(account_id.as_str()).optional().await?;
    one(&mut reader, row).await
}

/// An account, locked until the transaction ends.
pub(crate) async fn account_in(tx: &mut Tx, account_id: &AccountId) -> Result<Option<CreditAccount>> {
    let mut reader = Reader::Tx(tx);
    let row = reader.query(LOCK_ACCOUNT).bind(account_id.as_str()).optional().await?;
    one(&mut reader, row).await
}

async fn one(reader: &mut Reader<'_>, row: Option<AccountRow>) -> Result<Option<CreditAccount>> {
    let Some(row) = row else { return Ok(None) };
    Ok(complete(reader, vec![row]).await?.pop())
}

/// Accounts after an id, by id.
pub(crate) async fn accounts(
    reader: Reader<'_>,
    filter: &AccountFilter,
    after: Option<&AccountId>,
    limit: i64,
) -> Result<Vec<CreditAccount>> {
    let mut reader = reader;
    let rows = reader
        .build(
            "select account_id, version, currency, segment, group_id, shares_exposure, inherits_block, grade_record,
                    terms_days, order_policy, policy_id, opened_at
             from credit_accounts where account_id > ",
        )
        .value(after.map_or("", AccountId::as_str))
        .push_if(" and group_id = ", filter.group_id.as_ref().map(GroupId::as_str))
        .push_if(" and grade = ", filter.grade.map(Grade::as_str))
        .push_if(" and frozen = ", filter.frozen)
        .push(" order by account_id limit ")
        .value(limit)
        .all()
        .await?;
    complete(&mut reader, rows).await
}

/// Adds what belongs to the accounts.
async fn complete(reader: &mut Reader<'_>, rows: Vec<AccountRow>) -> Result<Vec<CreditAccount>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = rows.iter().map(|row| row.account_id.0.to_string()).collect();
    let mut limits: HashMap<AccountId, Vec<StandingLimit>> = HashMap::new();
    for row in limit_rows(reader, &ids).await? {
        limits.entry(row.account_id.0.clone()).or_default().push(standing(row)?);
    }
    let mut temporary_limits: HashMap<AccountId, Vec<TemporaryLimit>> = HashMap::new();
    for row in temporary_rows(reader, &ids).await? {
        temporary_limits.entry(row.account_id.0.clone()).or_default().push(temporary(row)?);
    }
    let mut freezes: HashMap<AccountId, Vec<Freeze>> = HashMap::new();
    for row in freeze_rows(reader, &ids).await? {
        freezes.entry(row.account_id.0.clone()).or_default().push(freeze(row));
    }
    rows.into_iter()
        .map(|row| {
            let account_id = row.account_id.0;
            let flags = MemberFlags { shares_exposure: row.shares_exposure, inherits_block: row.inherits_block };
            Ok(CreditAccount {
                version: row.version,
                currency: currency(&row.currency)?,
                segment: row.segment,
                membership: row.group_id.map(|group_id| Membership { group_id: group_id.0, flags }),
                grade: row.grade_record.map(|record| record.0),
                terms_days: row.terms_days,
                order_policy: row.order_policy.map(|policy| policy.0),
                policy_id: row.policy_id.map(|policy_id| policy_id.0),
                freezes: freezes.remove(&account_id).unwrap_or_default(),
                limits: limits.remove(&account_id).unwrap_or_default(),
                temporary_limits: temporary_limits.remove(&account_id).unwrap_or_default(),
                opened_at: row.opened_at.get(),
                account_id,
            })
        })
        .collect()
}

async fn limit_rows(reader: &mut Reader<'_>, ids: &[String]) -> Result<Vec<LimitRow>> {
    reader
        .build(
            "select account_id, limit_id, currency, ceiling, amount, valid_from, valid_to, superseded_from,
                    limit_request_id
             from limits where account_id in",
        )
        .values(std::iter::once(ids), |row, ids| {
            for id in ids {
                row.value(id.as_str());
            }
        })
        .push(" order by limit_id")
        .all()
        .await
}

async fn temporary_rows(reader: &mut Reader<'_>, ids: &[String]) -> Result<Vec<TemporaryRow>> {
    reader
        .build(
            "select account_id, temporary_limit_id, currency, overlay, amount, valid_from, valid_to, reason, requested_by,
                    granted_by, granted_at, revoked_on
             from temporary_limits where account_id in",
        )
        .values(std::iter::once(ids), |row, ids| {
            for id in ids {
                row.value(id.as_str());
            }
        })
        .push(" order by temporary_limit_id")
        .all()
        .await
}

async fn freeze_rows(reader: &mut Reader<'_>, ids: &[String]) -> Result<Vec<FreezeRow>> {
    reader
        .build("select account_id, reason, frozen_by, frozen_at, frozen_on, lifted_on from freezes where account_id in")
        .values(std::iter::once(ids), |row, ids| {
            for id in ids {
                row.value(id.as_str());
            }
        })
        .push(" order by freeze_id")
        .all()
        .await
}

fn standing(row: LimitRow) -> Result<StandingLimit> {
    let limit = match (row.ceiling.as_str(), row.amount) {
        ("unlimited", None) => Limit::Unlimited,
        ("amount", Some(minor)) => Limit::Amount(Money::new(minor, currency(&row.currency)?)),
        (other, _) => return Err(corrupt("ceiling", other)),
    };
    Ok(StandingLimit {
        limit_id: row.limit_id.0,
        limit_request_id: row.limit_request_id.0,
        limit,
        period: Period { from: row.valid_from, to: row.valid_to },
        superseded_from: row.superseded_from,
    })
}

fn temporary(row: TemporaryRow) -> Result<TemporaryLimit> {
    let amount = Money::new(row.amount, currency(&row.currency)?);
    let overlay = match row.overlay.as_str() {
        "delta" => Overlay::Delta(amount),
        "absolute" => Overlay::Absolute(amount),
        other => return Err(corrupt("overlay", other)),
    };
    Ok(TemporaryLimit {
        temporary_limit_id: row.temporary_limit_id.0,
        overlay,
        from: row.valid_from,
        to: row.valid_to,
        reason: row.reason,
        requested_by: row.requested_by.0,
        granted_by: row.granted_by.0,
        granted_at: row.granted_at.get(),
        revoked_on: row.revoked_on,
    })
}

fn freeze(row: FreezeRow) -> Freeze {
    Freeze {
        reason: row.reason,
        frozen_by: row.frozen_by.0,
        frozen_at: row.frozen_at.get(),
        frozen_on: row.frozen_on,
        lifted_on: row.lifted_on,
    }
}

/// Adds an account's row; whether it was not there yet.
pub(crate) async fn insert_account(tx: &mut Tx, account: &CreditAccount) -> Result<bool> {
    let membership = account.membership.as_ref();
    let grade = account.grade.as_ref();
    let inserted = tx
        .query(INSERT_ACCOUNT)
        .bind(account.account_id.as_str())
        .bind(account.version)
        .bind(account.currency.code())
        .bind(account.segment.as_str())
        .bind(membership.map(|m| m.group_id.as_str()))
        .bind(membership.is_some_and(|m| m.flags.shares_exposure))
        .bind(membership.is_some_and(|m| m.flags.inherits_block))
        .bind(grade.map(|record| record.grade.as_str()))
        .bind(grade.map_or(0, |record| record.version))
        .bind(grade.map(Json))
        .bind(account.terms_days)
        .bind(account.order_policy.map(Json))
        .bind(account.policy_id.as_ref().map(PolicyId::as_str))
        .bind(account.freeze().is_some())
        .bind(Instant::from(account.opened_at))
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Writes an account's row back; limits, temporary limits and freezes have statements of their own.
pub(crate) async fn save_account(tx: &mut Tx, account: &CreditAccount) -> Result<()> {
    let membership = account.membership.as_ref();
    let grade = account.grade.as_ref();
    tx.query(SAVE_ACCOUNT)
        .bind(account.account_id.as_str())
        .bind(account.version)
        .bind(membership.map(|m| m.group_id.as_str()))
        .bind(membership.is_some_and(|m| m.flags.shares_exposure))
        .bind(membership.is_some_and(|m| m.flags.inherits_block))
        .bind(grade.map(|record| record.grade.as_str()))
        .bind(grade.map_or(0, |record| record.version))
        .bind(grade.map(Json))
        .bind(account.terms_days)
        .bind(account.order_policy.map(Json))
        .bind(account.policy_id.as_ref().map(PolicyId::as_str))
        .bind(account.freeze().is_some())
        .execute()
        .await?;
    Ok(())
}

/// Adds a granted limit.
pub(crate) async fn insert_limit(
    tx: &mut Tx,
    account: &CreditAccount,
    limit: &StandingLimit,
    granted_at: Instant,
) -> Result<()> {
    let (ceiling, amount) = match limit.limit {
        Limit::Amount(amount) => ("amount", Some(amount.minor())),
        Limit::Unlimited => ("unlimited", None),
        Limit::None => return Err(corrupt("ceiling", "none cannot be granted")),
    };
    tx.query(INSERT_LIMIT)
        .bind(limit.limit_id.as_str())
        .bind(account.account_id.as_str())
        .bind(account.segment.as_str())
        .bind(account.currency.code())
        .bind(ceiling)
        .bind(amount)
        .bind(limit.period.from)
        .bind(limit.period.to)
        .bind(limit.limit_request_id.as_str())
        .bind(granted_at)
        .execute()
        .await?;
    Ok(())
}

/// Marks limits as superseded from a day.
pub(crate) async fn supersede(tx: &mut Tx, limit_ids: &[LimitId], from: NaiveDate) -> Result<()> {
    for limit_id in limit_ids {
        tx.query(SUPERSEDE).bind(limit_id.as_str()).bind(from).execute().await?;
    }
    Ok(())
}

/// Adds a temporary limit.
pub(crate) async fn insert_temporary(tx: &mut Tx, account: &CreditAccount, limit: &TemporaryLimit) -> Result<()> {
    let overlay = match limit.overlay {
        Overlay::Delta(_) => "delta",
        Overlay::Absolute(_) => "absolute",
    };
    tx.query(INSERT_TEMPORARY)
        .bind(limit.temporary_limit_id.as_str())
        .bind(account.account_id.as_str())
        .bind(account.segment.as_str())
        .bind(account.currency.code())
        .bind(overlay)
        .bind(limit.overlay.amount().minor())
        .bind(limit.from)
        .bind(limit.to)
        .bind(limit.reason.as_str())
        .bind(limit.requested_by.as_str())
        .bind(limit.granted_by.as_str())
        .bind(Instant::from(limit.granted_at))
        .execute()
        .await?;
    Ok(())
}

/// Marks a temporary limit as taken back from a day.
pub(crate) async fn revoke_temporary(tx: &mut Tx, temporary_limit_id: &LimitId, on: NaiveDate) -> Result<()> {
    tx.query(REVOKE_TEMPORARY).bind(temporary_limit_id.as_str()).bind(on).execute().await?;
    Ok(())
}

/// The account a temporary limit belongs to.
pub(crate) async fn account_of_temporary(tx: &mut Tx, temporary_limit_id: &LimitId) -> Result<Option<AccountId>> {
    let row: Option<(Id<AccountId>,)> =
        tx.query(ACCOUNT_OF_TEMPORARY).bind(temporary_limit_id.as_str()).optional().await?;
    Ok(row.map(|row| row.0.0))
}

/// Adds a freeze.
pub(crate) async fn insert_freeze(tx: &mut Tx, account_id: &AccountId, freeze: &Freeze) -> Result<()> {
    tx.query(INSERT_FREEZE)
        .bind(account_id.as_str())
        .bind(freeze.reason.as_str())
        .bind(freeze.frozen_by.as_str())
        .bind(Instant::from(freeze.frozen_at))
        .bind(freeze.frozen_on)
        .execute()
        .await?;
    Ok(())
}

/// Marks the freeze of an account as lifted.
pub(crate) async fn close_freeze(
    tx: &mut Tx,
    account_id: &AccountId,
    by: &SubjectId,
    (at, on): (Instant, NaiveDate),
    reason: &str,
) -> Result<()> {
    tx.query(CLOSE_FREEZE).bind(account_id.as_str()).bind(by.as_str()).bind(at).bind(on).bind(reason).execute().await?;
    Ok(())
}

/// The accounts of a group.
pub(crate) async fn members_of(reader: &mut Reader<'_>, group_id: &GroupId) -> Result<Vec<Member>> {
    let rows: Vec<(Id<AccountId>, bool, bool)> = reader.query(MEMBERS).bind(group_id.as_str()).all().await?;
    let member = |(account_id, shares_exposure, inherits_block): (Id<AccountId>, bool, bool)| Member {
        id: MemberId::Account(account_id.0),
        flags: MemberFlags { shares_exposure, inherits_block },
    };
    Ok(rows.into_iter().map(member).collect())
}

/// Graded accounts whose order policy is not of this policy.
pub(crate) async fn with_old_policy(reader: Reader<'_>, policy_id: &PolicyId, limit: i64) -> Result<Vec<AccountId>> {
    let mut reader = reader;
    let rows: Vec<Id<AccountId>> = reader.query(OLD_POLICY).bind(policy_id.as_str()).bind(limit).scalars().await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
