//! The journal against the calls: every line of it, in order, is what the rules make of the lines before it, and every
//! answer is in it, once, in an order that time allows.
//!
//! The gate gives each decision a position, so the order in which calls took effect need not be searched for: it is
//! claimed. A history is linearisable if the claimed order gives the answers that were given, and no call took effect
//! before another that had ended when it began.

use std::collections::{BTreeMap, BTreeSet};

use weir_wire::order_gate::v1::{Commitment, Decision, Hold, HoldState, Outcome, change::Change};

use super::record::{Answer, Asked, Call};

/// An order, as the lines so far say.
#[derive(Debug, Default)]
struct Order {
    account: String,
    decided: BTreeSet<i32>,
    /// Worth of the revision that counts.
    passed: Option<i64>,
    cancelled: bool,
    delivered: i64,
    waiting: Option<i32>,
}

impl Order {
    /// Ordered and not delivered, and delivered; nothing is invoiced.
    fn counts(&self) -> (i64, i64) {
        let Some(passed) = self.passed else { return (0, 0) };
        let ordered = if self.cancelled { 0 } else { passed };
        ((ordered - self.delivered).max(0), self.delivered)
    }

    fn sum(&self) -> i64 {
        let (ordered, delivered) = self.counts();
        ordered + delivered
    }
}

/// The journal of a run, replayed.
pub(super) struct Replay<'a> {
    limit: i64,
    calls: &'a [Call],
    /// Calls by order.
    of: BTreeMap<&'a str, Vec<usize>>,
    orders: BTreeMap<String, Order>,
    /// Where each call took effect.
    effects: BTreeMap<usize, i64>,
    /// The decision each revision was given first.
    first: BTreeMap<(String, i32), (String, bool)>,
    /// What each account stands at from a position on: ordered, delivered.
    pub(super) standings: BTreeMap<String, Vec<(i64, i64, i64)>>,
}

fn passes(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Approve | Outcome::ApproveWithWarnings)
}

impl<'a> Replay<'a> {
    pub(super) fn new(calls: &'a [Call], accounts: &[String], limit: i64) -> Replay<'a> {
        let mut of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, call) in calls.iter().enumerate().filter(|(_, call)| call.asked != Asked::Standing) {
            of.entry(&call.order).or_default().push(index);
        }
        let standings = accounts.iter().map(|account| (account.clone(), vec![(0, 0, 0)])).collect();
        let (orders, effects, first) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Replay { limit, calls, of, orders, effects, first, standings }
    }

    /// Takes the next line; those of other runs are passed over.
    pub(super) fn line(&mut self, position: i64, change: &Change) {
        let account = match change {
            Change::Decision(decision) => &decision.account_id,
            Change::Commitment(commitment) => &commitment.account_id,
            Change::Hold(hold) => &hold.account_id,
        };
        if !self.standings.contains_key(account) {
            return;
        }
        match change {
            Change::Decision(decision) => self.decision(position, decision),
            Change::Commitment(commitment) => self.commitment(position, commitment),
            Change::Hold(hold) => self.hold(position, hold),
        }
        let (mut ordered, mut delivered) = (0, 0);
        for order in self.orders.values().filter(|order| order.account == *account) {
            let counts = order.counts();
            (ordered, delivered) = (ordered + counts.0, delivered + counts.1);
        }
        assert!(
            ordered + delivered <= self.limit,
            "{account} is above its limit at {position}: {ordered} + {delivered}"
        );
        self.standings.get_mut(account).unwrap().push((position, ordered, delivered));
    }

    /// The call that asked something of an order; every change was asked for by somebody.
    fn call(&self, order: &str, which: impl Fn(&Asked) -> bool) -> Option<usize> {
        self.of.get(order)?.iter().copied().find(|index| which(&self.calls[*index].asked))
    }

    fn decision(&mut self, position: i64, decision: &Decision) {
        let (name, revision) = (&decision.order_id, decision.revision);
        let asks = |asked: &Asked| matches!(asked, Asked::Authorize { revision: of, .. } if *of == revision);
        let index = self.call(name, asks);
        let index = index.unwrap_or_else(|| panic!("nobody asked for revision {revision} of {name}"));
        let Asked::Authorize { value, .. } = self.calls[index].asked else { unreachable!("just found") };
        let others = self.orders.iter().filter(|(of, order)| *of != name && order.account == decision.account_id);
        let others: i64 = others.map(|(_, order)| order.sum()).sum();
        let order = self.orders.entry(name.clone()).or_default();
        order.account.clone_from(&decision.account_id);
        let needed = value.max(order.delivered);
        let is_first = order.decided.insert(revision);
        let fits = others + needed <= self.limit;
        // as much as counted before, or less, is not stopped
        let expected = fits || (is_first && order.passed.is_some() && needed <= order.sum());
        let passed = passes(decision.outcome());
        assert_eq!(passed, expected, "{name}, revision {revision} of {value} beside {others}, at {position}");
        if is_first {
            assert_eq!(order.decided.last(), Some(&revision), "{name} goes back to revision {revision} at {position}");
            self.effects.insert(index, position);
            self.first.insert((name.clone(), revision), (decision.decision_id.clone(), passed));
        } else {
            assert_eq!(order.waiting, Some(revision), "revision {revision} of {name} is decided twice, at {position}");
        }
        if passed {
            (order.passed, order.cancelled) = (Some(value), false);
        }
        order.waiting = Some(revision).filter(|_| !passed);
    }

