//! What the gate goes by: thresholds and what each rule does. Data with a version; a decision names the version it was
//! made under. Knows no account.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Money, SubjectId};

use crate::order::Checkpoint;
use crate::standing::Grade;

/// A rule of the gate, in the order in which equally severe ones are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The account is blocked.
    AccountBlocked,
    /// What the gate knows is too old, or it cannot know.
    Technical,
    /// The account is frozen.
    AccountFrozen,
    /// No assessment was approved.
    NotAssessed,
    /// The grade gives no credit.
    NoCreditGrade,
    /// No limit was ever granted.
    LimitMissing,
    /// The limit has run out.
    LimitExpired,
    /// Exposure would exceed the limit.
    LimitExceeded,
    /// The order's value exceeds the most one order may have.
    OrderValueExceeded,
    /// The account's grade asks for a review of this order.
    GradeReview,
    /// An item has been overdue for too long.
    OverdueDaysExceeded,
    /// The dunning level is too high.
    DunningLevelExceeded,
    /// Utilisation would reach the watch band.
    WatchBand,
}

impl Rule {
    /// Every rule there is.
    pub const ALL: [Rule; 13] = [
        Rule::AccountBlocked,
        Rule::Technical,
        Rule::AccountFrozen,
        Rule::NotAssessed,
        Rule::NoCreditGrade,
        Rule::LimitMissing,
        Rule::LimitExpired,
        Rule::LimitExceeded,
        Rule::OrderValueExceeded,
        Rule::GradeReview,
        Rule::OverdueDaysExceeded,
        Rule::DunningLevelExceeded,
        Rule::WatchBand,
    ];
}

/// What a rule does when it does not hold, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Stops the order.
    Block,
    /// Lets it go, with a warning.
    Warn,
    /// Notes it.
    Info,
    /// Is not asked.
    Off,
}

/// How an amount is compared with what is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparator {
    /// Equality passes.
    AtMost,
    /// Equality does not pass.
    Below,
}

impl Comparator {
    /// The most that passes against an amount.
    pub fn most(self, available: i64) -> i64 {
        match self {
            Comparator::AtMost => available,
            Comparator::Below => available.saturating_sub(1),
        }
    }
}

/// What a rule does, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSetting {
    /// What it does.
    pub action: Action,
    /// Checkpoints at which it is asked; all when empty.
    #[serde(default)]
    pub checkpoints: BTreeSet<Checkpoint>,
}

/// The most one order may be worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderValueMax {
    /// The grade it is for; all of them when none.
    pub grade: Option<Grade>,
    /// The amount.
    pub amount: Money,
}

/// What the gate goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How amounts are compared with limits and maxima.
    pub comparator: Comparator,
    /// The most one order may be worth, by grade and currency.
    pub order_value_max: Vec<OrderValueMax>,
    /// How many days an item may be past due.
    pub overdue_days_max: i32,
    /// What may be past due for longer, at most one amount a currency.
    pub overdue_tolerance: Vec<Money>,
    /// The highest dunning level that passes.
    pub dunning_level_max: i32,
    /// From this utilisation after the order somebody should know, in percent.
    pub watch_band_percent: Decimal,
    /// Who is told once of each order that stops, by role.
    pub hold_notice_roles: Vec<String>,
    /// What each rule does.
    pub rules: BTreeMap<Rule, RuleSetting>,
}

impl Default for Policy {
    fn default() -> Self {
        toml::from_str(include_str!("policy.toml")).expect("the embedded policy is read by a test")
    }
}

impl Policy {
    /// What a rule does at a checkpoint.
    pub fn action(&self, rule: Rule, checkpoint: Checkpoint) -> Action {
        match self.rules.get(&rule) {
            Some(setting) if setting.checkpoints.is_empty() || setting.checkpoints.contains(&checkpoint) => {
                setting.action
            }
            _ => Action::Off,
        }
    }

    /// The most one order of a grade may be worth; an entry for the grade beats one for all.
    pub fn order_value_max(&self, grade: Option<Grade>, currency: Currency) -> Option<i64> {
        let fits = |entry: &&OrderValueMax| {
            entry.amount.currency() == currency && (entry.grade.is_none() || entry.grade == grade)
        };
        let best = self.order_value_max.iter().filter(fits).max_by_key(|entry| entry.grade.is_some());
        best.map(|entry| entry.amount.minor())
    }

    /// What may be past due for longer.
    pub fn overdue_tolerance(&self, currency: Currency) -> i64 {
        self.overdue_tolerance.iter().find(|amount| amount.currency() == currency).map_or(0, |amount| amount.minor())
    }
}

/// A policy as it was activated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Goes up by one with each activation; 1 is the policy Weir comes with.
    pub version: i64,
    /// The policy.
    pub policy: Policy,
    /// Who activated it.
    pub activated_by: SubjectId,
    /// When.
    pub activated_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}
