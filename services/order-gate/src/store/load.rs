//! Taking the partition over and reading its book.

use std::sync::Arc;

use chrono::DateTime;
use serde::de::DeserializeOwned;
use weir_model::{AccountId, Currency, SubjectId};
use weir_store::{Db, Error, Id, Result, bookmark};

use super::{CONDUCT, CREDIT, PARTITION};
use crate::book::Book;
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::policy::{Policy, PolicyVersion};
use crate::pulse::Feed;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        TAKE = "
            update partitions set owner = $2, epoch = epoch + 1 where partition = $1
            returning epoch, last_position";
        TENURE = "select epoch, last_position from partitions where partition = $1";
        INPUTS = "select account_id, kind, input from inputs where partition = $1";
        LIVE = "select dossier from orders where partition = $1 and live";
        POLICY = "select policy from policies order by version desc limit 1";
        FIRST_POLICY = "insert into policies (version, policy) values (1, $1) on conflict (version) do nothing";
    }
}

/// The right to write: a partition's epoch, and where its chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Tenure {
    pub(crate) epoch: i64,
    pub(crate) last_position: i64,
}

/// Takes the partition over: whoever had it can write no more. What it wrote is read in later statements.
pub(crate) async fn take(db: &Db, owner: &str) -> Result<Tenure> {
    let first = PolicyVersion {
        version: 1,
        policy: Policy::default(),
        activated_by: SubjectId::parse("weir").expect("four printable characters"),
        activated_at: DateTime::UNIX_EPOCH,
        reason: "the policy Weir comes with".to_owned(),
    };
    let first = serde_json::to_string(&first)?;
    let mut tx = db.begin().await?;
    let tenure = tx.query(sql::TAKE).bind(PARTITION).bind(owner).one().await?;
    tx.query(sql::FIRST_POLICY).bind(first).execute().await?;
    tx.commit().await?;
    Ok(tenure)
}

/// Where the chain ends now, if the tenure still holds.
pub(crate) async fn tenure_holds(db: &Db, tenure: Tenure) -> Result<Option<Tenure>> {
    let now: Tenure = db.query(sql::TENURE).bind(PARTITION).one().await?;
    Ok((now.epoch == tenure.epoch).then_some(now))
}

/// Reads the book. Under a tenure nobody writes meanwhile.
pub(crate) async fn load(db: &Db, tenure: Tenure) -> Result<Book> {
    let policy: String = db.query(sql::POLICY).scalar().await?;
    let mut followed = Followed::default();
    for feed in Feed::ALL {
        if let Some(position) = bookmark::get(db, feed.as_str()).await? {
            followed.reach(feed.as_str(), position);
        }
    }
    let mut book = Book::new(Arc::new(read(&policy)?), followed, tenure.last_position);
    let inputs: Vec<(Id<AccountId>, String, String)> = db.query(sql::INPUTS).bind(PARTITION).all().await?;
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
    let live: Vec<String> = db.query(sql::LIVE).bind(PARTITION).scalars().await?;
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
