//! Runs by business date: what is due for a look, alerts that fired.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{AccountId, Currency, ItemId, Money, PaymentId};
use weir_store::{Db, Id, Instant, Result, Tx};

use super::rows::{currency, unreadable};
use crate::{alerts::Level, intake::Owner, item::Item};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        DUE = "
            select account_id, currency from payments
            where state = 'future' and effective_date <= $1 and (account_id, currency) > ($2, $3)
            union
            select account_id, currency from items
            where next_alert_date <= $1 and (account_id, currency) > ($2, $3)
            order by account_id, currency limit $4";
        PAYMENTS_OF = "
            select payment_id from payments
            where account_id = $1 and currency = $2 and state = 'future' and effective_date <= $3
            order by effective_date, payment_id";
        ITEMS_OF = "
            select item_id from items
            where account_id = $1 and currency = $2 and next_alert_date <= $3
            order by next_alert_date, item_id limit $4";
        LOOKED_AT = "update items set alerts_fired = $2, next_alert_date = $3 where item_id = $1";
        FIRE = "
            insert into alerts (item_id, level, account_id, currency, fired_date, open_amount, recorded_at)
            values ($1, $2, $3, $4, $5, $6, $7)";
    }
}

/// At most `limit` positions with payments to book or items to look at by a date, in the order of account and currency,
/// after one of them.
pub(crate) async fn due_positions(db: &Db, on: NaiveDate, after: Option<&Owner>, limit: i64) -> Result<Vec<Owner>> {
    let (account, code) = after.map_or(("", ""), |(account_id, currency)| (account_id.as_str(), currency.code()));
    let query = db.query(sql::DUE).bind(on).bind(account).bind(code).bind(limit);
    let rows: Vec<(Id<AccountId>, String)> = query.all().await?;
    rows.into_iter().map(|(account, code)| Ok((account.0, currency(&code)?))).collect()
}

/// Payments of a position whose date has come.
pub(crate) async fn due_payments(
    db: &Db,
    account_id: &AccountId,
    currency: Currency,
    on: NaiveDate,
) -> Result<Vec<PaymentId>> {
    let query = db.query(sql::PAYMENTS_OF).bind(account_id.as_str()).bind(currency.code()).bind(on);
    let ids: Vec<(Id<PaymentId>,)> = query.all().await?;
    Ok(ids.into_iter().map(|(id,)| id.0).collect())
}

/// At most `limit` items of a position that may have something to fire.
pub(crate) async fn due_items(
    tx: &mut Tx,
    account_id: &AccountId,
    currency: Currency,
    on: NaiveDate,
    limit: usize,
) -> Result<Vec<ItemId>> {
    let query = tx.query(sql::ITEMS_OF).bind(account_id.as_str()).bind(currency.code()).bind(on);
    let query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let ids: Vec<(Id<ItemId>,)> = query.all().await?;
    Ok(ids.into_iter().map(|(id,)| id.0).collect())
}

/// Keeps that an item was looked at, and the levels that fired.
pub(crate) async fn fire(tx: &mut Tx, item: &Item, levels: &[Level], on: NaiveDate, at: DateTime<Utc>) -> Result<()> {
    let query = tx.query(sql::LOOKED_AT).bind(item.id.as_str()).bind(item.alerts_fired);
    query.bind(item.next_alert_date).execute().await?;
    for level in levels {
        tx.query(sql::FIRE)
            .bind(item.id.as_str())
            .bind(level.bit())
            .bind(item.account_id.as_str())
            .bind(item.currency().code())
            .bind(on)
            .bind(item.open.minor())
            .bind(Instant::from(at))
            .execute()
            .await?;
    }
    Ok(())
}

/// An alert that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FiredAlert {
    pub item_id: ItemId,
    pub account_id: AccountId,
    pub level: Level,
    pub due_date: NaiveDate,
    pub fired_date: NaiveDate,
    pub open: Money,
    pub recorded_at: DateTime<Utc>,
}

/// Which alerts are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct AlertFilter {
    pub account_id: Option<AccountId>,
    pub item_id: Option<ItemId>,
    pub level: Option<Level>,
    pub fired_from: Option<NaiveDate>,
    /// After this date fired, item and level bit, in the order of the list.
    pub after: Option<(NaiveDate, String, i64)>,
    pub limit: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct AlertRow {
    item_id: Id<ItemId>,
    level: i64,
    account_id: Id<AccountId>,
    currency: String,
    due_date: NaiveDate,
    fired_date: NaiveDate,
    open_amount: i64,
    recorded_at: Instant,
}

/// Alerts that fired, latest date first.
pub(crate) async fn fired(db: &Db, filter: &AlertFilter) -> Result<Vec<FiredAlert>> {
    let query = db.build(
        "select alerts.item_id, alerts.level, alerts.account_id, alerts.currency, items.due_date, alerts.fired_date,
            alerts.open_amount, alerts.recorded_at
        from alerts join items on items.item_id = alerts.item_id where 1 = 1",
    );
    let query = query.push_if(" and alerts.account_id = ", filter.account_id.as_ref().map(AccountId::as_str));
    let query = query.push_if(" and alerts.item_id = ", filter.item_id.as_ref().map(ItemId::as_str));
    let query = query.push_if(" and alerts.level = ", filter.level.map(Level::bit));
    let mut query = query.push_if(" and alerts.fired_date >= ", filter.fired_from);
    if let Some((date, item, level)) = &filter.after {
        query = query.push(" and (alerts.fired_date, alerts.item_id, alerts.level) < (").value(*date);
        query = query.push(", ").value(item.as_str()).push(", ").value(*level).push(")");
    }
    let query = query.push(" order by alerts.fired_date desc, alerts.item_id desc, alerts.level desc");
    let rows: Vec<AlertRow> = query.push_if(" limit ", filter.limit).all().await?;
    rows.into_iter()
        .map(|row| {
            Ok(FiredAlert {
                item_id: row.item_id.0,
                account_id: row.account_id.0,
                level: Level::from_bit(row.level)
                    .ok_or_else(|| unreadable("level of alert", &row.level.to_string()))?,
                due_date: row.due_date,
                fired_date: row.fired_date,
                open: Money::new(row.open_amount, currency(&row.currency)?),
                recorded_at: row.recorded_at.get(),
            })
        })
        .collect()
}