    fn commitment(&mut self, position: i64, commitment: &Commitment) {
        let name = &commitment.order_id;
        let units = |amount: &Option<weir_wire::google::r#type::Money>| amount.as_ref().unwrap().units;
        let (mut cancelled, mut delivered) = (0, 0);
        for line in &commitment.lines {
            cancelled += units(&line.cancelled_amount);
            delivered += units(&line.delivered_amount);
        }
        let order = self.orders.get(name).unwrap_or_else(|| panic!("{name} counts undecided, at {position}"));
        if cancelled > 0 && !order.cancelled {
            self.cancelled(name, position);
        }
        if delivered != self.orders[name].delivered {
            let index = self.call(name, |asked| *asked == Asked::Deliver { in_all: delivered });
            let index = index.unwrap_or_else(|| panic!("nobody delivered {delivered} of {name}, at {position}"));
            self.effects.insert(index, position);
            self.orders.get_mut(name).unwrap().delivered = delivered;
        }
        let told = (units(&commitment.ordered_amount), units(&commitment.delivered_not_billed_amount));
        assert_eq!(told, self.orders[name].counts(), "what counts of {name} at {position}");
    }

    fn hold(&mut self, position: i64, hold: &Hold) {
        let waits = self.orders[&hold.order_id].waiting == Some(hold.revision);
        if hold.state() == HoldState::Lapsed && waits {
            self.cancelled(&hold.order_id, position);
        }
    }

    fn cancelled(&mut self, name: &str, position: i64) {
        let index = self.call(name, |asked| *asked == Asked::Cancel);
        let index = index.unwrap_or_else(|| panic!("nobody cancelled {name}, at {position}"));
        self.effects.entry(index).or_insert(position);
        let order = self.orders.get_mut(name).unwrap();
        (order.cancelled, order.waiting) = (true, None);
    }

    /// What was answered is what the journal says, once, in an order that time allows.
    pub(super) fn check_answers(&self) {
        for (index, call) in self.calls.iter().enumerate() {
            match (call.answer(), &call.asked) {
                (Some(Answer::Decided { decision_id, passes }), Asked::Authorize { revision, .. }) => {
                    let first = self.first.get(&(call.order.clone(), *revision));
                    assert_eq!(first, Some(&(decision_id.clone(), *passes)), "what is known of {call:?}");
                }
                (Some(Answer::Done), _) => assert!(self.effects.contains_key(&index), "nothing came of {call:?}"),
                _ => {}
            }
        }
        // repetitions of a call took effect where the first of them did
        let mut by_position: Vec<_> =
            self.effects.iter().map(|(index, position)| (*position, &self.calls[*index])).collect();
        by_position.sort_by_key(|(position, _)| *position);
        let mut newest: Option<&Call> = None;
        for (position, call) in by_position {
            if let Some(before) = newest {
                assert!(!call.ended_before(before.from), "{call:?} took effect at {position}, after {before:?}");
            }
            if newest.is_none_or(|newest| newest.from < call.from) {
                newest = Some(call);
            }
        }
    }

    /// Every reader saw a state that was, none older than what had ended when it asked, or than what was seen before.
    pub(super) fn check_reads(&self, account: &str) {
        let is_ours = |call: &&Call| call.account == account;
        let mut writes: Vec<_> =
            self.effects.iter().map(|(index, position)| (&self.calls[*index], *position)).collect();
        writes.retain(|(call, _)| is_ours(call));
        let mut reads: Vec<&Call> =
            self.calls.iter().filter(is_ours).filter(|call| call.asked == Asked::Standing).collect();
        reads.sort_by_key(|call| call.from);
        let states = &self.standings[account];
        let mut seen: Vec<(&Call, i64)> = Vec::new();
        for read in reads {
            let Some((told_at, Answer::Stands { ordered, delivered })) = read.answered.as_ref() else { continue };
            let before = writes.iter().chain(&seen).filter(|(call, _)| call.ended_before(read.from));
            let earliest = before.map(|(_, position)| *position).max().unwrap_or(0);
            let after = writes.iter().filter(|(call, _)| *told_at < call.from);
            let latest = after.map(|(_, position)| *position).min().unwrap_or(i64::MAX);
            let ends = states.iter().skip(1).map(|(position, ..)| *position).chain([i64::MAX]);
            let fitting = states.iter().zip(ends).find_map(|(state, end)| {
                let at = state.0.max(earliest);
                ((state.1, state.2) == (*ordered, *delivered) && at < end && at < latest).then_some(at)
            });
            let at = fitting.unwrap_or_else(|| panic!("{read:?} saw what was not between {earliest} and {latest}"));
            seen.push((read, at));
        }
        assert!(!seen.is_empty(), "nobody asked how {account} stands");
    }

    /// What the documents of an account add up to: ordered, delivered.
    pub(super) fn stands(&self, account: &str) -> (i64, i64) {
        let (_, ordered, delivered) = self.standings[account].last().copied().unwrap_or_default();
        (ordered, delivered)
    }

    /// Orders somebody asked for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.of.keys().copied()
    }
}
