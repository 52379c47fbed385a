//! Amounts, counts and decimals as people read them: digits in threes.

use std::str::FromStr;

use rust_decimal::Decimal;
use weir_model::{Fields, Money};
use weir_wire::{google::r#type as pb, parse};

/// An amount without its currency, such as `1,234,567.00`.
pub fn amount(money: Money) -> String {
    let scale = money.currency().exponent();
    grouped(&format!("{:.*}", usize::try_from(scale).unwrap_or(0), money.to_decimal()))
}

/// An amount of a message; a dash when it is unset.
pub fn amount_of(money: Option<&pb::Money>) -> String {
    read_money(money).map_or_else(|| "–".to_owned(), amount)
}

/// The amount of a message, when it holds one.
pub fn read_money(money: Option<&pb::Money>) -> Option<Money> {
    parse::money(&mut Fields::default(), "amount", money)
}

/// A number of things.
pub fn count(count: i64) -> String {
    grouped(&count.to_string())
}

/// A decimal of a message with as many decimals; a dash when it is unset.
pub fn decimal(value: Option<&pb::Decimal>, scale: u32) -> String {
    let value = value.and_then(|value| Decimal::from_str(&value.value).ok());
    let printed = |value: Decimal| grouped(&format!("{:.*}", usize::try_from(scale).unwrap_or(0), value));
    value.map_or_else(|| "–".to_owned(), printed)
}

/// The digits before the point in threes.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    let mut written = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written.push_str(rest);
    written
}
