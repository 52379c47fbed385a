//! The recommended limit and its arithmetic.

use proptest::prelude::*;
use rust_decimal::Decimal;
use weir_model::Money;

use crate::{
    default_policy,
    grade::Grade,
    limit::Limit,
    recommendation::{LineKind, Recommendation, recommend},
    request::StandingWish,
    tests::{
        rules::grade::row,
        world::{record, yuan},
    },
};

fn wish(limit: Limit, terms_days: i64, daily_sales: Option<Money>) -> StandingWish {
    StandingWish { limit, terms_days, valid_to: None, daily_sales }
}

fn recommended(grade: Grade, score: &str, from_assessment: i64, wish: &StandingWish) -> Recommendation {
    recommended_over(Limit::None, grade, score, from_assessment, wish)
}

/// The same over a limit that holds.
fn recommended_over(
    standing: Limit,
    grade: Grade,
    score: &str,
    from_assessment: i64,
    wish: &StandingWish,
) -> Recommendation {
    let rules = default_policy::rules().unwrap();
    recommend(&rules, &row(grade), &record("acme", 1, grade, score, from_assessment), wish, standing).unwrap()
}

fn amount_of(recommendation: &Recommendation, kind: LineKind) -> Option<Money> {
    recommendation.lines.iter().find(|line| line.kind == kind).map(|line| line.amount)
}

#[test]
fn the_range_of_a_grade_is_scaled_by_the_score() {
    let asked = wish(Limit::Unlimited, 0, None);
    for (grade, score, units) in [
        // 100,000 + 400,000 × (score − 75) ÷ (90 − 75)
        (Grade::B, "75", 100_000),
        (Grade::B, "82.5", 300_000),
        (Grade::B, "90", 500_000),
        // 500,000 + 500,000 × (score − 90) ÷ (100 − 90)
        (Grade::A, "90", 500_000),
        (Grade::A, "95", 750_000),
        (Grade::A, "100", 1_000_000),
        // 10,000 + 90,000 × (score − 60) ÷ (75 − 60)
        (Grade::C, "65", 40_000),
        // a score outside the grade's own range counts as its end
        (Grade::C, "95", 100_000),
        (Grade::B, "40", 100_000),
        (Grade::D, "59", 0),
    ] {
        let answer = recommended(grade, score, 9_000_000, &asked);
        assert_eq!(amount_of(&answer, LineKind::GradeRange), Some(yuan(units)), "{grade:?} {score}");
    }
}

#[test]
fn a_part_of_a_cent_is_dropped() {
    // 100,000 + 400,000 × 1 ÷ 15 = 126,666.666…
    let answer = recommended(Grade::B, "76", 9_000_000, &wish(Limit::Unlimited, 0, None));
    assert_eq!(answer.amount, Money::new(12_666_666, yuan(0).currency()));
}

#[test]
fn the_least_line_binds_and_only_that() {
    for (daily, asked, from_assessment, kind, units) in [
        (1_000, 200_000, 200_000, LineKind::Need, 30_000),
        (100_000, 150_000, 200_000, LineKind::Requested, 150_000),
        (100_000, 250_000, 200_000, LineKind::Assessment, 200_000),
        (100_000, 490_000, 400_000, LineKind::GradeRange, 300_000),
        // of equal ones the first
        (10_000, 300_000, 300_000, LineKind::GradeRange, 300_000),
    ] {
        let answer =
            recommended(Grade::B, "82.5", from_assessment, &wish(Limit::Amount(yuan(asked)), 30, Some(yuan(daily))));
        let binding: Vec<LineKind> = answer.lines.iter().filter(|line| line.binding).map(|line| line.kind).collect();
        assert_eq!((answer.amount, binding), (yuan(units), vec![kind]));
    }
}

#[test]
fn a_single_raise_is_bound_to_half_of_what_holds_and_says_so() {
    let asked = wish(Limit::Amount(yuan(400_000)), 30, None);
    let answer = recommended_over(Limit::Amount(yuan(100_000)), Grade::B, "90", 450_000, &asked);
    assert_eq!(answer.amount, yuan(150_000));
    let line = answer.lines.iter().find(|line| line.binding).unwrap();
    assert_eq!(line.kind, LineKind::AutomaticRaise);
    assert!(line.message.contains("100000.00 CNY + 50 / 100 x 100000.00 CNY = 150000.00 CNY"), "{}", line.message);
}

#[test]
fn a_first_grant_is_no_raise() {
    let asked = wish(Limit::Amount(yuan(400_000)), 30, None);
    for standing in [Limit::None, Limit::Amount(yuan(0)), Limit::Unlimited] {
        let answer = recommended_over(standing, Grade::B, "90", 450_000, &asked);
        assert_eq!(amount_of(&answer, LineKind::AutomaticRaise), None, "{standing:?}");
    }
}

#[test]
fn what_is_not_known_has_no_line() {
    let answer = recommended(Grade::B, "80", 0, &wish(Limit::Unlimited, 30, None));
    assert_eq!(amount_of(&answer, LineKind::Need), None);
    assert_eq!(amount_of(&answer, LineKind::Requested), None);
}

#[test]
fn a_need_beyond_what_money_can_hold_is_an_error() {
    let rules = default_policy::rules().unwrap();
    let most = Money::new(i64::MAX, yuan(0).currency());
    let asked = wish(Limit::Unlimited, 2, Some(most));
    assert!(recommend(&rules, &row(Grade::B), &record("acme", 1, Grade::B, "80", 0), &asked, Limit::None).is_err());
}

#[test]
fn the_arithmetic_is_told() {
    let answer = recommended(Grade::B, "82.5", 9_000_000, &wish(Limit::Unlimited, 0, None));
    let message = &answer.lines[0].message;
    assert!(message.contains("100000.00 + (500000.00 - 100000.00) x 7.5 / 15 = 300000.00 CNY"), "{message}");
}

proptest! {
    #[test]
    fn it_is_the_least_line_and_never_beyond_the_range(score in 0_i64..=10_000, asked in 0_i64..200_000_000, from_assessment in 0_i64..2_000_000, daily in prop::option::of(0_i64..100_000_000), terms_days in 0_i64..=90) {
        let currency = yuan(0).currency();
        let score = Decimal::new(score, 2).to_string();
        let asked = wish(Limit::Amount(Money::new(asked, currency)), terms_days, daily.map(|minor| Money::new(minor, currency)));
        for grade in Grade::ALL {
            let answer = recommended(grade, &score, from_assessment, &asked);
            prop_assert!(answer.lines.iter().all(|line| answer.amount.minor() <= line.amount.minor()));
            prop_assert_eq!(answer.lines.iter().filter(|line| line.binding).count(), 1);
            prop_assert!(answer.amount.minor() <= row(grade).limit_max.minor());
            prop_assert!(!answer.amount.is_negative());
        }
    }
}
