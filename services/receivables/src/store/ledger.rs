//! The working set of a ledger: locked and loaded, its changes kept.

use std::{collections::BTreeSet, sync::Arc};

use weir_model::{AccountId, AllocationId, Currency, ItemId, Money, PaymentId, TextId as _};
use weir_store::{Id, Instant, Query, Record, Result, Tx};

use super::{
    facts,
    position::{self, Reader},
    rows::{AllocationRow, ItemRow, PaymentRow, currency, item_columns, unreadable},
};
use crate::{
    allocation::Source,
    behaviour::Behaviour,
    document::DocumentNumber,
    error::Error,
    item::{Item, Weight},
    ledger::Ledger,
    payment::Payment,
    position::{Invoiced, Position},
};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        OPEN_POSITION = "
            insert into positions (account_id, currency, version, open_amount, disputed_amount, unapplied_amount)
            values ($1, $2, 0, 0, 0, 0) on conflict (account_id, currency) do nothing";
        LOCK_POSITION = "
            select version, open_amount, disputed_amount, unapplied_amount, last_recorded_at
            from positions where account_id = $1 and currency = $2" pg(" for update");
        KEEP_POSITION = "
            update positions set version = $3, open_amount = $4, disputed_amount = $5, unapplied_amount = $6,
                last_recorded_at = $7,
                first_invoice_date = case when first_invoice_date <= $8 then first_invoice_date
                                          else coalesce($8, first_invoice_date) end
            where account_id = $1 and currency = $2";
        KEEP_ITEM = "
            update items set open_amount = $2, dispute_claim = $3, disputed_amount = $4, settled_date = $5,
                settled_days_late = $6, cancelled_date = $7, restored_date = $8, version = $9, alerts_fired = $10,
                next_alert_date = $11
            where item_id = $1";
        KEEP_PAYMENT = "
            update payments set unapplied_amount = $2, state = $3, reversed_date = $4, restored_date = $5,
                applied_date = $6, version = $7
            where payment_id = $1";
        ORDER_LINE = "
            select invoiced_amount from order_lines
            where account_id = $1 and currency = $2 and order_id = $3 and line_id = $4";
        KEEP_ORDER_LINE = "
            insert into order_lines (account_id, currency, order_id, line_id, invoiced_amount)
            values ($1, $2, $3, $4, $5)
            on conflict (account_id, currency, order_id, line_id)
            do update set invoiced_amount = excluded.invoiced_amount";
        OF_ITEM = "select account_id, currency from items where item_id = $1";
        OF_DOCUMENT = "select account_id, currency from documents where document_number = $1";
        OF_PAYMENT = "select account_id, currency from payments where payment_id = $1";
        OF_ALLOCATION = "
            select account_id, currency, item_id, source_kind, source_id from allocations
            where allocation_id = $1 and reverses is null";
    }
}

/// Ids of one look-up: far below SQLite's 32,766 parameters.
const IDS_MAX: usize = 10_000;

/// Rows of one insert of five columns: likewise.
const ROWS_MAX: usize = 1_000;

/// What a step needs of a ledger besides its running position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// All open items, for automatic allocation.
    pub open_items: bool,
    pub items: BTreeSet<ItemId>,
    /// Items of these documents.
    pub documents: BTreeSet<DocumentNumber>,
    pub payments: BTreeSet<PaymentId>,
    /// The items these payments are allocated to.
    pub paid_by: BTreeSet<PaymentId>,
}

#[derive(sqlx::FromRow)]
struct PositionRow {
    version: i64,
    open_amount: i64,
    disputed_amount: i64,
    unapplied_amount: i64,
    last_recorded_at: Option<Instant>,
}

/// Locks an account's position in a currency, made if absent, and loads what is wanted with its live allocations.
///
/// Whoever locks several does so in the order of account and currency.
pub(crate) async fn load(tx: &mut Tx, account_id: &AccountId, currency: Currency, wanted: &Wanted) -> Result<Ledger> {
    let (account, code) = (account_id.as_str(), currency.code());
    tx.query(sql::OPEN_POSITION).bind(account).bind(code).execute().await?;
    let row: PositionRow = tx.query(sql::LOCK_POSITION).bind(account).bind(code).one().await?;
    let money = |minor| Money::new(minor, currency);
    let mut ledger = Ledger::new(account_id.clone(), currency);
    ledger.version = row.version;
    ledger.last_recorded_at = row.last_recorded_at.map(Instant::get);
    ledger.total = Weight {
        open: money(row.open_amount),
        disputed: money(row.disputed_amount),
        unapplied: money(row.unapplied_amount),
    };
    load_payments(tx, &mut ledger, wanted).await?;
    load_items(tx, &mut ledger, wanted).await?;
    load_allocations(tx, &mut ledger).await?;
    Ok(ledger)
}

