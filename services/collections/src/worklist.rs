//! What to work on first: priority is expected recovery times urgency, each explained. Exact decimals. Knows no
//! clock and no storage.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use weir_model::{Money, MoneyError, TaskId};

use crate::{
    item::Item,
    strategy::{Strategy, TaskKind},
    suppression::Suppression,
};

/// Age adds up to one whole to the urgency, reached at this many days past due.
const AGE_DAYS_FULL: i64 = 60;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextAction {
    /// Nothing: a promise is open, or a notice was just sent.
    Wait,
    /// Call the debtor.
    Call,
    /// Send a letter.
    Letter,
    /// Decide about legal steps.
    LegalReview,
    /// Find out where notices can be sent.
    FindAddress,
    /// Talk about a promise that was not kept.
    DiscussBrokenPromise,
    /// Clear the dispute.
    ClearDispute,
}

/// An open task, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueTask {
    /// Its id.
    pub task_id: TaskId,
    /// What to do.
    pub kind: TaskKind,
    /// By when.
    pub due_date: NaiveDate,
}

/// What the priority of a case depends on.
#[derive(Debug, Clone)]
pub(crate) struct Matter<'a> {
    /// Nothing, in the case's currency.
    pub zero: Money,
    /// The items of the case and why each is left alone.
    pub items: Vec<(&'a Item, Option<Suppression>)>,
    /// Its open tasks.
    pub tasks: Vec<DueTask>,
    /// How many of its promises were not kept.
    pub broken_promises: i64,
}

/// A part of the urgency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// What it adds.
    pub value: Decimal,
    /// One sentence for people.
    pub message: String,
}

/// How much a case deserves attention, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rank {
    /// Expected recovery in major units times urgency, two decimals.
    pub priority: Decimal,
    /// What is overdue and not left alone, times the share expected to come in.
    pub expected_recovery: Money,
    /// Sum of the factors.
    pub urgency: Decimal,
    /// How the urgency came about.
    pub factors: Vec<Factor>,
    /// What to do next.
    pub next_action: NextAction,
    /// The task behind it.
    pub task_id: Option<TaskId>,
}

/// Ranks a case on a date.
pub(crate) fn rank(matter: &Matter<'_>, strategy: &Strategy, as_of: NaiveDate) -> Result<Rank, MoneyError> {
    let expected_recovery = expected_recovery(matter, strategy, as_of)?;
    let factors = factors(matter, as_of);
    let urgency = factors.iter().fold(Decimal::ZERO, |sum, factor| sum.saturating_add(factor.value));
    let priority = expected_recovery.to_decimal().checked_mul(urgency).ok_or(MoneyError::Overflow)?;
    let (next_action, task_id) = next_action(matter);
    Ok(Rank {
        priority: priority.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven),
        expected_recovery,
        urgency,
        factors,
        next_action,
        task_id,
    })
}

/// Each overdue amount times the share expected at its own stage, rounded once at the end.
fn expected_recovery(matter: &Matter<'_>, strategy: &Strategy, as_of: NaiveDate) -> Result<Money, MoneyError> {
    let mut sum = Decimal::ZERO;
    for (item, suppressed) in &matter.items {
        let days = item.days_past_due(as_of);
        let stage = strategy.stage_of(item.clock(as_of)).filter(|_| days > 0 && suppressed.is_none());
        let Some(stage) = stage else { continue };
        let share = stage.expected_recovery_percent.checked_div(Decimal::ONE_HUNDRED).unwrap_or_default();
        let part = item.dunnable()?.to_decimal().checked_mul(share).ok_or(MoneyError::Overflow)?;
        sum = sum.checked_add(part).ok_or(MoneyError::Overflow)?;
    }
    Money::round_half_even(sum, matter.zero.currency())
}

fn factors(matter: &Matter<'_>, as_of: NaiveDate) -> Vec<Factor> {
    let mut factors = vec![Factor { value: Decimal::ONE, message: "every case".to_owned() }];
    let active = matter.items.iter().filter(|(_, suppressed)| suppressed.is_none());
    let age = active.map(|(item, _)| item.days_past_due(as_of)).max().unwrap_or(0);
    if age > 0 {
        let share = Decimal::from(age.min(AGE_DAYS_FULL)).checked_div(Decimal::from(AGE_DAYS_FULL));
        let value = share.unwrap_or_default().round_dp(2);
        factors.push(Factor { value, message: format!("the oldest item is {age} days past due") });
    }
    if matter.broken_promises > 0 {
        let value = Decimal::new(5, 1);
        let message = format!("{} promises were not kept", matter.broken_promises);
        factors.push(Factor { value, message });
    }
    let late = matter.tasks.iter().filter(|task| task.due_date < as_of).count();
    if late > 0 {
        factors.push(Factor { value: Decimal::new(25, 2), message: format!("{late} tasks are late") });
    }
    factors
}

fn next_action(matter: &Matter<'_>) -> (NextAction, Option<TaskId>) {
    let first = |task: &&DueTask| (task.due_date, order(task.kind), task.task_id.clone());
    if let Some(task) = matter.tasks.iter().min_by_key(first) {
        let action = match task.kind {
            TaskKind::Call => NextAction::Call,
            TaskKind::Letter => NextAction::Letter,
            TaskKind::LegalReview => NextAction::LegalReview,
            TaskKind::FindAddress => NextAction::FindAddress,
            TaskKind::BrokenPromise => NextAction::DiscussBrokenPromise,
        };
        return (action, Some(task.task_id.clone()));
    }
    let disputed = matter.items.iter().any(|(_, suppressed)| *suppressed == Some(Suppression::Disputed));
    let active = matter.items.iter().any(|(_, suppressed)| suppressed.is_none());
    if disputed && !active { (NextAction::ClearDispute, None) } else { (NextAction::Wait, None) }
}

/// Of two tasks due on one day, the one that opens the way for the other comes first.
fn order(kind: TaskKind) -> u8 {
    match kind {
        TaskKind::FindAddress => 0,
        TaskKind::BrokenPromise => 1,
        TaskKind::Call => 2,
        TaskKind::Letter => 3,
        TaskKind::LegalReview => 4,
    }
}
