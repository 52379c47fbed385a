//! A value of a fact or of a computed input.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Greatest number a fact may hold: ratios and sums of such numbers stay far within a decimal's range.
pub const NUMBER_MAX: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);
/// Most decimals of a number.
pub const NUMBER_SCALE_MAX: u32 = 6;
/// Longest word, in characters.
pub const WORD_LENGTH_MAX: usize = 200;

/// The kinds of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A number.
    Number,
    /// A word.
    Text,
    /// Yes or no.
    Flag,
    /// A date.
    Date,
}

impl ValueKind {
    /// What the kind is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            ValueKind::Number => "a number",
            ValueKind::Text => "a text",
            ValueKind::Flag => "a flag",
            ValueKind::Date => "a date",
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A number.
    Number(Decimal),
    /// A word.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A date.
    Date(NaiveDate),
}

impl Value {
    /// The kind of the value.
    pub const fn kind(&self) -> ValueKind {
        match self {
            Value::Number(_) => ValueKind::Number,
            Value::Text(_) => ValueKind::Text,
            Value::Flag(_) => ValueKind::Flag,
            Value::Date(_) => ValueKind::Date,
        }
    }

    /// The number, if it is one.
    pub const fn number(&self) -> Option<Decimal> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The word categories and knock-outs compare with: the text itself, or `true` or `false`.
    pub fn word(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Flag(true) => Some("true"),
            Value::Flag(false) => Some("false"),
            Value::Number(_) | Value::Date(_) => None,
        }
    }
}

/// Whether a number may be a fact's.
pub fn number_fits(number: Decimal) -> bool {
    number.abs() <= NUMBER_MAX && number.normalize().scale() <= NUMBER_SCALE_MAX
}

/// Whether a word may be a fact's: 1 to 200 characters without control characters.
pub fn word_fits(word: &str) -> bool {
    !word.is_empty() && word.chars().count() <= WORD_LENGTH_MAX && !word.chars().any(char::is_control)
}
