//! A row of the policy: what a rule does, for whom and where, and by which thresholds; and who is exempt.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Country, Currency, GroupId, Money};

use super::rule::{Action, Comparator, Rule};
use crate::decision::Ages;
use crate::exposure::Component;
use crate::order::Checkpoint;
use crate::standing::Grade;

/// Whose orders a row is about, the least specific first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everybody's.
    #[default]
    All,
    /// Those of accounts of a grade.
    Grade(Grade),
    /// Those of a part of the business.
    Segment(String),
    /// Those of a group's accounts.
    Group(GroupId),
    /// Those of one account.
    Account(AccountId),
}

/// Who asks, as far as scopes tell them apart.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The account.
    pub account_id: &'a AccountId,
    /// Its group.
    pub group_id: Option<&'a GroupId>,
    /// The part of the business it belongs to; empty for the whole.
    pub segment: &'a str,
    /// Its grade.
    pub grade: Option<Grade>,
}

impl Scope {
    /// Whether it is about this account.
    pub fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Scope::All => true,
            Scope::Grade(grade) => subject.grade == Some(*grade),
            Scope::Segment(segment) => subject.segment == segment,
            Scope::Group(group_id) => subject.group_id == Some(group_id),
            Scope::Account(account_id) => subject.account_id == account_id,
        }
    }
}

/// From which age on what is known of each context is stale, in milliseconds; none where any age will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaleAfter {
    /// Credit accounts.
    pub limits_ms: Option<i64>,
    /// What is owed.
    pub receivables_ms: Option<i64>,
    /// Blocks and dunning levels.
    pub collections_ms: Option<i64>,
}

impl StaleAfter {
    /// The first context whose news are too old, with their age and the bound.
    pub fn exceeded(&self, ages: Ages) -> Option<(&'static str, i64, i64)> {
        let feeds = [
            ("limits", ages.limits_ms, self.limits_ms),
            ("receivables", ages.receivables_ms, self.receivables_ms),
            ("collections", ages.collections_ms, self.collections_ms),
        ];
        feeds
            .into_iter()
            .find_map(|(feed, age, bound)| bound.filter(|bound| age > *bound).map(|bound| (feed, age, bound)))
    }
}

/// What a rule does, for whom and where, and by which thresholds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRow {
    /// The rule.
    pub rule: Rule,
    /// Whose orders it is about.
    #[serde(default)]
    pub scope: Scope,
    /// Checkpoints at which it is asked; all when empty.
    #[serde(default)]
    pub checkpoints: BTreeSet<Checkpoint>,
    /// What it does.
    pub action: Action,
    /// How its threshold, or the limit, is compared with.
    #[serde(default)]
    pub comparator: Comparator,
    /// Days.
    #[serde(default)]
    pub days: Option<i32>,
    /// Amounts, at most one a currency.
    #[serde(default)]
    pub amounts: Vec<Money>,
    /// A share in percent.
    #[serde(default)]
    pub percent: Option<Decimal>,
    /// A level.
    #[serde(default)]
    pub level: Option<i32>,
    /// A least payment index, 0 to 100.
    #[serde(default)]
    pub index_min: Option<Decimal>,
    /// A part of the exposure.
    #[serde(default)]
    pub component: Option<Component>,
    /// A country.
    #[serde(default)]
    pub country: Option<Country>,
    /// How old what is known may be.
    #[serde(default)]
    pub stale_after: StaleAfter,
}

impl RuleRow {
    /// A row for everybody at every checkpoint, without thresholds.
    pub fn plain(rule: Rule, action: Action) -> RuleRow {
        RuleRow {
            rule,
            scope: Scope::All,
            checkpoints: BTreeSet::new(),
            action,
            comparator: Comparator::AtMost,
            days: None,
            amounts: Vec::new(),
            percent: None,
            level: None,
            index_min: None,
            component: None,
            country: None,
            stale_after: StaleAfter::default(),
        }
    }

    /// Its amount in a currency.
    pub fn amount(&self, currency: Currency) -> Option<i64> {
        self.amounts.iter().find(|amount| amount.currency() == currency).map(|amount| amount.minor())
    }

    /// Whether both rows would be asked of the same order.
    pub fn collides(&self, other: &RuleRow) -> bool {
        let both = || self.checkpoints.intersection(&other.checkpoints).next().is_some();
        (self.rule, &self.scope, self.component, self.country)
            == (other.rule, &other.scope, other.component, other.country)
            && (self.checkpoints.is_empty() || other.checkpoints.is_empty() || both())
    }
}

/// Who is exempt from a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The rule.
    pub rule: Rule,
    /// Whose orders it is not asked of.
    pub scope: Scope,
    /// At which checkpoints; at all when empty.
    #[serde(default)]
    pub checkpoints: BTreeSet<Checkpoint>,
    /// Why.
    pub reason: String,
}

/// Whether a set of checkpoints, where empty means all, has one.
pub(super) fn covers(checkpoints: &BTreeSet<Checkpoint>, checkpoint: Checkpoint) -> bool {
    checkpoints.is_empty() || checkpoints.contains(&checkpoint)
}
