//! Figures of collection. Each is none where its divisor is zero; days and percents have two decimals.

use rust_decimal::{Decimal, RoundingStrategy};
use weir_model::Money;

/// What the figures of one currency are computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Basis {
    /// Open items on the day before the window.
    pub begin: Money,
    /// Open items at the end of the window.
    pub end: Money,
    /// The part of `end` that is not overdue.
    pub end_current: Money,
    /// Sales inside the window.
    pub sales: Money,
    /// Length of the window.
    pub days: i64,
}

impl Basis {
    /// Days sales outstanding: receivables ÷ sales × days.
    pub(crate) fn dso(&self) -> Option<Decimal> {
        self.days_of_sales(self.end)
    }

    /// Best-possible days sales outstanding: what is not overdue ÷ sales × days.
    pub(crate) fn best_possible_dso(&self) -> Option<Decimal> {
        self.days_of_sales(self.end_current)
    }

    /// Average days delinquent: days sales outstanding less the best possible.
    pub(crate) fn average_days_delinquent(&self) -> Option<Decimal> {
        let overdue = major(self.end).checked_sub(major(self.end_current))?;
        ratio(overdue.checked_mul(self.days.into())?, major(self.sales).max(Decimal::ZERO))
    }

    /// Collection effectiveness in percent: (begin + sales − end) ÷ (begin + sales − end current) × 100.
    pub(crate) fn collection_effectiveness(&self) -> Option<Decimal> {
        let due = major(self.begin).checked_add(major(self.sales))?;
        let collected = due.checked_sub(major(self.end))?;
        percent(collected, due.checked_sub(major(self.end_current))?)
    }

    /// Overdue part of the receivables in percent.
    pub(crate) fn overdue_rate(&self) -> Option<Decimal> {
        percent(major(self.end).checked_sub(major(self.end_current))?, major(self.end))
    }

    /// Sales ÷ average of the receivables at both ends.
    pub(crate) fn turnover(&self) -> Option<Decimal> {
        let both = major(self.begin).checked_add(major(self.end))?;
        ratio(major(self.sales).checked_mul(Decimal::TWO)?, both)
    }

    fn days_of_sales(&self, amount: Money) -> Option<Decimal> {
        ratio(major(amount).checked_mul(self.days.into())?, major(self.sales).max(Decimal::ZERO))
    }
}

/// Count-back days sales outstanding: takes the sales of the latest months off the receivables, whole months first and
/// the last in part. `months` are sales and days, newest first; none when they do not make up the receivables.
pub(crate) fn countback_dso(receivables: Money, months: &[(Money, i64)]) -> Option<Decimal> {
    let mut left = major(receivables);
    let mut days = Decimal::ZERO;
    for (sales, length) in months {
        if left <= Decimal::ZERO {
            break;
        }
        let sales = major(*sales);
        if sales >= left {
            days += left.checked_mul((*length).into())?.checked_div(sales)?;
            left = Decimal::ZERO;
        } else {
            // a month of credit notes alone does not add to what is owed
            left -= sales.max(Decimal::ZERO);
            days += Decimal::from(*length);
        }
    }
    (left <= Decimal::ZERO).then(|| rounded(days))
}

fn major(amount: Money) -> Decimal {
    amount.to_decimal()
}

fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    ratio(part.checked_mul(Decimal::ONE_HUNDRED)?, whole)
}

fn ratio(part: Decimal, whole: Decimal) -> Option<Decimal> {
    if whole.is_zero() { None } else { part.checked_div(whole).map(rounded) }
}

fn rounded(value: Decimal) -> Decimal {
    let mut value = value.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven);
    value.rescale(2);
    value
}
