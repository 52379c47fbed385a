//! The documents of the reference: orders with what happened to them, and what the neighbours say. Exposure is summed up
//! from them whenever it is asked for; no figure is kept. Amounts are whole yuan.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use weir_wire::order_gate::v1::{Checkpoint, Rule};

/// An account by number.
pub(super) type AccountNo = u8;
/// A group by number.
pub(super) type GroupNo = u8;
/// An order by number.
pub(super) type OrderNo = u8;
/// A line by number, from 1.
pub(super) type LineNo = u8;

/// What an order asks for in one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) account: AccountNo,
    /// Worth of lines 1, 2, …
    pub(super) lines: Vec<i64>,
    pub(super) prepaid: i64,
    pub(super) ships: Option<NaiveDate>,
    pub(super) checkpoint: Checkpoint,
}

impl Asked {
    pub(super) fn value(&self) -> i64 {
        self.lines.iter().sum()
    }
}

/// A person's word that covers revisions of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) most: i64,
    pub(super) until: NaiveDate,
}

/// The revision that counts.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) revision: i32,
    pub(super) asked: Asked,
    pub(super) cancelled: BTreeMap<LineNo, i64>,
    pub(super) release: Option<Release>,
    pub(super) on: NaiveDate,
    pub(super) expired: bool,
}

/// The revision that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) revision: i32,
    pub(super) asked: Asked,
    /// The step in which it was stopped.
    pub(super) since: u64,
    /// A forced hold stops it until a person lets it pass.
    pub(super) forced: bool,
}

/// An order with everything that happened to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    /// What each revision asked.
    pub(super) answered: BTreeMap<i32, Asked>,
    pub(super) passed: Option<Passed>,
    pub(super) waiting: Option<Waiting>,
    pub(super) deliveries: BTreeMap<u8, BTreeMap<LineNo, i64>>,
    pub(super) invoiced: BTreeMap<(LineNo, AccountNo), i64>,
}

/// A line with what happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) line: LineNo,
    pub(super) ordered: i64,
    pub(super) cancelled: i64,
    pub(super) delivered: i64,
    pub(super) invoiced: i64,
}

impl Line {
    /// Rule 4.2.
    fn remaining(self) -> i64 {
        ((self.ordered - self.cancelled).max(self.delivered) - self.invoiced).max(0)
    }

    fn delivered_not_billed(self) -> i64 {
        (self.delivered - self.invoiced).max(0)
    }
}

/// What an order, or all of an account's, adds to the exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    pub(super) ordered: i64,
    pub(super) delivered: i64,
    pub(super) prepaid: i64,
}

impl Sums {
    fn of(lines: &[Line], prepaid: i64) -> Sums {
        let remaining: i64 = lines.iter().map(|line| line.remaining()).sum();
        let delivered: i64 = lines.iter().map(|line| line.delivered_not_billed()).sum();
        // invoices take their part of what is paid in advance first
        let invoiced: i64 = lines.iter().map(|line| line.invoiced).sum();
        let prepaid = (prepaid - invoiced).clamp(0, remaining);
        Sums { ordered: remaining - delivered, delivered, prepaid }
    }

    /// What of it needs credit.
    pub(super) fn needed(self) -> i64 {
        self.ordered + self.delivered - self.prepaid
    }

    pub(super) fn plus(self, more: Sums) -> Sums {
        Sums {
            ordered: self.ordered + more.ordered,
            delivered: self.delivered + more.delivered,
            prepaid: self.prepaid + more.prepaid,
        }
    }
}

impl Order {
    /// A revision's lines, and others that something happened to.
    pub(super) fn lines(&self, asked: &Asked, cancelled: &BTreeMap<LineNo, i64>) -> Vec<Line> {
        let numbered = (1..).zip(&asked.lines).map(|(line, ordered)| (line, *ordered));
        let mut lines: BTreeMap<LineNo, i64> = numbered.collect();
        let touched = self.deliveries.values().flat_map(|brought| brought.keys().copied());
        for line in touched.chain(self.invoiced.keys().map(|(line, _)| *line)) {
            lines.entry(line).or_insert(0);
        }
        let one = |(line, ordered)| Line {
            line,
            ordered,
            cancelled: cancelled.get(&line).copied().unwrap_or(0),
            delivered: self.deliveries.values().filter_map(|brought| brought.get(&line)).sum(),
            invoiced: self.invoiced.iter().filter(|((of, _), _)| *of == line).map(|(_, amount)| amount).sum(),
        };
        lines.into_iter().map(one).collect()
    }

    /// What a revision would add, nothing of it cancelled.
    pub(super) fn would_add(&self, asked: &Asked) -> Sums {
        Sums::of(&self.lines(asked, &BTreeMap::new()), asked.prepaid)
    }

