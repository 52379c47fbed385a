//! Held orders: released, rejected or checked again by a person, or checked again by themselves when room may have come;
//! and the policy in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::{AccountId, Call, Currency, DecisionId, HoldId, OrderId};

use super::{Draft, Settled, call_for, json};
use crate::check::check_with;
use crate::country::Countries as _;
use crate::decision::{Decision, Outcome, Verdict};
use crate::dossier::Dossier;
use crate::error::Error;
use crate::exposure::Overflow;
use crate::fx::converted_up;
use crate::hold::{Hold, HoldState, Release};
use crate::order::Checkpoint;
use crate::policy::{Policy, PolicyVersion, Rule};
use crate::pool::{Pools as _, Waiting};
use crate::question::View as _;
use crate::rules::Grace;

/// Lets a held order pass.
#[derive(Debug, Clone)]
pub(crate) struct ReleaseHold {
    pub(crate) order_id: OrderId,
    pub(crate) hold_id: HoldId,
    /// What it covers; what the order needs when none.
    pub(crate) approved: Option<i64>,
    pub(crate) tolerance_percent: Decimal,
    pub(crate) valid_until: NaiveDate,
    pub(crate) checkpoints: BTreeSet<Checkpoint>,
    pub(crate) reason: String,
    pub(crate) version: Option<i64>,
}

/// Stops a held order for good.
#[derive(Debug, Clone)]
pub(crate) struct Reject {
    pub(crate) order_id: OrderId,
    pub(crate) hold_id: HoldId,
    pub(crate) reason: String,
    pub(crate) version: Option<i64>,
}

/// Checks a held order again.
#[derive(Debug, Clone)]
pub(crate) struct Recheck {
    pub(crate) order_id: OrderId,
    pub(crate) hold_id: HoldId,
    pub(crate) business_date: NaiveDate,
}

/// Puts a policy in force.
#[derive(Debug, Clone)]
pub(crate) struct Activate {
    pub(crate) policy: Policy,
    pub(crate) present_version: Option<i64>,
    pub(crate) reason: String,
}

/// An amount of an order in the currency of what was found of it, rounded up.
fn in_its_own(verdict: &Verdict, currency: Currency, amount: i64) -> Result<i64, Overflow> {
    match verdict.foreign.iter().find(|foreign| foreign.currency == currency) {
        Some(foreign) => converted_up(amount.into(), foreign.factor),
        None => Ok(amount),
    }
}

