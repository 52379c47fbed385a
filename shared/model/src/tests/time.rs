use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::{Clock, add_days, days_past_due, end_of_month};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn due_today_is_current() {
    assert_eq!(days_past_due(date("2026-09-29"), date("2026-09-29")), 0);
}

#[test]
fn day_differences_are_exclusive() {
    assert_eq!(days_past_due(date("2026-09-29"), date("2026-07-01")), -90);
}

#[test]
fn months_end_on_their_last_day() {
    for (day, last) in [("2024-02-10", "2024-02-29"), ("2026-02-01", "2026-02-28"), ("2026-12-31", "2026-12-31")] {
        assert_eq!(end_of_month(date(day)), Some(date(last)));
    }
}

#[test]
fn dates_beyond_the_calendar_are_none() {
    assert_eq!(add_days(NaiveDate::MAX, 1), None);
    assert_eq!(add_days(NaiveDate::MIN, -1), None);
}

#[test]
fn the_business_date_is_the_date_in_the_selling_entitys_zone() {
    let clock = Clock::manual(instant("2026-03-01T16:30:00Z"), Tz::Asia__Shanghai);
    assert_eq!(clock.today(), date("2026-03-02"));
}

#[test]
fn clones_of_a_manual_clock_agree() {
    let clock = Clock::manual(instant("2026-03-01T00:00:00Z"), Tz::UTC);
    let clone = clock.clone();
    clock.advance(Duration::days(2));
    assert_eq!(clone.today(), date("2026-03-03"));
}
