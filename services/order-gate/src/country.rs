//! What the accounts of each country owe together (rule 5.4): running figures, so that a change of an account costs one
//! step.
//!
//! Counted as in a group's pool: net, not below zero, and whole. An account whose country nobody told counts nowhere.

use std::sync::Arc;

use weir_model::{Country, Currency};

use crate::pool::{Amounts, Waiting, add};

/// What an account's exposure adds to its country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stake {
    pub(crate) country: Country,
    pub(crate) amounts: Amounts,
}

/// A country with its running figures, in minor units by currency.
#[derive(Debug, Clone, Default)]
pub struct CountryTotal {
    /// What the accounts owe that this process decides for.
    here: Amounts,
    /// What those owe that other processes decide for, as they last told it; nothing while one decides for all.
    elsewhere: Amounts,
    /// Orders its cap stops.
    pub(crate) waiting: Arc<Waiting>,
}

impl CountryTotal {
    /// What all its accounts owe in each currency. In minor units.
    pub(crate) fn total(&self) -> Amounts {
        let mut total = self.here.clone();
        self.elsewhere.iter().for_each(|(currency, amount)| add(&mut total, *currency, *amount));
        total
    }

    /// What those accounts owe that this process decides for.
    pub(crate) fn here(&self) -> &[(Currency, i128)] {
        &self.here
    }

    /// Notes what those owe that other processes decide for; whether some of it is less than before.
    pub(crate) fn put_elsewhere(&mut self, amounts: Amounts) -> bool {
        let is_less = |(currency, amount): &(Currency, i128)| {
            amounts.iter().find(|(known, _)| known == currency).map_or(0, |(_, amount)| *amount) < *amount
        };
        let fell = self.elsewhere.iter().any(is_less);
        self.elsewhere = amounts;
        fell
    }

    fn add(&mut self, amounts: &[(Currency, i128)], sign: i128) {
        amounts.iter().for_each(|(currency, amount)| add(&mut self.here, *currency, sign * amount));
    }
}

/// Where countries are looked up.
pub(crate) trait Countries {
    /// A country, as far as anything is known of it.
    fn country(&self, country: Country) -> Option<&CountryTotal>;
}

/// Where countries are kept.
pub(crate) trait CountriesMut: Countries {
    /// A country to be changed; one nobody is of owes nothing.
    fn country_mut(&mut self, country: Country) -> &mut CountryTotal;
}

/// What an account adds to its country changes: its country may be another. The country in which room came free, if any.
pub(crate) fn shift(
    countries: &mut impl CountriesMut,
    before: Option<&Stake>,
    after: Option<&Stake>,
) -> Option<Country> {
    if before == after {
        return None;
    }
    if let Some(stake) = before {
        countries.country_mut(stake.country).add(&stake.amounts, -1);
    }
    if let Some(stake) = after {
        countries.country_mut(stake.country).add(&stake.amounts, 1);
    }
    let before = before?;
    let after = after.filter(|after| after.country == before.country);
    let still = |currency| {
        let amounts = after.map_or(&[][..], |after| &after.amounts);
        amounts.iter().find(|(known, _)| *known == currency).map_or(0, |(_, amount)| *amount)
    };
    before.amounts.iter().any(|(currency, amount)| still(*currency) < *amount).then_some(before.country)
}
