//! Promises: noted, withdrawn, listed. Judging them is the run's.

use chrono::NaiveDate;
use weir_model::{AccountId, Call, Fault, ItemId, Money, PromiseId, add_days};
use weir_store::{Done, Tx};

use super::Collections;
use crate::{
    Error,
    promise::{AHEAD_DAYS_MAX, Promise, PromiseState},
    record::{PromiseRecord, RunCounts},
    run::Occasion,
    store::{
        Notes, Page, accounts, cases,
        promises::{self, PromiseFilter},
        runs, strategies,
    },
};

/// A debtor's word, as a person heard it.
#[derive(Debug, Clone)]
pub struct NewPromise {
    /// The account.
    pub account_id: AccountId,
    /// The item.
    pub item_id: ItemId,
    /// What was promised; positive.
    pub amount: Money,
    /// By when.
    pub date: NaiveDate,
    /// Days after it on which the money still counts.
    pub grace_days: i64,
    /// Who gave the word, and anything else.
    pub note: String,
}

impl Collections {
    /// Notes a promise; its item is left alone until it is judged.
    pub async fn record_promise(&self, call: &Call, new: &NewPromise) -> Result<Done<PromiseRecord>, Error> {
        self.env.db.once(call, async |tx: &mut Tx| self.record_promise_in(tx, call, new).await).await
    }

    async fn record_promise_in(&self, tx: &mut Tx, call: &Call, new: &NewPromise) -> Result<PromiseRecord, Error> {
        let account_id = &new.account_id;
        accounts::lock_in(tx, account_id, account_id).await?;
        let newest = runs::newest_in(tx).await?;
        let today = newest.map_or(call.today, |newest| newest.min(call.today));
        if new.date < today || add_days(call.today, AHEAD_DAYS_MAX).is_some_and(|last| new.date > last) {
            let text = format!("must be from {today} to {AHEAD_DAYS_MAX} days ahead");
            return Err(Fault::invalid("promised_date", text).into());
        }
        let item = accounts::item_in(tx, account_id, &new.item_id).await?;
        let item = item.ok_or_else(|| Error::NotFound { what: "item", id: new.item_id.to_string() })?;
        if item.amount.currency() != new.amount.currency() {
            let text = format!("must be in {}", item.amount.currency());
            return Err(Fault::invalid("promised_amount", text).into());
        }
        let open = promises::open_in(tx, account_id, account_id).await?;
        if open.iter().any(|record| record.promise.item_id == new.item_id) {
            return Err(Error::PromiseOpen(new.item_id.to_string()));
        }
        let available = item.dunnable()?;
        if new.amount.checked_cmp(available)?.is_gt() {
            return Err(Error::LessIsOpen { item_id: new.item_id.to_string(), available: available.to_string() });
        }
        let of_account = cases::open_in(tx, account_id, account_id).await?;
        let case = of_account.into_iter().find(|case| case.currency == new.amount.currency());
        let record = PromiseRecord {
            promise: Promise {
                promise_id: self.env.ids.next(),
                item_id: new.item_id.clone(),
                amount: new.amount,
                date: new.date,
                grace_days: new.grace_days,
                open_before: item.open,
                received: Money::zero(new.amount.currency()),
            },
            account_id: account_id.clone(),
            case_id: case.map(|case| case.case_id),
            state: PromiseState::Open,
            judged_date: None,
            note: new.note.clone(),
            recorded_by: call.principal.subject.clone(),
            recorded_at: call.at,
            version: 1,
        };
        promises::insert_in(tx, &record).await.map_err(|error| match error {
            weir_store::Error::Duplicate(_) => Error::PromiseOpen(new.item_id.to_string()),
            error => error.into(),
        })?;
        let mut notes = Notes::default();
        notes.add(call, "promise_recorded", record.promise.promise_id.as_str(), 1, (None, &record))?;
        notes.write_in(tx).await?;
        self.look_again_in(tx, call, account_id).await?;
        Ok(record)
    }

    /// Withdraws an open promise.
    pub async fn cancel_promise(
        &self,
        call: &Call,
        id: &PromiseId,
        reason: &str,
    ) -> Result<Done<PromiseRecord>, Error> {
        let cancel = async |tx: &mut Tx| {
            let before = promises::get_in(tx, id).await?;
            let before = before.ok_or_else(|| Error::NotFound { what: "promise", id: id.to_string() })?;
            if before.state != PromiseState::Open {
                let state = before.state.as_str();
                return Err(Error::WrongState { what: "promise", id: id.to_string(), state });
            }
            let mut after = before.clone();
            after.state = PromiseState::Cancelled;
            after.note = if before.note.is_empty() { reason.to_owned() } else { format!("{}; {reason}", before.note) };
            after.version = promises::save_in(tx, &after).await?;
            let mut notes = Notes::default();
            notes.add(call, "promise_cancelled", id.as_str(), after.version, (Some(&before), &after))?;
            notes.write_in(tx).await?;
            self.look_again_in(tx, call, &after.account_id).await?;
            Ok::<_, Error>(after)
        };
        self.env.db.once(call, cancel).await
    }

    /// Works an account again after something about it changed here.
    pub(super) async fn look_again_in(&self, tx: &mut Tx, call: &Call, account_id: &AccountId) -> Result<(), Error> {
        let policy = strategies::policy_in(tx).await?;
        let date = runs::newest_in(tx).await?.unwrap_or(call.today);
        let work = super::desk::Work { call, policy: &policy, date, occasion: Occasion::Change };
        self.work_in(tx, &work, (account_id, account_id), &mut RunCounts::default()).await
    }

    /// Promises, newest first.
    pub async fn list_promises(
        &self,
        filter: &PromiseFilter,
        page: &Page<promises::Key>,
    ) -> Result<Vec<PromiseRecord>, Error> {
        promises::list(&self.env.db, filter, page).await
    }
}
