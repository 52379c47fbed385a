//! Whether an order may go, and every reason why not (rules 5.1 to 5.5). Pure: knows neither clock nor storage; the
//! business date is part of the question. All amounts of a question are minor units of one currency.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use weir_model::{Currency, days_past_due};

use crate::commitment::{Line, Reserved};
use crate::decision::{Failure, Measure, Outcome, Verdict};
use crate::exposure::{Due, Exposure, Overflow};
use crate::order::Checkpoint;
use crate::policy::{Action, Policy, Rule};
use crate::standing::{Conduct, Credit, LimitInForce, Review};
use crate::ways_out;

/// Decimals of a utilisation in percent.
const PERCENT_SCALE: u32 = 2;

/// Whether an order may go: everything the answer depends on.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// What limits say of the account; none when they never spoke of it.
    pub credit: Option<&'a Credit>,
    /// What collections say of it.
    pub conduct: Option<&'a Conduct>,
    /// What is open, by due date.
    pub schedule: &'a [Due],
    /// Credit not yet allocated.
    pub unapplied_credit: i64,
    /// What the account's other orders reserve.
    pub others: Reserved,
    /// The order's lines, with what happened to them.
    pub lines: &'a [Line],
    /// Part of the order's value paid in advance.
    pub prepaid: i64,
    /// The currency of every amount.
    pub currency: Currency,
    /// Where in the order's life.
    pub checkpoint: Checkpoint,
    /// The business date.
    pub today: NaiveDate,
    /// What the gate goes by.
    pub policy: &'a Policy,
    /// Which rules cannot stop it.
    pub grace: Grace,
}

impl Question<'_> {
    /// The order's gross value.
    pub(crate) fn value(&self) -> Result<i64, Overflow> {
        value_of(self.lines)
    }
}

/// What lines are worth.
pub(crate) fn value_of(lines: &[Line]) -> Result<i64, Overflow> {
    i64::try_from(lines.iter().map(|line| i128::from(line.ordered)).sum::<i128>()).map_err(|_| Overflow)
}

/// Why rules may be unable to stop an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grace {
    /// They can.
    None,
    /// A person's release covers it: only a block stops it.
    Released,
    /// It asks for as much as passed before, at no later checkpoint: only a block stops it.
    Unchanged,
    /// It asks for less than passed before, at no later checkpoint: nothing stops it.
    Decrease,
}

impl Grace {
    fn spares(self, rule: Rule) -> bool {
        match self {
            Grace::None => false,
            Grace::Released | Grace::Unchanged => rule != Rule::AccountBlocked,
            Grace::Decrease => true,
        }
    }
}

/// Whether the order may go, and every reason why not.
pub fn decide(question: &Question<'_>) -> Result<Verdict, Overflow> {
    let verdict = judge(question)?;
    let ways_out = if verdict.outcome == Outcome::Hold { ways_out::find(question, &verdict)? } else { Vec::new() };
    Ok(Verdict { ways_out, ..verdict })
}

/// The verdict without ways out.
pub(crate) fn judge(question: &Question<'_>) -> Result<Verdict, Overflow> {
    let before = Exposure::on(question.today, question.schedule, question.unapplied_credit, question.others)?;
    let order = Reserved::of(question.lines, question.prepaid);
    let after = before.with(order)?;
    let limit = question.credit.map_or(LimitInForce::Missing, |credit| credit.limit_on(question.today));
    let required = i64::try_from(order.credit_needed()).map_err(|_| Overflow)?;
    let value = question.value()?;
    let case = Case { question, limit, required, value, net_before: before.net()?, net_after: after.net()? };
    let frozen = question.credit.is_some_and(|credit| credit.frozen.is_some());
    let headroom = match limit.amount() {
        _ if frozen => Some(0),
        limit => limit.map(|limit| limit.saturating_sub(case.net_before).max(0)),
    };
    let (failures, excess) = case.failures();
    Ok(Verdict {
        outcome: match failures.first().map(|failure| failure.action) {
            Some(Action::Block) => Outcome::Hold,
            Some(Action::Warn) => Outcome::ApproveWithWarnings,
            _ => Outcome::Approve,
        },
        failures,
        required,
        utilisation_before: utilisation(case.net_before, limit),
        utilisation_after: utilisation(case.net_after, limit),
        before,
        after,
        limit,
        headroom,
        excess,
        ways_out: Vec::new(),
    })
}

