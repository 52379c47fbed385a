//! Debtors who want no contact.

use std::collections::BTreeSet;

use weir_model::{AccountId, SubjectId};
use weir_store::{Id, Instant, Runner, Tx};

use crate::{Error, record::OptOut};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "insert into opt_outs (account_id, reason, set_by, set_at) values ($1, $2, $3, $4)";
        GET = "select account_id, reason, set_by, set_at from opt_outs where account_id = $1";
        DELETE = "delete from opt_outs where account_id = $1";
        OF = "select account_id from opt_outs where account_id >= $1 and account_id <= $2";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    account_id: Id<AccountId>,
    reason: String,
    set_by: Id<SubjectId>,
    set_at: Instant,
}

pub(crate) async fn insert_in(tx: &mut Tx, wish: &OptOut) -> Result<(), Error> {
    tx.query(sql::INSERT)
        .bind(wish.account_id.as_str())
        .bind(wish.reason.as_str())
        .bind(wish.set_by.as_str())
        .bind(Instant::from(wish.set_at))
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn get_in(tx: &mut Tx, account_id: &AccountId) -> Result<Option<OptOut>, Error> {
    let row = tx.query(sql::GET).bind(account_id.as_str()).optional::<Row>().await?;
    Ok(row.map(|row| OptOut {
        account_id: row.account_id.0,
        reason: row.reason,
        set_by: row.set_by.0,
        set_at: row.set_at.get(),
    }))
}

pub(crate) async fn delete_in(tx: &mut Tx, account_id: &AccountId) -> Result<(), Error> {
    tx.query(sql::DELETE).bind(account_id.as_str()).execute().await?;
    Ok(())
}

/// Which accounts of a range want no contact.
pub(crate) async fn of<'c>(
    runner: impl Runner<'c>,
    first: &AccountId,
    last: &AccountId,
) -> Result<BTreeSet<AccountId>, Error> {
    let rows = runner.query(sql::OF).bind(first.as_str()).bind(last.as_str()).all::<(Id<AccountId>,)>().await?;
    Ok(rows.into_iter().map(|(id,)| id.0).collect())
}
