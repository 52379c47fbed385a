//! The run of a business date: books payments whose date has come, fires the alerts that are due.
//!
//! Finds its work in the tables; a position at a time, each in its own transaction. Running again finds nothing.

use std::sync::Arc;

use weir_model::Call;
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
const ITEMS_MAX: i64 = 500;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    pub fired: i64,
    pub booked: i64,
    /// Position of the last entry it left; none when it left none.
    pub position: Option<i64>,
}

impl Receivables {
    /// Runs a business date to its end. `call.today` is the date.
    pub(crate) async fn run(&self, call: &Call) -> Result<Ran, Error> {
        let mut ran = Ran::default();
        loop {
            let due = store::run::due_positions(&self.env.db, call.today, POSITIONS_MAX).await?;
            if due.is_empty() {
                return Ok(ran);
            }
            for owner in due {
                let done =
                    self.env.db.once(call, async |tx: &mut Tx| self.run_position(tx, call, &owner).await).await?;
                let (fired, booked) = done.value;
                ran.fired += fired;
                ran.booked += booked;
                if fired + booked > 0 {
                    ran.position = ran.position.max(Some(done.position));
                }
            }
        }
    }

    /// Does what is due today for one batch of positions, on behalf of the system. Returns how many it looked at.
    pub async fn step(&self) -> Result<usize, Error> {
        let (at, today) = (self.env.clock.now(), self.env.clock.today());
        let due = store::run::due_positions(&self.env.db, today, POSITIONS_MAX).await?;
        for owner in &due {
            let call = Call::internal("weir.receivables/Run", self.env.ids.next(), at, today);
            self.env.db.once(&call, async |tx: &mut Tx| self.run_position(tx, &call, owner).await).await?;
        }
        Ok(due.len())
    }

    /// Books and fires for one position; how many alerts and payments.
    async fn run_position(&self, tx: &mut Tx, call: &Call, owner: &Owner) -> Result<(i64, i64), Error> {
        let (account_id, currency) = owner;
        let mut booked = 0;
        for id in store::run::due_payments(tx, account_id, *currency, call.today).await? {
            let mut wanted = Wanted { open_items: true, ..Wanted::default() };
            wanted.payments.insert(id.clone());
            let state = self.change(tx, call, owner, &wanted, "payment_booked", |ledger, recording| {
                ledger.book(&id, recording)?;
                Ok(!ledger.changes.is_empty())
            });
            booked += i64::from(state.await?);
        }
        let fired = self.fire(tx, call, owner).await?;
        Ok((fired, booked))
    }

    async fn fire(&self, tx: &mut Tx, call: &Call, owner: &Owner) -> Result<i64, Error> {
        let (account_id, currency) = owner;
        // the lock first: what a payment settles meanwhile must not fire
        store::ledger::load(tx, account_id, *currency, &Wanted::default()).await?;
        let due = store::run::due_items(tx, account_id, *currency, call.today, ITEMS_MAX).await?;
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
        Ok(count)
    }
}
