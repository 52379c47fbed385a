//! One batch, one transaction, a fixed number of statements: proof of tenure, journal, orders, decisions, holds; inputs,
//! policy and bookmarks where others spoke.

use hashbrown::HashMap;
use serde::Serialize;
use std::sync::Arc;
use weir_model::{AccountId, OrderId};
use weir_store::{Change, Error, Instant, Result, Tx, bookmark, journal};

use super::load::{Tenure, read};
use super::{CONDUCT, CREDIT, PARTITION};
use crate::book::Changes;
use crate::dossier::Dossier;
use crate::draft::{Input, Writes};
use crate::order::Content;

/// Rows of one insert: at most eight columns each, far below SQLite's 32 766 parameters.
const ROWS_MAX: usize = 1_000;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        MOVE = "
            update partitions set last_position = $4
            where partition = $1 and epoch = $2 and last_position = $3";
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

/// Writes a batch after `tenure`'s position. [`Error::LeaseLost`] when another has taken over: nothing is written.
pub(crate) async fn save_in(tx: &mut Tx, tenure: Tenure, changes: &Changes, writes: &Writes) -> Result<()> {
    // first: the row stays locked until the commit, so whoever takes over waits and then sees this batch
    let moved = tx
        .query(sql::MOVE)
        .bind(PARTITION)
        .bind(tenure.epoch)
        .bind(tenure.last_position)
        .bind(changes.last_position)
        .execute()
        .await?;
    if moved != 1 {
        return Err(Error::LeaseLost("partition 0".to_owned()));
    }
    append(tx, changes, writes).await?;
    let orders: Vec<&Arc<Dossier>> = changes.dossiers.values().collect();
    for chunk in orders.chunks(ROWS_MAX) {
        save_orders(tx, chunk).await?;
    }
    for chunk in writes.decisions.chunks(ROWS_MAX) {
        let texts: Vec<String> = chunk.iter().map(|row| text(&row.decision)).collect::<Result<_>>()?;
        tx.build("insert into decisions (decision_id, order_id, revision, answers, position, decision) values")
            .values(chunk.iter().zip(texts), |row, (recorded, text)| {
                row.value(recorded.decision_id.as_str())
                    .value(recorded.decision.order_id.as_str())
                    .value(i64::from(recorded.decision.revision))
                    .value(recorded.answers.as_ref().map(Content::as_bytes))
                    .value(recorded.position)
                    .value(text);
            })
            .execute()
            .await?;
    }
    save_holds(tx, writes).await?;
    save_inputs(tx, writes).await?;
    for policy in &writes.policies {
        tx.query(sql::POLICY).bind(policy.version).bind(text(&**policy)?).execute().await?;
    }
    for moved in &writes.bookmarks {
        bookmark::advance_in(tx, moved.feed, moved.from, moved.to).await?;
    }
    Ok(())
}

/// The journal's lines, at the positions the draft gave them.
async fn append(tx: &mut Tx, changes: &Changes, writes: &Writes) -> Result<()> {
    let entries: Vec<Change<'_>> = writes
        .lines
        .iter()
        .map(|line| Change {
            kind: line.kind,
            subject: &line.subject,
            version: line.version,
            before: line.before.clone(),
            after: line.after.clone(),
        })
        .collect();
    let entries: Vec<_> = writes.lines.iter().zip(&entries).map(|(line, change)| (&*line.call, change)).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let last = journal::append_numbered_in(tx, &entries).await?;
    if last == changes.last_position {
        Ok(())
    } else {
        Err(Error::Hole { expected: changes.last_position, found: last })
    }
}

async fn save_orders(tx: &mut Tx, orders: &[&Arc<Dossier>]) -> Result<()> {
    let texts: Vec<String> = orders.iter().map(|dossier| text(&***dossier)).collect::<Result<_>>()?;
    tx.build("insert into orders (order_id, partition, account_id, live, version, dossier) values")
        .values(orders.iter().zip(texts), |row, (dossier, text)| {
            row.value(dossier.order_id.as_str())
                .value(PARTITION)
                .value(dossier.account_id().map(AccountId::as_str))
                .value(dossier.is_live())
                .value(dossier.version)
                .value(text);
        })
        .push(
            " on conflict (order_id) do update set account_id = excluded.account_id, live = excluded.live,
                version = excluded.version, dossier = excluded.dossier",
        )
        .execute()
        .await?;
    Ok(())
}

async fn save_holds(tx: &mut Tx, writes: &Writes) -> Result<()> {
    let holds: Vec<_> = writes.holds.values().collect();
    for chunk in holds.chunks(ROWS_MAX) {
        let texts: Vec<String> = chunk.iter().map(|hold| text(*hold)).collect::<Result<_>>()?;
        tx.build("insert into holds (hold_id, partition, order_id, account_id, state, held_at, version, hold) values")
            .values(chunk.iter().zip(texts), |row, (hold, text)| {
                row.value(hold.hold_id.as_str())
                    .value(PARTITION)
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
        tx.build("insert into inputs (account_id, kind, partition, version, input) values")
            .values(chunk.iter().zip(texts), |row, (((account_id, _), input), text)| {
                row.value(account_id.as_str()).value(kind(input)).value(PARTITION).value(version(input)).value(text);
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
