//! What an account was granted or refused: limits, temporary limits, freezes. Rows are added and marked, never deleted.

use std::collections::HashMap;

use chrono::NaiveDate;
use weir_model::{AccountId, LimitId, LimitRequestId, Money, SubjectId};
use weir_store::{Id, Instant, Result, Tx, queries};

use super::{Reader, corrupt, currency};
use crate::{
    account::CreditAccount,
    freeze::Freeze,
    limit::{Limit, Period, StandingLimit},
    request::Act,
    temporary::{Overlay, Revocation, TemporaryLimit},
};

queries! {
    INSERT_LIMIT = "
        insert into limits (limit_id, account_id, segment, currency, kind, ceiling, amount, valid_from, valid_to,
            superseded_from, limit_request_id, granted_at)
        values ($1, $2, $3, $4, 'standing', $5, $6, $7, $8, $9, $10, $11)";
    SUPERSEDE = "update limits set superseded_from = $2 where limit_id = $1";
    INSERT_TEMPORARY = "
        insert into temporary_limits (temporary_limit_id, account_id, segment, currency, overlay, amount, valid_from,
            valid_to, limit_request_id, reason, requested_by, granted_by, granted_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    REVOKE_TEMPORARY = "
        update temporary_limits set revoked_on = $2, revoked_by = $3, revoked_at = $4, revoke_reason = $5
        where temporary_limit_id = $1";
    ACCOUNT_OF_TEMPORARY = "select account_id from temporary_limits where temporary_limit_id = $1";
    INSERT_FREEZE = "
        insert into freezes (account_id, reason, frozen_by, frozen_at, frozen_on) values ($1, $2, $3, $4, $5)";
    CLOSE_FREEZE = "
        update freezes set lifted_by = $2, lifted_at = $3, lifted_on = $4, lift_reason = $5
        where account_id = $1 and lifted_on is null";
}

/// What belongs to each account.
pub(super) type ByAccount<T> = HashMap<AccountId, Vec<T>>;

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
    limit_request_id: Id<LimitRequestId>,
    reason: String,
    requested_by: Id<SubjectId>,
    granted_by: Id<SubjectId>,
    granted_at: Instant,
    revoked_on: Option<NaiveDate>,
    revoked_by: Option<Id<SubjectId>>,
    revoked_at: Option<Instant>,
    revoke_reason: Option<String>,
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

pub(super) fn by_account<R, T>(
    rows: Vec<R>,
    account_id: impl Fn(&R) -> AccountId,
    read: impl Fn(R) -> Result<T>,
) -> Result<ByAccount<T>> {
    let mut found: ByAccount<T> = HashMap::new();
    for row in rows {
        found.entry(account_id(&row)).or_default().push(read(row)?);
    }
    Ok(found)
}

/// The limits ever granted to accounts, in the order they were granted.
pub(super) async fn limits_of(reader: &mut Reader<'_>, ids: &[String]) -> Result<ByAccount<StandingLimit>> {
    let rows: Vec<LimitRow> = reader
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
        .await?;
    by_account(rows, |row| row.account_id.0.clone(), standing)
}

/// The temporary limits ever granted to accounts, in the order they were granted.
pub(super) async fn temporary_limits_of(reader: &mut Reader<'_>, ids: &[String]) -> Result<ByAccount<TemporaryLimit>> {
    let rows: Vec<TemporaryRow> = reader
        .build(
            "select account_id, temporary_limit_id, currency, overlay, amount, valid_from, valid_to, limit_request_id,
                    reason, requested_by, granted_by, granted_at, revoked_on, revoked_by, revoked_at, revoke_reason
             from temporary_limits where account_id in",
        )
        .values(std::iter::once(ids), |row, ids| {
            for id in ids {
                row.value(id.as_str());
            }
        })
        .push(" order by temporary_limit_id")
        .all()
        .await?;
    by_account(rows, |row| row.account_id.0.clone(), temporary)
}

/// The freezes accounts ever had, oldest first.
pub(super) async fn freezes_of(reader: &mut Reader<'_>, ids: &[String]) -> Result<ByAccount<Freeze>> {
    let rows: Vec<FreezeRow> = reader
        .build("select account_id, reason, frozen_by, frozen_at, frozen_on, lifted_on from freezes where account_id in")
        .values(std::iter::once(ids), |row, ids| {
            for id in ids {
                row.value(id.as_str());
            }
        })
        .push(" order by freeze_id")
        .all()
        .await?;
    by_account(rows, |row| row.account_id.0.clone(), |row| Ok(freeze(row)))
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
    let revocation = match (row.revoked_on, row.revoked_by, row.revoked_at, row.revoke_reason) {
        (Some(on), Some(by), Some(at), Some(reason)) => {
            Some(Revocation { on, act: Act { by: by.0, at: at.get() }, reason })
        }
        _ => None,
    };
    Ok(TemporaryLimit {
        temporary_limit_id: row.temporary_limit_id.0,
        overlay,
        from: row.valid_from,
        to: row.valid_to,
        limit_request_id: row.limit_request_id.0,
        reason: row.reason,
        requested_by: row.requested_by.0,
        granted_by: row.granted_by.0,
        granted_at: row.granted_at.get(),
        revocation,
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
        .bind(limit.superseded_from)
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
        .bind(limit.limit_request_id.as_str())
        .bind(limit.reason.as_str())
        .bind(limit.requested_by.as_str())
        .bind(limit.granted_by.as_str())
        .bind(Instant::from(limit.granted_at))
        .execute()
        .await?;
    Ok(())
}

/// Marks a temporary limit as taken back.
pub(crate) async fn revoke_temporary(tx: &mut Tx, temporary_limit_id: &LimitId, revocation: &Revocation) -> Result<()> {
    tx.query(REVOKE_TEMPORARY)
        .bind(temporary_limit_id.as_str())
        .bind(revocation.on)
        .bind(revocation.act.by.as_str())
        .bind(Instant::from(revocation.act.at))
        .bind(revocation.reason.as_str())
        .execute()
        .await?;
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
