//! Exchange rates by the day from which they hold, and arithmetic that never rounds by itself (rule 3.12). Knows neither
//! clock nor storage.

use std::collections::BTreeMap;
use std::ops::Bound;

use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive as _};
use serde::{Deserialize, Serialize};
use weir_model::{Currency, days_past_due};

use crate::exposure::Overflow;

/// What one unit of a currency is worth in another from a day on, until a later day has a rate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// The currency converted.
    pub from: Currency,
    /// The currency it is converted into.
    pub to: Currency,
    /// The first day on which it holds.
    pub effective: NaiveDate,
    /// Major units of `to` for one major unit of `from`; above zero.
    pub rate: Decimal,
}

/// Why an amount cannot be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// There is no rate for the day.
    #[error("there is no rate from {from} to {to}")]
    Missing {
        /// The currency to be converted.
        from: Currency,
        /// The currency asked for.
        to: Currency,
    },
    /// The newest rate for the day is older than allowed.
    #[error("the rate from {from} to {to} of {effective} is more than {days_max} days old")]
    Stale {
        /// The currency to be converted.
        from: Currency,
        /// The currency asked for.
        to: Currency,
        /// The newest rate's day.
        effective: NaiveDate,
        /// How old it may be.
        days_max: i32,
    },
}

/// A place in the order of rates: pair, then day.
pub type Key = ((Currency, Currency), NaiveDate);

/// Every rate there is. A pair is asked as it was given: neither inverted nor crossed with another.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    rates: BTreeMap<Key, Decimal>,
    /// How often one was put since the table was read.
    puts: u64,
}

impl Rates {
    /// Puts a rate in place of the one of the same pair and day; that one.
    pub fn put(&mut self, rate: Rate) -> Option<Rate> {
        self.puts += 1;
        let before = self.rates.insert(((rate.from, rate.to), rate.effective), rate.rate);
        before.map(|before| Rate { rate: before, ..rate })
    }

    /// The same table as others put it meanwhile.
    pub(crate) fn replace(&mut self, others: Rates) {
        if self.rates != others.rates {
            *self = Rates { rates: others.rates, puts: self.puts + 1 };
        }
    }

    /// How often one was put since the table was read: whoever sees another number finds other rates.
    pub fn puts(&self) -> u64 {
        self.puts
    }

    /// The rates after one, by pair and day.
    pub fn after(&self, after: Option<Key>) -> impl Iterator<Item = Rate> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rates = self.rates.range((start, Bound::Unbounded));
        rates.map(|(((from, to), effective), rate)| Rate { from: *from, to: *to, effective: *effective, rate: *rate })
    }

    /// How many minor units of a currency one of another is worth on a day, by the newest rate that holds; `days_max` is
    /// how old that may be.
    pub fn factor(
        &self,
        (from, to): (Currency, Currency),
        on: NaiveDate,
        days_max: Option<i32>,
    ) -> Result<Decimal, NoRate> {
        if from == to {
            return Ok(Decimal::ONE);
        }
        let holding = self.rates.range(((from, to), NaiveDate::MIN)..=((from, to), on)).next_back();
        let ((_, effective), rate) = holding.ok_or(NoRate::Missing { from, to })?;
        if let Some(days_max) = days_max
            && days_past_due(*effective, on) > i64::from(days_max)
        {
            return Err(NoRate::Stale { from, to, effective: *effective, days_max });
        }
        Ok(in_minor_units(*rate, (from, to)))
    }
}

/// A rate between major units as one between minor units. Rates have few enough decimals that nothing is lost.
fn in_minor_units(rate: Decimal, (from, to): (Currency, Currency)) -> Decimal {
    shifted(rate, (from.exponent(), to.exponent()))
}

/// A rate between minor units as one between major units.
pub(crate) fn in_major_units(factor: Decimal, from: Currency, to: Currency) -> Decimal {
    shifted(factor, (to.exponent(), from.exponent())).normalize()
}

fn shifted(rate: Decimal, (fewer, more): (u32, u32)) -> Decimal {
    match fewer.checked_sub(more) {
        Some(places) => rate * Decimal::new(1, places),
        None => rate * Decimal::from(10_i64.pow(more - fewer)),
    }
}

/// A product without rounding.
pub(crate) fn exact_product(amount: i128, factor: Decimal) -> Result<Decimal, Overflow> {
    let amount = Decimal::try_from_i128_with_scale(amount, 0).map_err(|_| Overflow)?;
    if amount.is_zero() || factor.is_zero() {
        return Ok(Decimal::ZERO);
    }
    let product = amount.checked_mul(factor).ok_or(Overflow)?;
    // fewer decimals than both factors have together would have been rounded off
    if product.scale() == factor.scale() { Ok(product) } else { Err(Overflow) }
}

/// A sum without rounding.
pub(crate) fn exact_sum(one: Decimal, other: Decimal) -> Result<Decimal, Overflow> {
    if one.is_zero() || other.is_zero() {
        return Ok(if one.is_zero() { other } else { one });
    }
    let sum = one.checked_add(other).ok_or(Overflow)?;
    if sum.is_zero() || sum.scale() == one.scale().max(other.scale()) { Ok(sum) } else { Err(Overflow) }
}

/// An unrounded amount as whole minor units, rounded up.
pub(crate) fn rounded_up(amount: Decimal) -> Result<i64, Overflow> {
    amount.ceil().to_i64().ok_or(Overflow)
}

/// An amount converted and rounded up.
pub(crate) fn converted_up(amount: i128, factor: Decimal) -> Result<i64, Overflow> {
    rounded_up(exact_product(amount, factor)?)
}
