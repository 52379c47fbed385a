//! How an account buys and pays: figures computed from what receivables tells, never typed.
//!
//! All in the account's currency. What is open and overdue at the date counts as late, by as many days as it is past
//! due, so that a debtor who never pays does not look like one without history; disputed parts are left out. What is
//! open is known by due date only: each date past due counts as one overdue item, the fewest there can be.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Money, Payment, days_past_due, payment_index};

/// Decimals of a figure, rounded half to even.
const FIGURE_SCALE: u32 = 2;
/// Months that frequency and average value look back over.
const MONTHS_LOOKED_BACK: i64 = 12;

/// What was settled at one lateness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Days from due date to settlement; negative is early.
    pub days_late: i32,
    /// How many items.
    pub item_count: i64,
    /// Sum settled.
    pub amount: Money,
}

/// Sales of a calendar month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthlySales {
    /// First day of the month.
    pub month: NaiveDate,
    /// How many invoices.
    pub invoice_count: i64,
    /// Sum invoiced.
    pub invoiced: Money,
}

/// What is open at one due date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The date.
    pub due_date: NaiveDate,
    /// Sum open.
    pub open: Money,
    /// The part of it that is disputed.
    pub disputed: Money,
}

/// How an account has paid and bought so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// What was settled, by lateness.
    pub settled: Vec<Settled>,
    /// Sum written off.
    pub written_off: Money,
    /// How many settled items were overdue; those overdue now stand in the schedule.
    pub overdue_item_count: i64,
    /// The most days an item was past due, as far as settlements tell.
    pub days_past_due_max: i64,
    /// Sales by month.
    pub sales: Vec<MonthlySales>,
    /// Date of the first invoice.
    pub first_invoice_date: Option<NaiveDate>,
}

/// What receivables knows of an account in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behaviour {
    /// The currency.
    pub currency: Currency,
    /// How it has paid; none until receivables said so.
    pub history: Option<History>,
    /// What is open, by due date.
    pub schedule: Vec<Due>,
}

impl Behaviour {
    /// The computed inputs at a date, by name. A figure without a base is left out.
    pub fn figures(&self, as_of: NaiveDate) -> Vec<(&'static str, Decimal)> {
        let late = self.overdue(as_of);
        let overdue = sum(late.iter().map(|(_, amount)| *amount));
        let mut figures = vec![("overdue_amount", overdue)];
        if let Some(history) = &self.history {
            figures.extend([
                ("trading_length_months", history.trading_length_months(as_of)),
                ("orders_per_month", history.orders_per_month(as_of)),
                ("average_order_value", history.average_order_value(as_of)),
                ("payment_index", history.payment_index()),
                ("overdue_item_count", history.overdue_items(&late).map(Decimal::from)),
                ("overdue_item_percent", history.overdue_item_percent(&late)),
                ("days_past_due_max", Some(Decimal::from(history.days_past_due_max.max(deepest(&late))))),
                ("on_time_percent", history.on_time_percent(&late)),
                ("weighted_days_beyond_terms", history.weighted_days_beyond_terms(&late)),
            ]);
        }
        let rounded = |figure: Decimal| figure.round_dp(FIGURE_SCALE).normalize();
        figures.into_iter().filter_map(|(name, figure)| Some((name, rounded(figure?)))).collect()
    }

    /// What is open and overdue at the date without its disputed part: days past due and amount.
    fn overdue(&self, as_of: NaiveDate) -> Vec<(i64, Decimal)> {
        self.schedule
            .iter()
            .map(|due| (days_past_due(due.due_date, as_of), due.open.to_decimal() - due.disputed.to_decimal()))
            .filter(|(days, amount)| *days > 0 && amount.is_sign_positive() && !amount.is_zero())
            .collect()
    }
}

impl History {
    /// Whole months from the first invoice to the date.
    fn trading_length_months(&self, as_of: NaiveDate) -> Option<Decimal> {
        let first = self.first_invoice_date.filter(|first| *first <= as_of)?;
        let begun = month_number(as_of) - month_number(first);
        let unfinished = i64::from(as_of.day() < first.day());
        Some(Decimal::from((begun - unfinished).max(0)))
    }

