//! How much of what an account ordered became a delivery or an invoice, over orders that are closed: nothing more of them
//! is to come. Computed from what the order gate tells, never typed.

use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;
use weir_model::{Currency, Money, MoneyError};

/// Calendar months looked back over, the date's own included.
const MONTHS_LOOKED_BACK: u32 = 12;
/// Decimals of the rate, rounded half to even.
const RATE_SCALE: u32 = 2;

/// One line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Ordered, whatever was cancelled of it.
    pub ordered: Money,
    /// Delivered so far.
    pub delivered: Money,
    /// Invoiced so far.
    pub invoiced: Money,
}

/// What was ordered, and how much of it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fulfilment {
    /// Ordered.
    pub ordered: Money,
    /// Delivered or invoiced of it.
    pub fulfilled: Money,
}

impl Fulfilment {
    /// Of one order. A line counts as fulfilled by its delivery or its invoice, whichever is more, and never beyond what
    /// was ordered: more of one line does not make up for another.
    pub fn of_order(currency: Currency, lines: &[Line]) -> Result<Fulfilment, MoneyError> {
        let nothing = Fulfilment { ordered: Money::zero(currency), fulfilled: Money::zero(currency) };
        lines.iter().try_fold(nothing, |sum, line| {
            let came = line.delivered.minor().max(line.invoiced.minor()).min(line.ordered.minor());
            Ok(Fulfilment {
                ordered: sum.ordered.checked_add(line.ordered)?,
                fulfilled: sum.fulfilled.checked_add(Money::new(came, line.ordered.currency()))?,
            })
        })
    }

    /// Delivered or invoiced per hundred ordered; none where nothing was ordered.
    pub fn rate_percent(&self) -> Option<Decimal> {
        let fulfilled = self.fulfilled.to_decimal().checked_mul(Decimal::ONE_HUNDRED)?;
        let rate = fulfilled.checked_div(self.ordered.to_decimal())?;
        Some(rate.round_dp(RATE_SCALE).normalize())
    }
}

/// The first day on which an order must have been closed to count on a date.
pub fn first_day(as_of: NaiveDate) -> NaiveDate {
    let month = as_of.with_day(1).unwrap_or(as_of);
    month.checked_sub_months(Months::new(MONTHS_LOOKED_BACK - 1)).unwrap_or(NaiveDate::MIN)
}
