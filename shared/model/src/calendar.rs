//! Calendar arithmetic on civil dates.

use chrono::{Datelike, Days, Months, NaiveDate};

/// Days past due: `as_of − due_date`. Due today is 0, which is current; negative is not yet due.
pub fn days_past_due(due_date: NaiveDate, as_of: NaiveDate) -> i64 {
    as_of.signed_duration_since(due_date).num_days()
}

/// The date `days` later (earlier for a negative number); none beyond the calendar's range.
pub fn add_days(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    if days >= 0 {
        date.checked_add_days(Days::new(days.unsigned_abs()))
    } else {
        date.checked_sub_days(Days::new(days.unsigned_abs()))
    }
}

/// The last day of the date's month.
pub fn end_of_month(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()
}
