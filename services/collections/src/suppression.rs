//! Which items are left alone, and why. The first reason that applies counts. Knows no clock and no storage.
//!
//! Pauses, opt-outs and cover by unapplied credit will take their places in this order.

use serde::{Deserialize, Serialize};
use weir_model::{Money, MoneyError};

use crate::item::Item;

/// Why an item is left alone, in the order in which the reasons apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// Nothing is open.
    Settled,
    /// All that is open is disputed.
    Disputed,
    /// A promise to pay is open.
    Promised,
    /// What is open and undisputed lies below the tolerance; an equal amount is dunned.
    BelowTolerance,
}

/// Whether an item has an open promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// A promise is open.
    Given,
    /// None is.
    None,
}

/// Why an item is left alone, if it is.
pub(crate) fn suppression(item: &Item, word: Word, tolerance: Money) -> Result<Option<Suppression>, MoneyError> {
    let dunnable = item.dunnable()?;
    Ok(if !item.open.is_positive() {
        Some(Suppression::Settled)
    } else if dunnable.is_zero() {
        Some(Suppression::Disputed)
    } else if word == Word::Given {
        Some(Suppression::Promised)
    } else if dunnable.checked_cmp(tolerance)?.is_lt() {
        Some(Suppression::BelowTolerance)
    } else {
        None
    })
}
