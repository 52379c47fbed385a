//! What is past due, how much of it and for how long; how far dunning has come; and how promptly was paid so far.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use weir_model::days_past_due;

use super::{Case, Found, PERCENT_SCALE};
use crate::decision::Measure;
use crate::exposure::{Due, Exposure, Overflow};
use crate::fx::rounded_up;
use crate::policy::{Rule, RuleRow};

/// Sum of what has been past due for more than a number of days.
fn overdue_beyond(schedule: &[Due], today: NaiveDate, days_max: i64) -> i128 {
    let late = schedule.iter().filter(|due| days_past_due(due.date, today) > days_max);
    late.map(|due| i128::from(due.open)).sum()
}

/// How many days the oldest open item is past due; 0 when none is.
pub(crate) fn oldest_overdue_days(schedule: &[Due], today: NaiveDate) -> i32 {
    let oldest = schedule.iter().filter(|due| due.open > 0).map(|due| days_past_due(due.date, today)).max();
    i32::try_from(oldest.unwrap_or_default().max(0)).unwrap_or(i32::MAX)
}

impl Case<'_> {
    pub(super) fn overdue(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        self.overdue_days(found)?;
        self.overdue_amount(found)?;
        self.overdue_share(found)?;
        let level = self.question.conduct.map_or(0, |conduct| conduct.dunning_level);
        if let Some(row) = self.row(Rule::DunningLevelExceeded)
            && let Some(most) = row.level
            && !row.comparator.passes(level, most)
        {
            found.push(Found {
                value: Some(Measure::Level(level)),
                threshold: Some(Measure::Level(most)),
                ..Found::plain(row, self.required, "the account's dunning level is too high")
            });
        }
        Ok(())
    }

    /// An account without an index is not judged by it.
    pub(super) fn payment_index(&self, found: &mut Vec<Found>) {
        let row = self.row(Rule::PaymentIndexBelowMinimum);
        let (Some(row), Some(index)) = (row, self.question.payment_index) else { return };
        if let Some(least) = row.index_min
            && !row.comparator.passes(least, index)
        {
            found.push(Found {
                value: Some(Measure::Index(index)),
                threshold: Some(Measure::Index(least)),
                ..Found::plain(row, self.required, "the account has paid too late so far")
            });
        }
    }

    /// What the row says has been past due for too long, in all currencies.
    fn late(&self, row: &RuleRow) -> Result<Decimal, Overflow> {
        let (question, most) = (self.question, row.comparator.most(row.days.unwrap_or(0).into()).max(0));
        let late = |schedule| overdue_beyond(schedule, question.today, most);
        self.in_all(late(question.schedule), |index| question.abroad.get(index).map_or(0, |a| late(a.schedule)))
    }

    /// How many days the oldest item in whichever currency is past due.
    fn oldest_days(&self) -> i32 {
        let abroad = self.question.abroad.iter().map(|abroad| abroad.schedule);
        let days = std::iter::once(self.question.schedule).chain(abroad);
        days.map(|schedule| oldest_overdue_days(schedule, self.question.today)).max().unwrap_or(0)
    }

    fn overdue_days(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let Some(row) = self.row(Rule::OverdueDaysExceeded) else { return Ok(()) };
        let late = rounded_up(self.late(row)?)?;
        let tolerance = row.amount(self.question.currency).unwrap_or(0);
        if late > tolerance {
            let days = row.days.unwrap_or(0);
            let message = format!("items have been past due for more than {days} days");
            found.push(Found {
                value: Some(Measure::Days(self.oldest_days())),
                threshold: Some(Measure::Days(days)),
                shortfall: Some(late.saturating_sub(tolerance)),
                ..Found::plain(row, self.required, message)
            });
        }
        Ok(())
    }

    /// Too much is overdue, and too much of the limit is used as well. Where there is no limit any exposure is too much.
    fn overdue_amount(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let Some(row) = self.row(Rule::OverdueAmountExceeded) else { return Ok(()) };
        let (Some(most), Some(percent)) = (row.amount(self.question.currency), row.percent) else { return Ok(()) };
        let Some(limit) = self.limit.amount() else { return Ok(()) };
        let overdue = rounded_up(self.as_it_is(|exposure| exposure.overdue)?)?;
        let used = Decimal::from(self.net_after) * Decimal::ONE_HUNDRED;
        let allowed = percent.checked_mul(Decimal::from(limit)).unwrap_or(Decimal::MAX);
        if !row.comparator.passes(overdue, most) && !row.comparator.passes(used, allowed) {
            let message = format!("too much is overdue while more than {percent} % of the limit is used");
            let failure = Found::amounts(row, overdue, most, message);
            found.push(Found { excess: self.required, ..failure });
        }
        Ok(())
    }

    /// A figure of the exposure without the order, in all currencies.
    fn as_it_is(&self, figure: impl Fn(&Exposure) -> i64) -> Result<Decimal, Overflow> {
        self.in_all(figure(&self.before).into(), |index| {
            self.foreign.get(index).map_or(0, |f| figure(&f.before).into())
        })
    }

    fn overdue_share(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let Some(row) = self.row(Rule::OverdueShareExceeded) else { return Ok(()) };
        let (Some(percent), open) = (row.percent, self.as_it_is(Exposure::open)?) else { return Ok(()) };
        let late = self.late(row)?.checked_mul(Decimal::ONE_HUNDRED).ok_or(Overflow)?;
        let allowed = percent.checked_mul(open).unwrap_or(Decimal::MAX);
        if open > Decimal::ZERO && !row.comparator.passes(late, allowed) {
            let share = late.checked_div(open).unwrap_or(Decimal::ONE_HUNDRED);
            let share = share.round_dp_with_strategy(PERCENT_SCALE, RoundingStrategy::MidpointNearestEven);
            let days = row.days.unwrap_or(0);
            let message = format!("too large a share of what is open has been past due for more than {days} days");
            found.push(Found {
                value: Some(Measure::Percent(share)),
                threshold: Some(Measure::Percent(percent)),
                ..Found::plain(row, self.required, message)
            });
        }
        Ok(())
    }
}
