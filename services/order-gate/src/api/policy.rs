//! The policy, read and written.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use weir_model::{Fields, Money};
use weir_wire::{
    common::v1::Grade as WireGrade,
    emit::{decimal, money, timestamp},
    order_gate::v1 as wire,
    parse,
};

use super::{emit, read};
use crate::policy::{Action, Comparator, OrderValueMax, Policy, PolicyVersion, Rule, RuleSetting};
use crate::standing::Grade;

/// Bounds of the settings, as the contract states them.
const OVERDUE_DAYS_MAX: i64 = 3_650;
const DUNNING_LEVEL_MAX: i64 = 100;
const WATCH_BAND_MAX: Decimal = Decimal::ONE_THOUSAND;
const WATCH_BAND_SCALE: u32 = 2;
const ENTRIES_MAX: usize = 200;
const ROLES_MAX: usize = 10;
const ROLE_LENGTH_MAX: usize = 64;

/// A policy, or none and every field that is wrong.
pub(super) fn policy(f: &mut Fields, policy: Option<&wire::Policy>) -> Option<Policy> {
    let Some(policy) = policy else {
        f.add("policy", "is required");
        return None;
    };
    let comparator = parse::optional_one_of::<wire::Comparator>(f, "policy.comparator", policy.comparator);
    let order_value_max = order_value_max(f, &policy.order_value_max);
    let days = i64::from(policy.overdue_days_max);
    let overdue_days_max = parse::whole(f, "policy.overdue_days_max", days, (0, OVERDUE_DAYS_MAX));
    let overdue_tolerance = tolerances(f, &policy.overdue_tolerance);
    let level = i64::from(policy.dunning_level_max);
    let dunning_level_max = parse::whole(f, "policy.dunning_level_max", level, (0, DUNNING_LEVEL_MAX));
    let bounds = (Decimal::ZERO, WATCH_BAND_MAX);
    let band = policy.watch_band_percent.as_ref();
    let watch_band_percent = parse::decimal(f, "policy.watch_band_percent", band, bounds, WATCH_BAND_SCALE);
    let rules = rules(f, &policy.rules);
    parse::at_most(f, "policy.hold_notice_roles", &policy.hold_notice_roles, ROLES_MAX);
    let mut roles = Vec::new();
    for (index, role) in policy.hold_notice_roles.iter().enumerate().take(ROLES_MAX) {
        roles.push(parse::text(f, &format!("policy.hold_notice_roles[{index}]"), role, ROLE_LENGTH_MAX));
    }
    Some(Policy {
        comparator: match comparator? {
            Some(wire::Comparator::Below) => Comparator::Below,
            _ => Comparator::AtMost,
        },
        order_value_max: order_value_max?,
        overdue_days_max: i32::try_from(overdue_days_max?).ok()?,
        overdue_tolerance: overdue_tolerance?,
        dunning_level_max: i32::try_from(dunning_level_max?).ok()?,
        watch_band_percent: watch_band_percent?,
        hold_notice_roles: roles.into_iter().collect::<Option<_>>()?,
        rules: rules?,
    })
}

fn order_value_max(f: &mut Fields, entries: &[wire::OrderValueMax]) -> Option<Vec<OrderValueMax>> {
    parse::at_most(f, "policy.order_value_max", entries, ENTRIES_MAX);
    let mut seen = BTreeSet::new();
    let mut read = Vec::new();
    for (index, entry) in entries.iter().enumerate().take(ENTRIES_MAX) {
        let path = format!("policy.order_value_max[{index}]");
        let grade = parse::optional_one_of::<WireGrade>(f, &format!("{path}.grade"), entry.grade);
        let amount = parse::non_negative_money(f, &format!("{path}.amount"), entry.amount.as_ref());
        let (Some(grade), Some(amount)) = (grade, amount) else {
            read.push(None);
            continue;
        };
        let grade = grade.and_then(read_grade);
        if !seen.insert((grade, amount.currency())) {
            f.add(path, "names a grade and currency twice");
        }
        read.push(Some(OrderValueMax { grade, amount }));
    }
    read.into_iter().collect()
}

