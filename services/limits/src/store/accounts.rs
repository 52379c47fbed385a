//! Credit accounts.

use weir_model::{AccountId, Country, GroupId, PolicyId};
use weir_store::{Id, Instant, Json, Result, Tx, queries};

use super::{Reader, country, currency, grants, insurances};
use crate::{
    account::CreditAccount,
    grade::{Grade, GradeRecord},
    group::{Member, MemberFlags, MemberId, Membership},
    policy::OrderPolicy,
};

queries! {
    ACCOUNT = "
        select account_id, version, currency, segment, country, group_id, shares_exposure, inherits_block, grade_record,
               terms_days, order_policy, policy_id, opened_at
        from credit_accounts where account_id = $1";
    LOCK_ACCOUNT = "
        select account_id, version, currency, segment, country, group_id, shares_exposure, inherits_block, grade_record,
               terms_days, order_policy, policy_id, opened_at
        from credit_accounts where account_id = $1" pg(" for update");
    INSERT_ACCOUNT = "
        insert into credit_accounts (account_id, version, currency, segment, group_id, shares_exposure, inherits_block,
            grade, grade_version, grade_record, terms_days, order_policy, policy_id, frozen, opened_at,
            country)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (account_id) do nothing";
    SAVE_ACCOUNT = "
        update credit_accounts set version = $2, group_id = $3, shares_exposure = $4, inherits_block = $5, grade = $6,
            grade_version = $7, grade_record = $8, terms_days = $9, order_policy = $10, policy_id = $11, frozen = $12,
            country = $13
        where account_id = $1";
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
    country: Option<String>,
    group_id: Option<Id<GroupId>>,
    shares_exposure: bool,
    inherits_block: bool,
    grade_record: Option<Json<GradeRecord>>,
    terms_days: i64,
    order_policy: Option<Json<OrderPolicy>>,
    policy_id: Option<Id<PolicyId>>,
    opened_at: Instant,
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
            "select account_id, version, currency, segment, country, group_id, shares_exposure, inherits_block,
                    grade_record, terms_days, order_policy, policy_id, opened_at
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
    let mut limits = grants::limits_of(reader, &ids).await?;
    let mut temporary_limits = grants::temporary_limits_of(reader, &ids).await?;
    let mut freezes = grants::freezes_of(reader, &ids).await?;
    let mut insurances = insurances::insurances_of(reader, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let account_id = row.account_id.0;
            let flags = MemberFlags { shares_exposure: row.shares_exposure, inherits_block: row.inherits_block };
            Ok(CreditAccount {
                version: row.version,
                currency: currency(&row.currency)?,
                segment: row.segment,
                country: row.country.as_deref().map(country).transpose()?,
                membership: row.group_id.map(|group_id| Membership { group_id: group_id.0, flags }),
                grade: row.grade_record.map(|record| record.0),
                terms_days: row.terms_days,
                order_policy: row.order_policy.map(|policy| policy.0),
                policy_id: row.policy_id.map(|policy_id| policy_id.0),
                freezes: freezes.remove(&account_id).unwrap_or_default(),
                limits: limits.remove(&account_id).unwrap_or_default(),
                temporary_limits: temporary_limits.remove(&account_id).unwrap_or_default(),
                insurances: insurances.remove(&account_id).unwrap_or_default(),
                opened_at: row.opened_at.get(),
                account_id,
            })
        })
        .collect()
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
        .bind(account.country.as_ref().map(Country::code))
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Writes an account's row back; limits, temporary limits, freezes and insurance have statements of their own.
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
        .bind(account.country.as_ref().map(Country::code))
        .execute()
        .await?;
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
