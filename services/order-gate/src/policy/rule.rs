//! The rules there are, what each can do, and which thresholds each is judged by.

use serde::{Deserialize, Serialize};

/// A rule of the gate, in the order in which equally severe ones are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The account is blocked.
    AccountBlocked,
    /// What the gate knows is too old, or it cannot know.
    Technical,
    /// The policy holds every order for a person.
    ForcedHold,
    /// The account is frozen.
    AccountFrozen,
    /// No assessment was approved.
    NotAssessed,
    /// The account should have been assessed again by now.
    ReviewOverdue,
    /// The account had credit insurance and has none any more, or not for long.
    InsuranceLapsed,
    /// The grade gives no credit.
    NoCreditGrade,
    /// No limit was ever granted.
    LimitMissing,
    /// The limit has run out.
    LimitExpired,
    /// Exposure would exceed the limit.
    LimitExceeded,
    /// What the members of a group owe together would exceed its pool.
    GroupPoolExceeded,
    /// What the accounts of a country owe together would exceed its cap.
    CountryCapExceeded,
    /// Exposure would exceed the limit, leaving out orders that ship later.
    LimitExceededInHorizon,
    /// A part of the exposure would exceed its own limit.
    ComponentLimitExceeded,
    /// The order's value exceeds the most one order may have.
    OrderValueExceeded,
    /// The account's grade asks for a review of this order.
    GradeReview,
    /// The order's terms are longer than those granted.
    TermsExceeded,
    /// The order's discount is above the one granted.
    DiscountExceeded,
    /// The order's value deviates too much from the account's average.
    OrderPatternDeviation,
    /// An item has been overdue for too long.
    OverdueDaysExceeded,
    /// Too much is overdue while too much of the limit is used.
    OverdueAmountExceeded,
    /// Too large a share of what is open has been overdue for too long.
    OverdueShareExceeded,
    /// The dunning level is too high.
    DunningLevelExceeded,
    /// The account pays too late: its payment index is too low.
    PaymentIndexBelowMinimum,
    /// Utilisation would reach the watch band.
    WatchBand,
}

impl Rule {
    /// Every rule there is.
    pub const ALL: [Rule; 26] = [
        Rule::AccountBlocked,
        Rule::Technical,
        Rule::ForcedHold,
        Rule::AccountFrozen,
        Rule::NotAssessed,
        Rule::ReviewOverdue,
        Rule::InsuranceLapsed,
        Rule::NoCreditGrade,
        Rule::LimitMissing,
        Rule::LimitExpired,
        Rule::LimitExceeded,
        Rule::GroupPoolExceeded,
        Rule::CountryCapExceeded,
        Rule::LimitExceededInHorizon,
        Rule::ComponentLimitExceeded,
        Rule::OrderValueExceeded,
        Rule::GradeReview,
        Rule::TermsExceeded,
        Rule::DiscountExceeded,
        Rule::OrderPatternDeviation,
        Rule::OverdueDaysExceeded,
        Rule::OverdueAmountExceeded,
        Rule::OverdueShareExceeded,
        Rule::DunningLevelExceeded,
        Rule::PaymentIndexBelowMinimum,
        Rule::WatchBand,
    ];

    /// What a row of the rule needs and may have; a threshold not named it must not have.
    pub fn thresholds(self) -> &'static [(Threshold, Need)] {
        use Need::{May, Must};
        use Threshold::{Amounts, Component, Country, Days, IndexMin, Level, Percent, StaleAfter};
        match self {
            Rule::Technical => &[(StaleAfter, May), (Amounts, May)],
            Rule::LimitExceededInHorizon => &[(Days, Must)],
            Rule::ComponentLimitExceeded => &[(Component, Must), (Amounts, Must)],
            Rule::CountryCapExceeded => &[(Country, Must), (Amounts, Must)],
            Rule::OrderValueExceeded => &[(Amounts, May)],
            Rule::ReviewOverdue | Rule::InsuranceLapsed => &[(Days, May)],
            Rule::DiscountExceeded | Rule::OrderPatternDeviation | Rule::WatchBand => &[(Percent, Must)],
            Rule::OverdueDaysExceeded => &[(Days, Must), (Amounts, May)],
            Rule::OverdueAmountExceeded => &[(Amounts, Must), (Percent, Must)],
            Rule::OverdueShareExceeded => &[(Percent, Must), (Days, Must)],
            Rule::DunningLevelExceeded => &[(Level, Must)],
            Rule::PaymentIndexBelowMinimum => &[(IndexMin, Must)],
            _ => &[],
        }
    }
}

/// A kind of threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// A number of days.
    Days,
    /// An amount for each currency.
    Amounts,
    /// A share.
    Percent,
    /// A level.
    Level,
    /// A least index.
    IndexMin,
    /// A part of the exposure.
    Component,
    /// A country.
    Country,
    /// How old what is known of each context may be.
    StaleAfter,
}

/// Whether a row of a rule has a threshold. A row that is off needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It may be left out.
    May,
    /// It is needed.
    Must,
}

/// What a rule does when it does not hold, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Refuses the order: nothing waits.
    Reject,
    /// Stops the order until a person lets it pass or room is made.
    Block,
    /// Lets it go, with a warning.
    Warn,
    /// Notes it.
    Info,
    /// Is not asked.
    Off,
}

impl Action {
    /// Whether the order does not go.
    pub fn stops(self) -> bool {
        matches!(self, Action::Reject | Action::Block)
    }
}

/// How something is compared with what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparator {
    /// Equality passes.
    #[default]
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

    /// Whether a value passes against a threshold.
    pub fn passes<T: PartialOrd + Copy>(self, value: T, threshold: T) -> bool {
        match self {
            Comparator::AtMost => value <= threshold,
            Comparator::Below => value < threshold,
        }
    }
}
