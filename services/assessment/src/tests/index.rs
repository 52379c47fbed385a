//! The payment index and Altman's scores, by tables worked out by hand.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::world::{dec, yuan};
use crate::{
    altman::{Figures, Model, Zone},
    index::{Payment, index_at, payment_index},
};

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
    Payment { days_late, count, amount: yuan(amount).to_decimal() }
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

/// Ratios 0.2, 0.3, 0.15, 3 (market) or 1.5 (books), 1.5.
fn figures() -> Figures {
    Figures {
        working_capital: Some(dec("200")),
        retained_earnings: Some(dec("300")),
        ebit: Some(dec("150")),
        market_equity: Some(dec("1200")),
        book_equity: Some(dec("600")),
        sales: Some(dec("1500")),
        total_assets: Some(dec("1000")),
        total_liabilities: Some(dec("400")),
    }
}

#[test]
fn altmans_scores_follow_their_formulas() {
    // 0.24 + 0.42 + 0.495 + 1.8 + 1.5
    assert_eq!(Model::Listed.score(&figures()), Some(dec("4.455")));
    // 0.1434 + 0.2541 + 0.46605 + 0.63 + 1.497
    assert_eq!(Model::Private.score(&figures()), Some(dec("2.99055")));
    // 1.312 + 0.978 + 1.008 + 1.575
    assert_eq!(Model::General.score(&figures()), Some(dec("4.873")));
    // 3.25 + 4.873
    assert_eq!(Model::Emerging.score(&figures()), Some(dec("8.123")));
}

#[test]
fn zones_lie_between_the_lines_of_each_model() {
    let table = [
        (Model::Listed, "2.99", "1.81"),
        (Model::Private, "2.90", "1.23"),
        (Model::General, "2.60", "1.10"),
        (Model::Emerging, "5.85", "4.35"),
    ];
    for (model, upper, lower) in table {
        let (upper, lower) = (dec(upper), dec(lower));
        assert_eq!(model.zone(upper + dec("0.0001")), Zone::Safe, "{model:?}");
        assert_eq!(model.zone(upper), Zone::Grey, "{model:?}");
        assert_eq!(model.zone(lower), Zone::Grey, "{model:?}");
        assert_eq!(model.zone(lower - dec("0.0001")), Zone::Distress, "{model:?}");
    }
}

#[test]
fn a_zero_denominator_gives_no_score() {
    for model in Model::ALL {
        let assets = Figures { total_assets: Some(Decimal::ZERO), ..figures() };
        let liabilities = Figures { total_liabilities: Some(Decimal::ZERO), ..figures() };
        assert_eq!((model.score(&assets), model.score(&liabilities)), (None, None), "{model:?}");
    }
}

#[test]
fn a_missing_figure_gives_no_score() {
    for model in Model::ALL {
        assert_eq!(model.score(&Figures { ebit: None, ..figures() }), None, "{model:?}");
    }
}
