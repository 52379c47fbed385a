//! Net-days terms: days from the invoice date to the due date; zero is prepay.

use crate::policy::GradeRow;

/// The longest terms, in days.
pub(crate) const DAYS_MAX: i64 = 3_650;

/// Prepay: what holds until terms are granted.
pub(crate) const PREPAY: i64 = 0;

/// Terms under a grade: never longer than it allows, and never longer than they were. Only a grant relaxes them.
pub(crate) fn tightened(terms_days: i64, row: &GradeRow) -> i64 {
    terms_days.min(row.terms_days_max)
}

/// Terms granted: what was asked for, as far as the grade allows.
pub(crate) fn granted(asked_days: i64, row: &GradeRow) -> i64 {
    asked_days.min(row.terms_days_max)
}
