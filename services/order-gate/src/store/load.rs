//! Reading the book of the partitions this process owns.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use weir_model::{AccountId, Currency};
use weir_store::{Db, Error, Id, Result, bookmark, journal};

use super::{CONDUCT, CREDIT, Tenure};
use crate::book::Book;
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::pulse::Feed;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        INPUTS = "
            select account_id, kind, input from inputs
            where partition in (select partition from partitions where owner = $1)";
        LIVE = "
            select dossier from orders
            where live and partition in (select partition from partitions where owner = $1)";
        POLICY = "select policy from policies order by version desc limit 1";
    }
}

/// Reads the book. Under a tenure nobody writes meanwhile.
pub(crate) async fn load(db: &Db, tenure: &Tenure) -> Result<Book> {
    let policy: String = db.query(sql::POLICY).scalar().await?;
    let mut followed = Followed::default();
    for feed in Feed::ALL {
        if let Some(position) = bookmark::get(db, feed.as_str()).await? {
            followed.reach(feed.as_str(), position);
        }
    }
    let mut book = Book::new(Arc::new(read(&policy)?), followed, journal::head_position(db).await?);
    let inputs: Vec<(Id<AccountId>, String, String)> = db.query(sql::INPUTS).bind(&*tenure.owner).all().await?;
    for (Id(account_id), kind, input) in inputs {
        let account = book.accounts.entry(account_id).or_default();
        match kind.as_str() {
            CREDIT => account.credit = Some(Arc::new(read(&input)?)),
            CONDUCT => account.conduct = Some(Arc::new(read(&input)?)),
            code => {
                let currency = Currency::from_code(code).map_err(|e| Error::Migration(e.to_string()))?;
                account.purse_mut(currency).position = Some(Arc::new(read(&input)?));
            }
        }
    }
    let live: Vec<String> = db.query(sql::LIVE).bind(&*tenure.owner).scalars().await?;
    let mut dossiers = live.iter().map(|text| read(text)).collect::<Result<Vec<Dossier>>>()?;
    dossiers.sort_by_cached_key(|dossier| dossier.waiting.as_ref().map(|hold| (hold.held_at, hold.hold_id.clone())));
    for dossier in dossiers {
        book.enter(Arc::new(dossier));
    }
    Ok(book)
}

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_str(text)?)
}