impl Draft<'_> {
    /// Lets a held order pass under a person's authority (rule 5.6).
    pub(crate) fn release(&mut self, call: &Call, ask: &ReleaseHold) -> Result<Settled, Error> {
        let (known, hold) = self.waiting(&ask.order_id, &ask.hold_id, ask.version)?;
        let call = call_for(call, Some(&known));
        let order = &hold.order;
        if order.is_asked_by(&call.principal.subject) {
            return Err(Error::SelfApproval);
        }
        let verdict = self.ask_again(&call, (&known, &hold), call.today, Grace::None)?;
        let blocked = |f: &crate::decision::Failure| f.rule == Rule::AccountBlocked && f.action.stops();
        if verdict.failures.iter().any(blocked) {
            return Err(Error::WrongState("the account is blocked; a block is lifted where it was laid"));
        }
        let needed = order.credit_needed()?;
        let approved = ask.approved.unwrap_or(needed);
        let authority = call.principal.authority_in(hold.currency());
        let release = Release {
            approved,
            tolerance_percent: ask.tolerance_percent,
            valid_until: ask.valid_until,
            released_by: call.principal.subject.clone(),
            reason: ask.reason.clone(),
            checkpoints: ask.checkpoints.clone(),
            authority,
        };
        if i128::from(needed) > release.most() {
            return Err(Error::WrongState("the amount approved, with its tolerance, does not cover the order"));
        }
        // whatever it lets a later revision add takes authority now
        let beyond = i64::try_from(release.most() - i128::from(needed)).unwrap_or(i64::MAX);
        let excess = verdict.excess.saturating_add(in_its_own(&verdict, order.currency, beyond)?);
        if authority.minor() < excess {
            return Err(Error::AuthorityExceeded { authority: authority.minor(), excess });
        }
        let verdict = self.ask_again(&call, (&known, &hold), call.today, Grace::Released)?;
        let decision = self.decide(&call, &hold, call.today, verdict);
        let decision_id = decision.decision_id.clone().unwrap_or_else(|| hold.decision_id.clone());
        let mut released = hold.clone();
        released.release(release.clone(), decision_id, call.at)?;
        let mut dossier = Dossier::clone(&known);
        dossier.waiting = None;
        dossier.pass(order.clone(), Some(release), call.today);
        let settled = self.settle(&call, dossier, (&hold, released), decision);
        // it may be smaller than the one that counted, or count for another account
        self.recheck_held(&call, known.counts_now_for().cloned(), call.today);
        Ok(settled)
    }

    /// Stops a held order for good. What passed before of the order goes on counting.
    pub(crate) fn reject(&mut self, call: &Call, ask: &Reject) -> Result<Settled, Error> {
        let (known, hold) = self.waiting(&ask.order_id, &ask.hold_id, ask.version)?;
        let call = call_for(call, Some(&known));
        let verdict = self.ask_again(&call, (&known, &hold), call.today, Grace::None)?;
        let verdict = Verdict { outcome: Outcome::Reject, ways_out: Vec::new(), ..verdict };
        let decision = self.decide(&call, &hold, call.today, verdict);
        let decision_id = decision.decision_id.clone().unwrap_or_else(|| hold.decision_id.clone());
        let mut rejected = hold.clone();
        rejected.reject(ask.reason.clone(), decision_id, call.at)?;
        let mut dossier = Dossier::clone(&known);
        dossier.waiting = None;
        Ok(self.settle(&call, dossier, (&hold, rejected), decision))
    }

    /// Checks a held order again because somebody asked.
    pub(crate) fn recheck(&mut self, call: &Call, ask: &Recheck) -> Result<Settled, Error> {
        let (known, hold) = self.waiting(&ask.order_id, &ask.hold_id, None)?;
        let call = call_for(call, Some(&known));
        let verdict = self.ask_again(&call, (&known, &hold), ask.business_date, Grace::None)?;
        let settled = self.checked_again(&call, &known, &hold, (ask.business_date, verdict))?;
        self.recheck_held(&call, known.counts_now_for().cloned(), call.today);
        Ok(settled)
    }

    /// Checks held orders again, oldest first, until the room is used (rule 5.7): those of some accounts, and those that wait
    /// for groups or countries in which room may have come free. Each result that is news is recorded; an order that cannot
    /// be judged now goes on waiting. One that passes may leave room in its turn, where it counted for more, or for another
    /// account: the oldest order there comes first again.
    pub(super) fn recheck_held(
        &mut self,
        call: &Call,
        accounts: impl IntoIterator<Item = AccountId>,
        today: NaiveDate,
    ) {
        let mut next = self.held_by_age(accounts);
        loop {
            let (groups, countries) = (std::mem::take(&mut self.freed), std::mem::take(&mut self.freed_countries));
            let groups = groups.iter().filter_map(|group_id| Some(&self.pool(group_id)?.waiting));
            let countries = countries.iter().filter_map(|country| Some(&self.country(*country)?.waiting));
            for waiting in groups.chain(countries) {
                next.extend(waiting.iter().map(|(age, id)| (age.clone(), id.clone())));
            }
            let Some((_, order_id)) = next.pop_first() else { return };
            if let Some(freed) = self.recheck_one(call, &order_id, today) {
                next.extend(self.held_by_age([freed]));
            }
        }
    }

    fn held_by_age(&self, accounts: impl IntoIterator<Item = AccountId>) -> Waiting {
        let accounts = accounts.into_iter().filter_map(|account_id| self.account(&account_id));
        let aged = accounts.flat_map(|account| &account.held).filter_map(|order_id| {
            let age = self.dossier(order_id)?.waiting.as_ref()?.age();
            Some((age, order_id.clone()))
        });
        aged.collect()
    }

    /// Checks a held order again; where it counted before, if it passes now.
    fn recheck_one(&mut self, call: &Call, order_id: &OrderId, today: NaiveDate) -> Option<AccountId> {
        let known = self.dossier(order_id).cloned()?;
        let hold = known.waiting.clone()?;
        let verdict = self.ask_again(call, (&known, &hold), today, Grace::None).ok()?;
        let passes = verdict.outcome.passes();
        if !passes && hold.found_before(&verdict) {
            return None;
        }
        let call = call_for(call, Some(&known));
        // only the end of a hold can be refused, and this one is open
        let _ = self.checked_again(&call, &known, &hold, (today, verdict));
        known.counts_now_for().filter(|_| passes).cloned()
    }

    fn checked_again(
        &mut self,
        call: &Arc<Call>,
        known: &Dossier,
        hold: &Hold,
        (today, verdict): (NaiveDate, Verdict),
    ) -> Result<Settled, Error> {
        let decision = self.decide(call, hold, today, verdict);
        let decision_id = decision.decision_id.clone().unwrap_or_else(|| hold.decision_id.clone());
        let mut dossier = known.clone();
        let mut now = hold.clone();
        if decision.verdict.outcome.passes() {
            now.approve(decision_id, call.at)?;
            dossier.waiting = None;
            dossier.pass(hold.order.clone(), None, today);
        } else {
            now.still_held((&decision.verdict, decision.currency), decision_id);
            dossier.waiting = Some(Box::new(now.clone()));
        }
        Ok(self.settle(call, dossier, (hold, now), decision))
    }

    /// The order's open hold, if it is the one meant and looks as the caller saw it.
    fn waiting(
        &self,
        order_id: &OrderId,
        hold_id: &HoldId,
        version: Option<i64>,
    ) -> Result<(Arc<Dossier>, Hold), Error> {
        let known = self.dossier(order_id).cloned().ok_or_else(|| Error::not_found("hold", hold_id))?;
        self.holding_order(Some(&known))?;
        let hold = known.waiting.clone().filter(|hold| hold.hold_id == *hold_id);
        // how it ended the database knows
        let hold = hold.ok_or(Error::HoldEnded(HoldState::Lapsed))?;
        if version.is_some_and(|version| version != hold.version) {
            return Err(Error::EtagMismatch { present: hold.version });
        }
        Ok((known, *hold))
    }

    /// What the rules say of a held order now. It stays held where they would refuse a new one: only a person ends it so.
    fn ask_again(
        &self,
        call: &Call,
        (known, hold): (&Dossier, &Hold),
        today: NaiveDate,
        grace: Grace,
    ) -> Result<Verdict, Error> {
        let now = self.now(call, today);
        let verdict = check_with(self, Some(known), &hold.order, (now, grace))?;
        let outcome = if verdict.outcome == Outcome::Reject { Outcome::Hold } else { verdict.outcome };
        Ok(Verdict { outcome, ..verdict })
    }

    fn decide(&mut self, call: &Arc<Call>, hold: &Hold, today: NaiveDate, verdict: Verdict) -> Decision {
        let mut decision = self.circumstances(call, &hold.order, today).decision(&hold.order, verdict);
        decision.decision_id = Some(self.ids.next::<DecisionId>());
        decision.hold_id = (decision.verdict.outcome == Outcome::Hold).then(|| hold.hold_id.clone());
        self.record(call, &decision);
        decision
    }

    fn settle(
        &mut self,
        call: &Arc<Call>,
        dossier: Dossier,
        (before, hold): (&Hold, Hold),
        decision: Decision,
    ) -> Settled {
        let commitment = self.put(call, dossier);
        self.note_hold(call, Some(before), &hold);
        let position = self.position();
        Settled { decision: Some(decision), hold: Some(hold), commitment, position, ..Settled::default() }
    }

    /// Puts a policy in force for the decisions that follow.
    pub(crate) fn activate(&mut self, call: &Call, ask: &Activate) -> Result<Settled, Error> {
        let present = self.policy.clone();
        if ask.present_version.is_some_and(|version| version != present.version) {
            return Err(Error::EtagMismatch { present: present.version });
        }
        let next = Arc::new(PolicyVersion {
            version: present.version + 1,
            policy: ask.policy.clone(),
            activated_by: call.principal.subject.clone(),
            activated_at: call.at,
            reason: ask.reason.clone(),
        });
        let call = Arc::new(call.clone());
        let subject = ("policy_activated", "order_gate", next.version);
        self.line(&call, subject, Some(json(&*present)), json(&*next));
        self.writes.policies.push(next.clone());
        self.policy = next.clone();
        Ok(Settled { policy: Some(next), position: self.position(), ..Settled::default() })
    }
}
