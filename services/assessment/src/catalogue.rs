//! The names the system knows: which facts it understands and of what kind, and which inputs it computes itself.
//!
//! Names outside this list are free: a scorecard may score any fact it likes.

use rust_decimal::Decimal;

use crate::value::ValueKind;

/// Longest name of a fact, factor or dimension, in characters.
pub const NAME_LENGTH_MAX: usize = 64;

/// How a known name comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// A fact of this kind.
    Fact(ValueKind),
    /// A number of a financial statement, with a period.
    Statement,
    /// Computed: nobody may type it.
    Computed,
}

/// Facts of a kind of their own.
const FACTS: &[(&str, ValueKind)] = &[
    ("registration_status", ValueKind::Text),
    ("registration_verified", ValueKind::Flag),
    ("registered_capital", ValueKind::Number),
    ("established_date", ValueKind::Date),
    ("ownership_type", ValueKind::Text),
    ("qualification_count", ValueKind::Number),
    ("litigation_count", ValueKind::Number),
    ("penalty_count", ValueKind::Number),
    ("related_party_risk", ValueKind::Text),
    ("bureau_rating", ValueKind::Text),
    ("dishonest_debtor", ValueKind::Flag),
    ("insolvency", ValueKind::Flag),
    (COUNTRY_RATING, ValueKind::Number),
];

/// The rating of an account's country, 0 (worst) to 100 (best).
pub const COUNTRY_RATING: &str = "country_rating";

/// Least and greatest number of a fact, where it is a scale; none for any number.
pub fn bounds(name: &str) -> Option<(Decimal, Decimal)> {
    (name == COUNTRY_RATING).then_some((Decimal::ZERO, Decimal::ONE_HUNDRED))
}

/// Figures of a financial statement, in major units of the account's currency.
pub const STATEMENT: &[&str] = &[
    "total_assets",
    "current_assets",
    "total_liabilities",
    "current_liabilities",
    "retained_earnings",
    "total_equity",
    "market_equity",
    "revenue",
    "gross_profit",
    "ebit",
    "net_profit",
    "operating_cash_flow",
    "tangible_net_worth",
];

/// What the system computes itself: nobody types how an account pays.
pub const COMPUTED: &[&str] = &[
    // the profile
    "country",
    "industry",
    "cross_border",
    "country_risk",
    // other facts
    "years_established",
    // what receivables knows
    "trading_length_months",
    "orders_per_month",
    "average_order_value",
    "on_time_percent",
    "weighted_days_beyond_terms",
    "payment_index",
    "overdue_item_count",
    "overdue_item_percent",
    "days_past_due_max",
    "overdue_amount",
    // what the order gate knows
    "fulfilment_rate_percent",
    // financial statements
    "debt_to_assets",
    "debt_to_assets_change",
    "current_ratio",
    "operating_cash_flow_ratio",
    "gross_margin_percent",
    "net_margin_percent",
    "revenue_growth_percent",
    "altman_z",
    "altman_z_zone",
    "altman_z_private",
    "altman_z_private_zone",
    "altman_z_general",
    "altman_z_general_zone",
    "altman_z_emerging",
    "altman_z_emerging_zone",
];

/// Sources that are the system's own.
pub const OWN_SOURCES: &[&str] = &["receivables", "order_gate", "statements", "profile"];

/// What the system knows of a name; none for a free one.
pub fn known(name: &str) -> Option<Known> {
    if STATEMENT.contains(&name) {
        return Some(Known::Statement);
    }
    if COMPUTED.contains(&name) || name.strip_prefix(PREVIOUS).is_some_and(|rest| STATEMENT.contains(&rest)) {
        return Some(Known::Computed);
    }
    FACTS.iter().find(|(fact, _)| *fact == name).map(|(_, kind)| Known::Fact(*kind))
}

/// Before a statement figure's name: the figure of the period before.
pub const PREVIOUS: &str = "previous_";

/// Whether a text may be a name: a lower-case letter, then lower-case letters, digits and underscores.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_LENGTH_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether a text may be a code: a capital letter, then capital letters, digits and underscores.
pub fn is_code(text: &str) -> bool {
    text.len() <= NAME_LENGTH_MAX
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
