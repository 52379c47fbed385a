//! An order stopped at the gate, and how that ends (rule 5.6). A hold carries no exposure. What was found is in minor
//! units of the account's currency, what a person releases in those of the order's.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde::{Deserialize, Serialize};
use weir_model::{CorrelationId, Country, Currency, DecisionId, GroupId, HoldId, Money, SubjectId};

use crate::decision::{Failure, Measure, Verdict, WayOut};
use crate::exposure::Overflow;
use crate::order::{Checkpoint, Order};
use crate::policy::Rule;

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// The order waits.
    Held,
    /// A later check found room.
    Approved,
    /// A person let it pass.
    Released,
    /// A person stopped it.
    Rejected,
    /// The order was cancelled or superseded.
    Lapsed,
}

impl HoldState {
    /// The state's name in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            HoldState::Held => "held",
            HoldState::Approved => "approved",
            HoldState::Released => "released",
            HoldState::Rejected => "rejected",
            HoldState::Lapsed => "lapsed",
        }
    }
}

/// A person's word that a held order may pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Amount it covers.
    pub approved: i64,
    /// How far a later value may exceed it, in percent.
    pub tolerance_percent: Decimal,
    /// Last day on which it counts.
    pub valid_until: NaiveDate,
    /// Who released.
    pub released_by: SubjectId,
    /// Why.
    pub reason: String,
    /// Checkpoints it covers; all when empty.
    pub checkpoints: BTreeSet<Checkpoint>,
    /// Authority of the person at that time, in the account's currency.
    pub authority: Money,
}

impl Release {
    /// The most that needs no other check: `approved × (1 + tolerance)`, cut to the minor unit.
    pub fn most(&self) -> i128 {
        let tolerance = Decimal::from(self.approved).checked_mul(self.tolerance_percent / Decimal::ONE_HUNDRED);
        // below 100 % of 64 bits: it always fits
        let tolerance = tolerance.and_then(|t| t.floor().to_i128()).unwrap_or(0);
        i128::from(self.approved) + tolerance
    }

    /// Whether the word given for `released` still covers `asked`: value within tolerance, same payer, currency and
    /// terms, on a day and at a checkpoint it was given for.
    pub fn covers(&self, released: &Order, asked: &Order, today: NaiveDate) -> Result<bool, Overflow> {
        let same = released.account_id == asked.account_id
            && released.currency == asked.currency
            && released.terms_days == asked.terms_days;
        let here = self.checkpoints.is_empty() || self.checkpoints.contains(&asked.checkpoint);
        Ok(same && here && today <= self.valid_until && i128::from(asked.credit_needed()?) <= self.most())
    }
}

/// The hold has ended: nothing more can happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended(pub HoldState);

/// An order stopped at the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub hold_id: HoldId,
    /// The order, in the revision that is held.
    pub order: Order,
    /// Where it stands.
    pub state: HoldState,
    /// The currency of what was found, where it is not the order's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// What of the order needs credit.
    pub required: i64,
    /// Rules that stop it, as of the newest check.
    pub failures: Vec<Failure>,
    /// What would make it pass, as of the newest check.
    pub ways_out: Vec<WayOut>,
    /// How far it exceeds what passes by itself, as of the newest check.
    pub excess: i64,
    /// The decision that stopped it.
    pub decision_id: DecisionId,
    /// The decision of the newest check.
    pub newest_decision_id: DecisionId,
    /// When it was stopped.
    pub held_at: DateTime<Utc>,
    /// When it left the state HELD.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it was released.
    pub release: Option<Release>,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
    /// Goes up with each change.
    pub version: i64,
    /// What the order belongs to.
    pub correlation_id: CorrelationId,
    /// Who is to be told that it stopped, by role: each exactly once, with version 1.
    pub notice_roles: Vec<String>,
}

