//! What the accounts of a country owe together, against its cap (rule 5.4).

use rust_decimal::Decimal;
use smallvec::SmallVec;
use weir_model::{Country, Currency};

use super::{Case, Found, Question, pool::together};
use crate::decision::{CountrySeen, Foreign};
use crate::exposure::{Exposure, Overflow};
use crate::policy::RuleRow;

/// A country an order counts in, with what the others of it owe.
#[derive(Debug, Clone)]
pub struct CountryAsked {
    /// The country.
    pub country: Country,
    /// The cap's currency.
    pub currency: Currency,
    /// What all but this account owe: unrounded minor units of the cap's currency.
    pub others: Decimal,
    /// Minor units of the cap's currency for one of the account's, then for one of each currency abroad; 0 where nothing
    /// counts in it.
    pub factors: SmallVec<[Decimal; 2]>,
}

impl Question<'_> {
    /// The row that caps the account's country.
    fn country_row(&self) -> Option<&RuleRow> {
        self.policy.country_cap(self.country?.country, self.subject(), self.checkpoint)
    }
}

/// The country without the order and with it.
pub(super) fn seen(
    question: &Question<'_>,
    (before, after): (&Exposure, &Exposure),
    foreign: &[Foreign],
) -> Result<Option<Box<CountrySeen>>, Overflow> {
    let Some(asked) = question.country else { return Ok(None) };
    let sums = (asked.others, &asked.factors[..]);
    Ok(Some(Box::new(CountrySeen {
        country: asked.country,
        currency: asked.currency,
        cap: question.country_row().and_then(|row| row.amount(asked.currency)),
        others: asked.others,
        factors: asked.factors.to_vec(),
        before: together(sums, before, foreign.iter().map(|foreign| &foreign.before))?,
        after: together(sums, after, foreign.iter().map(|foreign| &foreign.after))?,
    })))
}

impl Case<'_> {
    pub(super) fn country(&self, found: &mut Vec<Found>) {
        let (Some(row), Some(seen)) = (self.question.country_row(), &self.country) else { return };
        let Some(cap) = seen.cap else { return };
        if row.comparator.passes(seen.after, cap) {
            return;
        }
        let message = format!("exposure in country {} with the order exceeds its cap", seen.country);
        let failure = Found::amounts(row, seen.after, cap, message);
        let is_same = seen.currency == self.question.currency;
        found.push(Found {
            // how much of another currency that is cannot be told exactly: all the order asks for
            excess: if is_same { failure.excess.min(self.required) } else { self.required },
            country: Some(seen.country),
            currency: (!is_same).then_some(seen.currency),
            ..failure
        });
    }
}