/// Net exposure over the limit in percent, rounded half to even; none without a limit above zero.
pub fn utilisation(net: i64, limit: LimitInForce) -> Option<Decimal> {
    match limit {
        LimitInForce::Amount(limit) if limit > 0 => {
            let percent = (Decimal::from(net) * Decimal::ONE_HUNDRED).checked_div(Decimal::from(limit))?;
            Some(percent.round_dp_with_strategy(PERCENT_SCALE, RoundingStrategy::MidpointNearestEven))
        }
        _ => None,
    }
}

/// Sum of what has been past due for more than a number of days.
pub(crate) fn overdue_beyond(schedule: &[Due], today: NaiveDate, days_max: i32) -> Result<i64, Overflow> {
    let late = schedule.iter().filter(|due| days_past_due(due.date, today) > i64::from(days_max));
    i64::try_from(late.map(|due| i128::from(due.open)).sum::<i128>()).map_err(|_| Overflow)
}

/// How many days the oldest open item is past due; 0 when none is.
pub(crate) fn oldest_overdue_days(schedule: &[Due], today: NaiveDate) -> i32 {
    let oldest = schedule.iter().filter(|due| due.open > 0).map(|due| days_past_due(due.date, today)).max();
    i32::try_from(oldest.unwrap_or_default().max(0)).unwrap_or(i32::MAX)
}

/// A question with what follows from it at once.
struct Case<'a> {
    question: &'a Question<'a>,
    limit: LimitInForce,
    required: i64,
    value: i64,
    net_before: i64,
    net_after: i64,
}

/// A failed rule before anybody said what it does, with how far the order exceeds what passes by itself: the whole of
/// what it asks for, where the rule compares no amount of the order.
struct Found {
    rule: Rule,
    value: Option<Measure>,
    threshold: Option<Measure>,
    shortfall: Option<i64>,
    excess: i64,
    message: String,
}

impl Found {
    fn plain(rule: Rule, excess: i64, message: impl Into<String>) -> Found {
        Found { rule, value: None, threshold: None, shortfall: None, excess, message: message.into() }
    }

    fn amounts(rule: Rule, value: i64, most: i64, threshold: i64, message: impl Into<String>) -> Found {
        let shortfall = value.saturating_sub(most);
        Found {
            rule,
            value: Some(Measure::Amount(value)),
            threshold: Some(Measure::Amount(threshold)),
            shortfall: Some(shortfall),
            excess: shortfall,
            message: message.into(),
        }
    }
}

