//! All the gate knows of one order: the revision that counts, the one that waits, and what happened to its lines. News
//! of deliveries and invoices is kept whether or not the order is known yet, so the order of arrival does not matter.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, CorrelationId, Currency, DecisionId, DeliveryId, LineId, OrderId};

use crate::brief::is_default;
use crate::commitment::{CommitmentState, Line, Reserved, has_run_out};
use crate::exposure::Overflow;
use crate::hold::{Hold, Release};
use crate::order::{Content, Order};
use crate::pattern::PassedOrder;

/// What happened to a line so far, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The line.
    pub line_id: LineId,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Delivered so far.
    pub delivered: i64,
    /// Invoiced so far, by the account invoiced: each is told its own total.
    pub invoiced: BTreeMap<AccountId, i64>,
}

impl Fact {
    /// Invoiced so far, to whichever account.
    pub fn invoiced(&self) -> i64 {
        // beyond 64 bits only what no line could have been worth
        self.invoiced.values().fold(0, |sum, amount| sum.saturating_add(*amount))
    }
}

/// A revision the gate decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The revision.
    pub revision: i32,
    /// Digest of what was asked.
    pub content: Content,
    /// The answer.
    pub decision_id: DecisionId,
    /// Whether that answer let the order pass.
    pub passes: bool,
}

/// The revision that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// The order.
    pub order: Order,
    /// What is cancelled of each of its lines, in the order of the lines.
    pub cancelled: Vec<i64>,
    /// The release that let it pass.
    #[serde(default, skip_serializing_if = "is_default")]
    pub release: Option<Release>,
    /// The business date on which it passed.
    #[serde(default)]
    pub passed_on: Option<NaiveDate>,
    /// Whether it ran out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_expired: bool,
}

/// A delivery that was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its document.
    pub delivery_id: DeliveryId,
    /// Digest of what it brought.
    pub content: Content,
}

/// All the gate knows of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dossier {
    /// The order.
    pub order_id: OrderId,
    /// The newest revision decided; none while only deliveries or invoices are known.
    pub answered: Option<Answered>,
    /// The revisions decided before it, oldest first: each keeps its answer for ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Answered>,
    /// The revision that counts.
    pub passed: Option<Passed>,
    /// The newest revision, where it is held.
    #[serde(default, skip_serializing_if = "is_default")]
    pub waiting: Option<Box<Hold>>,
    /// What happened to its lines.
    #[serde(default, skip_serializing_if = "is_default")]
    pub facts: Vec<Fact>,
    /// Deliveries counted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deliveries: Vec<Delivery>,
    /// Goes up with each change.
    pub version: i64,
    /// What the order belongs to.
    pub correlation_id: CorrelationId,
}

impl Dossier {
    /// The dossier of an order nothing is known of.
    pub fn new(order_id: OrderId, correlation_id: CorrelationId) -> Self {
        Dossier {
            order_id,
            answered: None,
            earlier: Vec::new(),
            passed: None,
            waiting: None,
            facts: Vec::new(),
            deliveries: Vec::new(),
            version: 0,
            correlation_id,
        }
    }

    /// The answer a revision was given, whether or not a newer one was decided since.
    pub fn answer_to(&self, revision: i32) -> Option<&Answered> {
        self.earlier.iter().chain(&self.answered).find(|answered| answered.revision == revision)
    }

    /// Notes the answer a new revision was given.
    pub fn answer(&mut self, answered: Answered) {
        self.earlier.extend(self.answered.replace(answered));
    }

    /// The account that pays, and its currency, once the order passed.
    pub fn counts_for(&self) -> Option<(&AccountId, Currency)> {
        self.passed.as_ref().map(|passed| (&passed.order.account_id, passed.order.currency))
    }

    /// The account that pays, while something counts.
    pub fn counts_now_for(&self) -> Option<&AccountId> {
        self.counts_for().filter(|_| !self.reserved().is_nothing()).map(|(account_id, _)| account_id)
    }

    /// When the revision that counts is to ship.
    pub fn ship_date(&self) -> Option<NaiveDate> {
        self.passed.as_ref().and_then(|passed| passed.order.ship_date)
    }

