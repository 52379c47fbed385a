//! Reading the book: all of it, since whoever owns a partition owns them all. In the order of keys, piece by piece, so that
//! no piece is sorted or looked for.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use weir_model::{AccountId, Currency, GroupId};
use weir_store::{Db, Error, Id, Result, bookmark, journal};

use super::read::live_after;
use super::{CONDUCT, CREDIT, PATTERN};
use crate::book::Book;
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::fx::{Rate, Rates};
use crate::pulse::Feed;

/// Rows read at once: few enough that their texts weigh nothing beside the book.
const PIECE: i64 = 10_000;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        INPUTS = "
            select account_id, kind, input from inputs where (account_id, kind) > ($1, $2)
            order by account_id, kind limit $3";
        GROUPS = "select group_id, input from groups where group_id > $1 order by group_id limit $2";
        RATES = "
            select from_currency, to_currency, effective_date, rate from fx_rates
            where (from_currency, to_currency, effective_date) > ($1, $2, $3)
            order by from_currency, to_currency, effective_date limit $4";
        POLICY = "select policy from policies order by version desc limit 1";
    }
}

/// Reads the book. Under a tenure nobody writes meanwhile.
pub(crate) async fn load(db: &Db) -> Result<Book> {
    let policy: String = db.query(sql::POLICY).scalar().await?;
    let mut followed = Followed::default();
    for feed in Feed::ALL {
        if let Some(position) = bookmark::get(db, feed.as_str()).await? {
            followed.reach(feed.as_str(), position);
        }
    }
    let rates = load_rates(db).await?;
    let mut book = Book::new(Arc::new(read(&policy)?), rates, followed, journal::head_position(db).await?);
    load_groups(db, &mut book).await?;
    load_accounts(db, &mut book).await?;
    load_orders(db, &mut book).await?;
    book.add_up_pools();
    Ok(book)
}

async fn load_rates(db: &Db) -> Result<Rates> {
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

async fn load_accounts(db: &Db, book: &mut Book) -> Result<()> {
    let mut after = (String::new(), String::new());
    loop {
        let query = db.query(sql::INPUTS).bind(after.0.as_str()).bind(after.1.as_str());
        let inputs: Vec<(Id<AccountId>, String, String)> = query.bind(PIECE).all().await?;
        let Some((Id(last), kind, _)) = inputs.last() else { return Ok(()) };
        after = (last.to_string(), kind.clone());
        for (Id(account_id), kind, input) in inputs {
            let account = book.accounts.entry(account_id).or_default();
            match kind.as_str() {
                CREDIT => account.credit = Some(Arc::new(read(&input)?)),
                CONDUCT => account.conduct = Some(Arc::new(read(&input)?)),
                PATTERN => account.pattern = Some(Arc::new(read(&input)?)),
                code => {
                    account.purse_mut(currency(code)?).position = Some(Arc::new(read(&input)?));
                }
            }
        }
    }
}

async fn load_orders(db: &Db, book: &mut Book) -> Result<()> {
    let mut held: Vec<Dossier> = Vec::new();
    let mut after = (i64::MIN, String::new());
    loop {
        let (live, last) = live_after(db, (after.0, after.1.as_str()), PIECE).await?;
        let Some(last) = last else { break };
        after = last;
        for dossier in live {
            let dossier = as_decided(dossier, book);
            if dossier.waiting.is_some() { held.push(dossier) } else { book.enter(Arc::new(dossier)) }
        }
    }
    // the queue of an account is in order of age
    held.sort_by_cached_key(|dossier| dossier.waiting.as_ref().map(|hold| (hold.held_at, hold.hold_id.clone())));
    held.into_iter().for_each(|dossier| book.enter(Arc::new(dossier)));
    Ok(())
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

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text)?)
}
