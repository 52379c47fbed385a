//! One batch, one transaction, three statements however many orders it decides: proof of tenure, orders, journal. Holds,
//! inputs, policy and bookmarks in between, where there are any.

use hashbrown::HashMap;
use serde::Serialize;
use std::sync::Arc;
use weir_model::{AccountId, OrderId};
use weir_store::{Column, Dialect, Error, Instant, NewEntry, Query, Result, Tx, bookmark, journal};

use super::load::read;
use super::{CONDUCT, CREDIT, Tenure, owners};
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
    }
}

/// The dossiers the database has of some orders.
pub(crate) async fn dossiers_in(tx: &mut Tx, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Arc<Dossier>>> {
    let mut found = HashMap::new();
    for chunk in order_ids.chunks(ROWS_MAX) {
        let query = tx.build("select dossier from orders where order_id in (values");
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

/// Writes a batch of `tenure`. [`Error::LeaseLost`] when it is lost: nothing is written.
pub(crate) async fn save_in(tx: &mut Tx, tenure: &Tenure, changes: &Changes, writes: &Writes) -> Result<()> {
    // first: the owner's row stays locked until the commit, so whoever takes over waits and then sees this batch
    owners::prove_in(tx, tenure).await?;
    save_orders(tx, tenure, changes, writes).await?;
    save_holds(tx, tenure, writes).await?;
    save_inputs(tx, tenure, writes).await?;
    for policy in &writes.policies {
        tx.query(sql::POLICY).bind(policy.version).bind(text(&**policy)?).execute().await?;
    }
    for moved in &writes.bookmarks {
        bookmark::advance_in(tx, moved.feed, moved.from, moved.to).await?;
    }
    // last: the journal's head is held until the commit
    append(tx, changes, writes).await
}

/// The journal's lines, at the positions the draft gave them.
async fn append(tx: &mut Tx, changes: &Changes, writes: &Writes) -> Result<()> {
    if writes.lines.is_empty() {
        return Ok(());
    }
    let entries: Vec<NewEntry<'_>> = writes.lines.iter().map(entry).collect();
    let before = journal::append_numbered_in(tx, &entries).await?;
    let last = before + i64::try_from(entries.len()).unwrap_or(i64::MAX);
    if last == changes.last_position {
        Ok(())
    } else {
        Err(Error::Hole { expected: changes.last_position, found: last })
    }
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

/// Orders as rows: id, partition, account, whether it is live, version, text.
type OrderRow<'a> = (&'a str, i64, Option<&'a str>, bool, i64, String);

/// Fresh orders are inserted without looking whether they are there: one that is makes the whole batch
/// [`Error::Duplicate`].
async fn save_orders(tx: &mut Tx, tenure: &Tenure, changes: &Changes, writes: &Writes) -> Result<()> {
    let (mut fresh, mut known): (Vec<OrderRow<'_>>, Vec<OrderRow<'_>>) = (Vec::new(), Vec::new());
    for (order_id, dossier) in &changes.dossiers {
        let rows = if writes.fresh.contains(order_id) { &mut fresh } else { &mut known };
        let account_id = dossier.account_id().map(AccountId::as_str);
        let partition = tenure.partition_of(account_id.unwrap_or(order_id.as_str()));
        rows.push((order_id.as_str(), partition, account_id, dossier.is_live(), dossier.version, text(&**dossier)?));
    }
    if !fresh.is_empty() {
        insert_orders(tx, &fresh)?.execute().await?;
    }
    if !known.is_empty() {
        let insert = insert_orders(tx, &known)?.push(
            " on conflict (order_id) do update set partition = excluded.partition, account_id = excluded.account_id,
                live = excluded.live, version = excluded.version, dossier = excluded.dossier",
        );
        insert.execute().await?;
    }
    Ok(())
}

/// A statement whose text does not depend on how many rows there are: columns as arrays in PostgreSQL, rows as one JSON
/// text in SQLite.
fn insert_orders<'t>(tx: &'t mut Tx, rows: &[OrderRow<'_>]) -> Result<Query<'t>> {
    let dialect = tx.dialect();
    let insert = tx.build("insert into orders (order_id, partition, account_id, live, version, dossier) select ");
    Ok(match dialect {
        Dialect::Postgres => insert
            .push("order_id, partition, account_id, live, version, dossier from unnest(")
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
            .push(") as row (order_id, partition, account_id, live, version, dossier)"),
        Dialect::Sqlite => insert
            .push("value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 from json_each(")
            .value(serde_json::to_string(rows)?)
            // or the parser takes `on conflict` for a join's condition
            .push(") where true"),
    })
}

async fn save_holds(tx: &mut Tx, tenure: &Tenure, writes: &Writes) -> Result<()> {
    let holds: Vec<_> = writes.holds.values().collect();
    for chunk in holds.chunks(ROWS_MAX) {
        let texts: Vec<String> = chunk.iter().map(|hold| text(*hold)).collect::<Result<_>>()?;
        tx.build("insert into holds (hold_id, partition, order_id, account_id, state, held_at, version, hold) values")
            .values(chunk.iter().zip(texts), |row, (hold, text)| {
                row.value(hold.hold_id.as_str())
                    .value(tenure.partition_of(hold.order.account_id.as_str()))
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

async fn save_inputs(tx: &mut Tx, tenure: &Tenure, writes: &Writes) -> Result<()> {
    let inputs: Vec<_> = writes.inputs.iter().collect();
    for chunk in inputs.chunks(ROWS_MAX) {
        let texts: Vec<String> = chunk.iter().map(|(_, input)| input_text(input)).collect::<Result<_>>()?;
        tx.build("insert into inputs (account_id, kind, partition, version, input) values")
            .values(chunk.iter().zip(texts), |row, (((account_id, _), input), text)| {
                row.value(account_id.as_str())
                    .value(kind(input))
                    .value(tenure.partition_of(account_id.as_str()))
                    .value(version(input))
                    .value(text);
            })
            .push(" on conflict (account_id, kind) do update set version = excluded.version, input = excluded.input")
            .execute()
            .await?;
    }
    Ok(())
}

fn kind(input: &Input) -> &'static str {
    match input {
        Input::Credit(_) => CREDIT,
        Input::Conduct(_) => CONDUCT,
        Input::Position(currency, _) => currency.code(),
    }
}

fn version(input: &Input) -> i64 {
    match input {
        Input::Credit(credit) => credit.version,
        Input::Conduct(conduct) => conduct.version,
        Input::Position(_, position) => position.version,
    }
}

fn input_text(input: &Input) -> Result<String> {
    match input {
        Input::Credit(credit) => text(&**credit),
        Input::Conduct(conduct) => text(&**conduct),
        Input::Position(_, position) => text(&**position),
    }
}

fn text(value: &impl Serialize) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}
