//! Credit insurance of accounts. Rows are added and marked, never deleted.

use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use weir_model::{AccountId, InsuranceId, Money, SubjectId};
use weir_store::{Id, Instant, Result, Tx, queries};

use super::{
    Reader, corrupt, currency,
    grants::{ByAccount, by_account},
};
use crate::{
    insurance::{Cover, End, Insurance},
    request::Act,
};

/// Decimals of a share in percent: it is kept as a whole number of hundredths.
const PERCENT_SCALE: u32 = 2;

queries! {
    INSERT_INSURANCE = "
        insert into insurances (insurance_id, account_id, policy_reference, currency, insured_amount, cover_hundredths,
            valid_from, valid_to, reason, set_by, set_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    END_INSURANCE = "
        update insurances set ended_on = $2, ended_by = $3, ended_at = $4, end_reason = $5 where insurance_id = $1";
}

#[derive(sqlx::FromRow)]
struct InsuranceRow {
    account_id: Id<AccountId>,
    insurance_id: Id<InsuranceId>,
    policy_reference: String,
    currency: String,
    insured_amount: i64,
    cover_hundredths: i64,
    valid_from: NaiveDate,
    valid_to: NaiveDate,
    reason: String,
    set_by: Id<SubjectId>,
    set_at: Instant,
    ended_on: Option<NaiveDate>,
    ended_by: Option<Id<SubjectId>>,
    ended_at: Option<Instant>,
    end_reason: Option<String>,
}

/// The insurance accounts ever had, in the order it was set.
pub(super) async fn insurances_of(reader: &mut Reader<'_>, ids: &[String]) -> Result<ByAccount<Insurance>> {
    let rows: Vec<InsuranceRow> = reader
        .build(
            "select account_id, insurance_id, policy_reference, currency, insured_amount, cover_hundredths, valid_from,
                    valid_to, reason, set_by, set_at, ended_on, ended_by, ended_at, end_reason
             from insurances where account_id in",
        )
        .values(std::iter::once(ids), |row, ids| {
            for id in ids {
                row.value(id.as_str());
            }
        })
        .push(" order by insurance_id")
        .all()
        .await?;
    by_account(rows, |row| row.account_id.0.clone(), insurance)
}

fn insurance(row: InsuranceRow) -> Result<Insurance> {
    let end = match (row.ended_on, row.ended_by, row.ended_at, row.end_reason) {
        (Some(on), Some(by), Some(at), Some(reason)) => Some(End { on, act: Act { by: by.0, at: at.get() }, reason }),
        _ => None,
    };
    Ok(Insurance {
        insurance_id: row.insurance_id.0,
        cover: Cover {
            policy_reference: row.policy_reference,
            insured: Money::new(row.insured_amount, currency(&row.currency)?),
            percent: Decimal::new(row.cover_hundredths, PERCENT_SCALE).normalize(),
            from: row.valid_from,
            to: row.valid_to,
            reason: row.reason,
        },
        set_by: row.set_by.0,
        set_at: row.set_at.get(),
        end,
    })
}

/// Adds insurance of an account.
pub(crate) async fn insert_insurance(tx: &mut Tx, account_id: &AccountId, insurance: &Insurance) -> Result<()> {
    let Insurance { insurance_id, cover, set_by, set_at, .. } = insurance;
    let hundredths = (cover.percent * Decimal::ONE_HUNDRED).to_i64();
    tx.query(INSERT_INSURANCE)
        .bind(insurance_id.as_str())
        .bind(account_id.as_str())
        .bind(cover.policy_reference.as_str())
        .bind(cover.insured.currency().code())
        .bind(cover.insured.minor())
        .bind(hundredths.ok_or_else(|| corrupt("cover_hundredths", &cover.percent.to_string()))?)
        .bind(cover.from)
        .bind(cover.to)
        .bind(cover.reason.as_str())
        .bind(set_by.as_str())
        .bind(Instant::from(*set_at))
        .execute()
        .await?;
    Ok(())
}

/// Marks insurance as ended early.
pub(crate) async fn end_insurance(tx: &mut Tx, insurance_id: &InsuranceId, end: &End) -> Result<()> {
    tx.query(END_INSURANCE)
        .bind(insurance_id.as_str())
        .bind(end.on)
        .bind(end.act.by.as_str())
        .bind(Instant::from(end.act.at))
        .bind(end.reason.as_str())
        .execute()
        .await?;
    Ok(())
}