impl Hold {
    /// A new hold, stopped by a decision.
    pub fn new(
        (hold_id, decision_id): (HoldId, DecisionId),
        order: Order,
        (verdict, currency): (&Verdict, Currency),
        notice_roles: Vec<String>,
        (held_at, correlation_id): (DateTime<Utc>, CorrelationId),
    ) -> Self {
        Hold {
            hold_id,
            currency: (order.currency != currency).then_some(currency),
            order,
            state: HoldState::Held,
            required: verdict.required,
            failures: verdict.failures.clone(),
            ways_out: verdict.ways_out.clone(),
            excess: verdict.excess,
            newest_decision_id: decision_id.clone(),
            decision_id,
            held_at,
            ended_at: None,
            release: None,
            rejection_reason: None,
            version: 1,
            correlation_id,
            notice_roles,
        }
    }

    /// Whether the policy held it for a person, who alone lifts that.
    pub fn is_forced(&self) -> bool {
        self.failures.iter().any(|failure| failure.rule == Rule::ForcedHold && failure.action.stops())
    }

    /// The currency of what was found.
    pub fn currency(&self) -> Currency {
        self.currency.unwrap_or(self.order.currency)
    }

    /// Its place among held orders, the oldest first.
    pub(crate) fn age(&self) -> (DateTime<Utc>, HoldId) {
        (self.held_at, self.hold_id.clone())
    }

    /// Groups that stop it: their pool, or their head.
    pub(crate) fn stopped_by(&self) -> impl Iterator<Item = &GroupId> {
        self.failures.iter().filter(|failure| failure.action.stops()).filter_map(|failure| failure.group_id.as_ref())
    }

    /// Countries whose cap stops it.
    pub(crate) fn stopped_in(&self) -> impl Iterator<Item = Country> {
        self.failures.iter().filter(|failure| failure.action.stops()).filter_map(|failure| failure.country)
    }

    /// Nothing but an open hold can change.
    pub fn open(&self) -> Result<(), Ended> {
        if self.state == HoldState::Held { Ok(()) } else { Err(Ended(self.state)) }
    }

    /// Whether another check found what the newest one did. That time went by is no news.
    pub fn found_before(&self, verdict: &Verdict) -> bool {
        let timeless = |failure: &Failure| {
            let value = failure.value.filter(|value| !matches!(value, Measure::Days(_) | Measure::Milliseconds(_)));
            Failure { value, ..failure.clone() }
        };
        self.required == verdict.required
            && self.excess == verdict.excess
            && self.failures.iter().map(timeless).eq(verdict.failures.iter().map(timeless))
    }

    /// A later check found no room either.
    pub fn still_held(&mut self, (verdict, currency): (&Verdict, Currency), decision_id: DecisionId) {
        self.currency = (self.order.currency != currency).then_some(currency);
        self.required = verdict.required;
        self.failures.clone_from(&verdict.failures);
        self.ways_out.clone_from(&verdict.ways_out);
        self.excess = verdict.excess;
        self.newest_decision_id = decision_id;
        self.version += 1;
    }

    /// A later check found room.
    pub fn approve(&mut self, decision_id: DecisionId, at: DateTime<Utc>) -> Result<(), Ended> {
        self.newest_decision_id = decision_id;
        self.end(HoldState::Approved, at)
    }

    /// A person lets it pass.
    pub fn release(&mut self, release: Release, decision_id: DecisionId, at: DateTime<Utc>) -> Result<(), Ended> {
        self.end(HoldState::Released, at)?;
        self.newest_decision_id = decision_id;
        self.release = Some(release);
        Ok(())
    }

    /// A person stops it for good.
    pub fn reject(&mut self, reason: String, decision_id: DecisionId, at: DateTime<Utc>) -> Result<(), Ended> {
        self.end(HoldState::Rejected, at)?;
        self.newest_decision_id = decision_id;
        self.rejection_reason = Some(reason);
        Ok(())
    }

    /// The order was cancelled or superseded.
    pub fn lapse(&mut self, at: DateTime<Utc>) -> Result<(), Ended> {
        self.end(HoldState::Lapsed, at)
    }

    fn end(&mut self, state: HoldState, at: DateTime<Utc>) -> Result<(), Ended> {
        self.open()?;
        self.state = state;
        self.ended_at = Some(at);
        self.version += 1;
        Ok(())
    }
}
