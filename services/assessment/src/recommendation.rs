//! The recommended limit and terms, with the arithmetic line by line.
//!
//! Limit: the least of the grade's range scaled by the score, what was asked for, and what is needed (daily sales ×
//! terms), brought into the grade's range. D has no credit: 0 and prepay.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Money, MoneyError};

use crate::{
    grade::{Grade, GradePolicy, GradeRule},
    profile::Profile,
};

/// A step of the arithmetic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Code of the step.
    pub code: Step,
    /// The arithmetic for a person.
    pub formula: String,
    /// The amount it gives; none for terms.
    pub amount: Option<Money>,
    /// Whether this is the amount that decided.
    pub binding: bool,
}

/// The steps there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Step {
    /// The grade has no credit.
    NoCredit,
    /// Terms by grade and score.
    Terms,
    /// The grade's range scaled by the score.
    GradeRangeScaled,
    /// What was asked for.
    Requested,
    /// Daily sales × terms.
    Need,
    /// The least of the above.
    Least,
    /// Raised to the least limit of the grade.
    GradeFloor,
}

impl Step {
    /// The step's published code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::NoCredit => "NO_CREDIT",
            Step::Terms => "TERMS",
            Step::GradeRangeScaled => "GRADE_RANGE_SCALED",
            Step::Requested => "REQUESTED",
            Step::Need => "NEED",
            Step::Least => "LEAST",
            Step::GradeFloor => "GRADE_FLOOR",
        }
    }
}

/// A recommended limit and terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// The limit.
    pub limit: Money,
    /// The terms in days; 0 is prepay.
    pub terms_days: i32,
    /// The arithmetic.
    pub lines: Vec<Line>,
}

/// Why nothing can be recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecommendationError {
    /// The policy names no range in the currency, and no rate to convert one is known.
    #[error("the grade policy has no limit range in {0}")]
    NoRange(Currency),
    /// An amount does not fit.
    #[error(transparent)]
    Amount(#[from] MoneyError),
}

/// Recommends a limit and terms for a grade and score.
pub fn recommend(
    policy: &GradePolicy,
    grade: Grade,
    score: Decimal,
    profile: &Profile,
) -> Result<Recommendation, RecommendationError> {
    let currency = profile.currency;
    let Some(rule) = policy.rule(grade).filter(|rule| rule.grade != Grade::D) else {
        return Ok(no_credit(grade, currency));
    };
    let range = rule.range_in(currency).ok_or(RecommendationError::NoRange(currency))?;
    let share = Share::of(policy, rule, score);
    let (terms_days, terms_line) = terms(rule, &share);
    let mut lines = vec![terms_line];

    let scaled = Money::round_down(range.low + share.of_figure(range.high - range.low), currency)?;
    let (low, high) = (shown(range.low, currency), shown(range.high, currency));
    let formula = format!("{low} + ({high} − {low}) × {} = {}", share.formula, scaled.to_decimal());
    lines.push(line(Step::GradeRangeScaled, formula, scaled));
    if let Some(requested) = profile.requested_limit {
        lines.push(line(Step::Requested, format!("asked for {}", requested.to_decimal()), requested));
    }
    if let Some(daily) = profile.daily_sales {
        let need = daily.to_decimal().checked_mul(Decimal::from(terms_days)).ok_or(MoneyError::Overflow)?;
        // more than any amount can be is more than any range: it cannot be the least
        if let Ok(need) = Money::round_half_even(need, currency) {
            let formula = format!("{} × {terms_days} = {}", daily.to_decimal(), need.to_decimal());
            lines.push(line(Step::Need, formula, need));
        }
    }
    let least = lines.iter().filter_map(|line| line.amount).map(Money::minor).min().unwrap_or(0);
    let least = Money::new(least, currency);
    let floor = range.low_money()?;
    let amounts: Vec<String> =
        lines.iter().filter_map(|line| line.amount).map(|amount| amount.to_decimal().to_string()).collect();
    let formula = format!("least of {} = {}", amounts.join(", "), least.to_decimal());
    let limit = if least.minor() < floor.minor() { floor } else { least };
    let raised = limit != least;
    if let Some(binding) = lines.iter_mut().find(|line| line.amount == Some(least)) {
        binding.binding = !raised;
    }
    lines.push(line(Step::Least, formula, least));
    if raised {
        let formula = format!("{} is below the least limit of {}: {low}", least.to_decimal(), grade.as_str());
        lines.push(Line { binding: true, ..line(Step::GradeFloor, formula, limit) });
    }
    Ok(Recommendation { limit, terms_days, lines })
}

/// How far a score reaches into its grade's range, 0 to 1.
struct Share {
    part: Decimal,
    whole: Decimal,
    formula: String,
}

impl Share {
    /// A score outside the grade's range, after an adjustment or a cap, counts as the nearer end.
    fn of(policy: &GradePolicy, rule: &GradeRule, score: Decimal) -> Share {
        let (start, end) = (rule.score_min, policy.score_end(rule.grade));
        let within = score.clamp(start, end.max(start));
        Share {
            part: within - start, whole: end - start, formula: format!("({within} − {start}) / ({end} − {start})")
        }
    }

    /// The share of a figure: multiplied first, so that nothing is rounded on the way. All of it in a range of one score.
    fn of_figure(&self, figure: Decimal) -> Decimal {
        figure.checked_mul(self.part).and_then(|product| product.checked_div(self.whole)).unwrap_or(figure)
    }
}

fn terms(rule: &GradeRule, share: &Share) -> (i32, Line) {
    let (least, most) = (rule.terms_days_min, rule.terms_days_max);
    let extra = share.of_figure(Decimal::from(most - least)).trunc().to_i32().unwrap_or(0);
    let days = least + extra;
    let formula = format!("{least} + ({most} − {least}) × {}, whole days = {days}", share.formula);
    (days, Line { code: Step::Terms, formula, amount: None, binding: false })
}

fn no_credit(grade: Grade, currency: Currency) -> Recommendation {
    let limit = Money::zero(currency);
    let formula = format!("{} has no credit: limit 0, prepay", grade.as_str());
    let lines = vec![Line { binding: true, ..line(Step::NoCredit, formula, limit) }];
    Recommendation { limit, terms_days: 0, lines }
}

fn line(code: Step, formula: String, amount: Money) -> Line {
    Line { code, formula, amount: Some(amount), binding: false }
}

fn shown(amount: Decimal, currency: Currency) -> Decimal {
    let mut shown = amount;
    shown.rescale(currency.exponent());
    shown
}
