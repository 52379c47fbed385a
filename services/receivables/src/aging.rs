//! Buckets by age. Due today is current; upper bounds are inclusive; a cent stays visible.

use std::collections::BTreeMap;

use weir_model::{Currency, Money, MoneyError};

/// Upper bounds of the overdue buckets where the caller names none, in days.
const DAYS_DEFAULT: [i64; 4] = [30, 60, 90, 120];

/// A range of ages in days, both ends inclusive; none where it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub label: String,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Buckets that cover every age without gap or overlap, from not yet due to oldest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buckets(Vec<Bucket>);

impl Buckets {
    /// Buckets with these upper bounds of days past due, and of days until due for what is not yet due.
    ///
    /// Empty `overdue` means 30, 60, 90, 120; empty `not_due` means one bucket, `current`. Both must be positive and
    /// strictly increasing; see [`is_increasing`].
    pub(crate) fn new(overdue: &[i64], not_due: &[i64]) -> Self {
        let overdue = if overdue.is_empty() { &DAYS_DEFAULT } else { overdue };
        let mut buckets = Vec::with_capacity(overdue.len() + not_due.len() + 2);
        match not_due.last() {
            None => buckets.push(Bucket { label: "current".to_owned(), from: None, to: Some(0) }),
            Some(farthest) => {
                let label = format!("due in {}+", farthest + 1);
                buckets.push(Bucket { label, from: None, to: Some(-farthest - 1) });
                let nearer = not_due.iter().rev().skip(1).map(|days| days + 1).chain([0]);
                for (far, near) in not_due.iter().rev().zip(nearer) {
                    let label = format!("due in {near}-{far}");
                    buckets.push(Bucket { label, from: Some(-far), to: Some(-near) });
                }
            }
        }
        let mut from = 1;
        for to in overdue {
            buckets.push(Bucket { label: range(from, *to), from: Some(from), to: Some(*to) });
            from = to + 1;
        }
        buckets.push(Bucket { label: format!("{from}+"), from: Some(from), to: None });
        Buckets(buckets)
    }

    pub(crate) fn as_slice(&self) -> &[Bucket] {
        &self.0
    }

    /// Which bucket an age belongs to.
    pub(crate) fn of(&self, age_days: i64) -> usize {
        self.0.partition_point(|bucket| bucket.to.is_some_and(|to| to < age_days))
    }
}

fn range(from: i64, to: i64) -> String {
    if from == to { from.to_string() } else { format!("{from}-{to}") }
}

/// Whether bounds are positive and strictly increasing.
pub(crate) fn is_increasing(bounds: &[i64]) -> bool {
    bounds.first().is_none_or(|first| *first > 0) && bounds.is_sorted_by(|a, b| a < b)
}

/// The aging of one group in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// One a bucket.
    pub amounts: Vec<Money>,
    /// Credit not yet allocated; not negative.
    pub unapplied: Money,
    pub disputed: Money,
    pub future_dated: Money,
    pub item_count: i64,
}

impl Row {
    pub(crate) fn new(currency: Currency, buckets: &Buckets) -> Self {
        let zero = Money::zero(currency);
        let amounts = vec![zero; buckets.0.len()];
        Row { amounts, unapplied: zero, disputed: zero, future_dated: zero, item_count: 0 }
    }

    /// What is owed: the sum of the buckets less unapplied credit.
    pub(crate) fn outstanding(&self) -> Result<Money, MoneyError> {
        Money::checked_sum(self.unapplied.currency(), self.amounts.iter().copied())?.checked_sub(self.unapplied)
    }

    fn add_row(&mut self, other: &Row) -> Result<(), MoneyError> {
        for (amount, more) in self.amounts.iter_mut().zip(&other.amounts) {
            *amount = amount.checked_add(*more)?;
        }
        self.unapplied = self.unapplied.checked_add(other.unapplied)?;
        self.disputed = self.disputed.checked_add(other.disputed)?;
        self.future_dated = self.future_dated.checked_add(other.future_dated)?;
        self.item_count += other.item_count;
        Ok(())
    }
}

/// An aging under construction: rows by currency and group.
#[derive(Debug, Clone)]
pub(crate) struct Aging {
    pub buckets: Buckets,
    pub rows: BTreeMap<(Currency, String), Row>,
}

impl Aging {
    pub(crate) fn new(buckets: Buckets) -> Self {
        Aging { buckets, rows: BTreeMap::new() }
    }

    /// The row of a group in a currency, made if absent.
    pub(crate) fn row(&mut self, currency: Currency, group: &str) -> &mut Row {
        self.rows.entry((currency, group.to_owned())).or_insert_with(|| Row::new(currency, &self.buckets))
    }

    /// Adds an open item of an age in days.
    pub(crate) fn add_item(
        &mut self,
        group: &str,
        age_days: i64,
        open: Money,
        disputed: Money,
    ) -> Result<(), MoneyError> {
        let bucket = self.buckets.of(age_days);
        let row = self.row(open.currency(), group);
        if let Some(amount) = row.amounts.get_mut(bucket) {
            *amount = amount.checked_add(open)?;
        }
        row.disputed = row.disputed.checked_add(disputed)?;
        row.item_count += 1;
        Ok(())
    }

    /// Adds credit not yet allocated.
    pub(crate) fn add_unapplied(&mut self, group: &str, credit: Money) -> Result<(), MoneyError> {
        let row = self.row(credit.currency(), group);
        row.unapplied = row.unapplied.checked_add(credit)?;
        Ok(())
    }

    /// Adds a payment whose date lies ahead.
    pub(crate) fn add_future_dated(&mut self, group: &str, amount: Money) -> Result<(), MoneyError> {
        let row = self.row(amount.currency(), group);
        row.future_dated = row.future_dated.checked_add(amount)?;
        Ok(())
    }

    /// The sums over all groups, by currency.
    pub(crate) fn totals(&self) -> Result<BTreeMap<Currency, Row>, MoneyError> {
        let mut totals = BTreeMap::new();
        for ((currency, _), row) in &self.rows {
            totals.entry(*currency).or_insert_with(|| Row::new(*currency, &self.buckets)).add_row(row)?;
        }
        Ok(totals)
    }
}
