//! What the gate is told: the number of the overdue stage of the oldest item that is not left alone. Computed from
//! scratch each time, whatever notices have reached.

use chrono::NaiveDate;

use crate::{item::Item, strategy::Strategy};

/// The oldest of some items: earliest due date, then id.
pub(crate) fn oldest<'a>(items: impl IntoIterator<Item = &'a Item>) -> Option<&'a Item> {
    items.into_iter().min_by(|a, b| (a.due_date, &a.item_id).cmp(&(b.due_date, &b.item_id)))
}

/// The dunning level that some items, none of them left alone, give their account; 0 when nothing is overdue.
pub(crate) fn level<'a>(items: impl IntoIterator<Item = &'a Item>, strategy: &Strategy, as_of: NaiveDate) -> i64 {
    let age = oldest(items).map(|item| item.days_past_due(as_of));
    age.and_then(|days| strategy.stage_of(days)).map_or(0, |stage| stage.level)
}
