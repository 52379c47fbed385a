//! Schedules, buckets and document rules, by tables.

use proptest::prelude::*;
use weir_model::{Currency, Money, TextId as _};

use crate::{
    aging::{Aging, Buckets, is_increasing},
    document::DocumentNumber,
    schedule::{equal_parts, sums_to},
};

fn cny() -> Currency {
    Currency::from_code("CNY").unwrap()
}

fn fen(minor: i64) -> Money {
    Money::new(minor, cny())
}

fn labels(overdue: &[i64], not_due: &[i64]) -> Vec<String> {
    Buckets::new(overdue, not_due).as_slice().iter().map(|bucket| bucket.label.clone()).collect()
}

#[test]
fn a_hundred_in_three_leaves_the_remainder_on_the_last() {
    assert_eq!(equal_parts(fen(10_000), 3), Some(vec![fen(3_333), fen(3_333), fen(3_334)]));
}

#[test]
fn a_cent_cannot_be_shared_by_two() {
    assert_eq!(equal_parts(fen(1), 2), None);
    assert_eq!(equal_parts(fen(1), 0), None);
}

proptest! {
    #[test]
    fn equal_parts_sum_to_the_total(total in 1_i64..=i64::MAX, parts in 1_usize..=120) {
        if let Some(amounts) = equal_parts(fen(total), parts) {
            prop_assert_eq!(amounts.len(), parts);
            prop_assert!(sums_to(&amounts, fen(total)).unwrap());
        }
    }

    #[test]
    fn every_age_is_in_exactly_one_bucket(
        age in -40_000_i64..40_000,
        mut overdue in proptest::collection::btree_set(1_i64..400, 0..6),
        mut not_due in proptest::collection::btree_set(1_i64..400, 0..6),
    ) {
        let overdue: Vec<i64> = std::mem::take(&mut overdue).into_iter().collect();
        let not_due: Vec<i64> = std::mem::take(&mut not_due).into_iter().collect();
        let buckets = Buckets::new(&overdue, &not_due);
        let holds = |from: Option<i64>, to: Option<i64>| from.is_none_or(|f| f <= age) && to.is_none_or(|t| age <= t);
        let holding: Vec<usize> = buckets.as_slice().iter().enumerate()
            .filter(|(_, bucket)| holds(bucket.from, bucket.to)).map(|(index, _)| index).collect();
        prop_assert_eq!(holding, vec![buckets.of(age)]);
    }
}

#[test]
fn default_buckets_have_inclusive_upper_bounds_and_due_today_is_current() {
    let buckets = Buckets::new(&[], &[]);
    let expected = [
        (-400, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91-120"),
        (120, "91-120"),
        (121, "121+"),
        (4_000, "121+"),
    ];
    for (age, label) in expected {
        assert_eq!(buckets.as_slice()[buckets.of(age)].label, label, "{age} days past due");
    }
}

#[test]
fn what_is_not_due_can_have_buckets_of_its_own() {
    assert_eq!(labels(&[15], &[7, 30]), ["due in 31+", "due in 8-30", "due in 0-7", "1-15", "16+"]);
    let buckets = Buckets::new(&[15], &[7, 30]);
    for (age, expected) in [(-31, 0), (-30, 1), (-8, 1), (-7, 2), (0, 2), (1, 3), (15, 3), (16, 4)] {
        assert_eq!(buckets.of(age), expected, "{age} days past due");
    }
}

#[test]
fn bounds_must_be_positive_and_strictly_increasing() {
    for (bounds, fits) in [
        (&[] as &[i64], true),
        (&[1], true),
        (&[1, 2], true),
        (&[0], false),
        (&[-1, 2], false),
        (&[5, 5], false),
        (&[5, 4], false),
    ] {
        assert_eq!(is_increasing(bounds), fits, "{bounds:?}");
    }
}

#[test]
fn a_cent_stays_visible() {
    let mut aging = Aging::new(Buckets::new(&[], &[]));
    aging.add_item("A", 31, fen(1), fen(0)).unwrap();
    aging.add_unapplied("A", fen(3)).unwrap();
    let row = aging.row(cny(), "A").clone();
    assert_eq!(row.amounts, [fen(0), fen(0), fen(1), fen(0), fen(0), fen(0)]);
    assert_eq!(row.outstanding().unwrap(), fen(-2));
}

#[test]
fn a_document_number_leaves_room_for_its_instalments() {
    assert!(DocumentNumber::parse(&"x".repeat(60)).is_ok());
    for bad in ["", "a b", "naïve", "\u{7}"] {
        assert!(DocumentNumber::parse(bad).is_err(), "{bad:?}");
    }
    assert!(DocumentNumber::parse(&"x".repeat(61)).is_err());
}
