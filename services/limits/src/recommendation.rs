//! The limit the rules recommend: the least of what grade, assessment, need, the limit that holds and request allow,
//! explained line by line.
//!
//! Amounts are rounded down to the minor unit: room is never overstated.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Money, MoneyError};

use crate::{
    grade::GradeRecord,
    limit::Limit,
    policy::{GradeRow, PolicyRules},
    request::StandingWish,
};

/// A recommended limit and its arithmetic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recommendation {
    pub(crate) amount: Money,
    pub(crate) lines: Vec<Line>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) kind: LineKind,
    pub(crate) amount: Money,
    /// Whether it is the least, and so decides.
    pub(crate) binding: bool,
    pub(crate) message: String,
}

/// What a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LineKind {
    GradeRange,
    Assessment,
    Need,
    AutomaticRaise,
    Requested,
}

/// Recommends a limit for a wish, under a grade and over the limit that holds. The first of equal candidates binds.
pub(crate) fn recommend(
    rules: &PolicyRules,
    row: &GradeRow,
    record: &GradeRecord,
    wish: &StandingWish,
    standing: Limit,
) -> Result<Recommendation, MoneyError> {
    let currency = row.currency();
    let mut lines = vec![grade_range(rules, row, record)?];
    if record.recommended_limit.currency() == currency {
        let message = format!("assessment {} recommends {}", record.assessment_id, record.recommended_limit);
        lines.push(line(LineKind::Assessment, record.recommended_limit, message));
    }
    if let Some(daily_sales) = wish.daily_sales {
        lines.push(need(daily_sales, wish.terms_days, currency)?);
    }
    if let (Limit::Amount(from), Some(percent)) = (standing, rules.automatic_raise_percent_max)
        && let Some(most) = rules.automatic_raise_max(standing)
    {
        let message = format!("raised at once by at most {percent} %: {from} + {percent} / 100 x {from} = {most}");
        lines.push(line(LineKind::AutomaticRaise, most, message));
    }
    if let Limit::Amount(amount) = wish.limit {
        lines.push(line(LineKind::Requested, amount, format!("{amount} is asked for")));
    }
    let amount = lines.iter().map(|line| line.amount.minor()).min().unwrap_or_default();
    if let Some(binding) = lines.iter_mut().find(|line| line.amount.minor() == amount) {
        binding.binding = true;
    }
    Ok(Recommendation { amount: Money::new(amount, currency), lines })
}

fn line(kind: LineKind, amount: Money, message: String) -> Line {
    Line { kind, amount, binding: false, message }
}

/// The grade's range, scaled by where the score lies between the grade's bound and the next better one's.
fn grade_range(rules: &PolicyRules, row: &GradeRow, record: &GradeRecord) -> Result<Line, MoneyError> {
    let currency = row.currency();
    let (low, high) = (row.limit_min.to_decimal(), row.limit_max.to_decimal());
    let (from, to) = (row.score_min, rules.score_max(row.grade, currency));
    // where the grade has no width of its own, its whole range is within reach
    let width = if to > from { to - from } else { Decimal::ONE };
    let reached = if to > from { (record.score - from).clamp(Decimal::ZERO, width) } else { width };
    // divided last, so that no part of a cent is lost on the way
    let scaled = (high - low)
        .checked_mul(reached)
        .and_then(|part| part.checked_div(width))
        .and_then(|part| low.checked_add(part))
        .ok_or(MoneyError::Overflow)?;
    let amount = Money::round_down(scaled, currency)?;
    let message = format!(
        "grade {} gives {} to {} for scores from {from} to {to}; score {}: \
         {low} + ({high} - {low}) x {reached} / {width} = {amount}",
        row.grade.as_str(),
        row.limit_min,
        row.limit_max,
        record.score,
    );
    Ok(line(LineKind::GradeRange, amount, message))
}

/// What is owed at most when every day's sales wait for their terms.
fn need(daily_sales: Money, terms_days: i64, currency: Currency) -> Result<Line, MoneyError> {
    let need = daily_sales.minor().checked_mul(terms_days).ok_or(MoneyError::Overflow)?;
    let amount = Money::new(need, currency);
    Ok(line(LineKind::Need, amount, format!("need: daily sales {daily_sales} x {terms_days} days = {amount}")))
}