async fn load_payments(tx: &mut Tx, ledger: &mut Ledger, wanted: &Wanted) -> Result<()> {
    let ids: BTreeSet<&str> = wanted.payments.iter().chain(&wanted.paid_by).map(PaymentId::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let head =
        "select payment_id, account_id, currency, amount, unapplied_amount, effective_date, state, reversed_date,
            restored_date, applied_date, content, correlation_id, recorded_at, recorded_by, recorded_date, version
        from payments where account_id = ";
    let rows: Vec<PaymentRow> = listed(tx, ledger, head, (" and payment_id in ", ""), &ids).await?;
    for row in rows {
        let payment = row.payment()?;
        ledger.payments.insert(payment.id.clone(), Arc::new(payment));
    }
    Ok(())
}

async fn load_items(tx: &mut Tx, ledger: &mut Ledger, wanted: &Wanted) -> Result<()> {
    let Wanted { open_items, items, documents, paid_by, .. } = wanted;
    let head = concat!("select ", item_columns!(), " from items where account_id = ");
    let items: Vec<&str> = items.iter().map(ItemId::as_str).collect();
    let documents: Vec<&str> = documents.iter().map(DocumentNumber::as_str).collect();
    let paid_by: Vec<&str> = paid_by.iter().map(PaymentId::as_str).collect();
    let mut rows: Vec<ItemRow> = listed(tx, ledger, head, (" and item_id in ", ""), &items).await?;
    rows.extend(listed::<ItemRow>(tx, ledger, head, (" and document_number in ", ""), &documents).await?);
    let paid = (" and item_id in (select item_id from allocations where source_id in ", ")");
    rows.extend(listed::<ItemRow>(tx, ledger, head, paid, &paid_by).await?);
    if *open_items {
        let open = of_ledger(tx.build(head), ledger).push(" and open_amount > 0");
        rows.extend(open.all::<ItemRow>().await?);
    }
    for row in rows {
        let item = row.item()?;
        ledger.items.insert(item.id.clone(), Arc::new(item));
    }
    Ok(())
}

/// Live allocations of everything loaded that has some.
async fn load_allocations(tx: &mut Tx, ledger: &mut Ledger) -> Result<()> {
    let head = "select allocation_id, currency, item_id, source_kind, source_id, amount, reverses, effective_date,
            recorded_at, recorded_by
        from allocations where amount > 0
            and not exists (select 1 from allocations back where back.reverses = allocations.allocation_id)
            and account_id = ";
    let used = |item: &&Arc<Item>| item.open != item.amount;
    let items: Vec<&str> = ledger.items.values().filter(used).map(|item| item.id.as_str()).collect();
    let drawn = |payment: &&Arc<Payment>| payment.unapplied != payment.amount;
    let payments = ledger.payments.values().filter(drawn).map(|payment| payment.id.as_str());
    let sources: Vec<&str> = items.iter().copied().chain(payments).collect();
    let mut rows: Vec<AllocationRow> = listed(tx, ledger, head, (" and item_id in ", ""), &items).await?;
    rows.extend(listed::<AllocationRow>(tx, ledger, head, (" and source_id in ", ""), &sources).await?);
    for row in rows {
        let allocation = row.allocation()?;
        ledger.allocations.insert(allocation.id.clone(), Arc::new(allocation));
    }
    Ok(())
}

/// A ledger's rows with an id of a list, which may be of any length. `head` ends where the account comes, the list
/// stands between `before` and `after`.
async fn listed<R: Record>(
    tx: &mut Tx,
    ledger: &Ledger,
    head: &'static str,
    (before, after): (&'static str, &'static str),
    ids: &[&str],
) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    for chunk in ids.chunks(IDS_MAX) {
        let query = of_ledger(tx.build(head), ledger).push(before);
        let query = query.values([()], |row, ()| {
            for id in chunk {
                row.value(*id);
            }
        });
        rows.extend(query.push(after).all::<R>().await?);
    }
    Ok(rows)
}

