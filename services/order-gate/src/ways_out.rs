//! What would make the same order pass, computed exactly: a way is told only after the rules, asked again with it,
//! let the order go. Amounts are minor units of the question's currency.

use std::borrow::Cow;

use crate::commitment::Line;
use crate::decision::{Outcome, Verdict, WayOut};
use crate::exposure::{Due, Overflow};
use crate::policy::{Action, Rule};
use crate::rules::{self, Grace, Question};
use crate::standing::{Credit, Overlay, TemporaryLimit};

/// Every way out of a hold. None of a block: it lifts only where it was laid.
pub(crate) fn find(question: &Question<'_>, verdict: &Verdict) -> Result<Vec<WayOut>, Overflow> {
    let stops = |rule| verdict.failures.iter().any(|f| f.rule == rule && f.action == Action::Block);
    if stops(Rule::AccountBlocked) || stops(Rule::Technical) {
        return Ok(Vec::new());
    }
    let shortfall = |rule| {
        let failure = verdict.failures.iter().find(|f| f.rule == rule && f.action == Action::Block);
        failure.and_then(|f| f.shortfall).unwrap_or(0)
    };
    let over_limit = [Rule::LimitExceeded, Rule::LimitExpired, Rule::LimitMissing].map(shortfall);
    let over_limit = over_limit.into_iter().max().unwrap_or(0);
    let over_value = shortfall(Rule::OrderValueExceeded).max(shortfall(Rule::GradeReview));
    let value = question.value()?;
    let candidates = [
        reduce(value, over_limit.max(over_value)),
        // to what is paid in advance: nothing of it needs credit
        reduce(value, verdict.required),
        pay(verdict, over_limit.max(shortfall(Rule::OverdueDaysExceeded))),
        prepay(question, verdict, over_limit),
        prepay_all(question, verdict),
        Some(WayOut::AskTemporaryLimit(over_limit)).filter(|_| over_limit > 0),
    ];
    let mut ways: Vec<WayOut> = Vec::new();
    for way in candidates.into_iter().flatten() {
        let told = ways.iter().any(|other| std::mem::discriminant(other) == std::mem::discriminant(&way));
        if !told && passes_with(question, way)? {
            ways.push(way);
        }
    }
    ways.push(WayOut::AskRelease(verdict.excess));
    Ok(ways)
}

fn reduce(value: i64, by: i64) -> Option<WayOut> {
    (by > 0 && by < value).then(|| WayOut::ReduceOrderTo(value.saturating_sub(by)))
}

fn pay(verdict: &Verdict, shortfall: i64) -> Option<WayOut> {
    (shortfall > 0 && shortfall <= verdict.before.open()).then_some(WayOut::Pay(shortfall))
}

/// More paid in advance lowers exposure only beyond the unapplied credit that covers it already.
fn prepay(question: &Question<'_>, verdict: &Verdict, shortfall: i64) -> Option<WayOut> {
    let more = verdict.after.credit().checked_add(shortfall)?.checked_sub(verdict.after.prepaid)?;
    let sum = invoiced_beyond(question)?.checked_add(more)?;
    (more > 0 && more < verdict.required).then_some(WayOut::Prepay(sum))
}

fn prepay_all(question: &Question<'_>, verdict: &Verdict) -> Option<WayOut> {
    invoiced_beyond(question)?.checked_add(verdict.required).map(WayOut::Prepay)
}

/// What of the order is invoiced beyond what was paid in advance: invoices take their part of any advance payment
/// first.
fn invoiced_beyond(question: &Question<'_>) -> Option<i64> {
    let invoiced: i128 = question.lines.iter().map(|line| i128::from(line.invoiced)).sum();
    i64::try_from((invoiced - i128::from(question.prepaid)).max(0)).ok()
}

/// Whether the order passes once the way is taken.
fn passes_with(question: &Question<'_>, way: WayOut) -> Result<bool, Overflow> {
    let Some(taken) = Taken::of(question, way)? else { return Ok(false) };
    let asked = Question {
        credit: taken.credit.as_deref(),
        schedule: &taken.schedule,
        lines: &taken.lines,
        prepaid: taken.prepaid,
        grace: taken.grace,
        ..question.clone()
    };
    Ok(rules::judge(&asked)?.outcome != Outcome::Hold)
}

/// What a question is about once a way is taken.
struct Taken<'a> {
    credit: Option<Cow<'a, Credit>>,
    schedule: Cow<'a, [Due]>,
    lines: Cow<'a, [Line]>,
    prepaid: i64,
    grace: Grace,
}

impl<'a> Taken<'a> {
    /// None where the way cannot be taken.
    fn of(question: &Question<'a>, way: WayOut) -> Result<Option<Taken<'a>>, Overflow> {
        let value = question.value()?;
        let mut taken = Taken {
            credit: question.credit.map(Cow::Borrowed),
            schedule: Cow::Borrowed(question.schedule),
            lines: Cow::Borrowed(question.lines),
            prepaid: question.prepaid,
            grace: question.grace,
        };
        let possible = match way {
            WayOut::ReduceOrderTo(to) => {
                taken.lines = Cow::Owned(reduced(question.lines, value.saturating_sub(to)));
                // nobody pays more in advance than the order is worth
                taken.prepaid <= to && rules::value_of(&taken.lines)? == to
            }
            WayOut::Prepay(amount) => {
                taken.prepaid = taken.prepaid.saturating_add(amount);
                taken.prepaid <= value
            }
            WayOut::AskTemporaryLimit(amount) => match &mut taken.credit {
                Some(credit) => {
                    let (from, to) = (question.today, question.today);
                    let overlay = TemporaryLimit { overlay: Overlay::Delta(amount), from, to };
                    credit.to_mut().temporary_limits.push(overlay);
                    true
                }
                None => false,
            },
            WayOut::AskRelease(_) => {
                taken.grace = Grace::Released;
                true
            }
            WayOut::Pay(amount) => {
                taken.schedule = Cow::Owned(paid(question.schedule, amount));
                true
            }
        };
        Ok(possible.then_some(taken))
    }
}

/// The lines with less ordered, the last first; what is delivered or invoiced cannot be taken back.
fn reduced(lines: &[Line], by: i64) -> Vec<Line> {
    let mut left = by;
    let mut lines = lines.to_vec();
    for line in lines.iter_mut().rev() {
        let part = left.min((line.ordered - line.delivered.max(line.invoiced)).max(0));
        line.ordered -= part;
        left -= part;
    }
    lines
}

/// The schedule after a payment, the oldest first.
fn paid(schedule: &[Due], amount: i64) -> Vec<Due> {
    let mut left = amount;
    let mut schedule: Vec<Due> = schedule.to_vec();
    schedule.sort_unstable_by_key(|due| due.date);
    for due in &mut schedule {
        let part = left.min(due.open);
        due.open -= part;
        due.disputed = due.disputed.min(due.open);
        left -= part;
    }
    schedule.retain(|due| due.open > 0);
    schedule
}
