//! Items and credit as of any date, as known at any instant: facts up to both, summed up.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{AccountId, Currency, ItemId, Money, OrderId};
use weir_store::{Db, Id, Instant, Result};

use super::rows::{ItemRow, currency, item_columns};
use crate::item::{Item, ItemKind};

/// Facts recorded up to here are those known at no particular instant; the latest the databases can keep.
const KNOWN_AT_ALL: DateTime<Utc> = DateTime::<Utc>::from_timestamp(253_402_300_799, 0).expect("end of year 9999");

/// Which items are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ItemFilter {
    pub account_id: Option<AccountId>,
    pub currency: Option<Currency>,
    pub kind: Option<ItemKind>,
    pub order_id: Option<OrderId>,
    pub due_until: Option<NaiveDate>,
    pub disputed_only: bool,
    pub include_settled: bool,
    /// Credit notes too, with what is left of them.
    pub include_credit: bool,
    /// After this due date and item.
    pub after: Option<(NaiveDate, ItemId)>,
    pub limit: Option<i64>,
}

/// As of the end of which day, as known at which instant (none for now).
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsOf {
    pub date: NaiveDate,
    pub known_at: Option<DateTime<Utc>>,
}

impl AsOf {
    fn known_at(self) -> Instant {
        Instant::from(self.known_at.unwrap_or(KNOWN_AT_ALL))
    }
}

#[derive(sqlx::FromRow)]
struct ThenRow {
    #[sqlx(flatten)]
    item: ItemRow,
    open_then: i64,
    claim_then: i64,
}

/// Items as they stood, by due date and id: their open and disputed amounts and their settlement are those of then.
pub(crate) async fn items(db: &Db, filter: &ItemFilter, as_of: AsOf) -> Result<Vec<Item>> {
    let ItemFilter { account_id, currency, kind, order_id, .. } = filter;
    let (date, known_at) = (as_of.date, as_of.known_at());
    // a credit note is drawn on, every other item is allocated to
    let query = db.build(concat!(
        "select * from (select ",
        item_columns!(),
        ", items.amount - coalesce(case when items.kind = 'credit_note' then (
                select cast(sum(a.amount) as bigint) from allocations a
                where a.source_id = items.item_id and a.source_kind = 'credit_note' and a.effective_date <= "
    ));
    let query = query.value(date).push(" and a.recorded_at <= ").value(known_at).push(
        ") else (
                select cast(sum(a.amount) as bigint) from allocations a
                where a.item_id = items.item_id and a.effective_date <= ",
    );
    let query = query.value(date).push(" and a.recorded_at <= ").value(known_at).push(
        ") end, 0) as open_then, coalesce((
                select d.claim from disputes d where d.item_id = items.item_id and d.effective_date <= ",
    );
    let query = query.value(date).push(" and d.recorded_at <= ").value(known_at);
    let query = query.push(
        " order by d.number desc limit 1), 0) as claim_then
            from items where items.posting_date <= ",
    );
    let query = query.value(date);
    let query = query.push(" and items.recorded_at <= ").value(known_at);
    let query = query.push_if(" and items.account_id = ", account_id.as_ref().map(AccountId::as_str));
    let query = query.push_if(" and items.currency = ", currency.map(Currency::code));
    let query = query.push_if(" and items.kind = ", kind.map(ItemKind::as_str));
    let query = query.push_if(" and items.order_id = ", order_id.as_ref().map(OrderId::as_str));
    let mut query = query.push_if(" and items.due_date <= ", filter.due_until);
    if !filter.include_credit && kind.is_none() {
        query = query.push(" and items.kind <> 'credit_note'");
    }
    if !filter.include_settled && as_of.known_at.is_none() {
        // what was settled by then, as far as is known now, had nothing open: spares summing up old items
        query = query.push(" and (items.settled_date is null or items.settled_date > ").value(date).push(")");
    }
    if let Some((due_date, item_id)) = &filter.after {
        query = query.push(" and (items.due_date, items.item_id) > (").value(*due_date);
        query = query.push(", ").value(item_id.as_str()).push(")");
    }
    query = query.push(") as stood where 1 = 1");
    if !filter.include_settled {
        query = query.push(" and open_then > 0");
    }
    if filter.disputed_only {
        query = query.push(" and open_then > 0 and claim_then > 0");
    }
    query = query.push(" order by due_date, item_id").push_if(" limit ", filter.limit);
    let rows: Vec<ThenRow> = query.all().await?;
    rows.into_iter().map(|row| then(row, date)).collect()
}