fn of_ledger<'c>(query: Query<'c>, ledger: &Ledger) -> Query<'c> {
    query.value(ledger.account_id.as_str()).push(" and currency = ").value(ledger.currency.code())
}

/// Keeps what a step changed, under the next version, and returns the position as others are told it.
///
/// Documents and new payments are added before, by whoever knows what their sender is told.
pub(crate) async fn keep(tx: &mut Tx, ledger: &mut Ledger) -> Result<Position, Error> {
    ledger.version += 1;
    let (account, code) = (ledger.account_id.as_str(), ledger.currency.code());
    let changes = &ledger.changes;
    facts::insert_items(tx, changes.new_items.iter().filter_map(|id| ledger.items.get(id)).map(Arc::as_ref)).await?;
    for id in changes.items.difference(&changes.new_items) {
        if let Some(item) = ledger.items.get(id) {
            keep_item(tx, item).await?;
        }
    }
    for id in changes.payments.difference(&changes.new_payments) {
        if let Some(payment) = ledger.payments.get(id) {
            keep_payment(tx, payment).await?;
        }
    }
    facts::insert_facts(tx, ledger).await?;
    let query = tx.query(sql::KEEP_POSITION).bind(account).bind(code).bind(ledger.version);
    let query = query.bind(ledger.total.open.minor()).bind(ledger.total.disputed.minor());
    let query = query.bind(ledger.total.unapplied.minor()).bind(ledger.last_recorded_at.map(Instant::from));
    query.bind(changes.behaviour.first_invoice_date).execute().await?;
    let order_lines = keep_order_lines(tx, ledger).await?;
    let behaviour = keep_behaviour(tx, ledger).await?;
    let schedule = position::schedule(Reader::Tx(tx), &ledger.account_id, ledger.currency).await?;
    Ok(Position {
        account_id: ledger.account_id.clone(),
        currency: ledger.currency,
        version: ledger.version,
        schedule,
        unapplied: ledger.total.unapplied,
        items: ledger.items_of_ids(&changes.items),
        order_lines,
        behaviour,
        continues: false,
    })
}

/// Adds to the invoiced amounts of order lines; the sums are computed here, where overflow is found out.
async fn keep_order_lines(tx: &mut Tx, ledger: &Ledger) -> Result<Vec<Invoiced>, Error> {
    let (account, code) = (ledger.account_id.as_str(), ledger.currency.code());
    let mut lines = Vec::with_capacity(ledger.changes.order_lines.len());
    for ((order, line), more) in &ledger.changes.order_lines {
        let query = tx.query(sql::ORDER_LINE).bind(account).bind(code).bind(order.as_str()).bind(line.as_str());
        let before = query.optional::<(i64,)>().await?.map_or(0, |(minor,)| minor);
        let amount = Money::new(before, ledger.currency).checked_add(*more)?;
        let query = tx.query(sql::KEEP_ORDER_LINE).bind(account).bind(code).bind(order.as_str()).bind(line.as_str());
        query.bind(amount.minor()).execute().await?;
        lines.push(Invoiced { order_id: order.clone(), line_id: line.clone(), amount });
    }
    Ok(lines)
}

