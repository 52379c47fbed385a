//! Grades, and the policy table that gives them meaning: score bounds, limit ranges, terms, country cap, review.
//!
//! Data, versioned by whoever stores it. Knows no account and no scorecard.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Fields, Money, MoneyError, add_days};

/// Most currencies a rule may name a range in: ISO 4217 has fewer than 200, a seller sells in a few.
const RANGES_MAX: usize = 50;
/// Longest terms, in days.
const TERMS_DAYS_MAX: i32 = 365;
/// Longest time between two assessments, in days.
const REVIEW_DAYS_MAX: i32 = 3650;

/// The grade of an account. Ordered from best to worst, so the greater of two is the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Best.
    A,
    /// Good.
    B,
    /// Acceptable.
    C,
    /// No credit.
    D,
}

impl Grade {
    /// Every grade, best first.
    pub const ALL: [Grade; 4] = [Grade::A, Grade::B, Grade::C, Grade::D];

    /// The letter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
            Grade::D => "D",
        }
    }

    /// The grade of a letter.
    pub fn from_letter(letter: &str) -> Option<Grade> {
        Grade::ALL.into_iter().find(|grade| grade.as_str() == letter)
    }

    /// The next better grade; none for the best.
    pub const fn better(self) -> Option<Grade> {
        match self {
            Grade::A => None,
            Grade::B => Some(Grade::A),
            Grade::C => Some(Grade::B),
            Grade::D => Some(Grade::C),
        }
    }
}

/// Limits a grade may have in one currency, in major units, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitRange {
    /// The currency.
    pub currency: Currency,
    /// Least limit.
    pub low: Decimal,
    /// Greatest limit.
    pub high: Decimal,
}

impl LimitRange {
    /// The least limit.
    pub fn low_money(&self) -> Result<Money, MoneyError> {
        Money::try_from_decimal(self.low, self.currency)
    }

    /// The greatest limit.
    pub fn high_money(&self) -> Result<Money, MoneyError> {
        Money::try_from_decimal(self.high, self.currency)
    }
}

/// What a grade means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRule {
    /// The grade.
    pub grade: Grade,
    /// Least score of the grade, inclusive.
    pub score_min: Decimal,
    /// Limits by currency; empty for D.
    #[serde(default)]
    pub limit_ranges: Vec<LimitRange>,
    /// Shortest terms in days from the invoice date; 0 is prepay.
    pub terms_days_min: i32,
    /// Longest terms in days.
    pub terms_days_max: i32,
    /// Days until the next assessment.
    pub review_interval_days: i32,
}

impl GradeRule {
    /// The range of limits in a currency, if the policy names one.
    pub fn range_in(&self, currency: Currency) -> Option<&LimitRange> {
        self.limit_ranges.iter().find(|range| range.currency == currency)
    }

    /// The date by which an account graded on `as_of` is to be assessed again; `as_of` itself at the calendar's end.
    pub fn review_date(&self, as_of: NaiveDate) -> NaiveDate {
        add_days(as_of, i64::from(self.review_interval_days)).unwrap_or(as_of)
    }
}

/// The table that turns a score into a grade, and a grade into a limit and terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradePolicy {
    /// Country rating, 0 (worst) to 100 (best), below which the grade is capped.
    pub country_rating_min: Decimal,
    /// Best grade of an account whose country is rated below that.
    pub country_grade_cap: Grade,
    /// One rule a grade, best first.
    pub rules: Vec<GradeRule>,
}

impl GradePolicy {
    /// The grade of a score: the best whose least score it reaches.
    pub fn grade_of(&self, score: Decimal) -> Grade {
        self.rules.iter().find(|rule| score >= rule.score_min).map_or(Grade::D, |rule| rule.grade)
    }

    /// The rule of a grade; none only for a policy that was never checked.
    pub fn rule(&self, grade: Grade) -> Option<&GradeRule> {
        self.rules.iter().find(|rule| rule.grade == grade)
    }

    /// The score at which the next better grade begins: the end of a grade's own range; 100 for the best.
    pub fn score_end(&self, grade: Grade) -> Decimal {
        grade.better().and_then(|better| self.rule(better)).map_or(Decimal::ONE_HUNDRED, |rule| rule.score_min)
    }

    /// Notes everything that is wrong with the table.
    pub fn check(&self, fields: &mut Fields, path: &str) {
        let grades: Vec<Grade> = self.rules.iter().map(|rule| rule.grade).collect();
        if grades != Grade::ALL {
            fields.add(format!("{path}.rules"), "must be one rule a grade, in the order A, B, C, D");
        }
        check_points(fields, &format!("{path}.country_rating_min"), self.country_rating_min);
        let mut above = None;
        for (i, rule) in self.rules.iter().enumerate() {
            let path = format!("{path}.rules[{i}]");
            check_points(fields, &format!("{path}.score_min"), rule.score_min);
            if above.is_some_and(|above| rule.score_min >= above) {
                fields.add(format!("{path}.score_min"), "must be below that of the better grade");
            }
            above = Some(rule.score_min);
            rule.check(fields, &path);
        }
    }
}

impl GradeRule {
    fn check(&self, fields: &mut Fields, path: &str) {
        let credit = self.grade != Grade::D;
        if !credit && !self.score_min.is_zero() {
            fields.add(format!("{path}.score_min"), "must be 0 for D, so that every score has a grade");
        }
        if credit == self.limit_ranges.is_empty() {
            fields.add(format!("{path}.limit_ranges"), "must be given for A, B and C and empty for D");
        }
        if self.limit_ranges.len() > RANGES_MAX {
            fields.add(format!("{path}.limit_ranges"), format!("must be at most {RANGES_MAX}"));
        }
        for (i, range) in self.limit_ranges.iter().take(RANGES_MAX).enumerate() {
            let path = format!("{path}.limit_ranges[{i}]");
            for (name, amount) in [("low_amount", range.low_money()), ("high_amount", range.high_money())] {
                match amount {
                    Ok(money) if money.is_negative() => fields.add(format!("{path}.{name}"), "must not be negative"),
                    Ok(_) => {}
                    Err(error) => fields.add(format!("{path}.{name}"), error.to_string()),
                }
            }
            if range.high < range.low {
                fields.add(format!("{path}.high_amount"), "must not be below the low amount");
            }
            if self.limit_ranges.iter().take(i).any(|other| other.currency == range.currency) {
                fields.add(path, format!("{} has a range already", range.currency));
            }
        }
        let longest = if credit { TERMS_DAYS_MAX } else { 0 };
        if !(0..=longest).contains(&self.terms_days_min) {
            fields.add(format!("{path}.terms_days_min"), format!("must be 0 to {longest}"));
        }
        if !(self.terms_days_min..=longest).contains(&self.terms_days_max) {
            fields.add(format!("{path}.terms_days_max"), format!("must be from the shortest terms to {longest}"));
        }
        if !(1..=REVIEW_DAYS_MAX).contains(&self.review_interval_days) {
            fields.add(format!("{path}.review_interval_days"), format!("must be 1 to {REVIEW_DAYS_MAX}"));
        }
    }
}

/// Notes points that are not 0 to 100 with at most two decimals.
pub(crate) fn check_points(fields: &mut Fields, path: &str, points: Decimal) {
    if points < Decimal::ZERO || points > Decimal::ONE_HUNDRED || points.normalize().scale() > 2 {
        fields.add(path, "must be 0 to 100 with at most 2 decimals");
    }
}
