//! Which items of a debt are left alone, and why. The first reason that applies counts. Knows no clock and no storage.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{ItemId, Money, MoneyError};

use crate::{dunning, item::Item};

/// Why an item is left alone, in the order in which the reasons apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// Nothing is open.
    Settled,
    /// All that is open is disputed.
    Disputed,
    /// Its clock stands still.
    Paused,
    /// A promise to pay is open.
    Promised,
    /// What is open and undisputed lies below the tolerance; an equal amount is dunned.
    BelowTolerance,
    /// The debtor wants no contact.
    OptedOut,
    /// Credit that is not allocated yet pays for it, after older items.
    Covered,
}

impl Suppression {
    /// Whether the item is as old as ever and only nobody is asked for it: it keeps the stage of its case and the level
    /// the gate sees.
    pub(crate) fn freezes(self) -> bool {
        matches!(self, Suppression::Paused | Suppression::OptedOut)
    }
}

/// Whether a debtor may be contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Nothing speaks against it.
    Given,
    /// The debtor wants no contact.
    Withdrawn,
}

/// What decides which items of a debt are left alone.
#[derive(Debug, Clone)]
pub(crate) struct Grounds<'a> {
    /// The date.
    pub as_of: NaiveDate,
    /// Items with an open promise.
    pub promised: BTreeSet<&'a ItemId>,
    /// Items that owe less are left alone.
    pub tolerance: Money,
    /// Whether the debtor may be contacted.
    pub consent: Consent,
    /// Credit that is not allocated yet.
    pub credit: Money,
}

/// Why each item of a debt is left alone, if it is, in the order of the items.
pub(crate) fn suppressions(items: &[Item], grounds: &Grounds<'_>) -> Result<Vec<Option<Suppression>>, MoneyError> {
    let mut found = items.iter().map(|item| alone(item, grounds)).collect::<Result<Vec<_>, _>>()?;
    // as it will be allocated: to the oldest first, of those that are dunned
    let mut dunned: Vec<_> = items.iter().zip(&mut found).filter(|(_, reason)| reason.is_none()).collect();
    dunned.sort_by(|(a, _), (b, _)| dunning::by_due_date(a, b));
    let mut credit = grounds.credit;
    for (item, reason) in dunned {
        let dunnable = item.dunnable()?;
        if dunnable.checked_cmp(credit)?.is_le() {
            *reason = Some(Suppression::Covered);
            credit = credit.checked_sub(dunnable)?;
        } else {
            break;
        }
    }
    Ok(found)
}

/// Why an item is left alone, whatever the others are.
fn alone(item: &Item, grounds: &Grounds<'_>) -> Result<Option<Suppression>, MoneyError> {
    let dunnable = item.dunnable()?;
    Ok(if !item.open.is_positive() {
        Some(Suppression::Settled)
    } else if dunnable.is_zero() {
        Some(Suppression::Disputed)
    } else if item.is_paused(grounds.as_of) {
        Some(Suppression::Paused)
    } else if grounds.promised.contains(&item.item_id) {
        Some(Suppression::Promised)
    } else if dunnable.checked_cmp(grounds.tolerance)?.is_lt() {
        Some(Suppression::BelowTolerance)
    } else if grounds.consent == Consent::Withdrawn {
        Some(Suppression::OptedOut)
    } else {
        None
    })
}
