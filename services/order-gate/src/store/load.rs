//! Reading the book: what belongs to some partitions, or to one account. In the order of keys, piece by piece, so that no
//! piece is sorted or looked for.

use std::sync::Arc;

use chrono::NaiveDate;
use weir_model::{AccountId, Currency, GroupId};
use weir_store::{Db, Error, Id, Result, journal};

use super::read::live_after;
use super::{CONDUCT, CREDIT, PATTERN, read};
use crate::book::Book;
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::fx::{Rate, Rates};
use crate::policy::PolicyVersion;

/// Rows read at once: few enough that their texts weigh nothing beside the book.
const PIECE: i64 = 10_000;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        INPUTS = "
            select account_id, kind, input from inputs where partition = $1 and (account_id, kind) > ($2, $3)
            order by account_id, kind limit $4";
        INPUTS_OF = "select account_id, kind, input from inputs where partition = $1 and account_id = $2";
        LIVE_OF = "select dossier from orders where live and partition = $1 and account_id = $2";
        GROUPS = "select group_id, input from groups where group_id > $1 order by group_id limit $2";
        RATES = "
            select from_currency, to_currency, effective_date, rate from fx_rates
            where (from_currency, to_currency, effective_date) > ($1, $2, $3)
            order by from_currency, to_currency, effective_date limit $4";
        POLICY = "select policy from policies order by version desc limit 1";
    }
}

/// Reads the book as far as it is of some partitions. Under a tenure nobody else writes of them meanwhile.
pub(crate) async fn load(db: &Db, partitions: &[i64], followed: Followed) -> Result<Book> {
    let (policy, rates) = (load_policy(db).await?, load_rates(db).await?);
    let mut book = Book::new(policy, rates, followed, journal::head_position(db).await?);
    load_groups(db, &mut book).await?;
    load_partitions(db, &mut book, partitions).await?;
    book.add_up_pools();
    Ok(book)
}

/// Reads what belongs to some partitions into a book.
pub(crate) async fn load_partitions(db: &Db, book: &mut Book, partitions: &[i64]) -> Result<()> {
    let mut held: Vec<Dossier> = Vec::new();
    for partition in partitions {
        load_accounts(db, book, *partition).await?;
        load_orders(db, book, *partition, &mut held).await?;
    }
    enter_held(book, held);
    Ok(())
}

/// Reads what belongs to one account into a book.
pub(crate) async fn load_account(db: &Db, book: &mut Book, (partition, id): (i64, &AccountId)) -> Result<()> {
    let inputs: Vec<InputRow> = db.query(sql::INPUTS_OF).bind(partition).bind(id.as_str()).all().await?;
    for input in inputs {
        enter_input(book, input)?;
    }
    let texts: Vec<String> = db.query(sql::LIVE_OF).bind(partition).bind(id.as_str()).scalars().await?;
    let mut held = Vec::new();
    for text in &texts {
        enter_order(book, read(text)?, &mut held);
    }
    enter_held(book, held);
    Ok(())
}

/// Reads the policy in force.
pub(crate) async fn load_policy(db: &Db) -> Result<Arc<PolicyVersion>> {
    let policy: String = db.query(sql::POLICY).scalar().await?;
    Ok(Arc::new(read(&policy)?))
}

/// Reads the table of exchange rates.
pub(crate) async fn load_rates(db: &Db) -> Result<Rates> {
    let mut rates = Rates::default();
    // whatever the day, no currency has an empty code
    let mut after = (String::new(), String::new(), NaiveDate::default());
    loop {
        let query = db.query(sql::RATES).bind(after.0.as_str()).bind(after.1.as_str()).bind(after.2);
        let piece: Vec<(String, String, NaiveDate, weir_store::Rate)> = query.bind(PIECE).all().await?;
        let Some((from, to, effective, _)) = piece.last() else { return Ok(rates) };
        after = (from.clone(), to.clone(), *effective);
        for (from, to, effective, rate) in piece {
            rates.put(Rate { from: currency(&from)?, to: currency(&to)?, effective, rate: rate.0 });
        }
    }
}

async fn load_groups(db: &Db, book: &mut Book) -> Result<()> {
    let mut after = String::new();
    loop {
        let query = db.query(sql::GROUPS).bind(after.as_str()).bind(PIECE);
        let groups: Vec<(Id<GroupId>, String)> = query.all().await?;
        let Some((Id(last), _)) = groups.last() else { return Ok(()) };
        after = last.to_string();
        for (Id(group_id), input) in groups {
            book.enter_group(&group_id, read(&input)?);
        }
    }
}

fn currency(code: &str) -> Result<Currency> {
    Currency::from_code(code).map_err(|error| Error::Migration(error.to_string()))
}

/// What another context says of an account, as a row: account, kind, text.
type InputRow = (Id<AccountId>, String, String);

async fn load_accounts(db: &Db, book: &mut Book, partition: i64) -> Result<()> {
    let mut after = (String::new(), String::new());
    loop {
        let query = db.query(sql::INPUTS).bind(partition).bind(after.0.as_str()).bind(after.1.as_str());
        let inputs: Vec<InputRow> = query.bind(PIECE).all().await?;
        let Some((Id(last), kind, _)) = inputs.last() else { return Ok(()) };
        after = (last.to_string(), kind.clone());
        for input in inputs {
            enter_input(book, input)?;
        }
    }
}

fn enter_input(book: &mut Book, (Id(account_id), kind, input): InputRow) -> Result<()> {
    let account = book.accounts.entry(account_id).or_default();
    match kind.as_str() {
        CREDIT => account.credit = Some(Arc::new(read(&input)?)),
        CONDUCT => account.conduct = Some(Arc::new(read(&input)?)),
        PATTERN => account.pattern = Some(Arc::new(read(&input)?)),
        code => account.purse_mut(currency(code)?).position = Some(Arc::new(read(&input)?)),
    }
    Ok(())
}

async fn load_orders(db: &Db, book: &mut Book, partition: i64, held: &mut Vec<Dossier>) -> Result<()> {
    let mut after = String::new();
    loop {
        let (live, last) = live_after(db, (partition, after.as_str()), PIECE).await?;
        let Some(last) = last else { return Ok(()) };
        after = last;
        live.into_iter().for_each(|dossier| enter_order(book, dossier, held));
    }
}

fn enter_order(book: &mut Book, dossier: Dossier, held: &mut Vec<Dossier>) {
    let dossier = as_decided(dossier, book);
    if dossier.waiting.is_some() { held.push(dossier) } else { book.enter(Arc::new(dossier)) }
}

/// The queue of an account is in order of age.
fn enter_held(book: &mut Book, mut held: Vec<Dossier>) {
    held.sort_by_cached_key(|dossier| dossier.waiting.as_ref().map(|hold| (hold.held_at, hold.hold_id.clone())));
    held.into_iter().for_each(|dossier| book.enter(Arc::new(dossier)));
}

/// A dossier as small as it was when it was decided: one text of each id, and no room for more lines.
fn as_decided(mut dossier: Dossier, book: &Book) -> Dossier {
    if let Some(passed) = &mut dossier.passed {
        passed.order.order_id = dossier.order_id.clone();
        if let Some((account_id, _)) = book.accounts.get_key_value(&passed.order.account_id) {
            passed.order.account_id = account_id.clone();
        }
        passed.order.lines.shrink_to_fit();
        passed.cancelled.shrink_to_fit();
    }
    dossier
}
