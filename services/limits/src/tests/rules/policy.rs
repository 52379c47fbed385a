//! Policies: the shipped one, and what is wrong with others.

use rust_decimal::Decimal;
use weir_model::{Currency, Fields, Money, PolicyId, SubjectId};

use crate::{
    default_policy,
    grade::Grade,
    policy::{Activation, OrderPolicy, Policy, PolicyRules, in_use_on},
    tests::world::{date, yuan},
};

/// The shipped rules for the yuan alone.
fn in_yuan() -> PolicyRules {
    let yuan = yuan(0).currency();
    let mut rules = default_policy::rules().unwrap();
    rules.grades.retain(|row| row.currency() == yuan);
    rules.approval_levels.retain(|level| level.above.currency() == yuan);
    rules
}

fn wrong(rules: &PolicyRules) -> Vec<String> {
    let mut fields = Fields::default();
    rules.check("rules", &mut fields);
    match fields.finish() {
        Ok(()) => Vec::new(),
        Err(fault) => fault.fields.into_iter().map(|field| field.path).collect(),
    }
}

#[test]
fn the_shipped_policy_is_the_grade_table() {
    let rules = in_yuan();
    let table: Vec<_> = rules
        .grades
        .iter()
        .map(|row| {
            (row.grade, row.score_min.to_string(), row.limit_min, row.limit_max, row.terms_days_min, row.terms_days_max)
        })
        .collect();
    let expected = vec![
        (Grade::A, "90".to_owned(), yuan(500_000), yuan(1_000_000), 60, 90),
        (Grade::B, "75".to_owned(), yuan(100_000), yuan(500_000), 30, 45),
        (Grade::C, "60".to_owned(), yuan(10_000), yuan(100_000), 15, 30),
        (Grade::D, "0".to_owned(), yuan(0), yuan(0), 0, 0),
    ];
    assert_eq!(table, expected);
    let orders: Vec<OrderPolicy> = rules.grades.iter().map(|row| row.order_policy).collect();
    let (a, b) = (OrderPolicy::ReviewAbove(yuan(500_000)), OrderPolicy::ReviewAbove(yuan(100_000)));
    assert_eq!(orders, [a, b, OrderPolicy::ReviewEvery, OrderPolicy::NoCredit]);
}

#[test]
fn only_yuan_are_approved_by_rule() {
    let rules = default_policy::rules().unwrap();
    let currencies: Vec<&str> =
        rules.auto_approval_rules.iter().map(|rule| rule.amount_max.currency().code()).collect();
    assert_eq!(currencies, ["CNY"]);
}

#[test]
fn a_score_reaches_a_grade_at_its_lower_bound() {
    let rules = default_policy::rules().unwrap();
    for (score, grade) in [
        ("100", Grade::A),
        ("90", Grade::A),
        ("89.99", Grade::B),
        ("89.5", Grade::B),
        ("75", Grade::B),
        ("74.99", Grade::C),
        ("60", Grade::C),
        ("59.99", Grade::D),
        ("0", Grade::D),
    ] {
        let score: Decimal = score.parse().unwrap();
        assert_eq!(rules.grade_of_score(score, yuan(0).currency()), Some(grade), "{score}");
    }
}

#[test]
fn another_currency_has_no_rows_unless_it_is_given_some() {
    let rules = default_policy::rules().unwrap();
    assert!(rules.row(Grade::A, Currency::from_code("CHF").unwrap()).is_none());
}

/// A change of the shipped rules, and the paths that are wrong then.
type Case = (fn(&mut PolicyRules), &'static [&'static str]);

#[test]
fn what_is_wrong_is_named() {
    let cases: [Case; 14] = [
        (
            |rules| rules.grades.clear(),
            &[
                "rules.grades",
                "rules.approval_levels[0].above",
                "rules.approval_levels[1].above",
                "rules.auto_approval_rules[0].amount_max",
            ],
        ),
        (|rules| rules.grades.retain(|row| row.grade != Grade::B), &["rules.grades"]),
        (|rules| rules.grades[1].grade = Grade::A, &["rules.grades[1].grade", "rules.grades"]),
        (|rules| rules.grades[1].score_min = Decimal::from(90), &["rules.grades[1].score_min"]),
        (|rules| rules.grades[0].score_min = Decimal::from(101), &["rules.grades[0].score_min"]),
        (|rules| rules.grades[0].limit_max = yuan(499_999), &["rules.grades[0].limit_max"]),
        (|rules| rules.grades[3].limit_min = yuan(-1), &["rules.grades[3].limit_min"]),
        (|rules| rules.grades[0].terms_days_max = 59, &["rules.grades[0].terms_days_max"]),
        (|rules| rules.grades[0].terms_days_max = 3_651, &["rules.grades[0].terms_days_max"]),
        (
            |rules| rules.grades[0].order_policy = OrderPolicy::ReviewAbove(yuan(-1)),
            &["rules.grades[0].order_policy.above"],
        ),
        (|rules| rules.approval_levels.clear(), &["rules.approval_levels"]),
        (|rules| rules.approval_levels[1].level = 3, &["rules.approval_levels"]),
        (|rules| rules.approval_levels[1].above = yuan(0), &["rules.approval_levels"]),
        (
            |rules| rules.auto_approval_rules.push(rules.auto_approval_rules[0].clone()),
            &["rules.auto_approval_rules[1].rule_id"],
        ),
    ];
    for (number, (change, paths)) in cases.into_iter().enumerate() {
        let mut rules = in_yuan();
        change(&mut rules);
        assert_eq!(wrong(&rules), paths, "case {number}");
    }
}

#[test]
fn every_mistake_is_named_at_once() {
    let mut rules = in_yuan();
    rules.grades[0].terms_days_max = -1;
    rules.auto_approval_rules[0].amount_max = Money::zero(yuan(0).currency());
    rules.auto_approval_rules[0].score_min = Decimal::from(-1);
    let paths = [
        "rules.grades[0].terms_days_max",
        "rules.grades[0].terms_days_max",
        "rules.auto_approval_rules[0].amount_max",
        "rules.auto_approval_rules[0].score_min",
    ];
    assert_eq!(wrong(&rules), paths);
}

fn policy(id: &str, effective: Option<&str>, activated_second: i64) -> Policy {
    let by = SubjectId::parse("ada").unwrap();
    let at = chrono::DateTime::from_timestamp(activated_second, 0).unwrap();
    Policy {
        policy_id: PolicyId::parse(id).unwrap(),
        rules: default_policy::rules().unwrap(),
        created_by: by.clone(),
        created_at: at,
        activation: effective.map(|day| Activation { effective_date: date(day), activated_by: by, activated_at: at }),
    }
}

#[test]
fn the_newest_effective_date_is_in_use_and_of_equal_ones_the_last_activated() {
    let policies = [
        policy("first", Some("2026-01-01"), 1),
        policy("draft", None, 2),
        policy("later", Some("2026-06-01"), 3),
        policy("same-day", Some("2026-06-01"), 4),
    ];
    let on = |day| in_use_on(&policies, date(day)).map(|policy| policy.policy_id.to_string());
    assert_eq!(on("2025-12-31"), None);
    assert_eq!(on("2026-01-01").as_deref(), Some("first"));
    assert_eq!(on("2026-05-31").as_deref(), Some("first"));
    assert_eq!(on("2026-06-01").as_deref(), Some("same-day"));
}
