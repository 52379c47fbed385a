//! Whether an order may go, and every reason why not (rules 5.1 to 5.5). Pure: knows neither clock nor storage; the
//! business date is part of the question. Amounts of a question are minor units of the account's currency, but for those of
//! the order's lines and of what is owed in other currencies.

mod abroad;
mod account;
mod country;
mod limit;
mod order;
mod overdue;
mod pool;

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use weir_model::{AccountId, Country, Currency, GroupId, Money};

pub use abroad::Abroad;
use abroad::elsewhere;
pub(crate) use abroad::{Owed, owed};
pub use country::CountryAsked;
pub(crate) use limit::last_day;
pub(crate) use overdue::oldest_overdue_days;

use crate::commitment::{Line, Reserved};
use crate::decision::{Ages, CountrySeen, Failure, Foreign, Measure, Outcome, PoolSeen, Verdict};
use crate::exposure::{Due, Exposure, Overflow};
use crate::fx::{converted_up, exact_product, exact_sum};
use crate::order::Checkpoint;
use crate::pattern::Orders;
use crate::policy::{Action, Policy, Rule, RuleRow, Subject};
use crate::replay::Facts;
use crate::standing::{Conduct, Credit, LimitInForce};
use crate::ways_out;

/// Decimals of a utilisation in percent.
const PERCENT_SCALE: u32 = 2;

/// Whether an order may go: everything the answer depends on.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The account that pays.
    pub account_id: &'a AccountId,
    /// What limits say of the account; none when they never spoke of it.
    pub credit: Option<&'a Credit>,
    /// What collections say of it.
    pub conduct: Option<&'a Conduct>,
    /// What is open, by due date.
    pub schedule: &'a [Due],
    /// Credit not yet allocated.
    pub unapplied_credit: i64,
    /// How promptly it paid so far, 0 to 100; none for fewer than three payments.
    pub payment_index: Option<Decimal>,
    /// What the account's other orders reserve.
    pub others: Reserved,
    /// The part of it that ships within the horizon the policy asks for, and what is delivered.
    pub others_in_horizon: Reserved,
    /// What the account owes in other currencies, the order's among them where it is another.
    pub abroad: &'a [Abroad<'a>],
    /// The pools the account's exposure counts in, its own group's first.
    pub pools: &'a [PoolAsked],
    /// The country the order counts in; none where nothing caps it.
    pub country: Option<&'a CountryAsked>,
    /// Groups whose head stops the account.
    pub inherited: &'a [Inherited<'a>],
    /// The order's lines, with what happened to them, in the order's currency.
    pub lines: &'a [Line],
    /// The account's other orders of the last three months, in the order's currency; none where they are not kept.
    pub pattern: Option<Orders>,
    /// Part of the order's value paid in advance, in the order's currency.
    pub prepaid: i64,
    /// Its planned ship date.
    pub ship_date: Option<NaiveDate>,
    /// Its terms in days; 0 for those granted.
    pub terms_days: i32,
    /// Its discount, in percent.
    pub discount_percent: Option<Decimal>,
    /// Whether a forced hold stopped it before: only a person lifts that.
    pub was_forced: bool,
    /// The account's currency.
    pub currency: Currency,
    /// The order's currency.
    pub order_currency: Currency,
    /// Where in the order's life.
    pub checkpoint: Checkpoint,
    /// The business date.
    pub today: NaiveDate,
    /// How old what is known of each context is.
    pub ages: Ages,
    /// What the gate goes by.
    pub policy: &'a Policy,
    /// Which rules cannot stop it.
    pub grace: Grace,
}

/// A pool the account's exposure counts in.
#[derive(Debug, Clone)]
pub struct PoolAsked {
    /// The group.
    pub group_id: GroupId,
    /// How much its members may owe together.
    pub limit: Money,
    /// What all but this account owe: unrounded minor units of the pool's currency.
    pub others: Decimal,
    /// Minor units of the pool's currency for one of the account's, then for one of each currency abroad; 0 where nothing
    /// counts in it.
    pub factors: SmallVec<[Decimal; 2]>,
}

