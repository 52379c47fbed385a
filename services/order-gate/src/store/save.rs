//! One batch, one transaction. On PostgreSQL a batch of orders alone is one statement, however many it decides: proof of
//! tenure, journal, orders. Holds, inputs, policy and bookmarks come before it, where there are any.

use hashbrown::HashMap;
use indexmap::IndexMap;
use std::sync::Arc;
use weir_model::{AccountId, OrderId};
use weir_store::{Column, Db, Dialect, Error, Instant, NewEntry, Query, Rate, Result, Session, Tx, journal};

use super::{CONDUCT, CREDIT, PATTERN, Tenure, homes, owners, read, text};
use crate::book::Changes;
use crate::dossier::Dossier;
use crate::draft::{Input, Line, Writes};

/// Rows of one insert: at most eight columns each, far below SQLite's 32 766 parameters.
const ROWS_MAX: usize = 1_000;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        POLICY = "insert into policies (version, policy) values ($1, $2)";
        PUTS = "update fx_rate_table set puts = puts + 1 where one = 1";
        VERSION = "select version from orders where order_id = $1" pg(" for update");
    }
}

/// The dossiers the database has of some orders.
pub(crate) async fn dossiers(db: &Db, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Arc<Dossier>>> {
    let mut found = HashMap::new();
    for chunk in order_ids.chunks(ROWS_MAX) {
        let query = db.build("select dossier from orders where order_id in (values");
        let query = query.values(chunk, |row, order_id| {
            row.value(order_id.as_str());
        });
        let texts: Vec<String> = query.push(")").scalars().await?;
        for text in &texts {
            let dossier: Dossier = read(text)?;
            found.insert(dossier.order_id.clone(), Arc::new(dossier));
        }
    }
    Ok(found)
}

/// Writes a batch of `tenure` in a transaction; the journal's position before its first line. [`Error::LeaseLost`] when
/// the tenure is lost: nothing may last then.
pub(crate) async fn save_in(tx: &mut Tx, tenure: &Tenure, changes: &Changes, writes: &Writes) -> Result<i64> {
    match tx.dialect() {
        Dialect::Postgres => owners::idle_at_most_in(tx, tenure.lease).await?,
        Dialect::Sqlite => owners::prove_in(tx, tenure).await?,
    }
    claim_common(tx, writes).await?;
    homes::move_in(tx, &writes.moved).await?;
    homes::discard_in(tx, &writes.letters_read).await?;
    homes::write_letters_in(tx, &writes.letters).await?;
    save_holds(tx, writes).await?;
    save_inputs(tx, writes).await?;
    save_groups(tx, writes).await?;
    save_rates(tx, writes).await?;
    for policy in &writes.policies {
        tx.query(sql::POLICY).bind(policy.version).bind(text(&**policy)?).execute().await?;
    }
    if !writes.bookmarks.is_empty() {
        owners::follow_in(tx, tenure, changes.followed).await?;
    }
    // last: the journal's head is held until the commit
    let orders = Orders::of(changes, writes)?;
    let after = match tx.dialect() {
        Dialect::Postgres => orders.save(tx.build("with "), tenure, writes).await?,
        Dialect::Sqlite => {
            orders.insert_in(tx).await?;
            let entries: Vec<NewEntry<'_>> = writes.lines.iter().map(entry).collect();
            journal::append_numbered_in(tx, &entries).await?
        }
    };
    homes::put_homes_in(tx, &writes.moved, after + count(&writes.lines)).await?;
    Ok(after)
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}

/// Makes sure that orders of which only deliveries or invoices are known are as they were looked up: any process may write
/// those. [`Error::Duplicate`] where they are not.
async fn claim_common(tx: &mut Tx, writes: &Writes) -> Result<()> {
    for (order_id, version) in &writes.common {
        let found: Option<(i64,)> = tx.query(sql::VERSION).bind(order_id.as_str()).optional().await?;
        if found != Some((*version,)) {
            return Err(Error::Duplicate(order_id.to_string()));
        }
    }
    Ok(())
}

/// Writes a batch that is of orders alone, in one statement that commits by itself; otherwise as [`save_in`].
pub(crate) async fn save(session: &mut Session, tenure: &Tenure, changes: &Changes, writes: &Writes) -> Result<i64> {
    let orders = Orders::of(changes, writes)?;
    orders.save(session.build("with ").await?, tenure, writes).await
}

fn entry(line: &Line) -> NewEntry<'_> {
    NewEntry {
        call: &line.call,
        kind: line.kind,
        subject: &line.subject,
        version: line.version,
        before: line.before.as_deref(),
        after: &line.after,
    }
}

