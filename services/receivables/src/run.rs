//! The run of a business date: books payments whose date has come, fires the alerts that are due.
//!
//! Finds its work in the tables; position after position, each payment and each batch of alerts in its own
//! transaction. What cannot be done is logged and stops nothing else. Running again finds only that.

use std::sync::Arc;

use weir_model::{Call, PaymentId};
use weir_store::{Change, Tx, journal};

use crate::{
    Receivables, alerts,
    error::Error,
    intake::Owner,
    store::{self, ledger::Wanted},
};

/// Positions looked up at once.
const POSITIONS_MAX: i64 = 100;

/// Items looked at in one transaction; bounds it for accounts with very many.
const ITEMS_MAX: usize = 500;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    pub fired: i64,
    pub booked: i64,
    /// Items it looked at, whether or not something fired.
    pub looked_at: usize,
    /// Position of the last entry it left; none when it left none.
    pub position: Option<i64>,
}

impl Ran {
    fn left(&mut self, position: i64) {
        self.position = self.position.max(Some(position));
    }
}

impl Receivables {
    /// Runs a business date to its end. `call.today` is the date.
    pub(crate) async fn run(&self, call: &Call) -> Result<Ran, Error> {
        let mut ran = Ran::default();
        let mut after = None;
        loop {
            let due = store::run::due_positions(&self.env.db, call.today, after.as_ref(), POSITIONS_MAX).await?;
            if due.is_empty() {
                return Ok(ran);
            }
            for owner in &due {
                self.run_position(call, owner, &mut ran).await?;
            }
            after = due.into_iter().next_back();
        }
    }

    /// Does what is due today for one batch of positions, on behalf of the system. Returns how much it did: nothing
    /// also when all that is left is what cannot be done.
    pub async fn step(&self) -> Result<usize, Error> {
        let (at, today) = (self.env.clock.now(), self.env.clock.today());
        let mut after = None;
        loop {
            let due = store::run::due_positions(&self.env.db, today, after.as_ref(), POSITIONS_MAX).await?;
            let mut ran = Ran::default();
            for owner in &due {
                let call = Call::internal("weir.receivables/Run", self.env.ids.next(), at, today);
                self.run_position(&call, owner, &mut ran).await?;
            }
            let done = ran.looked_at + usize::try_from(ran.booked).unwrap_or(usize::MAX);
            if done > 0 || due.is_empty() {
                return Ok(done);
            }
            after = due.into_iter().next_back();
        }
    }

    /// Books and fires for one position. Payments first: what they pay has nothing to fire.
    async fn run_position(&self, call: &Call, owner: &Owner, ran: &mut Ran) -> Result<(), Error> {
        let (account_id, currency) = owner;
        for id in store::run::due_payments(&self.env.db, account_id, *currency, call.today).await? {
            let booked = self.env.db.once(call, async |tx: &mut Tx| self.book(tx, call, owner, &id).await);
            match booked.await {
                Ok(done) if done.value => {
                    ran.booked += 1;
                    ran.left(done.position);
                }
                Ok(_) => {}
                Err(error) if error.is_refusal() => {
                    tracing::error!(%account_id, %currency, payment_id = %id, %error, "a payment cannot be booked");
                }
                Err(error) => return Err(error),
            }
        }
        loop {
            let fired = self.env.db.once(call, async |tx: &mut Tx| self.fire(tx, call, owner).await);
            let done = match fired.await {
                Ok(done) => done,
                Err(error) if error.is_refusal() => {
                    tracing::error!(%account_id, %currency, %error, "alerts cannot be fired");
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let (fired, looked_at) = done.value;
            ran.fired += fired;
            ran.looked_at += looked_at;
            if fired > 0 {
                ran.left(done.position);
            }
            if looked_at < ITEMS_MAX {
                return Ok(());
            }
        }
    }

    /// Books a payment; whether it still was to be booked.
    async fn book(&self, tx: &mut Tx, call: &Call, owner: &Owner, id: &PaymentId) -> Result<bool, Error> {
        let mut wanted = Wanted { open_items: true, ..Wanted::default() };
        wanted.payments.insert(id.clone());
        let state = self.change(tx, call, owner, &wanted, "payment_booked", |ledger, recording| {
            ledger.book(id, recording)?;
            Ok(!ledger.changes.is_empty())
        });
        state.await
    }

    /// Fires for a batch of items; how many alerts, and of how many items.
    async fn fire(&self, tx: &mut Tx, call: &Call, owner: &Owner) -> Result<(i64, usize), Error> {
        let (account_id, currency) = owner;
        // the lock first: what a payment settles meanwhile must not fire
        store::ledger::load(tx, account_id, *currency, &Wanted::default()).await?;
        let due = store::run::due_items(tx, account_id, *currency, call.today, ITEMS_MAX).await?;
        let looked_at = due.len();
        let wanted = Wanted { items: due.into_iter().collect(), ..Wanted::default() };
        let mut ledger = store::ledger::load(tx, account_id, *currency, &wanted).await?;
        let mut all = Vec::new();
        for item in ledger.items.values_mut().map(Arc::make_mut) {
            let levels = alerts::due(item.due_date, item.alerts_fired, call.today);
            item.alerts_fired |= levels.iter().map(|level| level.bit()).sum::<i64>();
            item.next_alert_date = alerts::next_date(item.due_date, item.alerts_fired, Some(call.today));
            store::run::fire(tx, item, &levels, call.today, call.at).await?;
            all.extend(levels.into_iter().map(|level| (item.id.clone(), level)));
        }
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        if count > 0 {
            let subject = format!("{account_id}/{currency}");
            let after = serde_json::to_value(&all)?;
            let change =
                Change { kind: "alerts_fired", subject: &subject, version: ledger.version, before: None, after };
            journal::append_in(tx, call, &change).await?;
        }
        Ok((count, looked_at))
    }
}