fn tolerances(f: &mut Fields, amounts: &[weir_wire::google::r#type::Money]) -> Option<Vec<Money>> {
    parse::at_most(f, "policy.overdue_tolerance", amounts, ENTRIES_MAX);
    let mut seen = BTreeSet::new();
    let mut read = Vec::new();
    for (index, amount) in amounts.iter().enumerate().take(ENTRIES_MAX) {
        let path = format!("policy.overdue_tolerance[{index}]");
        let amount = parse::non_negative_money(f, &path, Some(amount));
        if amount.is_some_and(|amount| !seen.insert(amount.currency())) {
            f.add(path, "names a currency twice");
        }
        read.push(amount);
    }
    read.into_iter().collect()
}

/// What the request says of rules; what it leaves out is as in the default policy.
fn rules(f: &mut Fields, settings: &[wire::RuleSetting]) -> Option<BTreeMap<Rule, RuleSetting>> {
    parse::at_most(f, "policy.rules", settings, Rule::ALL.len());
    let mut rules = Policy::default().rules;
    let mut seen = BTreeSet::new();
    let mut complete = true;
    for (index, setting) in settings.iter().enumerate().take(Rule::ALL.len()) {
        let path = format!("policy.rules[{index}]");
        let rule = parse::one_of::<wire::Rule>(f, &format!("{path}.rule"), setting.rule);
        let action = parse::one_of::<wire::RuleAction>(f, &format!("{path}.action"), setting.action);
        let checkpoints = read::checkpoints(f, &format!("{path}.checkpoints"), &setting.checkpoints);
        let rule = rule.and_then(|rule| Rule::ALL.into_iter().find(|known| emit::rule(*known) == rule));
        let action = action.and_then(|action| ACTIONS.into_iter().find(|known| emit::action(*known) == action));
        let (Some(rule), Some(action), Some(checkpoints)) = (rule, action, checkpoints) else {
            complete = false;
            continue;
        };
        if !seen.insert(rule) {
            f.add(path, "names a rule twice");
        }
        rules.insert(rule, RuleSetting { action, checkpoints });
    }
    complete.then_some(rules)
}

const ACTIONS: [Action; 4] = [Action::Block, Action::Warn, Action::Info, Action::Off];

fn read_grade(grade: WireGrade) -> Option<Grade> {
    [Grade::A, Grade::B, Grade::C, Grade::D].into_iter().find(|known| emit::grade(*known) == grade)
}

/// A policy as it was activated.
pub(super) fn version(version: &PolicyVersion) -> wire::PolicyVersion {
    wire::PolicyVersion {
        version: version.version,
        policy: Some(message(&version.policy)),
        activated_by: version.activated_by.to_string(),
        activated_time: Some(timestamp(version.activated_at)),
        reason: version.reason.clone(),
    }
}

fn message(policy: &Policy) -> wire::Policy {
    wire::Policy {
        comparator: match policy.comparator {
            Comparator::AtMost => wire::Comparator::AtMost,
            Comparator::Below => wire::Comparator::Below,
        }
        .into(),
        order_value_max: policy
            .order_value_max
            .iter()
            .map(|entry| wire::OrderValueMax {
                grade: entry.grade.map_or(WireGrade::Unspecified, emit::grade).into(),
                amount: Some(money(entry.amount)),
            })
            .collect(),
        overdue_days_max: policy.overdue_days_max,
        overdue_tolerance: policy.overdue_tolerance.iter().copied().map(money).collect(),
        dunning_level_max: policy.dunning_level_max,
        watch_band_percent: Some(decimal(policy.watch_band_percent)),
        rules: policy
            .rules
            .iter()
            .map(|(rule, setting)| wire::RuleSetting {
                rule: emit::rule(*rule).into(),
                action: emit::action(setting.action).into(),
                checkpoints: setting.checkpoints.iter().map(|c| emit::checkpoint(*c).into()).collect(),
            })
            .collect(),
        hold_notice_roles: policy.hold_notice_roles.clone(),
    }
}
