//! From messages to the model's words, naming every bad field.
//!
//! Every function notes what is wrong in `fields` and answers none; it answers some exactly when nothing is wrong.
//! Optional fields answer some of none when they are not given. Read everything, then `fields.finish_with(…)`.

use chrono::{DateTime, NaiveDate, Utc};
use prost_types::Timestamp;
use rust_decimal::Decimal;
use weir_model::{Country, Currency, Fields, IdError, Money, TextId};

use crate::{
    common::v1::{Context, Token},
    google::r#type as pb,
};

/// Page size where the caller names none.
pub const PAGE_SIZE_DEFAULT: i64 = 50;

/// The largest page.
pub const PAGE_SIZE_MAX: i64 = 1_000;

/// Most decimals `google.type.Money` can carry.
const NANO_SCALE: u32 = 9;

/// Most digits read as a decimal number: what 96 bits always hold.
const DECIMAL_LENGTH_MAX: usize = 32;

/// A required identifier.
pub fn id<T: TextId>(fields: &mut Fields, path: &str, text: &str) -> Option<T> {
    fields.check(path, T::parse(text))
}

/// An identifier that may be left empty.
pub fn optional_id<T: TextId>(fields: &mut Fields, path: &str, text: &str) -> Option<Option<T>> {
    match T::parse(text) {
        Err(IdError::Empty) => Some(None),
        result => fields.check(path, result).map(Some),
    }
}

/// A required text of 1 to `length_max` characters without control characters.
pub fn text(fields: &mut Fields, path: &str, text: &str, length_max: usize) -> Option<String> {
    if text.trim().is_empty() {
        fields.add(path, "must not be empty");
        return None;
    }
    optional_text(fields, path, text, length_max)
}

/// A text of at most `length_max` characters without control characters; may be empty.
pub fn optional_text(fields: &mut Fields, path: &str, text: &str, length_max: usize) -> Option<String> {
    if text.chars().count() > length_max {
        fields.add(path, format!("must be at most {length_max} characters"));
        None
    } else if text.chars().any(char::is_control) {
        fields.add(path, "must not contain control characters");
        None
    } else {
        Some(text.to_owned())
    }
}

/// A required currency code.
pub fn currency(fields: &mut Fields, path: &str, code: &str) -> Option<Currency> {
    fields.check(path, Currency::from_code(code))
}

/// A required country code.
pub fn country(fields: &mut Fields, path: &str, code: &str) -> Option<Country> {
    fields.check(path, Country::from_code(code))
}

/// A country code that may be left empty.
pub fn optional_country(fields: &mut Fields, path: &str, code: &str) -> Option<Option<Country>> {
    if code.is_empty() { Some(None) } else { country(fields, path, code).map(Some) }
}

/// A required amount of any sign.
pub fn money(fields: &mut Fields, path: &str, value: Option<&pb::Money>) -> Option<Money> {
    let Some(value) = value else {
        fields.add(path, "is required");
        return None;
    };
    let result = read_money(value);
    fields.check(path, result)
}

/// An amount of any sign that may be left out.
pub fn optional_money(fields: &mut Fields, path: &str, value: Option<&pb::Money>) -> Option<Option<Money>> {
    match value {
        None => Some(None),
        some => money(fields, path, some).map(Some),
    }
}

/// A required amount above zero.
pub fn positive_money(fields: &mut Fields, path: &str, value: Option<&pb::Money>) -> Option<Money> {
    let money = money(fields, path, value)?;
    must(fields, path, money, money.is_positive(), "must be positive")
}

/// A required amount of zero or more.
pub fn non_negative_money(fields: &mut Fields, path: &str, value: Option<&pb::Money>) -> Option<Money> {
    let money = money(fields, path, value)?;
    must(fields, path, money, !money.is_negative(), "must not be negative")
}

/// Notes an amount that is not in the currency it has to be in.
pub fn in_currency(fields: &mut Fields, path: &str, money: Option<Money>, currency: Option<Currency>) -> Option<Money> {
    let (money, currency) = (money?, currency?);
    must(fields, path, money, money.currency() == currency, &format!("must be in {currency}"))
}

/// A required civil date.
pub fn date(fields: &mut Fields, path: &str, value: Option<&pb::Date>) -> Option<NaiveDate> {
    let Some(value) = value else {
        fields.add(path, "is required");
        return None;
    };
    let date = read_date(value);
    if date.is_none() {
        fields.add(path, "is no calendar date between year 1 and 9999");
    }
    date
}

/// A civil date that may be left out.
pub fn optional_date(fields: &mut Fields, path: &str, value: Option<&pb::Date>) -> Option<Option<NaiveDate>> {
    match value {
        None => Some(None),
        some => date(fields, path, some).map(Some),
    }
}

/// Notes a period that ends before it starts.
pub fn in_order(fields: &mut Fields, path: &str, from: Option<NaiveDate>, to: Option<NaiveDate>) {
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        fields.add(path, format!("must not be before {from}"));
    }
}

/// An instant that may be left out.
pub fn optional_instant(fields: &mut Fields, path: &str, value: Option<&Timestamp>) -> Option<Option<DateTime<Utc>>> {
    let Some(value) = value else { return Some(None) };
    let instant = u32::try_from(value.nanos).ok().and_then(|nanos| DateTime::from_timestamp(value.seconds, nanos));
    if instant.is_none_or(|instant| read_date(&crate::emit::date(instant.date_naive())).is_none()) {
        fields.add(path, "is no instant between year 1 and 9999");
        return None;
    }
    Some(instant)
}