/// A group whose head stops the account.
#[derive(Debug, Clone)]
pub struct Inherited<'a> {
    /// The group.
    pub group_id: GroupId,
    /// Why its head is blocked.
    pub blocked: Option<&'a str>,
    /// Why its head is frozen.
    pub frozen: Option<&'a str>,
}

impl Question<'_> {
    /// The order's gross value, in its own currency.
    pub(crate) fn value(&self) -> Result<i64, Overflow> {
        value_of(self.lines)
    }

    /// Minor units of the account's currency for one of the order's.
    fn factor(&self) -> Decimal {
        let of_order = self.abroad.iter().find(|abroad| abroad.currency == self.order_currency);
        of_order.map_or(Decimal::ONE, |abroad| abroad.factor)
    }

    /// The row a rule is asked by.
    fn row(&self, rule: Rule) -> Option<&RuleRow> {
        self.policy.row(rule, self.subject(), self.checkpoint)
    }

    fn subject(&self) -> Subject<'_> {
        subject(self.account_id, self.credit)
    }
}

/// The account, as far as the policy's scopes tell accounts apart.
pub(crate) fn subject<'a>(account_id: &'a AccountId, credit: Option<&'a Credit>) -> Subject<'a> {
    Subject {
        account_id,
        group_id: credit.and_then(|credit| credit.group_id.as_ref()),
        segment: credit.map_or("", |credit| &credit.segment),
        grade: credit.and_then(|credit| credit.grade),
    }
}

/// What lines are worth.
pub(crate) fn value_of(lines: &[Line]) -> Result<i64, Overflow> {
    i64::try_from(lines.iter().map(|line| i128::from(line.ordered)).sum::<i128>()).map_err(|_| Overflow)
}

/// Why rules may be unable to stop an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    let facts = Some(Box::new(Facts::of(question)?));
    Ok(Verdict { ways_out, facts, ..verdict })
}