/// Adds to how the account has paid and bought; none where nothing moved.
async fn keep_behaviour(tx: &mut Tx, ledger: &Ledger) -> Result<Option<Behaviour>, Error> {
    let (account, code) = (ledger.account_id.as_str(), ledger.currency.code());
    let more = &ledger.changes.behaviour;
    if *more == Behaviour::default() {
        return Ok(None);
    }
    let mut behaviour = position::behaviour(Reader::Tx(tx), &ledger.account_id, ledger.currency).await?;
    behaviour.add(more)?;
    let settled: Vec<_> = more.settled.keys().filter_map(|days| behaviour.settled.get_key_value(days)).collect();
    for chunk in settled.chunks(ROWS_MAX) {
        let head = "insert into settlements (account_id, currency, days_late, item_count, settled_amount) values";
        let query = tx.build(head).values(chunk, |row, (days, settled)| {
            row.value(account).value(code).value(**days).value(settled.item_count).value(settled.amount.minor());
        });
        let query = query.push(
            " on conflict (account_id, currency, days_late)
            do update set item_count = excluded.item_count, settled_amount = excluded.settled_amount",
        );
        query.execute().await?;
    }
    let sales: Vec<_> = more.sales.keys().filter_map(|month| behaviour.sales.get_key_value(month)).collect();
    for chunk in sales.chunks(ROWS_MAX) {
        let head =
            "insert into monthly_sales (account_id, currency, month_date, invoice_count, invoiced_amount) values";
        let query = tx.build(head).values(chunk, |row, (month, sales)| {
            row.value(account).value(code).value(**month).value(sales.invoice_count).value(sales.amount.minor());
        });
        let query = query.push(
            " on conflict (account_id, currency, month_date)
            do update set invoice_count = excluded.invoice_count, invoiced_amount = excluded.invoiced_amount",
        );
        query.execute().await?;
    }
    Ok(Some(behaviour.without_nothing()))
}

async fn keep_item(tx: &mut Tx, item: &Item) -> Result<()> {
    tx.query(sql::KEEP_ITEM)
        .bind(item.id.as_str())
        .bind(item.open.minor())
        .bind(item.dispute_claim.minor())
        .bind(item.disputed().minor())
        .bind(item.settled_date)
        .bind(item.settled_days_late)
        .bind(item.cancelled_date)
        .bind(item.restored_date)
        .bind(item.version)
        .bind(item.alerts_fired)
        .bind(item.next_alert_date)
        .execute()
        .await?;
    Ok(())
}

async fn keep_payment(tx: &mut Tx, payment: &Payment) -> Result<()> {
    tx.query(sql::KEEP_PAYMENT)
        .bind(payment.id.as_str())
        .bind(payment.unapplied.minor())
        .bind(payment.state.as_str())
        .bind(payment.reversed_date)
        .bind(payment.restored_date)
        .bind(payment.applied_date)
        .bind(payment.version)
        .execute()
        .await?;
    Ok(())
}

/// Whose something is: account and currency.
type Owner = (AccountId, Currency);

#[derive(sqlx::FromRow)]
struct OwnerRow {
    account_id: Id<AccountId>,
    currency: String,
}

fn owner(row: Option<OwnerRow>) -> Result<Option<Owner>> {
    row.map(|row| Ok((row.account_id.0, currency(&row.currency)?))).transpose()
}

/// Whose an item is.
pub(crate) async fn locate_item(tx: &mut Tx, id: &ItemId) -> Result<Option<Owner>> {
    owner(tx.query(sql::OF_ITEM).bind(id.as_str()).optional().await?)
}

/// Whose a document is.
pub(crate) async fn locate_document(tx: &mut Tx, number: &DocumentNumber) -> Result<Option<Owner>> {
    owner(tx.query(sql::OF_DOCUMENT).bind(number.as_str()).optional().await?)
}

/// Whose a payment is.
pub(crate) async fn locate_payment(tx: &mut Tx, id: &PaymentId) -> Result<Option<Owner>> {
    owner(tx.query(sql::OF_PAYMENT).bind(id.as_str()).optional().await?)
}

#[derive(sqlx::FromRow)]
struct AllocationOwnerRow {
    account_id: Id<AccountId>,
    currency: String,
    item_id: Id<ItemId>,
    source_kind: String,
    source_id: String,
}

/// Whose an allocation is, and what it joins.
pub(crate) async fn locate_allocation(tx: &mut Tx, id: &AllocationId) -> Result<Option<(Owner, Wanted)>> {
    let row: Option<AllocationOwnerRow> = tx.query(sql::OF_ALLOCATION).bind(id.as_str()).optional().await?;
    let Some(row) = row else { return Ok(None) };
    let mut wanted = Wanted::default();
    wanted.items.insert(row.item_id.0);
    match Source::from_parts(&row.source_kind, &row.source_id) {
        Some(Source::Payment(id)) => drop(wanted.payments.insert(id)),
        Some(Source::CreditNote(id) | Source::Cancellation(id)) => drop(wanted.items.insert(id)),
        None => return Err(unreadable("source of allocation", &row.source_kind)),
    }
    Ok(Some(((row.account_id.0, currency(&row.currency)?), wanted)))
}
