//! What was learned from the order gate: orders, and when they were closed.

use chrono::NaiveDate;
use weir_model::{AccountId, Currency, Money, OrderId};
use weir_store::{Result, Runner, Tx};

use crate::fulfilment::Fulfilment;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        CLOSED = "
            select cast(sum(ordered) as bigint) as ordered, cast(sum(fulfilled) as bigint) as fulfilled
            from orders where account_id = $1 and currency = $2 and closed_on between $3 and $4";
        SAVE = "
            insert into orders (order_id, account_id, currency, version, ordered, fulfilled, closed_on)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (order_id) do update
            set account_id = excluded.account_id, currency = excluded.currency, version = excluded.version,
                ordered = excluded.ordered, fulfilled = excluded.fulfilled,
                closed_on = case when excluded.closed_on is null then null
                                 else coalesce(orders.closed_on, excluded.closed_on) end
            where orders.version < excluded.version";
    }
}

/// What became of an account's orders in a currency that were closed from a day to another, both included; none without
/// any.
pub(crate) async fn closed_orders<'c>(
    on: impl Runner<'c>,
    account_id: &AccountId,
    currency: Currency,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Option<Fulfilment>> {
    let query = on.query(sql::CLOSED).bind(account_id.as_str()).bind(currency.code()).bind(from).bind(to);
    let (ordered, fulfilled): (Option<i64>, Option<i64>) = query.one().await?;
    let money = |minor| Money::new(minor, currency);
    Ok(ordered
        .zip(fulfilled)
        .map(|(ordered, fulfilled)| Fulfilment { ordered: money(ordered), fulfilled: money(fulfilled) }))
}

/// Keeps an order, unless something newer is known. One that was closed before stays closed since then.
pub(crate) async fn save_order_in(
    tx: &mut Tx,
    (order_id, account_id): (&OrderId, &AccountId),
    version: i64,
    order: &Fulfilment,
    closed_on: Option<NaiveDate>,
) -> Result<()> {
    tx.query(sql::SAVE)
        .bind(order_id.as_str())
        .bind(account_id.as_str())
        .bind(order.ordered.currency().code())
        .bind(version)
        .bind(order.ordered.minor())
        .bind(order.fulfilled.minor())
        .bind(closed_on)
        .execute()
        .await?;
    Ok(())
}
