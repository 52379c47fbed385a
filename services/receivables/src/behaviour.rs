//! How an account has paid and bought so far, in one currency: settlements by lateness, sales by month.
//!
//! Computed from facts, never typed. What is taken back leaves no trace here.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Money, MoneyError};

/// What was settled at one lateness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    /// Items whose last payment came at this lateness.
    pub item_count: i64,
    pub amount: Money,
}

/// Sales of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sales {
    pub invoice_count: i64,
    /// Invoiced less credit notes.
    pub amount: Money,
}

/// How an account has paid and bought; as a change, what is to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Behaviour {
    /// By days from due date to payment.
    pub settled: BTreeMap<i64, Settled>,
    /// By first day of the month.
    pub sales: BTreeMap<NaiveDate, Sales>,
    pub first_invoice_date: Option<NaiveDate>,
}

impl Behaviour {
    /// Adds a payment's allocation at a lateness; negative for one taken back.
    pub(crate) fn add_settled(&mut self, days_late: i64, amount: Money) -> Result<(), MoneyError> {
        let settled = self.at(days_late, amount.currency());
        settled.amount = settled.amount.checked_add(amount)?;
        Ok(())
    }

    /// Counts an item that was settled at a lateness (1) or is open again (−1).
    pub(crate) fn count_settled(&mut self, days_late: i64, currency: Currency, count: i64) {
        self.at(days_late, currency).item_count += count;
    }

    /// Adds a sale, or what lessens it.
    pub(crate) fn add_sale(&mut self, on: NaiveDate, amount: Money, invoice_count: i64) -> Result<(), MoneyError> {
        let month = first_of_month(on);
        let none = Sales { invoice_count: 0, amount: Money::zero(amount.currency()) };
        let sales = self.sales.entry(month).or_insert(none);
        sales.amount = sales.amount.checked_add(amount)?;
        sales.invoice_count += invoice_count;
        Ok(())
    }

    /// Adds what changed.
    pub(crate) fn add(&mut self, more: &Behaviour) -> Result<(), MoneyError> {
        for (days, settled) in &more.settled {
            self.add_settled(*days, settled.amount)?;
            self.count_settled(*days, settled.amount.currency(), settled.item_count);
        }
        for (month, sales) in &more.sales {
            self.add_sale(*month, sales.amount, sales.invoice_count)?;
        }
        self.first_invoice_date = match (self.first_invoice_date, more.first_invoice_date) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Ok(())
    }

    /// The same without entries that everything was taken back from.
    pub(crate) fn without_nothing(mut self) -> Self {
        self.settled.retain(|_, settled| settled.item_count != 0 || !settled.amount.is_zero());
        self.sales.retain(|_, sales| sales.invoice_count != 0 || !sales.amount.is_zero());
        self
    }

    /// Items settled after their due date.
    pub(crate) fn overdue_item_count(&self) -> i64 {
        self.settled.range(1..).map(|(_, settled)| settled.item_count).sum()
    }

    /// The most days past due at which something was paid; 0 when nothing was paid late.
    pub(crate) fn days_past_due_max(&self) -> i64 {
        self.settled
            .iter()
            .rev()
            .find(|(_, settled)| settled.amount.is_positive())
            .map_or(0, |(days, _)| (*days).max(0))
    }

    fn at(&mut self, days_late: i64, currency: Currency) -> &mut Settled {
        self.settled.entry(days_late).or_insert(Settled { item_count: 0, amount: Money::zero(currency) })
    }
}

/// The first day of a date's month.
pub(crate) fn first_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).expect("every month has a first day")
}
