//! Blocks, debtors, and what the gate is told.

use weir_model::{AccountId, Call};
use weir_store::{Done, Tx};

use super::Collections;
use crate::{
    Error,
    debtor::Debtor,
    standing::{Block, Standing},
    store::{Notes, accounts},
};

impl Collections {
    /// Blocks an account. A block that stands keeps who set it and why.
    pub async fn block_account(&self, call: &Call, id: &AccountId, reason: &str) -> Result<Done<Standing>, Error> {
        let block = Block { reason: reason.to_owned(), by: call.principal.subject.clone(), at: call.at };
        let change = async |tx: &mut Tx| {
            let before = lock_in(tx, id).await?;
            if before.block.is_some() {
                return Ok::<_, Error>(before);
            }
            change_in(tx, call, "account_blocked", &before, Some(block.clone())).await
        };
        self.env.db.once(call, change).await
    }

    /// Lifts a block.
    pub async fn unblock_account(&self, call: &Call, id: &AccountId, reason: &str) -> Result<Done<Standing>, Error> {
        let change = async |tx: &mut Tx| {
            let before = lock_in(tx, id).await?;
            if before.block.is_none() {
                return Err(Error::WrongState { what: "account", id: id.to_string(), state: "not blocked" });
            }
            let mut notes = Notes::default();
            notes.add(call, "unblock_reason", id.as_str(), before.version, (None, &reason))?;
            notes.write_in(tx).await?;
            change_in(tx, call, "account_unblocked", &before, None).await
        };
        self.env.db.once(call, change).await
    }

    /// What the gate is told of an account.
    pub async fn get_standing(&self, id: &AccountId) -> Result<Standing, Error> {
        let standing = accounts::standing(&self.env.db, id).await?;
        Ok(standing.unwrap_or_else(|| Standing::none(id.clone())))
    }

    /// Standings of which something was told, after an account, in order.
    pub async fn standings(&self, after: &str, limit: i64) -> Result<Vec<Standing>, Error> {
        accounts::standings(&self.env.db, after, limit).await
    }

    /// Says how a debtor is reached.
    pub async fn put_debtor(&self, call: &Call, debtor: &Debtor) -> Result<Done<Debtor>, Error> {
        let id = &debtor.account_id;
        let put = async |tx: &mut Tx| {
            lock_in(tx, id).await?;
            let before = accounts::debtors_in(tx, id, id).await?.into_iter().next();
            let version = before.as_ref().map_or(1, |before| before.version + 1);
            let after = Debtor { version, ..debtor.clone() };
            accounts::put_debtor_in(tx, &after).await?;
            let mut notes = Notes::default();
            notes.add(call, "debtor_put", id.as_str(), version, (before.as_ref(), &after))?;
            notes.write_in(tx).await?;
            Ok::<_, Error>(after)
        };
        self.env.db.once(call, put).await
    }

    /// How a debtor is reached.
    pub async fn get_debtor(&self, id: &AccountId) -> Result<Debtor, Error> {
        let debtor = accounts::debtor(&self.env.db, id).await?;
        debtor.ok_or_else(|| Error::NotFound { what: "debtor", id: id.to_string() })
    }
}

/// Locks an account, known or new, and reads what the gate is told of it.
async fn lock_in(tx: &mut Tx, id: &AccountId) -> Result<Standing, Error> {
    accounts::ensure_in(tx, id).await?;
    let locked = accounts::lock_in(tx, id, id).await?.into_iter().next();
    Ok(locked.map_or_else(|| Standing::none(id.clone()), |(standing, _)| standing))
}

async fn change_in(
    tx: &mut Tx,
    call: &Call,
    kind: &'static str,
    before: &Standing,
    block: Option<Block>,
) -> Result<Standing, Error> {
    let after = Standing { block, version: before.version + 1, ..before.clone() };
    accounts::save_standing_in(tx, &after).await?;
    let mut notes = Notes::default();
    notes.add(call, kind, after.account_id.as_str(), after.version, (Some(before), &after))?;
    notes.write_in(tx).await?;
    Ok(after)
}
