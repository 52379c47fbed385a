//! Approval, by rule and by people.

use weir_model::{Money, Principal, Role, SubjectId};

use crate::{
    auto_approval::approving,
    default_policy,
    grade::Grade,
    limit::Limit,
    request::Candidate,
    route::{Progress, Reach, Refusal, RouteStep, approve, route},
    tests::world::{admin, manager, principal, record, sales, yuan},
};

fn cents(minor: i64) -> Limit {
    Limit::Amount(Money::new(minor, yuan(0).currency()))
}

fn rule_for(grade: Grade, score: &str, limit: Limit, frozen: bool) -> Option<String> {
    rule_over(Limit::None, grade, score, limit, frozen)
}

/// The same over a limit that holds.
fn rule_over(standing: Limit, grade: Grade, score: &str, limit: Limit, frozen: bool) -> Option<String> {
    let rules = default_policy::rules().unwrap();
    let record = record("acme", 1, grade, score, 0);
    let candidate = Candidate { limit, standing, record: &record, frozen };
    approving(&rules, &candidate).map(|rule| rule.rule_id.clone())
}

#[test]
fn ninety_points_and_half_a_million_need_no_person() {
    let rule = Some("score-90-up-to-500000-cny".to_owned());
    for (score, limit, expected) in [
        ("90", cents(50_000_000), &rule),
        ("90", cents(50_000_001), &None),
        ("100", cents(0), &rule),
        ("89.99", cents(100), &None),
        ("90", Limit::Unlimited, &None),
    ] {
        assert_eq!(rule_for(Grade::A, score, limit, false), *expected, "{score} {limit:?}");
    }
}

#[test]
fn a_rule_raises_a_limit_by_half_and_a_cent_more_takes_a_person() {
    for (standing, limit, approves) in [
        (cents(20_000_000), cents(30_000_000), true),
        (cents(20_000_000), cents(30_000_001), false),
        // half of a cent is none
        (cents(1), cents(1), true),
        (cents(1), cents(2), false),
        // no raise: lower, the first one, after zero, under an unlimited one
        (cents(40_000_000), cents(100), true),
        (Limit::None, cents(50_000_000), true),
        (cents(0), cents(50_000_000), true),
        (Limit::Unlimited, cents(50_000_000), true),
        (cents(i64::MAX), cents(50_000_000), true),
    ] {
        assert_eq!(rule_over(standing, Grade::A, "90", limit, false).is_some(), approves, "{standing:?} {limit:?}");
    }
}

#[test]
fn the_rule_grants_sixty_days() {
    assert_eq!(default_policy::rules().unwrap().auto_approval_rules[0].terms_days, 60);
}

#[test]
fn a_frozen_account_needs_a_person() {
    assert_eq!(rule_for(Grade::A, "95", cents(100), true), None);
}

#[test]
fn a_grade_below_its_score_needs_a_person() {
    assert_eq!(rule_for(Grade::C, "95", cents(100), false), None);
}

#[test]
fn a_rule_knows_its_own_currency_only() {
    let yen = weir_model::Currency::from_code("JPY").unwrap();
    assert_eq!(rule_for(Grade::A, "95", Limit::Amount(Money::new(100, yen)), false), None);
}

fn levels_of(limit: Limit, reach: Reach) -> Vec<(i64, Option<Money>)> {
    let rules = default_policy::rules().unwrap();
    let steps = route(limit, &rules.levels(yuan(0).currency()), reach);
    steps.into_iter().map(|step| (step.level, step.authority)).collect()
}

#[test]
fn the_amount_decides_how_many_levels_there_are() {
    let exactly = Money::new(50_000_000, yuan(0).currency());
    let more = Money::new(50_000_001, yuan(0).currency());
    assert_eq!(levels_of(Limit::Amount(yuan(0)), Reach::ByAmount), [(1, Some(yuan(0)))]);
    assert_eq!(levels_of(Limit::Amount(exactly), Reach::ByAmount), [(1, Some(exactly))]);
    assert_eq!(levels_of(Limit::Amount(more), Reach::ByAmount), [(1, Some(exactly)), (2, Some(more))]);
    assert_eq!(levels_of(Limit::Unlimited, Reach::ByAmount), [(1, Some(exactly)), (2, None)]);
}

#[test]
fn beyond_the_range_everybody_has_to_approve_the_whole_amount() {
    let small = yuan(1_000);
    assert_eq!(levels_of(Limit::Amount(small), Reach::Everybody), [(1, Some(small)), (2, Some(small))]);
}

fn two_levels() -> Vec<RouteStep> {
    let rules = default_policy::rules().unwrap();
    route(Limit::Amount(yuan(800_000)), &rules.levels(yuan(0).currency()), Reach::ByAmount)
}

fn vote(steps: &mut [RouteStep], who: &Principal, level: Option<i64>) -> Result<Progress, Refusal> {
    let sally: SubjectId = sales().subject;
    approve(steps, level, &[&sally], who, (chrono::DateTime::UNIX_EPOCH, ""))
}

#[test]
fn levels_come_one_after_the_other() {
    let mut steps = two_levels();
    assert_eq!(vote(&mut steps, &manager("mo"), Some(2)), Err(Refusal::NotDue { due: Some(1) }));
    assert_eq!(vote(&mut steps, &manager("mo"), Some(1)), Ok(Progress::MoreToCome));
    assert_eq!(vote(&mut steps, &manager("mia"), Some(1)), Err(Refusal::NotDue { due: Some(2) }));
    assert_eq!(vote(&mut steps, &manager("mia"), Some(2)), Ok(Progress::Complete));
    assert_eq!(vote(&mut steps, &manager("max"), None), Err(Refusal::NotDue { due: None }));
}

#[test]
fn a_refused_vote_changes_nothing() {
    let mut steps = two_levels();
    vote(&mut steps, &manager("mo"), None).unwrap();
    let before = steps.clone();
    for who in [
        manager("mo"),
        principal("sally", Role::CreditManager, 100_000_000),
        principal("lo", Role::CreditManager, 799_999),
    ] {
        assert!(vote(&mut steps, &who, None).is_err());
    }
    assert_eq!(steps, before);
}

#[test]
fn the_first_level_needs_authority_up_to_where_the_second_begins() {
    let just_enough = principal("lo", Role::CreditManager, 500_000);
    let too_little = principal("lo", Role::CreditManager, 499_999);
    assert_eq!(vote(&mut two_levels(), &just_enough, None), Ok(Progress::MoreToCome));
    let refused = Refusal::Authority { needed: yuan(500_000), has: yuan(499_999) };
    assert_eq!(vote(&mut two_levels(), &too_little, None), Err(refused));
}

#[test]
fn authority_in_another_currency_counts_for_nothing() {
    let dollars = Money::new(i64::MAX, weir_model::Currency::from_code("USD").unwrap());
    let who = Principal::new(SubjectId::parse("mo").unwrap(), [Role::CreditManager]).with_authority([dollars]);
    assert_eq!(vote(&mut two_levels(), &who, None), Err(Refusal::Authority { needed: yuan(500_000), has: yuan(0) }));
}

#[test]
fn an_admin_without_authority_approves_no_amount() {
    let nobody = Principal { authority: Vec::new(), ..admin() };
    assert!(matches!(vote(&mut two_levels(), &nobody, None), Err(Refusal::Authority { .. })));
}