    /// Invoices a month over the last twelve calendar months, the date's own included, or since the first invoice.
    fn orders_per_month(&self, as_of: NaiveDate) -> Option<Decimal> {
        let first = self.first_invoice_date.filter(|first| *first <= as_of)?;
        let months = (month_number(as_of) - month_number(first) + 1).clamp(1, MONTHS_LOOKED_BACK);
        let (count, _) = self.sales_looked_back(as_of)?;
        Decimal::from(count).checked_div(Decimal::from(months))
    }

    /// Sum invoiced over invoices of the last twelve calendar months.
    fn average_order_value(&self, as_of: NaiveDate) -> Option<Decimal> {
        let (count, invoiced) = self.sales_looked_back(as_of)?;
        invoiced.checked_div(Decimal::from(count))
    }

    fn sales_looked_back(&self, as_of: NaiveDate) -> Option<(i64, Decimal)> {
        let last = month_number(as_of);
        let months = self.sales.iter().filter(|sales| {
            let month = month_number(sales.month);
            month <= last && month > last - MONTHS_LOOKED_BACK
        });
        let mut count = 0_i64;
        let mut invoiced = Decimal::ZERO;
        for month in months {
            count = count.checked_add(month.invoice_count)?;
            invoiced = invoiced.checked_add(month.invoiced.to_decimal())?;
        }
        Some((count, invoiced))
    }

    fn payment_index(&self) -> Option<Decimal> {
        let payments: Vec<Payment> = self
            .settled
            .iter()
            .map(|settled| Payment {
                days_late: settled.days_late.into(),
                count: settled.item_count,
                amount: settled.amount.to_decimal(),
            })
            .collect();
        payment_index(&payments, self.written_off.to_decimal())
    }

    /// Items that were overdue when settled, and at least one for each due date with something overdue.
    fn overdue_items(&self, late: &[(i64, Decimal)]) -> Option<i64> {
        self.overdue_item_count.checked_add(i64::try_from(late.len()).ok()?)
    }

    /// Items ever overdue per hundred invoices.
    fn overdue_item_percent(&self, late: &[(i64, Decimal)]) -> Option<Decimal> {
        let invoices = self.sales.iter().try_fold(0_i64, |sum, month| sum.checked_add(month.invoice_count))?;
        percent(Decimal::from(self.overdue_items(late)?), Decimal::from(invoices))
            .map(|percent| percent.min(Decimal::ONE_HUNDRED))
    }

    /// Per hundred of what was settled or is overdue: the part settled by its due date.
    fn on_time_percent(&self, late: &[(i64, Decimal)]) -> Option<Decimal> {
        let on_time = self.settled.iter().filter(|settled| settled.days_late <= 0);
        percent(sum(on_time.map(|settled| settled.amount.to_decimal()))?, self.judged(late)?)
    }

    /// Mean days from due date to settlement, or to the date for what is overdue, weighted by amount; negative is early.
    fn weighted_days_beyond_terms(&self, late: &[(i64, Decimal)]) -> Option<Decimal> {
        let settled = self.settled.iter().map(|settled| (i64::from(settled.days_late), settled.amount.to_decimal()));
        let weighted = settled
            .chain(late.iter().copied())
            .try_fold(Decimal::ZERO, |sum, (days, amount)| sum.checked_add(amount.checked_mul(Decimal::from(days))?))?;
        weighted.checked_div(self.judged(late)?)
    }

    /// Sum of what was settled and what is overdue.
    fn judged(&self, late: &[(i64, Decimal)]) -> Option<Decimal> {
        let settled = self.settled.iter().map(|settled| settled.amount.to_decimal());
        sum(settled.chain(late.iter().map(|(_, amount)| *amount)))
    }
}

fn deepest(late: &[(i64, Decimal)]) -> i64 {
    late.iter().map(|(days, _)| *days).max().unwrap_or(0)
}

fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole)
}

fn sum(amounts: impl IntoIterator<Item = Decimal>) -> Option<Decimal> {
    amounts.into_iter().try_fold(Decimal::ZERO, Decimal::checked_add)
}

fn month_number(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}
