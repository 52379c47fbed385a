//! Held orders: released, rejected or checked again by a person, or checked again by themselves when room may have come;
//! and the policy in force.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::{AccountId, Call, DecisionId, HoldId, OrderId};

use super::{Draft, Settled, call_for, json};
use crate::check::check_with;
use crate::decision::{Decision, Outcome, Verdict};
use crate::dossier::Dossier;
use crate::error::Error;
use crate::hold::{Hold, HoldState, Release};
use crate::order::Checkpoint;
use crate::policy::{Policy, PolicyVersion, Rule};
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
        let authority = call.principal.authority_in(order.currency).minor();
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
        let excess = verdict.excess.saturating_add(beyond);
        if authority < excess {
            return Err(Error::AuthorityExceeded { authority, excess });
        }
        let verdict = self.ask_again(&call, (&known, &hold), call.today, Grace::Released)?;
        let decision = self.decide(&call, &hold, call.today, verdict);
        let decision_id = decision.decision_id.clone().unwrap_or_else(|| hold.decision_id.clone());
        let mut released = hold.clone();
        released.release(release.clone(), decision_id, call.at)?;
        let mut dossier = Dossier::clone(&known);
        dossier.waiting = None;
        dossier.pass(order.clone(), Some(release), call.today);
        Ok(self.settle(&call, dossier, (&hold, released), decision))
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
        self.checked_again(&call, &known, &hold, (ask.business_date, verdict))
    }

    /// Checks an account's held orders again, oldest first, until its room is used (rule 5.7). Each result that is news
    /// is recorded; an order that cannot be judged now goes on waiting.
    pub(super) fn recheck_account(&mut self, call: &Call, account_id: &AccountId, today: NaiveDate) {
        let held = self.with_account(account_id, |account| account.held.clone());
        for order_id in held {
            let Some(known) = self.dossier(&order_id).cloned() else { continue };
            let Some(hold) = known.waiting.clone() else { continue };
            let Ok(verdict) = self.ask_again(call, (&known, &hold), today, Grace::None) else { continue };
            if !verdict.outcome.passes() && hold.found_before(&verdict) {
                continue;
            }
            let call = call_for(call, Some(&known));
            // only the end of a hold can be refused, and this one is open
            let _ = self.checked_again(&call, &known, &hold, (today, verdict));
        }
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
            now.still_held(&decision.verdict, decision_id);
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
        let verdict = self.with_account(&hold.order.account_id, |account| {
            check_with(account, Some(known), &hold.order, (now, grace), &self.policy)
        })?;
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