    /// The account that pays for whichever revision is known.
    pub fn account_id(&self) -> Option<&AccountId> {
        let waiting = self.waiting.as_ref().map(|hold| &hold.order.account_id);
        self.counts_for().map(|(account_id, _)| account_id).or(waiting)
    }

    /// The revision that counts, as an account's pattern knows it.
    pub(crate) fn passed_order(&self) -> Option<PassedOrder> {
        let Passed { order, passed_on, .. } = self.passed.as_ref()?;
        // one whose value does not fit was never let pass
        Some(PassedOrder { currency: order.currency, date: (*passed_on)?, value: order.value().ok()? })
    }

    /// The lines that count, with what happened to them.
    pub fn lines(&self) -> Vec<Line> {
        self.passed.as_ref().map_or_else(Vec::new, |passed| self.join(&passed.order, &passed.cancelled))
    }

    /// What the order reserves.
    pub fn reserved(&self) -> Reserved {
        self.passed.as_ref().map_or_else(Reserved::default, |passed| Reserved::of(&self.lines(), passed.order.prepaid))
    }

    /// What a revision would reserve in place of the one that counts.
    pub fn reserved_with(&self, order: &Order) -> Reserved {
        Reserved::of(&self.lines_with(order), order.prepaid)
    }

    /// A revision's lines, none of them cancelled, with what happened to them.
    pub fn lines_with(&self, order: &Order) -> Vec<Line> {
        self.join(order, &[])
    }

    /// Where the commitment stands; none while no revision passed.
    pub fn state(&self) -> Option<CommitmentState> {
        let passed = self.passed.as_ref()?;
        let lines = self.lines();
        let some_left = lines.iter().any(|line| line.remaining() > 0);
        let all_cancelled = passed.order.lines.iter().zip(&passed.cancelled).all(|(line, cut)| *cut >= line.amount);
        let invoiced = lines.iter().any(|line| line.invoiced > 0);
        Some(match (some_left, all_cancelled && !invoiced) {
            (true, _) => CommitmentState::Live,
            (false, true) if passed.has_expired => CommitmentState::Expired,
            (false, true) => CommitmentState::Cancelled,
            (false, false) => CommitmentState::Converted,
        })
    }

    /// Whether what counted was cancelled or ran out, and nothing counts any more: a later revision opens the order again.
    pub fn is_closed(&self) -> bool {
        matches!(self.state(), Some(CommitmentState::Cancelled | CommitmentState::Expired))
    }

    /// Whether it belongs into memory: it counts, or waits.
    pub fn is_live(&self) -> bool {
        self.waiting.is_some() || !self.reserved().is_nothing()
    }

    /// Puts a revision in place of the one that counted.
    pub fn pass(&mut self, order: Order, release: Option<Release>, on: NaiveDate) {
        let cancelled = vec![0; order.lines.len()];
        self.passed = Some(Passed { order, cancelled, release, passed_on: Some(on), has_expired: false });
    }

    /// Whether what counts has run out: something is ordered, and nothing was delivered or invoiced for too long.
    pub fn is_due_to_expire(&self, days: i32, today: NaiveDate) -> bool {
        let Some(passed) = &self.passed else { return false };
        let untouched = self.lines().iter().all(|line| line.delivered == 0 && line.invoiced == 0);
        let expected = passed.order.ship_date.or(passed.passed_on);
        untouched && !self.reserved().is_nothing() && has_run_out(expected, days, today)
    }

    /// What counts runs out.
    pub fn expire(&mut self) {
        self.cancel_all();
        if let Some(passed) = &mut self.passed {
            passed.has_expired = true;
        }
    }

    /// Cancels a line up to an amount in all; what was cancelled before stays. False when the line is unknown.
    pub fn cancel_line(&mut self, line_id: &LineId, amount: i64) -> bool {
        let Some(passed) = &mut self.passed else { return false };
        let mut lines = passed.order.lines.iter().zip(&mut passed.cancelled);
        match lines.find(|(line, _)| line.line_id == *line_id) {
            Some((line, cancelled)) => {
                *cancelled = amount.min(line.amount).max(*cancelled);
                true
            }
            None => false,
        }
    }

