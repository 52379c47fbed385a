//! What is past due, how much of it and for how long; and how far dunning has come.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use weir_model::days_past_due;

use super::{Case, Found, PERCENT_SCALE};
use crate::decision::Measure;
use crate::exposure::{Due, Overflow};
use crate::policy::{Rule, RuleRow};

/// Sum of what has been past due for more than a number of days.
fn overdue_beyond(schedule: &[Due], today: NaiveDate, days_max: i64) -> Result<i64, Overflow> {
    let late = schedule.iter().filter(|due| days_past_due(due.date, today) > days_max);
    i64::try_from(late.map(|due| i128::from(due.open)).sum::<i128>()).map_err(|_| Overflow)
}

/// How many days the oldest open item is past due; 0 when none is.
pub(crate) fn oldest_overdue_days(schedule: &[Due], today: NaiveDate) -> i32 {
    let oldest = schedule.iter().filter(|due| due.open > 0).map(|due| days_past_due(due.date, today)).max();
    i32::try_from(oldest.unwrap_or_default().max(0)).unwrap_or(i32::MAX)
}

impl Case<'_> {
    pub(super) fn overdue(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        self.overdue_days(found)?;
        self.overdue_amount(found);
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

    /// What the row says has been past due for too long.
    fn late(&self, row: &RuleRow) -> Result<i64, Overflow> {
        let most = row.comparator.most(row.days.unwrap_or(0).into()).max(0);
        overdue_beyond(self.question.schedule, self.question.today, most)
    }

    fn overdue_days(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let Some(row) = self.row(Rule::OverdueDaysExceeded) else { return Ok(()) };
        let late = self.late(row)?;
        let tolerance = row.amount(self.question.currency).unwrap_or(0);
        if late > tolerance {
            let days = row.days.unwrap_or(0);
            let message = format!("items have been past due for more than {days} days");
            found.push(Found {
                value: Some(Measure::Days(oldest_overdue_days(self.question.schedule, self.question.today))),
                threshold: Some(Measure::Days(days)),
                shortfall: Some(late.saturating_sub(tolerance)),
                ..Found::plain(row, self.required, message)
            });
        }
        Ok(())
    }

    /// Too much is overdue, and too much of the limit is used as well. Where there is no limit any exposure is too much.
    fn overdue_amount(&self, found: &mut Vec<Found>) {
        let Some(row) = self.row(Rule::OverdueAmountExceeded) else { return };
        let (Some(most), Some(percent)) = (row.amount(self.question.currency), row.percent) else { return };
        let Some(limit) = self.limit.amount() else { return };
        let used = Decimal::from(self.net_after) * Decimal::ONE_HUNDRED;
        let allowed = percent.checked_mul(Decimal::from(limit)).unwrap_or(Decimal::MAX);
        if !row.comparator.passes(self.before.overdue, most) && !row.comparator.passes(used, allowed) {
            let message = format!("too much is overdue while more than {percent} % of the limit is used");
            let failure = Found::amounts(row, self.before.overdue, most, message);
            found.push(Found { excess: self.required, ..failure });
        }
    }

    fn overdue_share(&self, found: &mut Vec<Found>) -> Result<(), Overflow> {
        let Some(row) = self.row(Rule::OverdueShareExceeded) else { return Ok(()) };
        let (Some(percent), open) = (row.percent, self.before.open()) else { return Ok(()) };
        let late = Decimal::from(self.late(row)?) * Decimal::ONE_HUNDRED;
        let allowed = percent.checked_mul(Decimal::from(open)).unwrap_or(Decimal::MAX);
        if open > 0 && !row.comparator.passes(late, allowed) {
            let share = late.checked_div(Decimal::from(open)).unwrap_or(Decimal::ONE_HUNDRED);
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