fn then(row: ThenRow, date: NaiveDate) -> Result<Item> {
    let mut item = row.item.item()?;
    item.open = Money::new(row.open_then, item.currency());
    item.dispute_claim = Money::new(row.claim_then, item.currency());
    item.settled_date = item.settled_date.filter(|settled| item.is_settled() && *settled <= date);
    Ok(item)
}

/// Credit of a payment as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CreditThen {
    pub account_id: AccountId,
    /// Not yet allocated; the whole payment where its date lay ahead.
    pub unapplied: Money,
    /// Its date lay ahead.
    pub future_dated: bool,
}

#[derive(sqlx::FromRow)]
struct CreditRow {
    account_id: Id<AccountId>,
    currency: String,
    unapplied_then: i64,
    future_dated: bool,
}

/// Payments that had something unapplied, or whose date lay ahead and after the day they were recorded on.
pub(crate) async fn credits(
    db: &Db,
    account_id: Option<&AccountId>,
    currency_filter: Option<Currency>,
    as_of: AsOf,
) -> Result<Vec<CreditThen>> {
    let (date, known_at) = (as_of.date, as_of.known_at());
    let query = db.build(
        "select account_id, currency, unapplied_then, future_dated from (
            select p.account_id, p.currency, p.effective_date > ",
    );
    let query = query.value(date).push(
        " as future_dated, p.amount - coalesce((
                select cast(sum(a.amount) as bigint) from allocations a
                where a.source_id = p.payment_id and a.source_kind = 'payment' and a.effective_date <= ",
    );
    let query = query.value(date).push(" and a.recorded_at <= ").value(known_at);
    let query = query.push("), 0) as unapplied_then from payments p where (p.effective_date <= ").value(date);
    let query = query.push(" or p.effective_date > p.recorded_date) and p.recorded_at <= ").value(known_at);
    let query = query.push_if(" and p.account_id = ", account_id.map(AccountId::as_str));
    let mut query = query.push_if(" and p.currency = ", currency_filter.map(Currency::code));
    if as_of.known_at.is_none() {
        query = query.push(" and (p.applied_date is null or p.applied_date > ").value(date).push(")");
    }
    let query = query.push(
        " and not exists (
                select 1 from payment_reversals r where r.payment_id = p.payment_id and r.recorded_at <= ",
    );
    let query = query.value(known_at).push(" and (r.effective_date <= ").value(date);
    let query = query.push(" or p.effective_date > ").value(date).push("))) as stood where unapplied_then > 0");
    let rows: Vec<CreditRow> = query.all().await?;
    rows.into_iter()
        .map(|row| {
            let unapplied = Money::new(row.unapplied_then, currency(&row.currency)?);
            Ok(CreditThen { account_id: row.account_id.0, unapplied, future_dated: row.future_dated })
        })
        .collect()
}

/// Sales of one document date in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SalesOn {
    pub date: NaiveDate,
    pub amount: Money,
}

/// Invoices and debit notes less credit notes by document date, both dates included, cancelled documents left out.
pub(crate) async fn sales(
    db: &Db,
    account_id: Option<&AccountId>,
    currency_filter: Option<Currency>,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Vec<SalesOn>> {
    let query = db.build(
        "select document_date, currency,
            cast(sum(case when kind = 'credit_note' then -amount else amount end) as bigint) as amount
        from items where kind <> 'charge' and document_date >= ",
    );
    let query = query.value(from).push(" and document_date <= ").value(to).push(" and posting_date <= ").value(to);
    let query = query.push(" and (cancelled_date is null or cancelled_date > ").value(to).push(")");
    let query = query.push_if(" and account_id = ", account_id.map(AccountId::as_str));
    let query = query.push_if(" and currency = ", currency_filter.map(Currency::code));
    let rows: Vec<(NaiveDate, String, i64)> = query.push(" group by document_date, currency").all().await?;
    rows.into_iter()
        .map(|(date, code, amount)| Ok(SalesOn { date, amount: Money::new(amount, currency(&code)?) }))
        .collect()
}
