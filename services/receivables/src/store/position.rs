//! Positions as others are told them.

use chrono::NaiveDate;
use weir_model::{AccountId, Currency, LineId, Money, OrderId};
use weir_store::{Db, Id, Query, Result, Sql, Tx};

use super::rows::{ItemRow, currency, item_columns};
use crate::{
    behaviour::{Behaviour, Sales, Settled},
    item::Item,
    position::{DueAmount, Invoiced, Position},
};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    use super::item_columns;
    weir_store::queries! {
        STATE = "
            select version, unapplied_amount from positions
            where account_id = $1 and currency = $2 and version > 0";
        FIRST_INVOICE = "select first_invoice_date from positions where account_id = $1 and currency = $2";
        SCHEDULE = "
            select due_date, cast(sum(open_amount) as bigint) as open, cast(sum(disputed_amount) as bigint) as disputed
            from items where account_id = $1 and currency = $2 and open_amount > 0 and kind <> 'credit_note'
            group by due_date order by due_date";
        ORDER_LINES = "
            select order_id, line_id, invoiced_amount from order_lines
            where account_id = $1 and currency = $2 and (order_id, line_id) > ($3, $4)
            order by order_id, line_id limit $5";
        SETTLED = "
            select days_late, item_count, settled_amount from settlements
            where account_id = $1 and currency = $2";
        SALES = "
            select month_date, invoice_count, invoiced_amount from monthly_sales
            where account_id = $1 and currency = $2";
        AFTER = "
            select account_id, currency from positions
            where (account_id, currency) > ($1, $2) and version > 0 order by account_id, currency limit $3";
        OF_ACCOUNT = "select currency from positions where account_id = $1 and version > 0 order by currency";
    }
    /// Text put together from columns the macro above cannot take.
    pub(super) const ITEMS: weir_store::Sql = {
        const TEXT: &str = concat!(
            "select ",
            item_columns!(),
            " from items where account_id = $1 and currency = $2 and item_id > $3 order by item_id limit $4"
        );
        weir_store::Sql::new(TEXT, TEXT)
    };
}

#[derive(sqlx::FromRow)]
struct DueRow {
    due_date: NaiveDate,
    open: i64,
    disputed: i64,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    order_id: Id<OrderId>,
    line_id: Id<LineId>,
    invoiced_amount: i64,
}

/// Where a position is read: on its own, or in the transaction that changes it.
pub(super) enum Reader<'r> {
    Db(&'r Db),
    Tx(&'r mut Tx),
}

impl Reader<'_> {
    fn query(&mut self, sql: Sql) -> Query<'_> {
        match self {
            Reader::Db(db) => db.query(sql),
            Reader::Tx(tx) => tx.query(sql),
        }
    }
}

/// What is due when, open amounts only.
pub(super) async fn schedule(
    mut reader: Reader<'_>,
    account_id: &AccountId,
    currency: Currency,
) -> Result<Vec<DueAmount>> {
    let rows: Vec<DueRow> = reader.query(sql::SCHEDULE).bind(account_id.as_str()).bind(currency.code()).all().await?;
    let money = |minor| Money::new(minor, currency);
    let due = |row: DueRow| DueAmount { due_date: row.due_date, open: money(row.open), disputed: money(row.disputed) };
    Ok(rows.into_iter().map(due).collect())
}

/// How an account has paid and bought.
pub(super) async fn behaviour(mut reader: Reader<'_>, account_id: &AccountId, currency: Currency) -> Result<Behaviour> {
    let (account, code) = (account_id.as_str(), currency.code());
    let money = |minor| Money::new(minor, currency);
    let first: Option<(Option<NaiveDate>,)> =
        reader.query(sql::FIRST_INVOICE).bind(account).bind(code).optional().await?;
    let settled: Vec<(i64, i64, i64)> = reader.query(sql::SETTLED).bind(account).bind(code).all().await?;
    let sales: Vec<(NaiveDate, i64, i64)> = reader.query(sql::SALES).bind(account).bind(code).all().await?;
    let at = |(days, item_count, amount)| (days, Settled { item_count, amount: money(amount) });
    let of = |(month, invoice_count, amount)| (month, Sales { invoice_count, amount: money(amount) });
    Ok(Behaviour {
        settled: settled.into_iter().map(at).collect(),
        sales: sales.into_iter().map(of).collect(),
        first_invoice_date: first.and_then(|(date,)| date),
    })
}

/// The position of an account in a currency, without items and order lines; none before its first fact.
pub(crate) async fn position(db: &Db, account_id: &AccountId, currency: Currency) -> Result<Option<Position>> {
    // the version first: what is read after it may be newer, and then comes again under its own version
    let query = db.query(sql::STATE).bind(account_id.as_str()).bind(currency.code());
    let Some((version, unapplied)) = query.optional::<(i64, i64)>().await? else { return Ok(None) };
    Ok(Some(Position {
        account_id: account_id.clone(),
        currency,
        version,
        schedule: schedule(Reader::Db(db), account_id, currency).await?,
        unapplied: Money::new(unapplied, currency),
        items: Vec::new(),
        order_lines: Vec::new(),
        behaviour: Some(behaviour(Reader::Db(db), account_id, currency).await?.without_nothing()),
        continues: false,
    }))
}

/// How much of the next of an account's order lines has been invoiced, by order and line.
pub(crate) async fn order_lines_after(
    db: &Db,
    account_id: &AccountId,
    currency: Currency,
    (order, line): (&str, &str),
    limit: usize,
) -> Result<Vec<Invoiced>> {
    let query = db.query(sql::ORDER_LINES).bind(account_id.as_str()).bind(currency.code()).bind(order).bind(line);
    let rows: Vec<LineRow> = query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).all().await?;
    let invoiced = |row: LineRow| Invoiced {
        order_id: row.order_id.0,
        line_id: row.line_id.0,
        amount: Money::new(row.invoiced_amount, currency),
    };
    Ok(rows.into_iter().map(invoiced).collect())
}

/// The next of all items of an account in a currency, by id.
pub(crate) async fn items_after(
    db: &Db,
    account_id: &AccountId,
    currency: Currency,
    after: &str,
    limit: usize,
) -> Result<Vec<Item>> {
    let query = db.query(sql::ITEMS).bind(account_id.as_str()).bind(currency.code()).bind(after);
    let rows: Vec<ItemRow> = query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).all().await?;
    rows.into_iter().map(ItemRow::item).collect()
}

/// The next positions after one, by account and currency.
pub(crate) async fn positions_after(
    db: &Db,
    (account, code): (&str, &str),
    limit: i64,
) -> Result<Vec<(AccountId, Currency)>> {
    let rows: Vec<(Id<AccountId>, String)> = db.query(sql::AFTER).bind(account).bind(code).bind(limit).all().await?;
    rows.into_iter().map(|(account, code)| Ok((account.0, currency(&code)?))).collect()
}

/// The currencies an account has positions in.
pub(crate) async fn currencies_of(db: &Db, account_id: &AccountId) -> Result<Vec<Currency>> {
    let codes: Vec<String> = db.query(sql::OF_ACCOUNT).bind(account_id.as_str()).scalars().await?;
    codes.iter().map(|code| currency(code)).collect()
}
