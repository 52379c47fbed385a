//! What would make the same order pass, computed exactly: a way is told only after the rules, asked again with it,
//! let the order go. Amounts are minor units of the question's currency.

use std::borrow::Cow;

use crate::commitment::Reserved;
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
    let candidates = [
        reduce(question, over_limit.max(over_value)),
        pay(verdict, over_limit.max(shortfall(Rule::OverdueDaysExceeded))),
        prepay(question, verdict, over_limit),
        Some(WayOut::Prepay(verdict.required)),
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

/// To the highest value that leaves the shortfall out; at the part paid in advance nothing needs credit.
fn reduce(question: &Question<'_>, shortfall: i64) -> Option<WayOut> {
    let smaller = question.value.saturating_sub(shortfall);
    let prepaid = i64::try_from(question.order.prepaid).unwrap_or(i64::MAX);
    let to = smaller.max(prepaid);
    (shortfall > 0 && to > 0 && to < question.value).then_some(WayOut::ReduceOrderTo(to))
}

fn pay(verdict: &Verdict, shortfall: i64) -> Option<WayOut> {
    (shortfall > 0 && shortfall <= verdict.before.open()).then_some(WayOut::Pay(shortfall))
}

/// More paid in advance lowers exposure only beyond the unapplied credit that covers it already.
fn prepay(question: &Question<'_>, verdict: &Verdict, shortfall: i64) -> Option<WayOut> {
    let prepaid = i64::try_from(question.order.prepaid + question.others.prepaid).ok()?;
    let more = verdict.after.credit().checked_add(shortfall)?.checked_sub(prepaid)?;
    (more > 0 && more < verdict.required).then_some(WayOut::Prepay(more))
}

/// Whether the order passes once the way is taken.
pub(crate) fn passes_with(question: &Question<'_>, way: WayOut) -> Result<bool, Overflow> {
    let mut changed = question.clone();
    let credit: Option<Cow<'_, Credit>> = question.credit.map(Cow::Borrowed);
    let credit = with_way(&mut changed, credit, way);
    let schedule = match way {
        WayOut::Pay(amount) => paid(question.schedule, amount),
        _ => question.schedule.to_vec(),
    };
    let asked = Question { credit: credit.as_deref(), schedule: &schedule, ..changed };
    Ok(rules::judge(&asked)?.outcome != Outcome::Hold)
}

fn with_way<'a>(question: &mut Question<'_>, credit: Option<Cow<'a, Credit>>, way: WayOut) -> Option<Cow<'a, Credit>> {
    match way {
        WayOut::ReduceOrderTo(value) => {
            let less = i128::from(question.value) - i128::from(value);
            let Reserved { ordered, delivered, prepaid } = question.order;
            // what is delivered cannot be taken back
            let ordered = if less <= ordered { ordered - less } else { ordered };
            question.order = Reserved { ordered, delivered, prepaid: prepaid.min(ordered + delivered) };
            question.value = value;
        }
        WayOut::Prepay(amount) => question.order.prepaid += i128::from(amount),
        WayOut::AskTemporaryLimit(amount) => {
            let mut credit = credit?.into_owned();
            let (from, to) = (question.today, question.today);
            credit.temporary_limits.push(TemporaryLimit { overlay: Overlay::Delta(amount), from, to });
            return Some(Cow::Owned(credit));
        }
        WayOut::AskRelease(_) => question.grace = Grace::Released,
        WayOut::Pay(_) => {}
    }
    credit
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
