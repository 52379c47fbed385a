//! What would make the same order pass, computed exactly: a way is told only after the rules, asked again with it,
//! let the order go, and after they did not with a minor unit less. What concerns the order itself is in minor units of its
//! currency, the rest in those of the account's.

use std::borrow::Cow;

use crate::commitment::Line;
use crate::decision::{Verdict, WayOut};
use crate::exposure::{Due, Overflow};
use crate::policy::Rule;
use crate::rules::{self, Grace, Question};
use crate::standing::{Credit, Overlay, TemporaryLimit};

/// Every way out of a hold. None of a block: it lifts only where it was laid.
pub(crate) fn find(question: &Question<'_>, verdict: &Verdict) -> Result<Vec<WayOut>, Overflow> {
    let stops = |rule| verdict.failures.iter().find(|f| f.rule == rule && f.action.stops());
    if stops(Rule::AccountBlocked).is_some() {
        return Ok(Vec::new());
    }
    let shortfall = |rules: &[Rule]| {
        let missing = rules.iter().filter_map(|rule| stops(*rule)?.shortfall);
        missing.max().unwrap_or(0)
    };
    let over_limit = shortfall(&[
        Rule::LimitExceeded,
        Rule::LimitExpired,
        Rule::LimitMissing,
        Rule::LimitExceededInHorizon,
        Rule::ComponentLimitExceeded,
        Rule::GroupPoolExceeded,
        Rule::CountryCapExceeded,
    ]);
    let over_value = shortfall(&[Rule::OrderValueExceeded, Rule::GradeReview, Rule::OrderPatternDeviation]);
    let overdue = shortfall(&[Rule::OverdueDaysExceeded, Rule::OverdueAmountExceeded]);
    let value = question.value()?;

    // at what is paid in advance nothing needs credit; nobody pays more in advance than the order is worth
    let takeable = question.lines.iter().map(takeable).fold(0, i64::saturating_add);
    let less_most = takeable.min(value.saturating_sub(question.prepaid.max(1)));
    let less = (over_limit.max(over_value).min(verdict.required), less_most);
    let paid = (over_limit.max(overdue), verdict.before.open());
    let more_paid = (prepay(question, verdict, over_limit), value.saturating_sub(question.prepaid));
    let more_limit = (over_limit, i64::MAX);
    let ways = [
        least(question, less, |by| WayOut::ReduceOrderTo(value.saturating_sub(by)))?,
        least(question, paid, WayOut::Pay)?,
        least(question, more_paid, WayOut::Prepay)?,
        least(question, more_limit, WayOut::AskTemporaryLimit)?,
        Some(WayOut::AskRelease(verdict.excess)),
    ];
    Ok(ways.into_iter().flatten().collect())
}

/// The least amount that lets the order pass, if one up to the most does; looks at a guess first. More of a way never
/// stops what less of it lets pass.
fn least(
    question: &Question<'_>,
    (guess, most): (i64, i64),
    way: impl Fn(i64) -> WayOut,
) -> Result<Option<WayOut>, Overflow> {
    let passes = |amount| passes_with(question, way(amount));
    if (1..=most).contains(&guess) && passes(guess)? && (guess == 1 || !passes(guess - 1)?) {
        return Ok(Some(way(guess)));
    }
    if most < 1 || !passes(most)? {
        return Ok(None);
    }
    let (mut fails, mut enough) = (0, most);
    while enough - fails > 1 {
        let middle = fails + (enough - fails) / 2;
        if passes(middle)? {
            enough = middle;
        } else {
            fails = middle;
        }
    }
    Ok(Some(way(enough)))
}

/// What would have to be paid in advance: it lowers exposure only beyond the unapplied credit that covers it already,
/// and what is invoiced of the order takes its part first.
fn prepay(question: &Question<'_>, verdict: &Verdict, shortfall: i64) -> i64 {
    let invoiced: i128 = question.lines.iter().map(|line| i128::from(line.invoiced)).sum();
    let invoiced_beyond = i64::try_from((invoiced - i128::from(question.prepaid)).max(0)).unwrap_or(i64::MAX);
    let covered = verdict.after.credit().saturating_sub(verdict.after.prepaid);
    let more = if shortfall > 0 { covered.saturating_add(shortfall).min(verdict.required) } else { verdict.required };
    invoiced_beyond.saturating_add(more)
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
    Ok(rules::judge(&asked)?.outcome.passes())
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
        let mut taken = Taken {
            credit: question.credit.map(Cow::Borrowed),
            schedule: Cow::Borrowed(question.schedule),
            lines: Cow::Borrowed(question.lines),
            prepaid: question.prepaid,
            grace: question.grace,
        };
        match way {
            WayOut::ReduceOrderTo(to) => {
                taken.lines = Cow::Owned(reduced(question.lines, question.value()?.saturating_sub(to)));
            }
            WayOut::Prepay(amount) => taken.prepaid = taken.prepaid.saturating_add(amount),
            WayOut::AskTemporaryLimit(amount) => {
                let Some(credit) = &mut taken.credit else { return Ok(None) };
                let (from, to) = (question.today, question.today);
                let overlay = TemporaryLimit { overlay: Overlay::Delta(amount), from, to };
                credit.to_mut().temporary_limits.push(overlay);
            }
            WayOut::AskRelease(_) => taken.grace = Grace::Released,
            WayOut::Pay(amount) => taken.schedule = Cow::Owned(paid(question.schedule, amount)),
        }
        Ok(Some(taken))
    }
}

/// The lines with less ordered, the last first; what is delivered or invoiced cannot be taken back.
fn reduced(lines: &[Line], by: i64) -> Vec<Line> {
    let mut left = by;
    let mut lines = lines.to_vec();
    for line in lines.iter_mut().rev() {
        let part = left.min(takeable(line));
        line.ordered -= part;
        left -= part;
    }
    lines
}

fn takeable(line: &Line) -> i64 {
    (line.ordered - line.delivered.max(line.invoiced)).max(0)
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
