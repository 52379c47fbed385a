//! Exact money: integer minor units of one currency.
//!
//! No operator is implemented, because an operator would have to panic or wrap; every step is `checked_…` and
//! names its rounding. Floats never come near.

use std::{cmp::Ordering, fmt};

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};

use crate::Currency;

/// An amount in minor units (fen, cents, yen) of a currency; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount could not be computed or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are of different currencies.
    #[error("currencies differ: {left} and {right}")]
    CurrencyMismatch {
        /// The currency of the amount computed with.
        left: Currency,
        /// The currency of the other amount.
        right: Currency,
    },
    /// The result does not fit 64-bit minor units.
    #[error("amount out of range")]
    Overflow,
    /// The number has more decimals than the currency.
    #[error("{currency} has {exponent} decimals")]
    PrecisionLoss {
        /// The currency asked for.
        currency: Currency,
        /// How many decimals it has.
        exponent: u32,
    },
}

impl Money {
    /// An amount of `minor` minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Money { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Money { minor: 0, currency }
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum; refuses other currencies and overflow.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_add(other.minor).map(|minor| Money { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The difference; refuses other currencies and overflow.
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        self.minor.checked_sub(other.minor).map(|minor| Money { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// The same amount with the other sign.
    pub fn checked_neg(self) -> Result<Money, MoneyError> {
        self.minor.checked_neg().map(|minor| Money { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// Compares two amounts of one currency.
    pub fn checked_cmp(self, other: Money) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    /// Adds up amounts; zero of `currency` for none.
    pub fn checked_sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        amounts.into_iter().try_fold(Money::zero(currency), Money::checked_add)
    }

    /// The amount, or zero when it is negative.
    #[must_use]
    pub fn or_zero_if_negative(self) -> Money {
        Money { minor: self.minor.max(0), ..self }
    }

    /// Whether the amount is exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether the amount is below nothing.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Whether the amount is above nothing.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// Reads a number in major units; refuses more decimals than the currency has.
    pub fn try_from_decimal(major: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        let money = Self::rounded(major, currency, RoundingStrategy::ToZero)?;
        if money.to_decimal() == major {
            Ok(money)
        } else {
            Err(MoneyError::PrecisionLoss { currency, exponent: currency.exponent() })
        }
    }

    /// Rounds a number in major units to the nearest minor unit, halves to the even one.
    pub fn round_half_even(major: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        Self::rounded(major, currency, RoundingStrategy::MidpointNearestEven)
    }

    /// Rounds a number in major units away from zero to a whole minor unit: exposure is never understated.
    pub fn round_up(major: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        Self::rounded(major, currency, RoundingStrategy::AwayFromZero)
    }

    /// Rounds a number in major units toward zero to a whole minor unit: room is never overstated.
    pub fn round_down(major: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        Self::rounded(major, currency, RoundingStrategy::ToZero)
    }

    /// The amount in major units, exact, with as many decimals as the currency has.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    fn rounded(major: Decimal, currency: Currency, strategy: RoundingStrategy) -> Result<Money, MoneyError> {
        let whole = major.round_dp_with_strategy(currency.exponent(), strategy);
        let factor = Decimal::from(10_i64.pow(currency.exponent()));
        let minor = whole.checked_mul(factor).and_then(|d| d.to_i64()).ok_or(MoneyError::Overflow)?;
        Ok(Money { minor, currency })
    }

    fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
