//! The rules by which limits and terms are granted, as data: grade table, rules of automatic approval, levels of
//! approval. A currency has rows of its own; nothing is converted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Fields, Money, PolicyId, SubjectId};

use crate::{auto_approval::AutoApprovalRule, grade::Grade, limit::Limit, terms};

/// Most rows of the grade table: four grades in a hundred currencies.
pub(crate) const GRADE_ROWS_MAX: usize = 400;
/// Most rules of automatic approval.
pub(crate) const AUTO_APPROVAL_RULES_MAX: usize = 100;
/// Most levels of approval in a currency.
pub(crate) const LEVELS_MAX: i64 = 8;
/// Most rows of approval levels.
pub(crate) const LEVEL_ROWS_MAX: usize = 800;
/// Most percent a rule may be allowed to raise a limit by: a hundredfold.
pub(crate) const RAISE_PERCENT_MAX: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);

/// How orders of a grade pass the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderPolicy {
    /// A person reviews those above this amount; equality passes.
    ReviewAbove(Money),
    /// A person reviews all of them.
    ReviewEvery,
    /// None passes on credit.
    NoCredit,
}

/// What a grade allows in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GradeRow {
    pub(crate) grade: Grade,
    pub(crate) score_min: Decimal,
    pub(crate) limit_min: Money,
    pub(crate) limit_max: Money,
    pub(crate) higher_by_approval: bool,
    pub(crate) terms_days_min: i64,
    pub(crate) terms_days_max: i64,
    pub(crate) order_policy: OrderPolicy,
}

impl GradeRow {
    pub(crate) const fn currency(&self) -> Currency {
        self.limit_max.currency()
    }

    pub(crate) fn gives_no_credit(&self) -> bool {
        self.limit_max.is_zero() && !self.higher_by_approval
    }

    /// Whether a limit is at most the greatest. Less than the least is covered: nobody has to take all they could get.
    pub(crate) const fn covers(&self, limit: Limit) -> bool {
        match limit {
            Limit::None => true,
            Limit::Amount(amount) => amount.minor() <= self.limit_max.minor(),
            Limit::Unlimited => false,
        }
    }

    /// Whether a limit may be granted at all: above the greatest only where approval may go higher.
    pub(crate) const fn allows(&self, limit: Limit) -> bool {
        self.higher_by_approval || self.covers(limit)
    }
}

/// A level of approval: amounts above this need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApprovalLevel {
    pub(crate) level: i64,
    pub(crate) above: Money,
}

/// The rules of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyRules {
    pub(crate) name: String,
    pub(crate) grades: Vec<GradeRow>,
    pub(crate) auto_approval_rules: Vec<AutoApprovalRule>,
    pub(crate) approval_levels: Vec<ApprovalLevel>,
    /// What a rule may raise a limit by at once, in percent of the limit that holds; none for any raise.
    pub(crate) automatic_raise_percent_max: Option<Decimal>,
}

/// One version; its rules never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(crate) policy_id: PolicyId,
    pub(crate) rules: PolicyRules,
    pub(crate) created_by: SubjectId,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) activation: Option<Activation>,
}

/// When a version was put into use, and from which day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activation {
    pub(crate) effective_date: NaiveDate,
    pub(crate) activated_by: SubjectId,
    pub(crate) activated_at: DateTime<Utc>,
}

impl PolicyRules {
    /// What a grade allows in a currency.
    pub(crate) fn row(&self, grade: Grade, currency: Currency) -> Option<&GradeRow> {
        self.grades.iter().find(|row| row.grade == grade && row.currency() == currency)
    }

    /// The grade a score alone gives: the best whose bound it reaches.
    pub(crate) fn grade_of_score(&self, score: Decimal, currency: Currency) -> Option<Grade> {
        Grade::ALL.into_iter().find(|grade| self.row(*grade, currency).is_some_and(|row| row.score_min <= score))
    }

    /// Where the range of a grade ends: the next better grade's bound, 100 for the best.
    pub(crate) fn score_max(&self, grade: Grade, currency: Currency) -> Decimal {
        Grade::ALL
            .into_iter()
            .rev()
            .find(|better| *better < grade)
            .and_then(|better| self.row(better, currency))
            .map_or(Decimal::ONE_HUNDRED, |row| row.score_min)
    }

    /// How far a limit may be raised at once without a person, rounded down; none where nothing says so, and where no
    /// positive amount holds, since that is a first grant and no raise.
    pub(crate) fn automatic_raise_max(&self, standing: Limit) -> Option<Money> {
        let percent = self.automatic_raise_percent_max?;
        let Limit::Amount(amount) = standing else { return None };
        let raise = amount.to_decimal().checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
        let raised = amount.to_decimal().checked_add(raise)?;
        // beyond what an amount can hold nothing is left to stop
        Money::round_down(raised, amount.currency()).ok().filter(|_| amount.is_positive())
    }

    /// The levels of a currency, lowest first.
    pub(crate) fn levels(&self, currency: Currency) -> Vec<&ApprovalLevel> {
        let mut levels: Vec<&ApprovalLevel> =
            self.approval_levels.iter().filter(|level| level.above.currency() == currency).collect();
        levels.sort_by_key(|level| level.level);
        levels
    }

