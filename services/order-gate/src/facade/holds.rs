//! Holds: listed, shown, released, rejected, checked again.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_model::{AccountId, Call, Currency, HoldId, Money};

use super::OrderGate;
use crate::decision::Decision;
use crate::draft::{Recheck, Reject, ReleaseHold, Settled};
use crate::engine::Ask;
use crate::error::Error;
use crate::hold::{Hold, HoldState};
use crate::order::Checkpoint;
use crate::store::{self, HoldFilter};

/// Which holds are listed, oldest first.
#[derive(Debug, Clone)]
pub struct HoldQuery {
    /// Only of this account.
    pub account_id: Option<AccountId>,
    /// Only in one of these states; HELD when empty.
    pub states: Vec<HoldState>,
    /// After this one.
    pub after: Option<(DateTime<Utc>, HoldId)>,
    /// How many at most.
    pub limit: i64,
}

/// How a person releases a hold.
#[derive(Debug, Clone)]
pub struct ReleaseAsk {
    /// The hold.
    pub hold_id: HoldId,
    /// Amount it covers; what the order needs when none.
    pub approved: Option<Money>,
    /// How far a later value may exceed it, in percent.
    pub tolerance_percent: Decimal,
    /// Last day on which it counts.
    pub valid_until: NaiveDate,
    /// Checkpoints it covers; all when empty.
    pub checkpoints: BTreeSet<Checkpoint>,
    /// Why.
    pub reason: String,
    /// Version of the hold the caller looked at.
    pub version: Option<i64>,
}

/// A hold after a command, with the decision it brought.
#[derive(Debug, Clone)]
pub struct HoldOutcome {
    /// The hold.
    pub hold: Hold,
    /// The decision.
    pub decision: Decision,
    /// The journal's position that holds them.
    pub position: i64,
}

impl OrderGate {
    /// A hold.
    pub async fn hold(&self, hold_id: &HoldId) -> Result<Hold, Error> {
        store::hold(&self.env.db, hold_id).await?.ok_or_else(|| Error::not_found("hold", hold_id))
    }

    /// Holds, oldest first.
    pub async fn holds(&self, query: HoldQuery) -> Result<Vec<Hold>, Error> {
        let HoldQuery { account_id, mut states, after, limit } = query;
        if states.is_empty() {
            states.push(HoldState::Held);
        }
        Ok(store::holds(&self.env.db, &HoldFilter { account_id, states, after, limit }).await?)
    }

    /// Lets a held order pass, under the caller's authority. The same again gets the same answer.
    pub async fn release_hold(&self, call: Call, ask: ReleaseAsk) -> Result<HoldOutcome, Error> {
        let hold = self.hold(&ask.hold_id).await?;
        let approved = ask.approved.map(|amount| in_currency(amount, hold.order.currency)).transpose()?;
        let by = call.principal.subject.clone();
        let command = ReleaseHold {
            order_id: hold.order.order_id,
            hold_id: ask.hold_id.clone(),
            approved,
            tolerance_percent: ask.tolerance_percent,
            valid_until: ask.valid_until,
            checkpoints: ask.checkpoints.clone(),
            reason: ask.reason.clone(),
            version: ask.version,
        };
        let asked = self.engine.ask(Ask::Release(command), call).await;
        let the_same = |hold: &Hold| {
            hold.release.as_ref().is_some_and(|release| {
                release.released_by == by
                    && release.reason == ask.reason
                    && release.valid_until == ask.valid_until
                    && release.tolerance_percent == ask.tolerance_percent
                    && release.checkpoints == ask.checkpoints
                    && approved.is_none_or(|approved| approved == release.approved)
            })
        };
        self.outcome(asked, &ask.hold_id, the_same).await
    }

    /// Stops a held order for good. The same again gets the same answer.
    pub async fn reject_hold(
        &self,
        call: Call,
        (hold_id, reason, version): (HoldId, String, Option<i64>),
    ) -> Result<HoldOutcome, Error> {
        let order_id = self.hold(&hold_id).await?.order.order_id;
        let command = Reject { order_id, hold_id: hold_id.clone(), reason: reason.clone(), version };
        let asked = self.engine.ask(Ask::Reject(command), call).await;
        self.outcome(asked, &hold_id, |hold| hold.rejection_reason.as_ref() == Some(&reason)).await
    }

    /// Checks a held order again.
    pub async fn recheck_hold(
        &self,
        call: Call,
        hold_id: HoldId,
        business_date: NaiveDate,
    ) -> Result<HoldOutcome, Error> {
        let order_id = self.hold(&hold_id).await?.order.order_id;
        let command = Recheck { order_id, hold_id: hold_id.clone(), business_date };
        let asked = self.engine.ask(Ask::Recheck(command), call).await;
        self.outcome(asked, &hold_id, |_| false).await
    }

    /// What came of a command on a hold. One that ended in the way asked for was asked for before.
    async fn outcome(
        &self,
        asked: Result<Settled, Error>,
        hold_id: &HoldId,
        the_same: impl FnOnce(&Hold) -> bool,
    ) -> Result<HoldOutcome, Error> {
        match asked {
            Ok(Settled { hold: Some(hold), decision: Some(decision), position, .. }) => {
                Ok(HoldOutcome { hold, decision, position })
            }
            Ok(_) => Err(Error::Unavailable),
            Err(Error::HoldEnded(_)) => {
                let hold = self.hold(hold_id).await?;
                if !the_same(&hold) {
                    return Err(Error::HoldEnded(hold.state));
                }
                let decision = self.decision(&hold.newest_decision_id).await?;
                let position = self.engine.read(|book| book.last_position)?;
                Ok(HoldOutcome { hold, decision, position })
            }
            Err(error) => Err(error),
        }
    }
}

fn in_currency(amount: Money, currency: Currency) -> Result<i64, Error> {
    if amount.currency() == currency {
        Ok(amount.minor())
    } else {
        Err(Error::CurrencyMismatch { order: currency, given: amount.currency() })
    }
}
