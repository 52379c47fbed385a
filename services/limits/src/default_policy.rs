//! The policy used until another one is activated, as shipped in `default_policy.toml`.

use rust_decimal::Decimal;
use serde::Deserialize;
use weir_model::{Currency, Fields, Money};

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
    grades: Vec<GradeLine>,
    auto_approval_rules: Vec<RuleLine>,
    approval_levels: Vec<LevelLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GradeLine {
    grade: Grade,
    score_min: Decimal,
    currency: Currency,
    limit_min: Decimal,
    limit_max: Decimal,
    higher_by_approval: bool,
    terms_days_min: i64,
    terms_days_max: i64,
    orders: Orders,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Orders {
    ReviewAbove(Decimal),
    ReviewEvery,
    NoCredit,
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
    currency: Currency,
    above: Decimal,
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

fn read(file: File) -> Result<PolicyRules, weir_model::MoneyError> {
    let money = Money::try_from_decimal;
    let grade = |line: GradeLine| {
        Ok(GradeRow {
            grade: line.grade,
            score_min: line.score_min,
            limit_min: money(line.limit_min, line.currency)?,
            limit_max: money(line.limit_max, line.currency)?,
            higher_by_approval: line.higher_by_approval,
            terms_days_min: line.terms_days_min,
            terms_days_max: line.terms_days_max,
            order_policy: match line.orders {
                Orders::ReviewAbove(amount) => OrderPolicy::ReviewAbove(money(amount, line.currency)?),
                Orders::ReviewEvery => OrderPolicy::ReviewEvery,
                Orders::NoCredit => OrderPolicy::NoCredit,
            },
        })
    };
    let rule = |line: RuleLine| {
        Ok(AutoApprovalRule {
            rule_id: line.rule_id,
            score_min: line.score_min,
            amount_max: money(line.amount_max, line.currency)?,
            terms_days: line.terms_days,
        })
    };
    let level = |line: LevelLine| Ok(ApprovalLevel { level: line.level, above: money(line.above, line.currency)? });
    Ok(PolicyRules {
        name: file.name,
        grades: file.grades.into_iter().map(grade).collect::<Result<_, _>>()?,
        auto_approval_rules: file.auto_approval_rules.into_iter().map(rule).collect::<Result<_, _>>()?,
        approval_levels: file.approval_levels.into_iter().map(level).collect::<Result<_, _>>()?,
    })
}