    /// Notes everything that is incomplete or contradicts itself; paths are those of `PolicyRules` in the contract.
    pub(crate) fn check(&self, prefix: &str, fields: &mut Fields) {
        let currencies: BTreeSet<Currency> = self.grades.iter().map(GradeRow::currency).collect();
        if currencies.is_empty() {
            fields.add(format!("{prefix}.grades"), "must not be empty");
        }
        for (index, row) in self.grades.iter().enumerate() {
            check_row(row, &format!("{prefix}.grades[{index}]"), fields);
        }
        for currency in &currencies {
            self.check_grades(*currency, prefix, fields);
            self.check_levels(*currency, prefix, fields);
        }
        for (index, level) in self.approval_levels.iter().enumerate() {
            if !currencies.contains(&level.above.currency()) {
                let path = format!("{prefix}.approval_levels[{index}].above");
                fields.add(path, "must be in a currency of the grade table");
            }
        }
        self.check_auto_approval(&currencies, prefix, fields);
    }

    fn check_grades(&self, currency: Currency, prefix: &str, fields: &mut Fields) {
        let mut indexes: BTreeMap<Grade, usize> = BTreeMap::new();
        for (index, row) in self.grades.iter().enumerate().filter(|(_, row)| row.currency() == currency) {
            if indexes.insert(row.grade, index).is_some() {
                let what = format!("names {} in {currency} twice", row.grade.as_str());
                fields.add(format!("{prefix}.grades[{index}].grade"), what);
            }
        }
        for grade in Grade::ALL {
            if !indexes.contains_key(&grade) {
                fields.add(format!("{prefix}.grades"), format!("has no row for {} in {currency}", grade.as_str()));
            }
        }
        let rows: Vec<(usize, &GradeRow)> =
            indexes.values().filter_map(|index| self.grades.get(*index).map(|row| (*index, row))).collect();
        for (better, worse) in rows.iter().zip(rows.iter().skip(1)) {
            if worse.1.score_min >= better.1.score_min {
                let path = format!("{prefix}.grades[{}].score_min", worse.0);
                fields.add(path, format!("must be below that of {}", better.1.grade.as_str()));
            }
        }
    }

    fn check_levels(&self, currency: Currency, prefix: &str, fields: &mut Fields) {
        let levels = self.levels(currency);
        let path = format!("{prefix}.approval_levels");
        if levels.is_empty() {
            fields.add(path, format!("has no level 1 in {currency}"));
            return;
        }
        if !levels.iter().map(|level| level.level).eq((1..=LEVELS_MAX).take(levels.len())) {
            fields.add(path, format!("must be levels 1, 2, … without a gap in {currency}, at most {LEVELS_MAX}"));
            return;
        }
        if levels.first().is_some_and(|first| !first.above.is_zero()) {
            fields.add(path.as_str(), format!("level 1 in {currency} must begin above zero"));
        }
        for (lower, higher) in levels.iter().zip(levels.iter().skip(1)) {
            if higher.above.minor() <= lower.above.minor() {
                let what = format!("level {} in {currency} must begin above level {}", higher.level, lower.level);
                fields.add(path.as_str(), what);
            }
        }
    }

    fn check_auto_approval(&self, currencies: &BTreeSet<Currency>, prefix: &str, fields: &mut Fields) {
        let mut seen = BTreeSet::new();
        for (index, rule) in self.auto_approval_rules.iter().enumerate() {
            let path = format!("{prefix}.auto_approval_rules[{index}]");
            if !seen.insert(rule.rule_id.as_str()) {
                fields.add(format!("{path}.rule_id"), "is named twice");
            }
            if !currencies.contains(&rule.amount_max.currency()) {
                fields.add(format!("{path}.amount_max"), "must be in a currency of the grade table");
            }
            if !rule.amount_max.is_positive() {
                fields.add(format!("{path}.amount_max"), "must be positive");
            }
            check_score(rule.score_min, &format!("{path}.score_min"), fields);
            check_terms(rule.terms_days, &format!("{path}.terms_days"), fields);
        }
    }
}

fn check_row(row: &GradeRow, path: &str, fields: &mut Fields) {
    check_score(row.score_min, &format!("{path}.score_min"), fields);
    check_terms(row.terms_days_min, &format!("{path}.terms_days_min"), fields);
    check_terms(row.terms_days_max, &format!("{path}.terms_days_max"), fields);
    if row.terms_days_max < row.terms_days_min {
        fields.add(format!("{path}.terms_days_max"), "must not be below terms_days_min");
    }
    if row.limit_min.is_negative() {
        fields.add(format!("{path}.limit_min"), "must not be negative");
    }
    match row.limit_min.checked_cmp(row.limit_max) {
        Ok(order) if order.is_gt() => fields.add(format!("{path}.limit_max"), "must not be below limit_min"),
        Ok(_) => {}
        Err(_) => fields.add(format!("{path}.limit_max"), "must be in the currency of limit_min"),
    }
    if let OrderPolicy::ReviewAbove(amount) = row.order_policy {
        if amount.currency() != row.currency() {
            fields.add(format!("{path}.order_policy.above"), format!("must be in {}", row.currency()));
        }
        if amount.is_negative() {
            fields.add(format!("{path}.order_policy.above"), "must not be negative");
        }
    }
}

fn check_score(score: Decimal, path: &str, fields: &mut Fields) {
    if !(Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&score) {
        fields.add(path, "must be between 0 and 100");
    }
}

fn check_terms(days: i64, path: &str, fields: &mut Fields) {
    if !(0..=terms::DAYS_MAX).contains(&days) {
        fields.add(path, format!("must be between 0 and {}", terms::DAYS_MAX));
    }
}

/// The version in use on a day: of those activated, the one with the newest effective date; of equal ones the one
/// activated last.
pub(crate) fn in_use_on(policies: &[Policy], date: NaiveDate) -> Option<&Policy> {
    policies
        .iter()
        .filter_map(|policy| policy.activation.as_ref().map(|activation| (policy, activation)))
        .filter(|(_, activation)| activation.effective_date <= date)
        .max_by_key(|(_, activation)| (activation.effective_date, activation.activated_at))
        .map(|(policy, _)| policy)
}