impl Case<'_> {
    /// Every rule that does not hold, the most severe first, and the excess of those that stop the order.
    fn failures(&self) -> (Vec<Failure>, i64) {
        let mut found = Vec::new();
        self.account(&mut found);
        // nothing to reserve, or all of it paid in advance: no limit is needed (rule 5.2)
        if self.required > 0 {
            self.credit(&mut found);
            self.limit(&mut found);
            self.value(&mut found);
            self.overdue(&mut found);
        }
        let mut excess = 0;
        let mut failures = Vec::new();
        for f in found {
            let action = match self.question.policy.action(f.rule, self.question.checkpoint) {
                Action::Off => continue,
                Action::Block if self.question.grace.spares(f.rule) => Action::Info,
                action => action,
            };
            if action == Action::Block {
                excess = excess.max(f.excess.min(self.value.max(self.required)));
            }
            let Found { rule, value, threshold, shortfall, message, .. } = f;
            failures.push(Failure { rule, action, value, threshold, shortfall, message });
        }
        failures.sort_by_key(|failure| (failure.action, failure.rule));
        (failures, excess)
    }

    fn account(&self, found: &mut Vec<Found>) {
        if let Some(reason) = self.question.conduct.and_then(|conduct| conduct.blocked.as_deref()) {
            let message = format!("the account is blocked: {reason}");
            found.push(Found::plain(Rule::AccountBlocked, self.required, message));
        }
    }

    fn credit(&self, found: &mut Vec<Found>) {
        let credit = self.question.credit;
        if credit.is_none_or(|credit| credit.grade.is_none()) {
            found.push(Found::plain(Rule::NotAssessed, self.required, "the account has no approved assessment"));
        }
        let Some(credit) = credit else { return };
        if let Some(reason) = &credit.frozen {
            let message = format!("the account is frozen: {reason}");
            found.push(Found::plain(Rule::AccountFrozen, self.required, message));
        }
        let (required, value, policy) = (self.required, self.value, self.question.policy);
        match credit.review {
            Some(Review::NoCredit) => {
                found.push(Found::plain(Rule::NoCreditGrade, required, "the account's grade gives no credit"));
            }
            Some(Review::EveryOrder) => {
                let message = "a person reviews every order of the account's grade";
                found.push(Found::plain(Rule::GradeReview, required, message));
            }
            Some(Review::Above(above)) if value > policy.comparator.most(above) => {
                let message = "a person reviews orders of this value of the account's grade";
                found.push(Found::amounts(Rule::GradeReview, value, policy.comparator.most(above), above, message));
            }
            _ => {}
        }
    }

    fn limit(&self, found: &mut Vec<Found>) {
        let policy = self.question.policy;
        let Some(limit) = self.limit.amount() else { return };
        let most = policy.comparator.most(limit);
        let exceeded = |rule, message: String| {
            let failure = Found::amounts(rule, self.net_after, most, limit, message);
            // what is over the limit already is not this order's doing
            Found { excess: failure.excess.min(self.required), ..failure }
        };
        match self.limit {
            LimitInForce::Missing => found.push(exceeded(Rule::LimitMissing, "the account has no limit".to_owned())),
            LimitInForce::Expired(on) => {
                found.push(exceeded(Rule::LimitExpired, format!("the limit ended on {on}")));
            }
            LimitInForce::Amount(_) if self.net_after > most => {
                found.push(exceeded(Rule::LimitExceeded, "exposure with the order exceeds the limit".to_owned()));
            }
            LimitInForce::Amount(_) => self.watch_band(limit, found),
            LimitInForce::Unlimited => {}
        }
    }

    /// Reaching the band counts. Compared exactly; what is shown is rounded.
    fn watch_band(&self, limit: i64, found: &mut Vec<Found>) {
        let band = self.question.policy.watch_band_percent;
        let reaches = band
            .checked_mul(Decimal::from(limit))
            .is_some_and(|threshold| Decimal::from(self.net_after) * Decimal::ONE_HUNDRED >= threshold);
        if limit > 0 && reaches {
            let value = utilisation(self.net_after, self.limit).map(Measure::Percent);
            let message = "utilisation with the order reaches the watch band".to_owned();
            let threshold = Some(Measure::Percent(band));
            let excess = self.required;
            found.push(Found { rule: Rule::WatchBand, value, threshold, shortfall: None, excess, message });
        }
    }

    fn value(&self, found: &mut Vec<Found>) {
        let (Question { policy, credit, currency, .. }, value) = (self.question, self.value);
        let grade = credit.and_then(|credit| credit.grade);
        let Some(max) = policy.order_value_max(grade, *currency) else { return };
        let most = policy.comparator.most(max);
        if value > most {
            let message = "the order is worth more than one order may be";
            found.push(Found::amounts(Rule::OrderValueExceeded, value, most, max, message));
        }
    }

    fn overdue(&self, found: &mut Vec<Found>) {
        let Question { policy, schedule, today, currency, conduct, .. } = self.question;
        let days_max = policy.overdue_days_max;
        let late = overdue_beyond(schedule, *today, days_max).unwrap_or(i64::MAX);
        let tolerance = policy.overdue_tolerance(*currency);
        if late > tolerance {
            found.push(Found {
                rule: Rule::OverdueDaysExceeded,
                value: Some(Measure::Days(oldest_overdue_days(schedule, *today))),
                threshold: Some(Measure::Days(days_max)),
                shortfall: Some(late.saturating_sub(tolerance)),
                excess: self.required,
                message: format!("items have been past due for more than {days_max} days"),
            });
        }
        let level = conduct.map_or(0, |conduct| conduct.dunning_level);
        if level > policy.dunning_level_max {
            found.push(Found {
                rule: Rule::DunningLevelExceeded,
                value: Some(Measure::Level(level)),
                threshold: Some(Measure::Level(policy.dunning_level_max)),
                shortfall: None,
                excess: self.required,
                message: "the account's dunning level is too high".to_owned(),
            });
        }
    }
}
