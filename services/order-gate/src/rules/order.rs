//! What an order itself asks for: its value, terms and discount.

use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use super::{Case, Found};
use crate::decision::Measure;
use crate::exposure::Overflow;
use crate::policy::Rule;

/// The whole in hundredths of a percent: a share of the policy has two decimals.
const WHOLE: i128 = 10_000;

impl Case<'_> {
    pub(super) fn order(&self, found: &mut Vec<Found>) {
        let question = self.question;
        if let Some(row) = self.row(Rule::OrderValueExceeded)
            && let Some(max) = row.amount(question.currency)
            && !row.comparator.passes(self.value, max)
        {
            found.push(Found::amounts(row, self.value, max, "the order is worth more than one order may be"));
        }
        // an order without terms of its own gets those granted
        let granted = question.credit.map(|credit| credit.terms_days).filter(|_| question.terms_days > 0);
        if let (Some(row), Some(granted)) = (self.row(Rule::TermsExceeded), granted)
            && !row.comparator.passes(question.terms_days, granted)
        {
            found.push(Found {
                value: Some(Measure::Days(question.terms_days)),
                threshold: Some(Measure::Days(granted)),
                ..Found::plain(row, self.required, "the order's terms are longer than those granted")
            });
        }
        if let Some(row) = self.row(Rule::DiscountExceeded)
            && let (Some(discount), Some(granted)) = (question.discount_percent, row.percent)
            && !row.comparator.passes(discount, granted)
        {
            found.push(Found {
                value: Some(Measure::Percent(discount)),
                threshold: Some(Measure::Percent(granted)),
                ..Found::plain(row, self.required, "the order's discount is above the one granted")
            });
        }
    }

    /// Compared exactly with the average, either way.
    pub(super) fn order_pattern(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let (question, row) = (self.question, self.row(Rule::OrderPatternDeviation));
        let (Some(row), Some(orders)) = (row, question.pattern.filter(|orders| orders.count > 0)) else {
            return Ok(());
        };
        let Some(share) = row.percent.and_then(|percent| (percent * Decimal::ONE_HUNDRED).to_i128()) else {
            return Ok(());
        };
        let (value, count) = (question.value()?, i128::from(orders.count));
        // both as many times the average as there are orders, in hundredths of a percent
        let away = (i128::from(value).checked_mul(count).ok_or(Overflow)? - orders.value)
            .checked_mul(WHOLE)
            .ok_or(Overflow)?;
        let allowed = orders.value.checked_mul(share).ok_or(Overflow)?;
        if row.comparator.passes(away.abs(), allowed) {
            return Ok(());
        }
        let is_more = away > 0;
        let bound = orders.value.checked_mul(WHOLE + if is_more { share } else { -share }).ok_or(Overflow)?;
        // the most, or the least, of whole minor units
        let (bound, parts) = (bound.max(0), WHOLE * count);
        let bound = if is_more { bound.div_euclid(parts) } else { -(-bound).div_euclid(parts) };
        let bound = i64::try_from(bound).map_err(|_| Overflow)?;
        let currency = (question.order_currency != question.currency).then_some(question.order_currency);
        let way = if is_more { "more" } else { "less" };
        let message =
            format!("the order is worth much {way} than the {} of the last three months on average", orders.count);
        found.push(Found {
            value: Some(Measure::Amount(value)),
            threshold: Some(Measure::Amount(bound)),
            shortfall: Some(value.saturating_sub(row.comparator.most(bound))).filter(|more| *more > 0),
            currency,
            ..Found::plain(row, self.required, message)
        });
        Ok(())
    }
}