/// An order as a row: id, partition, account, whether it is live, version, text.
type OrderRow<'a> = (&'a str, i64, Option<&'a str>, bool, i64, String);

/// The orders of a batch as rows. Fresh ones are inserted without looking whether they are there: one that is makes the
/// whole batch [`Error::Duplicate`].
struct Orders<'a> {
    fresh: Vec<OrderRow<'a>>,
    known: Vec<OrderRow<'a>>,
}

impl<'a> Orders<'a> {
    fn of(changes: &'a Changes, writes: &Writes) -> Result<Self> {
        let mut orders = Orders { fresh: Vec::new(), known: Vec::new() };
        for (order_id, dossier) in &changes.dossiers {
            let is_fresh = writes.fresh.contains(order_id);
            let rows = if is_fresh { &mut orders.fresh } else { &mut orders.known };
            let account_id = dossier.account_id().map(AccountId::as_str);
            let partition = writes.home(account_id.unwrap_or(order_id.as_str()));
            rows.push((
                order_id.as_str(),
                partition,
                account_id,
                dossier.is_live(),
                dossier.version,
                text(&**dossier)?,
            ));
        }
        Ok(orders)
    }

    /// PostgreSQL's one statement: proves the tenure, moves the journal's head, adds its lines and the orders. Whatever is
    /// written hangs on the head, and that on the proof; the owner's row stays locked until the commit, so whoever takes
    /// over waits and then sees this batch.
    async fn save(&self, query: Query<'_>, tenure: &Tenure, writes: &Writes) -> Result<i64> {
        let entries: Vec<NewEntry<'_>> = writes.lines.iter().map(entry).collect();
        let mut query = owners::push_proof(query, tenure).push(", ");
        query = journal::push_numbered(query, "exists (select 1 from proof)", &entries);
        if !self.fresh.is_empty() {
            query = push_orders(query.push(", fresh as ("), &self.fresh).push(")");
        }
        if !self.known.is_empty() {
            query = push_orders(query.push(", known as ("), &self.known).push(UPDATE_KNOWN).push(")");
        }
        match query.push(" select position from head").optional::<(i64,)>().await? {
            Some((last,)) => Ok(last - count(&entries)),
            None => Err(Error::LeaseLost("the order gate".to_owned())),
        }
    }

    /// SQLite's way.
    async fn insert_in(&self, tx: &mut Tx) -> Result<()> {
        for (rows, then) in [(&self.fresh, ""), (&self.known, UPDATE_KNOWN)] {
            if !rows.is_empty() {
                let insert = tx
                    .build("insert into orders (order_id, partition, account_id, live, version, dossier) select ")
                    .push(
                        "value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 from json_each(",
                    )
                    .value(serde_json::to_string(rows)?)
                    // or the parser takes `on conflict` for a join's condition
                    .push(") where true");
                insert.push(then).execute().await?;
            }
        }
        Ok(())
    }
}

const UPDATE_KNOWN: &str = " on conflict (order_id) do update set partition = excluded.partition,
    account_id = excluded.account_id, live = excluded.live, version = excluded.version, dossier = excluded.dossier";

