//! What a draft policy would have changed: each past decision asked again, counted by grade and rule. Pure.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::Currency;

use crate::decision::{Decision, Verdict};
use crate::exposure::Overflow;
use crate::policy::{Policy, Rule};
use crate::replay::replay;
use crate::standing::Grade;

/// Whose decisions a line counts, by what: all rules together under none. In one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The grade of the account at that time.
    pub(crate) grade: Option<Grade>,
    /// The rule that would stop the order, or stopped it.
    pub(crate) rule: Option<Rule>,
    /// Currency of the amounts.
    pub(crate) currency: Currency,
}

/// How many orders, and how much credit they asked for in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    /// How many.
    pub(crate) count: i64,
    /// How much.
    pub(crate) amount: i128,
}

impl Sum {
    fn add(&mut self, amount: i64) {
        self.count += 1;
        self.amount += i128::from(amount);
    }
}

/// What changed under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shift {
    /// Passed and would be stopped.
    pub(crate) stopped: Sum,
    /// Was stopped and would pass.
    pub(crate) passed: Sum,
}

/// What a draft policy would have changed so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Decisions asked again.
    pub(crate) replayed: i64,
    /// Of them, those that would go the other way.
    pub(crate) changed: i64,
    /// Decisions that could not be asked again: their facts were not kept.
    pub(crate) not_replayable: i64,
    /// What changed, by grade and rule. An order stopped by two rules counts under both.
    pub(crate) shifts: BTreeMap<Key, Shift>,
}

impl Tally {
    /// Asks a decision again; what would be said of it, where it would go the other way.
    pub(crate) fn take(&mut self, decision: &Decision, draft: &Policy) -> Result<Option<Verdict>, Overflow> {
        let Some(would_be) = replay(decision, draft)? else {
            self.not_replayable += 1;
            return Ok(None);
        };
        self.replayed += 1;
        let (was, now) = (decision.verdict.outcome.passes(), would_be.outcome.passes());
        if was == now {
            return Ok(None);
        }
        self.changed += 1;
        let stopping = if was { &would_be } else { &decision.verdict };
        let rules = stopping.failures.iter().filter(|f| f.action.stops()).map(|f| f.rule);
        let rules: BTreeSet<Option<Rule>> = rules.map(Some).chain([None]).collect();
        for rule in rules {
            let key = Key { grade: grade(decision), rule, currency: decision.currency };
            let shift = self.shifts.entry(key).or_default();
            let sum = if was { &mut shift.stopped } else { &mut shift.passed };
            sum.add(decision.verdict.required);
        }
        Ok(Some(would_be))
    }
}

/// The grade of the account when it was decided.
pub(crate) fn grade(decision: &Decision) -> Option<Grade> {
    decision.verdict.facts.as_ref()?.credit.as_ref()?.grade
}