/// A required number within bounds, both included, of at most `scale` decimals.
pub fn decimal(
    fields: &mut Fields,
    path: &str,
    value: Option<&pb::Decimal>,
    (least, most): (Decimal, Decimal),
    scale: u32,
) -> Option<Decimal> {
    let Some(value) = value else {
        fields.add(path, "is required");
        return None;
    };
    let Some(number) = read_decimal(&value.value) else {
        fields.add(path, "is no decimal number");
        return None;
    };
    let number = must(fields, path, number, number.normalize().scale() <= scale, &decimals_text(scale))?;
    must(fields, path, number, (least..=most).contains(&number), &format!("must be between {least} and {most}"))
}

/// A number that may be left out.
pub fn optional_decimal(
    fields: &mut Fields,
    path: &str,
    value: Option<&pb::Decimal>,
    bounds: (Decimal, Decimal),
    scale: u32,
) -> Option<Option<Decimal>> {
    match value {
        None => Some(None),
        some => decimal(fields, path, some, bounds, scale).map(Some),
    }
}

/// A required value of an enumeration: neither the unspecified one nor one unknown.
pub fn one_of<E: TryFrom<i32>>(fields: &mut Fields, path: &str, value: i32) -> Option<E> {
    if value == 0 {
        fields.add(path, "is required");
        return None;
    }
    let known = E::try_from(value).ok();
    if known.is_none() {
        fields.add(path, format!("{value} is no known value"));
    }
    known
}

/// A value of an enumeration that may be left unspecified.
pub fn optional_one_of<E: TryFrom<i32>>(fields: &mut Fields, path: &str, value: i32) -> Option<Option<E>> {
    if value == 0 { Some(None) } else { one_of(fields, path, value).map(Some) }
}

/// A whole number within bounds, both included.
pub fn whole(fields: &mut Fields, path: &str, value: i64, (least, most): (i64, i64)) -> Option<i64> {
    must(fields, path, value, (least..=most).contains(&value), &format!("must be between {least} and {most}"))
}

/// Notes a list that is longer than allowed.
pub fn at_most<T>(fields: &mut Fields, path: &str, list: &[T], length_max: usize) {
    if list.len() > length_max {
        fields.add(path, format!("must have at most {length_max} entries"));
    }
}

/// Size of a page: 50 where the caller names none, at most 1,000.
pub fn page_size(fields: &mut Fields, path: &str, value: i32) -> Option<i64> {
    if value == 0 {
        return Some(PAGE_SIZE_DEFAULT);
    }
    whole(fields, path, value.into(), (1, PAGE_SIZE_MAX))
}

/// The position of one context in a token; none where the token does not name it.
///
/// Notes contexts unknown or named twice, and negative positions.
pub fn fresh(fields: &mut Fields, path: &str, token: Option<&Token>, context: Context) -> Option<Option<i64>> {
    let Some(token) = token else { return Some(None) };
    let mut seen = Vec::new();
    for (index, entry) in token.positions.iter().enumerate() {
        let at = |field: &str| format!("{path}.positions[{index}].{field}");
        let named: Option<Context> = one_of(fields, &at("context"), entry.context);
        let position = whole(fields, &at("position"), entry.position, (0, i64::MAX));
        if let (Some(named), Some(position)) = (named, position) {
            if seen.iter().any(|(other, _)| *other == named) {
                fields.add(at("context"), "is named twice");
                return None;
            }
            seen.push((named, position));
        } else {
            return None;
        }
    }
    Some(seen.into_iter().find(|(named, _)| *named == context).map(|(_, position)| position))
}

fn must<T>(fields: &mut Fields, path: &str, value: T, holds: bool, otherwise: &str) -> Option<T> {
    if holds {
        Some(value)
    } else {
        fields.add(path, otherwise);
        None
    }
}

fn decimals_text(scale: u32) -> String {
    format!("must have at most {scale} decimals")
}

fn read_money(value: &pb::Money) -> Result<Money, String> {
    let currency = Currency::from_code(&value.currency_code).map_err(|error| error.to_string())?;
    if value.nanos.unsigned_abs() >= 10_u32.pow(NANO_SCALE) {
        return Err("nanos must be between -999999999 and 999999999".to_owned());
    }
    if (value.units > 0 && value.nanos < 0) || (value.units < 0 && value.nanos > 0) {
        return Err("units and nanos must have the same sign".to_owned());
    }
    let nanos = Decimal::new(value.nanos.into(), NANO_SCALE);
    let major = Decimal::from(value.units).checked_add(nanos).ok_or("amount out of range")?;
    Money::try_from_decimal(major, currency).map_err(|error| error.to_string())
}

fn read_date(value: &pb::Date) -> Option<NaiveDate> {
    let (month, day) = (u32::try_from(value.month).ok()?, u32::try_from(value.day).ok()?);
    if !(1..=9999).contains(&value.year) {
        return None;
    }
    NaiveDate::from_ymd_opt(value.year, month, day)
}

fn read_decimal(text: &str) -> Option<Decimal> {
    if text.len() > DECIMAL_LENGTH_MAX || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}
