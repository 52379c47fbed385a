//! What an order itself asks for: its value, terms and discount.

use super::{Case, Found};
use crate::decision::Measure;
use crate::policy::Rule;

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
}