    /// What the revision that counts adds.
    pub(super) fn adds(&self) -> Sums {
        let of = |passed: &Passed| Sums::of(&self.lines(&passed.asked, &passed.cancelled), passed.asked.prepaid);
        self.passed.as_ref().map(of).unwrap_or_default()
    }

    /// Nothing counts any more, for it was cancelled or ran out: what comes after opens it again.
    pub(super) fn is_closed(&self) -> bool {
        let Some(passed) = &self.passed else { return false };
        let lines = self.lines(&passed.asked, &passed.cancelled);
        self.adds() == Sums::default() && lines.iter().all(|line| line.cancelled >= line.ordered && line.invoiced == 0)
    }

    pub(super) fn newest(&self) -> Option<i32> {
        self.answered.keys().next_back().copied()
    }
}

/// How much an account may owe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Never,
    Ended,
    Amount(i64),
    Unlimited,
}

/// Which orders a person reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Review {
    Above(i64),
    EveryOrder,
    NoCredit,
}

/// What limits say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credit {
    pub(super) version: i64,
    pub(super) assessed: bool,
    pub(super) limit: Limit,
    /// Added up to a day.
    pub(super) temporary: Option<(i64, NaiveDate)>,
    pub(super) frozen: bool,
    pub(super) review: Review,
    pub(super) membership: Option<Membership>,
}

/// How an account belongs to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) group: GroupNo,
    pub(super) shares: bool,
    pub(super) inherits: bool,
}

/// What limits say of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Group {
    pub(super) version: i64,
    /// How much its members may owe together.
    pub(super) pool: Option<i64>,
    /// The group above, perhaps one that is below it until other news comes.
    pub(super) above: Option<GroupNo>,
    pub(super) shares: bool,
    pub(super) inherits: bool,
    pub(super) head: Option<AccountNo>,
}

/// What collections say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Conduct {
    pub(super) version: i64,
    pub(super) blocked: bool,
    pub(super) dunning_level: i32,
}

/// What receivables say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Statement {
    pub(super) version: i64,
    /// Open amounts by due date.
    pub(super) open: BTreeMap<NaiveDate, i64>,
    pub(super) unapplied: i64,
    /// Order lines of which more or less is invoiced now, in all.
    pub(super) invoiced: Vec<(OrderNo, LineNo, i64)>,
}

/// The receivables of an account as they are, whether or not the gate was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    pub(super) now: Statement,
    pub(super) invoiced: BTreeMap<(OrderNo, LineNo), i64>,
    /// What each payment paid of which due dates, and what was left of it.
    pub(super) payments: Vec<(Vec<(NaiveDate, i64)>, i64)>,
}

impl Ledger {
    pub(super) fn invoice(&mut self, (order, line): (OrderNo, LineNo), amount: i64, due: NaiveDate) {
        *self.now.open.entry(due).or_default() += amount;
        let total = self.invoiced.entry((order, line)).or_default();
        *total += amount;
        self.now.invoiced = vec![(order, line, *total)];
        self.now.version += 1;
    }

    /// The oldest due date is paid first; what is left stays unapplied.
    pub(super) fn pay(&mut self, mut amount: i64) {
        let mut paid = Vec::new();
        for (due, open) in &mut self.now.open {
            let part = amount.min(*open);
            paid.push((*due, part));
            *open -= part;
            amount -= part;
        }
        self.now.unapplied += amount;
        self.payments.push((paid, amount));
        self.tell();
    }

    /// What the last payment paid is open again, as old as it was (rule 4.4).
    pub(super) fn bounce(&mut self) {
        let Some((paid, left)) = self.payments.pop() else { return };
        for (due, part) in paid {
            *self.now.open.entry(due).or_default() += part;
        }
        self.now.unapplied -= left;
        self.tell();
    }

    fn tell(&mut self) {
        self.now.open.retain(|_, open| *open > 0);
        self.now.invoiced.clear();
        self.now.version += 1;
    }
}

/// What the gate goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    /// Equality does not pass.
    pub(super) below_limit: bool,
    pub(super) order_value_max: Option<i64>,
    /// An order above that is refused, not held.
    pub(super) rejects: bool,
    pub(super) forced: bool,
    pub(super) commitment_days: Option<u8>,
    pub(super) overdue_days: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            below_limit: false,
            order_value_max: None,
            rejects: false,
            forced: false,
            commitment_days: None,
            overdue_days: 30,
        }
    }
}

/// What the rules say of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: weir_wire::order_gate::v1::Outcome,
    /// Rules that stop it.
    pub(super) stops: BTreeSet<Rule>,
    pub(super) required: i64,
    pub(super) net_after: i64,
}
