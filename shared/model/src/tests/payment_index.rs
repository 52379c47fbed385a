//! The payment index, by a table worked out by hand.

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::payment_index::{Payment, index_at, payment_index};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn the_index_goes_through_every_point_of_its_table_and_straight_between_them() {
    let table = [
        (-400, "100"),
        (-30, "100"),
        (-25, "95"),
        (-20, "90"),
        (-10, "85"),
        (0, "80"),
        (3, "78"),
        (15, "70"),
        (22, "60"),
        (26, "55"),
        (30, "50"),
        (45, "45"),
        (60, "40"),
        (90, "30"),
        (120, "20"),
        (121, "19"),
        (148, "10"),
        (175, "1"),
        (4_000, "1"),
    ];
    for (days_late, index) in table {
        assert_eq!(index_at(days_late), dec(index), "{days_late} days");
    }
}

fn payment(days_late: i64, count: i64, amount: i64) -> Payment {
    Payment { days_late, count, amount: Decimal::from(amount) }
}

#[test]
fn the_index_is_weighted_by_amount() {
    // (100 × 80 + 200 × 50 + 100 × 100) ÷ 400
    let payments = [payment(0, 1, 100), payment(30, 1, 200), payment(-30, 1, 100)];
    assert_eq!(payment_index(&payments, Decimal::ZERO), Some(dec("70")));
}

#[test]
fn what_was_written_off_counts_nothing() {
    // 28,000 ÷ 500
    let payments = [payment(0, 1, 100), payment(30, 1, 200), payment(-30, 1, 100)];
    assert_eq!(payment_index(&payments, dec("100")), Some(dec("56")));
}

#[test]
fn two_payments_say_nothing() {
    assert_eq!(payment_index(&[payment(0, 2, 100)], Decimal::ZERO), None);
    assert_eq!(payment_index(&[payment(0, 3, 100)], Decimal::ZERO), Some(dec("80")));
}

proptest! {
    #[test]
    fn the_index_stays_within_its_range_and_never_rises_with_lateness(days_late in any::<i32>()) {
        let (here, later) = (index_at(days_late.into()), index_at(i64::from(days_late) + 1));
        prop_assert!(here >= Decimal::ONE && here <= Decimal::ONE_HUNDRED);
        prop_assert!(later <= here);
    }
}
