//! The policy used until another one is activated, as shipped in `default_policy.toml`.

use rust_decimal::Decimal;
use serde::Deserialize;
use weir_model::{Currency, Fields, Money, MoneyError};

use crate::{
    auto_approval::AutoApprovalRule,
    grade::Grade,
    policy::{ApprovalLevel, GradeRow, OrderPolicy, PolicyRules},
};

/// Its id.
pub(crate) const POLICY_ID: &str = "default";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    automatic_raise_percent_max: Decimal,
    grades: Vec<GradeLine>,
    auto_approval_rules: Vec<RuleLine>,
    approval_levels: Vec<LevelLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GradeLine {
    grade: Grade,
    score_min: Decimal,
    higher_by_approval: bool,
    terms_days_min: i64,
    terms_days_max: i64,
    orders: Orders,
    ranges: Vec<Range>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Orders {
    ReviewAbove,
    ReviewEvery,
    NoCredit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    currency: Currency,
    limit_min: Decimal,
    limit_max: Decimal,
    /// Where orders are reviewed above an amount; nothing means above zero.
    #[serde(default)]
    review_above: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleLine {
    rule_id: String,
    score_min: Decimal,
    currency: Currency,
    amount_max: Decimal,
    terms_days: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelLine {
    level: i64,
    above: Vec<Threshold>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Threshold {
    currency: Currency,
    amount: Decimal,
}

/// Reads the shipped policy.
pub(crate) fn rules() -> Result<PolicyRules, String> {
    let file: File = toml::from_str(include_str!("default_policy.toml")).map_err(|error| error.to_string())?;
    let rules = read(file).map_err(|error| error.to_string())?;
    let mut fields = Fields::default();
    rules.check("rules", &mut fields);
    fields.finish().map_err(|fault| fault.to_string())?;
    Ok(rules)
}

fn read(file: File) -> Result<PolicyRules, MoneyError> {
    let mut rules = PolicyRules {
        name: file.name,
        grades: Vec::new(),
        auto_approval_rules: Vec::new(),
        approval_levels: Vec::new(),
        automatic_raise_percent_max: Some(file.automatic_raise_percent_max),
    };
    for line in &file.grades {
        for range in &line.ranges {
            rules.grades.push(row(line, range)?);
        }
    }
    for line in file.auto_approval_rules {
        let amount_max = Money::try_from_decimal(line.amount_max, line.currency)?;
        let (rule_id, score_min, terms_days) = (line.rule_id, line.score_min, line.terms_days);
        rules.auto_approval_rules.push(AutoApprovalRule { rule_id, score_min, amount_max, terms_days });
    }
    for line in file.approval_levels {
        for threshold in line.above {
            let above = Money::try_from_decimal(threshold.amount, threshold.currency)?;
            rules.approval_levels.push(ApprovalLevel { level: line.level, above });
        }
    }
    Ok(rules)
}

fn row(line: &GradeLine, range: &Range) -> Result<GradeRow, MoneyError> {
    let money = |major| Money::try_from_decimal(major, range.currency);
    Ok(GradeRow {
        grade: line.grade,
        score_min: line.score_min,
        limit_min: money(range.limit_min)?,
        limit_max: money(range.limit_max)?,
        higher_by_approval: line.higher_by_approval,
        terms_days_min: line.terms_days_min,
        terms_days_max: line.terms_days_max,
        order_policy: match line.orders {
            Orders::ReviewAbove => OrderPolicy::ReviewAbove(money(range.review_above)?),
            Orders::ReviewEvery => OrderPolicy::ReviewEvery,
            Orders::NoCredit => OrderPolicy::NoCredit,
        },
    })
}
