//! Facts: what sources said of accounts. Added, never changed; the newest is the one that counts.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::AccountId;

use crate::value::Value;

/// Something a source said of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The account.
    pub account_id: AccountId,
    /// What is told.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Last day of the statement period; none for what is no statement figure.
    pub period_end: Option<NaiveDate>,
    /// Who said so.
    pub source: String,
    /// The document at the source.
    pub document_id: String,
    /// When it was learned.
    pub retrieved_at: DateTime<Utc>,
    /// The business date of that instant.
    pub retrieved_date: NaiveDate,
    /// Last day on which it may be relied on.
    pub valid_until: Option<NaiveDate>,
}

impl Fact {
    /// Whether the same document says the same: what a repeated intake brings.
    pub fn says_the_same(&self, other: &Fact) -> bool {
        self.value == other.value && self.valid_until == other.valid_until
    }

    /// Whether it may still be relied on at a date.
    pub fn holds_on(&self, date: NaiveDate) -> bool {
        self.valid_until.is_none_or(|last| date <= last)
    }
}

/// A fact that counts, and whether it is past its validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen<'f> {
    /// The fact.
    pub fact: &'f Fact,
    /// Whether its validity is over, though nothing newer is known.
    pub stale: bool,
}

/// The facts that count at a date, by name and period: of those learned by then the newest, marked stale once its
/// validity is over. An older one never comes back, though it still holds: what is newer has overtaken it. Of two
/// learned at the same instant the one recorded later counts, so `facts` come in the order they were recorded.
pub fn choose(facts: &[Fact], as_of: NaiveDate) -> BTreeMap<(&str, Option<NaiveDate>), Chosen<'_>> {
    let mut chosen: BTreeMap<(&str, Option<NaiveDate>), Chosen<'_>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.retrieved_date <= as_of) {
        let candidate = Chosen { fact, stale: !fact.holds_on(as_of) };
        chosen
            .entry((&fact.name, fact.period_end))
            .and_modify(|best| {
                if fact.retrieved_at >= best.fact.retrieved_at {
                    *best = candidate;
                }
            })
            .or_insert(candidate);
    }
    chosen
}
