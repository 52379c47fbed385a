//! The policy, read from messages; every bad field is named.

mod message;

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use weir_model::{Fields, Money};
use weir_wire::{common::v1::Grade as WireGrade, google::r#type as pb, order_gate::v1 as wire, parse};

pub(super) use message::version;

use super::{emit, read};
use crate::exposure::{Component, LeftOut};
use crate::policy::{Action, Comparator, Exclusion, Need, Policy, Rule, RuleRow, Scope, StaleAfter, Threshold};
use crate::standing::Grade;

/// Bounds of the settings, as the contract states them.
const DAYS_MAX: i64 = 3_650;
const LEVEL_MAX: i64 = 100;
const PERCENT_MAX: Decimal = Decimal::ONE_THOUSAND;
const PERCENT_SCALE: u32 = 2;
const INDEX_SCALE: u32 = 2;
const ROWS_MAX: usize = 500;
const AMOUNTS_MAX: usize = 200;
const SEGMENT_LENGTH_MAX: usize = 200;
const REASON_LENGTH_MAX: usize = 500;
const ROLES_MAX: usize = 10;
const ROLE_LENGTH_MAX: usize = 64;

/// A policy, or none and every field that is wrong.
pub(super) fn policy(f: &mut Fields, policy: Option<&wire::Policy>) -> Option<Policy> {
    let Some(policy) = policy else {
        f.add("policy", "is required");
        return None;
    };
    let rules = rows(f, &policy.rules);
    let exclusions = all(f, "policy.exclusions", &policy.exclusions, ROWS_MAX, exclusion);
    let left_out = left_out(f, &policy.left_out_components);
    let hold_notice_roles =
        all(f, "policy.hold_notice_roles", &policy.hold_notice_roles, ROLES_MAX, |f, path, role| {
            parse::text(f, path, role, ROLE_LENGTH_MAX)
        });
    let fx_rate_days_max = whole(f, "policy.fx_rate_days_max", policy.fx_rate_days_max, DAYS_MAX);
    let commitment_days = whole(f, "policy.commitment_days", policy.commitment_days, DAYS_MAX);
    let policy = Policy {
        hold_notice_roles: hold_notice_roles?,
        commitment_days: commitment_days?,
        fx_rate_days_max: fx_rate_days_max?,
        left_out: left_out?,
        rules: rules?,
        exclusions: exclusions?,
    };
    Some(policy.completed())
}

/// Reads each entry of a list by its path; none when one is wrong.
fn all<M, T>(
    f: &mut Fields,
    path: &str,
    entries: &[M],
    most: usize,
    read: impl Fn(&mut Fields, &str, &M) -> Option<T>,
) -> Option<Vec<T>> {
    parse::at_most(f, path, entries, most);
    let entries = entries.iter().take(most).enumerate();
    let read: Vec<Option<T>> = entries.map(|(index, entry)| read(f, &format!("{path}[{index}]"), entry)).collect();
    read.into_iter().collect()
}

fn rows(f: &mut Fields, messages: &[wire::RuleRow]) -> Option<Vec<RuleRow>> {
    let rows = all(f, "policy.rules", messages, ROWS_MAX, row)?;
    let mut distinct = true;
    for (index, row) in rows.iter().enumerate() {
        if rows.iter().take(index).any(|earlier| earlier.collides(row)) {
            f.add(format!("policy.rules[{index}]"), "is asked of the same orders as another row of its rule");
            distinct = false;
        }
    }
    distinct.then_some(rows)
}

fn row(f: &mut Fields, path: &str, row: &wire::RuleRow) -> Option<RuleRow> {
    let at = |field: &str| format!("{path}.{field}");
    let rule = rule(f, &at("rule"), row.rule);
    let scope = scope(f, &at("scope"), row.scope.as_ref());
    let action = parse::one_of::<wire::RuleAction>(f, &at("action"), row.action);
    let action = action.and_then(|action| ACTIONS.into_iter().find(|known| emit::action(*known) == action));
    let checkpoints = read::checkpoints(f, &at("checkpoints"), &row.checkpoints);
    let comparator = parse::optional_one_of::<wire::Comparator>(f, &at("comparator"), row.comparator);
    let days = whole(f, &at("days"), row.days, DAYS_MAX);
    let amounts = amounts(f, &at("amounts"), &row.amounts);
    let bounds = (Decimal::ZERO, PERCENT_MAX);
    let percent = parse::optional_decimal(f, &at("percent"), row.percent.as_ref(), bounds, PERCENT_SCALE);
    let level = whole(f, &at("level"), row.level, LEVEL_MAX);
    let bounds = (Decimal::ZERO, Decimal::ONE_HUNDRED);
    let index_min = parse::optional_decimal(f, &at("index_min"), row.index_min.as_ref(), bounds, INDEX_SCALE);
    let component = component(f, &at("component"), row.component);
    let country = parse::optional_country(f, &at("country_code"), &row.country_code);
    let stale_after = stale_after(f, &at("stale_after"), row.stale_after.as_ref());
    let read = RuleRow {
        rule: rule?,
        scope: scope?,
        checkpoints: checkpoints?,
        action: action?,
        comparator: match comparator? {
            Some(wire::Comparator::Below) => Comparator::Below,
            _ => Comparator::AtMost,
        },
        days: days?,
        amounts: amounts?,
        percent: percent?,
        level: level?,
        index_min: index_min?,
        component: component?,
        country: country?,
        stale_after: stale_after?,
    };
    let complete = fits(f, path, &read);
    (complete && may_do(f, path, &read)).then_some(read)
}

/// Whether a row has the thresholds its rule is judged by, and no others.
fn fits(f: &mut Fields, path: &str, row: &RuleRow) -> bool {
    let given = [
        (Threshold::Days, "days", row.days.is_some()),
        (Threshold::Amounts, "amounts", !row.amounts.is_empty()),
        (Threshold::Percent, "percent", row.percent.is_some()),
        (Threshold::Level, "level", row.level.is_some()),
        (Threshold::IndexMin, "index_min", row.index_min.is_some()),
        (Threshold::Component, "component", row.component.is_some()),
        (Threshold::Country, "country_code", row.country.is_some()),
        (Threshold::StaleAfter, "stale_after", row.stale_after != StaleAfter::default()),
    ];
    let mut complete = true;
    for (threshold, field, is_given) in given {
        let need = row.rule.thresholds().iter().find(|(known, _)| *known == threshold).map(|(_, need)| *need);
        let wrong = match need {
            None if is_given => "does not belong to the rule",
            Some(Need::Must) if !is_given && row.action != Action::Off => "is required for the rule",
            _ => continue,
        };
        f.add(format!("{path}.{field}"), wrong);
        complete = false;
    }
    complete
}

/// A manual block beats everything (rule 5.8), and what was decided by news too old is always marked (rule 5.9). What a
/// country owes is compared in the one currency of its cap.
fn may_do(f: &mut Fields, path: &str, row: &RuleRow) -> bool {
    let (field, wrong) = match row.rule {
        Rule::AccountBlocked if !row.action.stops() => ("action", "must block or reject"),
        Rule::AccountBlocked if !row.checkpoints.is_empty() => ("checkpoints", "must be all: a block holds everywhere"),
        Rule::Technical if row.action == Action::Off => ("action", "must at least note it"),
        Rule::CountryCapExceeded if row.amounts.len() > 1 => ("amounts", "must be one: the cap of the country"),
        _ => return true,
    };
    f.add(format!("{path}.{field}"), wrong);
    false
}

fn exclusion(f: &mut Fields, path: &str, exclusion: &wire::Exclusion) -> Option<Exclusion> {
    let at = |field: &str| format!("{path}.{field}");
    let mut rule = rule(f, &at("rule"), exclusion.rule);
    if matches!(rule, Some(Rule::AccountBlocked | Rule::Technical)) {
        f.add(at("rule"), "exempts nobody");
        rule = None;
    }
    let scope = scope(f, &at("scope"), exclusion.scope.as_ref());
    let checkpoints = read::checkpoints(f, &at("checkpoints"), &exclusion.checkpoints);
    let reason = parse::text(f, &at("reason"), &exclusion.reason, REASON_LENGTH_MAX);
    Some(Exclusion { rule: rule?, scope: scope?, checkpoints: checkpoints?, reason: reason? })
}

fn scope(f: &mut Fields, path: &str, scope: Option<&wire::Scope>) -> Option<Scope> {
    use wire::scope::Scope as Wire;
    match scope.and_then(|scope| scope.scope.as_ref()) {
        None => Some(Scope::All),
        Some(Wire::Grade(grade)) => {
            let path = format!("{path}.grade");
            parse::one_of::<WireGrade>(f, &path, *grade).and_then(read_grade).map(Scope::Grade)
        }
        Some(Wire::Segment(segment)) => {
            parse::text(f, &format!("{path}.segment"), segment, SEGMENT_LENGTH_MAX).map(Scope::Segment)
        }
        Some(Wire::GroupId(id)) => parse::id(f, &format!("{path}.group_id"), id).map(Scope::Group),
        Some(Wire::AccountId(id)) => parse::id(f, &format!("{path}.account_id"), id).map(Scope::Account),
    }
}

fn rule(f: &mut Fields, path: &str, value: i32) -> Option<Rule> {
    let rule = parse::one_of::<wire::Rule>(f, path, value)?;
    Rule::ALL.into_iter().find(|known| emit::rule(*known) == rule)
}

fn whole(f: &mut Fields, path: &str, value: Option<i32>, most: i64) -> Option<Option<i32>> {
    let Some(value) = value else { return Some(None) };
    parse::whole(f, path, value.into(), (0, most)).map(|_| Some(value))
}

fn amounts(f: &mut Fields, path: &str, amounts: &[pb::Money]) -> Option<Vec<Money>> {
    let read = all(f, path, amounts, AMOUNTS_MAX, |f, path, amount| parse::non_negative_money(f, path, Some(amount)))?;
    let mut seen = BTreeSet::new();
    for (index, amount) in read.iter().enumerate() {
        if !seen.insert(amount.currency()) {
            f.add(format!("{path}[{index}]"), "names a currency twice");
            return None;
        }
    }
    Some(read)
}

fn component(f: &mut Fields, path: &str, value: i32) -> Option<Option<Component>> {
    let Some(component) = parse::optional_one_of::<wire::ExposureComponent>(f, path, value)? else {
        return Some(None);
    };
    let known = Component::ALL.into_iter().find(|known| message::component(*known) == component);
    if known.is_none() {
        f.add(path, "has no limit of its own");
        return None;
    }
    Some(known)
}

fn left_out(f: &mut Fields, values: &[i32]) -> Option<LeftOut> {
    use wire::ExposureComponent as Wire;
    let mut left_out = LeftOut::default();
    let mut complete = true;
    for (index, value) in values.iter().enumerate() {
        let path = format!("policy.left_out_components[{index}]");
        let flag = match parse::one_of::<Wire>(f, &path, *value) {
            Some(Wire::OpenNotDue) => &mut left_out.open_not_due,
            Some(Wire::Overdue) => &mut left_out.overdue,
            Some(Wire::Ordered) => &mut left_out.ordered,
            Some(Wire::DeliveredNotBilled) => &mut left_out.delivered_not_billed,
            Some(Wire::UnappliedCredit) => &mut left_out.unapplied_credit,
            Some(Wire::Disputed | Wire::Unspecified) => {
                f.add(path, "cannot be left out");
                complete = false;
                continue;
            }
            None => {
                complete = false;
                continue;
            }
        };
        if std::mem::replace(flag, true) {
            f.add(path, "names a part twice");
            complete = false;
        }
    }
    complete.then_some(left_out)
}

fn stale_after(f: &mut Fields, path: &str, bounds: Option<&wire::StaleAfter>) -> Option<StaleAfter> {
    let Some(bounds) = bounds else { return Some(StaleAfter::default()) };
    let mut bound = |field: &str, value: Option<i64>| match value {
        None => Some(None),
        Some(value) => parse::whole(f, &format!("{path}.{field}"), value, (1, i64::MAX)).map(Some),
    };
    let limits_ms = bound("limits_ms", bounds.limits_ms);
    let receivables_ms = bound("receivables_ms", bounds.receivables_ms);
    let collections_ms = bound("collections_ms", bounds.collections_ms);
    Some(StaleAfter { limits_ms: limits_ms?, receivables_ms: receivables_ms?, collections_ms: collections_ms? })
}

const ACTIONS: [Action; 5] = [Action::Reject, Action::Block, Action::Warn, Action::Info, Action::Off];

fn read_grade(grade: WireGrade) -> Option<Grade> {
    [Grade::A, Grade::B, Grade::C, Grade::D].into_iter().find(|known| emit::grade(*known) == grade)
}
