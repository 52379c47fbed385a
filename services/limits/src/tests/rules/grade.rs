//! What a new grade asks for.

use weir_model::Money;

use crate::{
    default_policy,
    grade::{Grade, Outlook, Reaction, reaction},
    limit::Limit,
    policy::GradeRow,
    terms,
    tests::world::{record, yuan},
};

/// A grade's row of the shipped policy.
pub(super) fn row(grade: Grade) -> GradeRow {
    default_policy::rules().unwrap().row(grade, yuan(0).currency()).unwrap().clone()
}

fn react(grade: Grade, recommended: i64, in_force: Limit) -> Reaction {
    let outlook = Outlook { in_force, more_granted: false };
    reaction(&record("acme", 1, grade, "80", recommended), &row(grade), outlook).unwrap()
}

fn amount(units: i64) -> Limit {
    Limit::Amount(yuan(units))
}

#[test]
fn what_a_grade_asks_for() {
    let ask = |units, terms_days| Reaction::Ask { limit: yuan(units), terms_days };
    for (grade, recommended, in_force, expected) in [
        // the first grade asks for what it recommends
        (Grade::B, 200_000, Limit::None, ask(200_000, 45)),
        (Grade::B, 0, Limit::None, Reaction::Keep),
        // more is asked for, less is not taken by itself
        (Grade::B, 200_000, amount(199_999), ask(200_000, 45)),
        (Grade::B, 200_000, amount(200_000), Reaction::Keep),
        (Grade::B, 200_000, amount(300_000), Reaction::Keep),
        // an expired limit counts as zero
        (Grade::B, 200_000, amount(0), ask(200_000, 45)),
        // after a downgrade more than the grade allows is asked down
        (Grade::C, 50_000, amount(100_000), Reaction::Keep),
        (Grade::C, 50_000, amount(100_001), ask(50_000, 30)),
        (Grade::C, 50_000, Limit::Unlimited, ask(50_000, 30)),
        // a recommendation beyond the range is asked for as far as it goes
        (Grade::B, 600_000, Limit::None, ask(500_000, 45)),
        (Grade::A, 1_500_000, Limit::None, ask(1_500_000, 90)),
        (Grade::A, 600_000, Limit::Unlimited, Reaction::Keep),
        // no credit cuts
        (Grade::D, 0, amount(1), Reaction::Cut),
        (Grade::D, 0, Limit::None, Reaction::Cut),
        (Grade::D, 0, Limit::Unlimited, Reaction::Cut),
        (Grade::D, 0, amount(0), Reaction::Keep),
    ] {
        assert_eq!(react(grade, recommended, in_force), expected, "{grade:?} {recommended} {in_force:?}");
    }
}

#[test]
fn no_credit_cuts_what_was_granted_for_later_too() {
    let outlook = Outlook { in_force: amount(0), more_granted: true };
    let record = record("acme", 1, Grade::D, "20", 0);
    assert_eq!(reaction(&record, &row(Grade::D), outlook).unwrap(), Reaction::Cut);
}

#[test]
fn terms_only_tighten() {
    for (terms_days, grade, expected) in [
        (60, Grade::B, 45),
        (30, Grade::B, 30),
        (0, Grade::B, 0),
        (45, Grade::C, 30),
        (30, Grade::A, 30),
        (30, Grade::D, 0),
    ] {
        assert_eq!(terms::tightened(terms_days, &row(grade)), expected, "{terms_days} {grade:?}");
    }
}

#[test]
fn terms_granted_are_those_asked_for_as_far_as_the_grade_allows() {
    for (asked, grade, expected) in [(60, Grade::B, 45), (10, Grade::B, 10), (90, Grade::A, 90), (91, Grade::A, 90)] {
        assert_eq!(terms::granted(asked, &row(grade)), expected, "{asked} {grade:?}");
    }
}

#[test]
fn a_recommendation_in_another_currency_is_an_error_here() {
    let mut record = record("acme", 1, Grade::B, "80", 0);
    record.recommended_limit = Money::new(1, weir_model::Currency::from_code("USD").unwrap());
    let outlook = Outlook { in_force: Limit::None, more_granted: false };
    assert!(reaction(&record, &row(Grade::B), outlook).is_err());
}
