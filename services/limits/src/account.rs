//! A credit account: everything that is known of what a customer may owe.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Country, Currency, LimitId, Money, MoneyError, PolicyId};

use crate::{
    freeze::Freeze,
    grade::{GradeRecord, Outlook},
    group::Membership,
    in_force::{InForce, in_force},
    insurance::{self, Insurance},
    limit::{self, Limit, Standing, StandingLimit, standing_on},
    policy::OrderPolicy,
    temporary::{self, TemporaryLimit},
};

/// A customer as far as it may owe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreditAccount {
    pub(crate) account_id: AccountId,
    /// Goes up by one with each change.
    pub(crate) version: i64,
    pub(crate) currency: Currency,
    /// Part of the business; empty for the whole.
    pub(crate) segment: String,
    /// Country it is registered in; none where nobody told it.
    pub(crate) country: Option<Country>,
    pub(crate) membership: Option<Membership>,
    pub(crate) grade: Option<GradeRecord>,
    pub(crate) terms_days: i64,
    pub(crate) order_policy: Option<OrderPolicy>,
    pub(crate) policy_id: Option<PolicyId>,
    /// Every freeze there was, oldest first.
    pub(crate) freezes: Vec<Freeze>,
    /// Every limit ever granted.
    pub(crate) limits: Vec<StandingLimit>,
    /// Every temporary limit ever granted.
    pub(crate) temporary_limits: Vec<TemporaryLimit>,
    /// Every credit insurance there was.
    pub(crate) insurances: Vec<Insurance>,
    pub(crate) opened_at: DateTime<Utc>,
}

impl CreditAccount {
    /// The freeze that is not lifted.
    pub(crate) fn freeze(&self) -> Option<&Freeze> {
        self.freezes.iter().find(|freeze| !freeze.is_lifted())
    }

    /// The limit in force on a day.
    pub(crate) fn in_force(&self, as_of: NaiveDate) -> Result<InForce, MoneyError> {
        in_force(self.currency, &self.limits, &self.temporary_limits, &self.freezes, as_of)
    }

    /// Whether a granted limit is the one that holds on a day.
    pub(crate) fn holds(&self, limit_id: &LimitId, on: NaiveDate) -> bool {
        matches!(standing_on(&self.limits, on), Standing::Holds(limit) if limit.limit_id == *limit_id)
    }

    /// Whether temporary limits on top of a limit stay within what an amount can hold.
    pub(crate) fn can_carry(&self, limit: Limit, today: NaiveDate) -> bool {
        temporary::relevant_on(&self.temporary_limits, today).iter().all(|over| over.overlay.over(limit).is_ok())
    }

    /// Refuses what could not be told on some day from today: a temporary limit on top of one no amount can hold.
    pub(crate) fn check_amounts(&self, today: NaiveDate) -> Result<(), MoneyError> {
        let starts = self.limits.iter().map(|limit| limit.period.from);
        let overlays = self.temporary_limits.iter().map(|limit| limit.from);
        for start in starts.chain(overlays).chain([today]).filter(|start| *start >= today) {
            in_force(self.currency, &self.limits, &self.temporary_limits, &[], start)?;
        }
        Ok(())
    }

    /// What was granted, as a new grade sees it.
    pub(crate) fn outlook(&self, today: NaiveDate) -> Outlook {
        let in_force = match standing_on(&self.limits, today) {
            Standing::Never => Limit::None,
            Standing::Expired { .. } => Limit::Amount(Money::zero(self.currency)),
            Standing::Holds(limit) => limit.limit,
        };
        let later = limit::relevant_on(&self.limits, today).iter().any(|limit| limit.period.from > today);
        let more_granted = later || !temporary::relevant_on(&self.temporary_limits, today).is_empty();
        Outlook { in_force, more_granted }
    }

    /// The same account without what no longer matters on a day: what is told to others.
    #[must_use]
    pub(crate) fn without_past(mut self, date: NaiveDate) -> Self {
        self.limits = limit::relevant_on(&self.limits, date);
        self.temporary_limits = temporary::relevant_on(&self.temporary_limits, date);
        self.insurances = insurance::relevant_on(&self.insurances, date);
        self.freezes.retain(|freeze| !freeze.is_lifted());
        self
    }
}