/// An insert whose text does not depend on how many rows there are: an array a column.
fn push_orders<'q>(query: Query<'q>, rows: &[OrderRow<'_>]) -> Query<'q> {
    query
        .push(
            "insert into orders (order_id, partition, account_id, live, version, dossier)
            select row.order_id, row.partition, row.account_id, row.live, row.version, row.dossier from head, unnest(",
        )
        .value(rows.iter().map(|row| row.0).collect::<Column<_>>())
        .push(", ")
        .value(rows.iter().map(|row| row.1).collect::<Column<_>>())
        .push(", ")
        .value(rows.iter().map(|row| row.2).collect::<Column<_>>())
        .push(", ")
        .value(rows.iter().map(|row| row.3).collect::<Column<_>>())
        .push(", ")
        .value(rows.iter().map(|row| row.4).collect::<Column<_>>())
        .push(", ")
        .value(rows.iter().map(|row| row.5.as_str()).collect::<Column<_>>())
        .push(") as row (order_id, partition, account_id, live, version, dossier)")
}

async fn save_holds(tx: &mut Tx, writes: &Writes) -> Result<()> {
    let holds: Vec<_> = writes.holds.values().collect();
    for chunk in holds.chunks(ROWS_MAX) {
        let texts: Vec<String> = chunk.iter().map(|hold| text(*hold)).collect::<Result<_>>()?;
        tx.build("insert into holds (hold_id, order_id, account_id, state, held_at, version, hold) values")
            .values(chunk.iter().zip(texts), |row, (hold, text)| {
                row.value(hold.hold_id.as_str())
                    .value(hold.order.order_id.as_str())
                    .value(hold.order.account_id.as_str())
                    .value(hold.state.as_str())
                    .value(Instant::from(hold.held_at))
                    .value(hold.version)
                    .value(text);
            })
            .push(
                " on conflict (hold_id) do update set state = excluded.state, version = excluded.version,
                    hold = excluded.hold",
            )
            .execute()
            .await?;
    }
    Ok(())
}

async fn save_inputs(tx: &mut Tx, writes: &Writes) -> Result<()> {
    let inputs: Vec<_> = writes.inputs.iter().collect();
    for chunk in inputs.chunks(ROWS_MAX) {
        let texts: Vec<String> = chunk.iter().map(|(_, input)| input_text(input)).collect::<Result<_>>()?;
        tx.build("insert into inputs (partition, account_id, kind, version, input) values")
            .values(chunk.iter().zip(texts), |row, (((account_id, _), input), text)| {
                row.value(writes.home(account_id.as_str()))
                    .value(account_id.as_str())
                    .value(kind(input))
                    .value(version(input))
                    .value(text);
            })
            .push(
                " on conflict (partition, account_id, kind) do update set version = excluded.version,
                    input = excluded.input",
            )
            .execute()
            .await?;
    }
    Ok(())
}

/// Every process hears of every group, and writes what is news to it.
async fn save_groups(tx: &mut Tx, writes: &Writes) -> Result<()> {
    let mut groups: Vec<_> = writes.groups.iter().collect();
    // or two processes could wait for each other
    groups.sort_unstable_by_key(|(group_id, _)| *group_id);
    for chunk in groups.chunks(ROWS_MAX) {
        let texts: Vec<String> = chunk.iter().map(|(_, group)| text(&***group)).collect::<Result<_>>()?;
        tx.build("insert into groups (group_id, version, input) values")
            .values(chunk.iter().zip(texts), |row, ((group_id, group), text)| {
                row.value(group_id.as_str()).value(group.version).value(text);
            })
            .push(
                " on conflict (group_id) do update set version = excluded.version, input = excluded.input
                    where groups.version < excluded.version",
            )
            .execute()
            .await?;
    }
    Ok(())
}

async fn save_rates(tx: &mut Tx, writes: &Writes) -> Result<()> {
    if writes.rates.is_empty() {
        return Ok(());
    }
    tx.query(sql::PUTS).execute().await?;
    // one insert cannot change a row twice: a later call may have put the same day's rate again
    let newest: IndexMap<_, _> = writes.rates.iter().map(|r| ((r.from, r.to, r.effective), r.rate)).collect();
    let newest: Vec<_> = newest.into_iter().collect();
    for chunk in newest.chunks(ROWS_MAX) {
        tx.build("insert into fx_rates (from_currency, to_currency, effective_date, rate) values")
            .values(chunk, |row, ((from, to, effective), rate)| {
                row.value(from.code()).value(to.code()).value(*effective).value(Rate(*rate));
            })
            .push(" on conflict (from_currency, to_currency, effective_date) do update set rate = excluded.rate")
            .execute()
            .await?;
    }
    Ok(())
}

fn kind(input: &Input) -> &'static str {
    match input {
        Input::Credit(_) => CREDIT,
        Input::Conduct(_) => CONDUCT,
        Input::Pattern(_) => PATTERN,
        Input::Position(currency, _) => currency.code(),
    }
}

fn version(input: &Input) -> i64 {
    match input {
        Input::Credit(credit) => credit.version,
        Input::Conduct(conduct) => conduct.version,
        Input::Pattern(pattern) => pattern.version(),
        Input::Position(_, position) => position.version,
    }
}

fn input_text(input: &Input) -> Result<String> {
    match input {
        Input::Credit(credit) => text(&**credit),
        Input::Conduct(conduct) => text(&**conduct),
        Input::Pattern(pattern) => text(&**pattern),
        Input::Position(_, position) => text(&**position),
    }
}
