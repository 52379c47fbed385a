//! How much of what was ordered came.

use super::world::*;
use crate::fulfilment::{Fulfilment, Line, first_day};

fn order(lines: &[[i64; 3]]) -> Fulfilment {
    let line = |[ordered, delivered, invoiced]: &[i64; 3]| Line {
        ordered: yuan(*ordered),
        delivered: yuan(*delivered),
        invoiced: yuan(*invoiced),
    };
    let lines: Vec<Line> = lines.iter().map(line).collect();
    Fulfilment::of_order(cny(), &lines).unwrap()
}

#[test]
fn a_line_came_as_far_as_it_was_delivered_or_invoiced_but_not_beyond_what_was_ordered() {
    for (lines, fulfilled) in [
        (&[[100, 60, 0]][..], 60),
        (&[[100, 0, 70]], 70),
        (&[[100, 60, 70]], 70),
        (&[[100, 130, 0]], 100),
        // thirty too much of one line do not make up for thirty missing of the other
        (&[[100, 130, 130], [100, 70, 70]], 170),
        // a line no revision has
        (&[[0, 50, 50], [100, 0, 0]], 0),
    ] {
        assert_eq!(order(lines).fulfilled, yuan(fulfilled), "{lines:?}");
    }
}

#[test]
fn the_rate_is_per_hundred_ordered_rounded_half_to_even() {
    assert_eq!(order(&[[100, 100, 0], [200, 0, 0]]).rate_percent(), Some(dec("33.33")));
    // 1 of 800 is 0.125 %
    assert_eq!(order(&[[1, 1, 1], [799, 0, 0]]).rate_percent(), Some(dec("0.12")));
    assert_eq!(order(&[[100, 100, 100]]).rate_percent(), Some(dec("100")));
}

#[test]
fn where_nothing_was_ordered_there_is_no_rate() {
    assert_eq!(order(&[]).rate_percent(), None);
    assert_eq!(order(&[[0, 50, 50]]).rate_percent(), None);
}

#[test]
fn orders_more_than_amounts_can_hold_are_an_error() {
    let most = weir_model::Money::new(i64::MAX, cny());
    let line = Line { ordered: most, delivered: yuan(0), invoiced: yuan(0) };
    assert!(Fulfilment::of_order(cny(), &[line, line]).is_err());
}

#[test]
fn twelve_calendar_months_count_the_dates_own_included() {
    for (as_of, first) in [
        ("2026-03-31", "2025-04-01"),
        ("2026-03-01", "2025-04-01"),
        ("2026-12-15", "2026-01-01"),
        ("2024-02-29", "2023-03-01"),
    ] {
        assert_eq!(first_day(date(as_of)), date(first), "{as_of}");
    }
}
