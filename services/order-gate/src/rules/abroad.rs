//! What an account owes in currencies that are not its own: converted, summed, and rounded up once (rule 3.12).

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::Currency;

use super::{PoolAsked, pool};
use crate::commitment::Reserved;
use crate::decision::{Foreign, PoolSeen};
use crate::exposure::{Due, Exposure, LeftOut, Overflow};
use crate::fx::{exact_product, exact_sum, rounded_up};

/// What an account owes in a currency that is not its own, without the order.
#[derive(Debug, Clone)]
pub struct Abroad<'a> {
    /// The currency of its amounts.
    pub currency: Currency,
    /// Minor units of the account's currency for one of this.
    pub factor: Decimal,
    /// What is open, by due date.
    pub schedule: &'a [Due],
    /// Credit not yet allocated.
    pub unapplied_credit: i64,
    /// What the account's other orders reserve.
    pub others: Reserved,
    /// The part of it that ships within the horizon, and what is delivered.
    pub others_in_horizon: Reserved,
}

/// What an account owes, without an order.
#[derive(Debug)]
pub(crate) struct Owed {
    /// In its currency.
    pub(crate) exposure: Exposure,
    /// In others.
    pub(crate) foreign: Vec<Foreign>,
    /// Together with the others of its groups.
    pub(crate) pools: Vec<PoolSeen>,
}

/// What an account owes on a day; `at_home` is what it owes in its own currency with nothing left out.
pub(crate) fn owed(
    at_home: Exposure,
    (abroad, pools): (&[Abroad<'_>], &[PoolAsked]),
    on: (NaiveDate, LeftOut),
) -> Result<Owed, Overflow> {
    let foreign = foreign(abroad, None, on)?;
    let elsewhere = elsewhere(foreign.iter().map(|foreign| (foreign.before, foreign.factor)))?;
    let exposure = at_home.without(on.1).and_elsewhere(elsewhere)?;
    let pools = pool::seen(pools, (&exposure, &exposure), &foreign)?;
    Ok(Owed { exposure, foreign, pools })
}

/// What is owed in each other currency without an order, and with it where it is in that currency.
pub(super) fn foreign(
    abroad: &[Abroad<'_>],
    order: Option<(Currency, Reserved)>,
    on: (NaiveDate, LeftOut),
) -> Result<Vec<Foreign>, Overflow> {
    let foreign = abroad.iter().map(|abroad| {
        let before = abroad.exposure(abroad.others, on)?;
        let added = order.filter(|(currency, _)| *currency == abroad.currency);
        let added = added.map_or_else(Reserved::default, |(_, reserved)| reserved);
        Ok(Foreign { currency: abroad.currency, factor: abroad.factor, before, after: before.with(added)? })
    });
    foreign.collect()
}

/// Net exposure in other currencies, converted, summed and rounded up once.
pub(super) fn elsewhere(exposures: impl Iterator<Item = (Exposure, Decimal)>) -> Result<i64, Overflow> {
    let mut sum = Decimal::ZERO;
    for (exposure, factor) in exposures {
        sum = exact_sum(sum, exact_product(exposure.net()?.into(), factor)?)?;
    }
    rounded_up(sum)
}

impl Abroad<'_> {
    /// The exposure with so much reserved.
    pub(super) fn exposure(
        &self,
        reserved: Reserved,
        (today, left_out): (NaiveDate, LeftOut),
    ) -> Result<Exposure, Overflow> {
        Ok(Exposure::on(today, self.schedule, self.unapplied_credit, reserved)?.without(left_out))
    }
}
