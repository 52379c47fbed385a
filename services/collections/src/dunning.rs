//! What the gate is told: the number of the overdue stage of the oldest item that counts. Computed from scratch each
//! time, whatever notices have reached.

use std::cmp::Ordering;

use chrono::NaiveDate;

use crate::{item::Item, strategy::Strategy};

/// By due date, then id: the order in which money is allocated.
pub(crate) fn by_due_date(a: &Item, b: &Item) -> Ordering {
    (a.due_date, &a.item_id).cmp(&(b.due_date, &b.item_id))
}

/// The one with more on its clock first, then by due date.
pub(crate) fn by_age(a: &Item, b: &Item, as_of: NaiveDate) -> Ordering {
    b.clock(as_of).cmp(&a.clock(as_of)).then_with(|| by_due_date(a, b))
}

/// The oldest of some items.
pub(crate) fn oldest<'a>(items: impl IntoIterator<Item = &'a Item>, as_of: NaiveDate) -> Option<&'a Item> {
    items.into_iter().min_by(|a, b| by_age(a, b, as_of))
}

/// The dunning level that some items, all of which count, give their account; 0 when nothing is overdue.
pub(crate) fn level<'a>(items: impl IntoIterator<Item = &'a Item>, strategy: &Strategy, as_of: NaiveDate) -> i64 {
    let age = oldest(items, as_of).map(|item| item.clock(as_of));
    age.and_then(|days| strategy.stage_of(days)).map_or(0, |stage| stage.level)
}
