//! From the model's words to messages.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use prost_types::Timestamp;
use rust_decimal::Decimal;
use weir_model::Money;

use crate::{
    common::v1::{Context, FeedPosition, Token},
    google::r#type as pb,
};

/// Billionths in a unit.
const NANOS_PER_UNIT: i128 = 1_000_000_000;

/// An amount as `google.type.Money`: exact, since no currency has more than nine decimals.
pub fn money(money: Money) -> pb::Money {
    let nanos_per_minor = NANOS_PER_UNIT / 10_i128.pow(money.currency().exponent());
    let nanos = i128::from(money.minor()) * nanos_per_minor;
    pb::Money {
        currency_code: money.currency().code().to_owned(),
        units: i64::try_from(nanos / NANOS_PER_UNIT).expect("units are fewer than minor units"),
        nanos: i32::try_from(nanos % NANOS_PER_UNIT).expect("a remainder below a billion"),
    }
}

/// A civil date.
pub fn date(date: NaiveDate) -> pb::Date {
    pb::Date {
        year: date.year(),
        month: i32::try_from(date.month()).expect("at most 12"),
        day: i32::try_from(date.day()).expect("at most 31"),
    }
}

/// An exact number, as it prints.
pub fn decimal(value: Decimal) -> pb::Decimal {
    pb::Decimal { value: value.to_string() }
}

/// An instant.
pub fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: instant.timestamp(),
        nanos: i32::try_from(instant.timestamp_subsec_nanos()).unwrap_or(i32::MAX),
    }
}

/// The token of a write: the feed position its change has.
pub fn token(context: Context, position: i64) -> Token {
    Token { positions: vec![FeedPosition { context: context.into(), position }] }
}