/// The verdict without ways out and facts.
pub(crate) fn judge(question: &Question<'_>) -> Result<Verdict, Overflow> {
    let case = Case::of(question)?;
    let (before, after, limit) = (case.before, case.after, case.limit);
    let (net_before, net_after) = (before.net()?, case.net_after);
    let is_frozen = question.credit.is_some_and(|credit| credit.frozen.is_some())
        || question.inherited.iter().any(|inherited| inherited.frozen.is_some());
    let headroom = match limit.amount() {
        _ if is_frozen => Some(0),
        limit => limit.map(|limit| limit.saturating_sub(net_before).max(0)),
    };
    let (failures, excess) = case.failures()?;
    Ok(Verdict {
        outcome: match failures.first().map(|failure| failure.action) {
            Some(Action::Reject) => Outcome::Reject,
            Some(Action::Block) => Outcome::Hold,
            Some(Action::Warn) => Outcome::ApproveWithWarnings,
            _ => Outcome::Approve,
        },
        failures,
        required: case.required,
        utilisation_before: utilisation(net_before, limit),
        utilisation_after: utilisation(net_after, limit),
        before,
        after,
        limit,
        headroom,
        excess,
        ways_out: Vec::new(),
        foreign: case.foreign,
        pools: case.pools,
        country: case.country,
        facts: None,
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

/// A question with what follows from it at once.
struct Case<'a> {
    question: &'a Question<'a>,
    /// What the order would reserve, in its own currency.
    order: Reserved,
    before: Exposure,
    after: Exposure,
    foreign: Vec<Foreign>,
    pools: Vec<PoolSeen>,
    country: Option<Box<CountrySeen>>,
    limit: LimitInForce,
    required: i64,
    value: i64,
    net_after: i64,
}

impl<'a> Case<'a> {
    fn of(question: &'a Question<'a>) -> Result<Self, Overflow> {
        let order = Reserved::of(question.lines, question.prepaid);
        let (today, left_out) = (question.today, question.policy.left_out);
        let foreign = abroad::foreign(question.abroad, Some((question.order_currency, order)), (today, left_out))?;
        let is_at_home = question.currency == question.order_currency;
        let at_home = Exposure::on(today, question.schedule, question.unapplied_credit, question.others)?;
        let at_home = at_home.without(left_out);
        let with_order = at_home.with(if is_at_home { order } else { Reserved::default() })?;
        let before = at_home.and_elsewhere(elsewhere(foreign.iter().map(|f| (f.before, f.factor)))?)?;
        let after = with_order.and_elsewhere(elsewhere(foreign.iter().map(|f| (f.after, f.factor)))?)?;
        let (factor, value) = (question.factor(), question.value()?);
        Ok(Case {
            question,
            order,
            before,
            after,
            pools: pool::seen(question.pools, (&before, &after), &foreign)?,
            country: country::seen(question, (&before, &after), &foreign)?,
            limit: question.credit.map_or(LimitInForce::Missing, |credit| credit.limit_on(question.today)),
            required: converted_up(order.credit_needed(), factor)?,
            value: converted_up(value.into(), factor)?,
            net_after: after.net()?,
            foreign,
        })
    }

    /// A figure at home, and the same in each other currency converted: unrounded.
    fn in_all(&self, at_home: i128, abroad: impl Fn(usize) -> i128) -> Result<Decimal, Overflow> {
        let mut sum = exact_product(at_home, Decimal::ONE)?;
        for (index, foreign) in self.foreign.iter().enumerate() {
            sum = exact_sum(sum, exact_product(abroad(index), foreign.factor)?)?;
        }
        Ok(sum)
    }
}

/// A failed rule before grace was considered, with how far the order exceeds what passes by itself: the whole of what
/// it asks for, where the rule compares no amount of the order.
struct Found {
    rule: Rule,
    action: Action,
    value: Option<Measure>,
    threshold: Option<Measure>,
    shortfall: Option<i64>,
    excess: i64,
    message: String,
    group_id: Option<GroupId>,
    country: Option<Country>,
    /// Of the amounts, where it is not the account's.
    currency: Option<Currency>,
}

impl Found {
    fn plain(row: &RuleRow, excess: i64, message: impl Into<String>) -> Found {
        Found {
            rule: row.rule,
            action: row.action,
            value: None,
            threshold: None,
            shortfall: None,
            excess,
            message: message.into(),
            group_id: None,
            country: None,
            currency: None,
        }
    }

    /// An amount above what the row lets pass of a threshold.
    fn amounts(row: &RuleRow, value: i64, threshold: i64, message: impl Into<String>) -> Found {
        let shortfall = value.saturating_sub(row.comparator.most(threshold));
        Found {
            value: Some(Measure::Amount(value)),
            threshold: Some(Measure::Amount(threshold)),
            shortfall: Some(shortfall),
            ..Found::plain(row, shortfall, message)
        }
    }
}

impl Case<'_> {
    /// Every rule that does not hold, the most severe first, and the excess of those that stop the order.
    fn failures(&self) -> Result<(Vec<Failure>, i64), Overflow> {
        let mut found = Vec::new();
        self.account(&mut found);
        // nothing to reserve, or all of it paid in advance: no limit is needed (rule 5.2)
        if self.required > 0 {
            self.credit(&mut found);
            self.limit(&mut found)?;
            self.pools(&mut found);
            self.country(&mut found);
            self.order(&mut found);
            self.order_pattern(&mut found)?;
            self.overdue(&mut found)?;
            self.payment_index(&mut found);
        }
        let mut excess = 0;
        let mut failures = Vec::with_capacity(found.len());
        for f in found {
            let spared = f.action.stops() && self.question.grace.spares(f.rule);
            let action = if spared { Action::Info } else { f.action };
            if action.stops() {
                excess = excess.max(f.excess.min(self.value.max(self.required)));
            }
            let Found { rule, value, threshold, shortfall, message, group_id, country, currency, .. } = f;
            failures.push(Failure { rule, action, value, threshold, shortfall, message, group_id, country, currency });
        }
        failures.sort_by_key(|failure| (failure.action, failure.rule));
        Ok((failures, excess))
    }

    fn row(&self, rule: Rule) -> Option<&RuleRow> {
        self.question.row(rule)
    }
}
