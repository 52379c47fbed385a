//! Who an account is, as far as assessing it needs.

use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Currency, Money};

/// Who an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The account.
    pub account_id: AccountId,
    /// Name in the public register.
    pub legal_name: String,
    /// Country of registration, ISO 3166-1 alpha-2.
    pub country: String,
    /// Industry code; empty when not known.
    pub industry: String,
    /// Whether deliveries cross a border: then a country rating is needed.
    pub cross_border: bool,
    /// Currency of limits and amounts.
    pub currency: Currency,
    /// Limit asked for, positive.
    pub requested_limit: Option<Money>,
    /// What the account is expected to buy a day, positive.
    pub daily_sales: Option<Money>,
}