    /// Cancels everything that is not delivered.
    pub fn cancel_all(&mut self) {
        if let Some(passed) = &mut self.passed {
            passed.cancelled = passed.order.lines.iter().map(|line| line.amount).collect();
        }
    }

    /// Counts what a delivery brought to a line.
    pub fn deliver(&mut self, line_id: &LineId, currency: Currency, amount: i64) -> Result<(), Overflow> {
        let fact = self.fact(line_id, currency);
        fact.delivered = fact.delivered.checked_add(amount).ok_or(Overflow)?;
        Ok(())
    }

    /// Notes how much of a line an account is invoiced in all; whether that is news.
    pub fn invoice(&mut self, account_id: &AccountId, (line_id, currency): (&LineId, Currency), invoiced: i64) -> bool {
        let fact = self.fact(line_id, currency);
        fact.invoiced.insert(account_id.clone(), invoiced).unwrap_or(0) != invoiced
    }

    fn fact(&mut self, line_id: &LineId, currency: Currency) -> &mut Fact {
        let known = self.facts.iter().position(|fact| fact.line_id == *line_id && fact.currency == currency);
        let index = known.unwrap_or_else(|| {
            self.facts.push(Fact { line_id: line_id.clone(), currency, delivered: 0, invoiced: BTreeMap::new() });
            self.facts.len() - 1
        });
        self.facts.get_mut(index).expect("found or just pushed")
    }

    /// An order's lines with what happened to them; what happened to lines the revision no longer has comes after.
    fn join(&self, order: &Order, cancelled: &[i64]) -> Vec<Line> {
        let ours = |fact: &&Fact| fact.currency == order.currency;
        let mut lines: Vec<Line> = Vec::with_capacity(order.lines.len());
        for (index, line) in order.lines.iter().enumerate() {
            let fact = self.facts.iter().filter(ours).find(|fact| fact.line_id == line.line_id);
            lines.push(Line {
                line_id: line.line_id.clone(),
                ordered: line.amount,
                cancelled: cancelled.get(index).copied().unwrap_or(0),
                delivered: fact.map_or(0, |fact| fact.delivered),
                invoiced: fact.map_or(0, Fact::invoiced),
            });
        }
        for fact in self.facts.iter().filter(ours) {
            if !order.lines.iter().any(|line| line.line_id == fact.line_id) {
                let (delivered, invoiced) = (fact.delivered, fact.invoiced());
                lines.push(Line { line_id: fact.line_id.clone(), ordered: 0, cancelled: 0, delivered, invoiced });
            }
        }
        lines
    }
}

/// What counts of an order, as others see it. Amounts are minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// The order.
    pub order_id: OrderId,
    /// The revision that counts.
    pub revision: i32,
    /// The account.
    pub account_id: AccountId,
    /// The currency of every amount.
    pub currency: Currency,
    /// Where it stands.
    pub state: CommitmentState,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Reserved, not yet delivered.
    pub ordered: i64,
    /// Delivered, not yet invoiced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delivered_not_billed: i64,
    /// Part of what remains that is paid in advance.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prepaid: i64,
    /// Planned ship date.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ship_date: Option<NaiveDate>,
    /// The release that let it pass.
    #[serde(default, skip_serializing_if = "is_default")]
    pub release: Option<Release>,
    /// Goes up with each change.
    pub version: i64,
    /// What the order belongs to.
    pub correlation_id: CorrelationId,
}

impl Dossier {
    /// What counts of the order; none while no revision passed.
    pub fn commitment(&self) -> Option<Commitment> {
        let passed = self.passed.as_ref()?;
        let reserved = self.reserved();
        // beyond 64 bits only what no decision could have added up
        let narrow = |amount: i128| i64::try_from(amount).unwrap_or(i64::MAX);
        Some(Commitment {
            order_id: self.order_id.clone(),
            revision: passed.order.revision,
            account_id: passed.order.account_id.clone(),
            currency: passed.order.currency,
            state: self.state()?,
            lines: self.lines(),
            ordered: narrow(reserved.ordered),
            delivered_not_billed: narrow(reserved.delivered),
            prepaid: narrow(reserved.prepaid),
            ship_date: self.ship_date(),
            release: passed.release.clone(),
            version: self.version,
            correlation_id: self.correlation_id.clone(),
        })
    }
}
