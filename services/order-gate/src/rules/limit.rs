//! Exposure against the limit, as a whole and in parts.

use chrono::Days;
use rust_decimal::Decimal;

use super::{Case, Found, elsewhere, utilisation};
use crate::commitment::Reserved;
use crate::decision::Measure;
use crate::exposure::{Component, Exposure, Overflow};
use crate::fx::rounded_up;
use crate::policy::Rule;
use crate::standing::LimitInForce;

impl Case<'_> {
    pub(super) fn limit(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        self.components(found)?;
        let Some(limit) = self.limit.amount() else { return Ok(()) };
        if !self.whole(limit, found) {
            self.watch_band(limit, found);
        }
        self.horizon(limit, found)
    }

    /// What is over the limit already is not this order's doing.
    fn capped(&self, failure: Found) -> Found {
        Found { excess: failure.excess.min(self.required), ..failure }
    }

    /// The whole of it; whether it is too much.
    fn whole(&self, limit: i64, found: &mut Vec<Found>) -> bool {
        let (rule, message) = match self.limit {
            LimitInForce::Missing => (Rule::LimitMissing, "the account has no limit".to_owned()),
            LimitInForce::Expired(on) => (Rule::LimitExpired, format!("the limit ended on {on}")),
            _ => (Rule::LimitExceeded, "exposure with the order exceeds the limit".to_owned()),
        };
        let Some(row) = self.row(rule) else { return false };
        let exceeded = !row.comparator.passes(self.net_after, limit);
        if exceeded {
            found.push(self.capped(Found::amounts(row, self.net_after, limit, message)));
        }
        exceeded
    }

    /// Compared exactly; what is shown is rounded.
    fn watch_band(&self, limit: i64, found: &mut Vec<Found>) {
        let Some(row) = self.row(Rule::WatchBand).filter(|_| limit > 0) else { return };
        let Some(band) = row.percent else { return };
        // two factors below 2^64 and one below 1,000 fit a decimal's 96 bits
        let used = Decimal::from(self.net_after) * Decimal::ONE_HUNDRED;
        let allowed = band.checked_mul(Decimal::from(limit)).unwrap_or(Decimal::MAX);
        if !row.comparator.passes(used, allowed) {
            found.push(Found {
                value: utilisation(self.net_after, self.limit).map(Measure::Percent),
                threshold: Some(Measure::Percent(band)),
                ..Found::plain(row, self.required, "utilisation with the order reaches the watch band")
            });
        }
    }

    /// What ships soon, what is delivered and what is invoiced; an order that ships later is not asked yet.
    fn horizon(&self, limit: i64, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let question = self.question;
        let Some(row) = self.row(Rule::LimitExceededInHorizon) else { return Ok(()) };
        let last = last_day(question.today, row.days);
        if question.ship_date.is_some_and(|ships| ships > last) {
            return Ok(());
        }
        let order_in = |currency| if currency == question.order_currency { self.order } else { Reserved::default() };
        let on = (question.today, question.policy.left_out);
        let abroad = question.abroad.iter().map(|abroad| {
            let soon = abroad.exposure(abroad.others_in_horizon, on)?.with(order_in(abroad.currency))?;
            Ok((soon, abroad.factor))
        });
        let abroad: Vec<_> = abroad.collect::<Result<_, Overflow>>()?;
        let (schedule, unapplied) = (question.schedule, question.unapplied_credit);
        let soon = Exposure::on(question.today, schedule, unapplied, question.others_in_horizon)?;
        let soon = soon.without(question.policy.left_out).with(order_in(question.currency))?;
        let net = soon.and_elsewhere(elsewhere(abroad.into_iter())?)?.net()?;
        if !row.comparator.passes(net, limit) {
            let message = format!("exposure up to {last} with the order exceeds the limit");
            found.push(self.capped(Found::amounts(row, net, limit, message)));
        }
        Ok(())
    }

    fn components(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let question = self.question;
        for component in Component::ALL {
            let row = question.policy.component_limit(component, question.subject(), question.checkpoint);
            let Some((row, most)) = row.and_then(|row| Some((row, row.amount(question.currency)?))) else { continue };
            let abroad = |index: usize| self.foreign.get(index).map_or(0, |f| f.after.component(component).into());
            let amount = rounded_up(self.in_all(self.after.component(component).into(), abroad)?)?;
            if !row.comparator.passes(amount, most) {
                let message = format!("{} exceeds its own limit", component.as_str());
                found.push(self.capped(Found::amounts(row, amount, most, message)));
            }
        }
        Ok(())
    }
}

/// The last day of a horizon.
pub(crate) fn last_day(today: chrono::NaiveDate, days: Option<i32>) -> chrono::NaiveDate {
    let days = Days::new(u64::try_from(days.unwrap_or(0)).unwrap_or(0));
    today.checked_add_days(days).unwrap_or(chrono::NaiveDate::MAX)
}
