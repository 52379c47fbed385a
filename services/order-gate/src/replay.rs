//! A decision asked again under another policy: what it was based on beside its verdict, and the question it makes
//! (rule 5.10). Knows no order and no account as they are now. Amounts are minor units of the decision's currency.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, GroupId, LineId};

use crate::brief::is_default;
use crate::commitment::{Line, Reserved};
use crate::decision::{Ages, Decision, Verdict};
use crate::exposure::{Due, Overflow};
use crate::policy::Policy;
use crate::rules::{self, Grace, Question};
use crate::standing::{Conduct, Credit, EffectiveLimit, Grade, Limit, LimitInForce, Review};

/// What the rules saw beside exposure and limit, which the verdict tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What limits said of the account; none when they never spoke of it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub credit: Option<CreditFacts>,
    /// Why it was blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// Its dunning level.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dunning_level: i32,
    /// What was past due, by due date.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overdue: Vec<Due>,
    /// What its other orders had reserved within the horizon: not yet delivered, delivered, paid in advance; none where
    /// that was all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_horizon: Option<[i64; 3]>,
    /// The order's gross value.
    pub value: i64,
    /// Its planned ship date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_date: Option<NaiveDate>,
    /// Its terms in days; 0 for those granted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub terms_days: i32,
    /// Its discount, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Decimal>,
    /// Whether a forced hold stopped it before.
    #[serde(default, skip_serializing_if = "is_default")]
    pub was_forced: bool,
    /// How old what was known of each context was.
    pub ages: Ages,
    /// Which rules could not stop it.
    pub grace: Grace,
}

/// What limits said of an account, beside the limit in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditFacts {
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The part of the business it belonged to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub segment: String,
    /// Its grade.
    pub grade: Option<Grade>,
    /// Why it was frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
    /// Its terms in days.
    pub terms_days: i32,
    /// Which of its orders a person reviewed.
    pub review: Option<Review>,
    /// By when it was to be assessed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_date: Option<NaiveDate>,
}

impl Facts {
    /// What a question was based on.
    pub(crate) fn of(question: &Question<'_>) -> Result<Facts, Overflow> {
        let narrow = |amount: i128| i64::try_from(amount).map_err(|_| Overflow);
        let soon = question.others_in_horizon;
        let in_horizon = [narrow(soon.ordered)?, narrow(soon.delivered)?, narrow(soon.prepaid)?];
        let overdue = question.schedule.iter().filter(|due| due.date < question.today);
        Ok(Facts {
            credit: question.credit.map(|credit| CreditFacts {
                group_id: credit.group_id.clone(),
                segment: credit.segment.clone(),
                grade: credit.grade,
                frozen: credit.frozen.clone(),
                terms_days: credit.terms_days,
                review: credit.review,
                review_date: credit.review_date,
            }),
            blocked: question.conduct.and_then(|conduct| conduct.blocked.clone()),
            dunning_level: question.conduct.map_or(0, |conduct| conduct.dunning_level),
            overdue: overdue.copied().collect(),
            in_horizon: (soon != question.others).then_some(in_horizon),
            value: question.value()?,
            ship_date: question.ship_date,
            terms_days: question.terms_days,
            discount_percent: question.discount_percent,
            was_forced: question.was_forced,
            ages: question.ages,
            grace: question.grace,
        })
    }
}

/// What the rules say of a past decision under another policy; none where its facts were not kept. The horizon is the one
/// it was decided with, whatever the policy says of it.
pub(crate) fn replay(decision: &Decision, policy: &Policy) -> Result<Option<Verdict>, Overflow> {
    let Some(facts) = &decision.verdict.facts else { return Ok(None) };
    let past = Past::of(decision, facts);
    rules::judge(&past.question(decision, facts, policy)).map(Some)
}

/// The parts of a question that have to be made again.
struct Past<'a> {
    account_id: &'a AccountId,
    credit: Option<Credit>,
    conduct: Conduct,
    schedule: Vec<Due>,
    lines: Vec<Line>,
    prepaid: i64,
    others: Reserved,
}

impl<'a> Past<'a> {
    fn of(decision: &'a Decision, facts: &Facts) -> Past<'a> {
        let (before, after) = (decision.verdict.before, decision.verdict.after);
        let mut schedule = facts.overdue.clone();
        let disputed: i64 = schedule.iter().map(|due| due.disputed).fold(0, i64::saturating_add);
        let disputed = before.disputed.saturating_sub(disputed);
        schedule.push(Due { date: decision.business_date, open: before.open_not_due, disputed });
        let (ordered, delivered) =
            (after.ordered - before.ordered, after.delivered_not_billed - before.delivered_not_billed);
        let (lines, invoiced) = lines(ordered, delivered, facts.value);
        Past {
            account_id: &decision.account_id,
            credit: facts.credit.as_ref().map(|credit| credit_of(decision, credit)),
            conduct: Conduct { version: 0, blocked: facts.blocked.clone(), dunning_level: facts.dunning_level },
            schedule,
            lines,
            prepaid: (after.prepaid - before.prepaid).saturating_add(invoiced),
            others: Reserved {
                ordered: before.ordered.into(),
                delivered: before.delivered_not_billed.into(),
                prepaid: before.prepaid.into(),
            },
        }
    }

    fn question(&'a self, decision: &Decision, facts: &Facts, policy: &'a Policy) -> Question<'a> {
        let soon = facts.in_horizon.map(|[ordered, delivered, prepaid]| Reserved {
            ordered: ordered.into(),
            delivered: delivered.into(),
            prepaid: prepaid.into(),
        });
        Question {
            account_id: self.account_id,
            credit: self.credit.as_ref(),
            conduct: Some(&self.conduct),
            schedule: &self.schedule,
            unapplied_credit: decision.verdict.before.unapplied_credit,
            others: self.others,
            others_in_horizon: soon.unwrap_or(self.others),
            lines: &self.lines,
            prepaid: self.prepaid,
            ship_date: facts.ship_date,
            terms_days: facts.terms_days,
            discount_percent: facts.discount_percent,
            was_forced: facts.was_forced,
            currency: decision.currency,
            checkpoint: decision.checkpoint,
            today: decision.business_date,
            ages: facts.ages,
            policy,
            grace: facts.grace,
        }
    }
}

/// Credit under which the limit in force was what it was.
fn credit_of(decision: &Decision, facts: &CreditFacts) -> Credit {
    let today = decision.business_date;
    let limits = match decision.verdict.limit {
        LimitInForce::Missing => Vec::new(),
        LimitInForce::Expired(on) => vec![EffectiveLimit { limit: Limit::Amount(0), from: on, to: Some(on) }],
        LimitInForce::Amount(amount) => vec![EffectiveLimit { limit: Limit::Amount(amount), from: today, to: None }],
        LimitInForce::Unlimited => vec![EffectiveLimit { limit: Limit::Unlimited, from: today, to: None }],
    };
    Credit {
        version: decision.limit_version,
        currency: decision.currency,
        group_id: facts.group_id.clone(),
        segment: facts.segment.clone(),
        grade: facts.grade,
        limits,
        temporary_limits: Vec::new(),
        frozen: facts.frozen.clone(),
        terms_days: facts.terms_days,
        review: facts.review,
        review_date: facts.review_date,
    }
}

/// Lines that reserve and are worth what the order did: one not delivered, one delivered, one invoiced; and how much
/// that is invoiced.
fn lines(ordered: i64, delivered: i64, value: i64) -> (Vec<Line>, i64) {
    let delivered_of_value = delivered.min(value.saturating_sub(ordered));
    let invoiced = value.saturating_sub(ordered).saturating_sub(delivered_of_value);
    let line = |name, ordered, delivered, invoiced| Line {
        line_id: LineId::parse(name).expect("one printable character"),
        ordered,
        cancelled: 0,
        delivered,
        invoiced,
    };
    let lines =
        vec![line("1", ordered, 0, 0), line("2", delivered_of_value, delivered, 0), line("3", invoiced, 0, invoiced)];
    (lines, invoiced)
}
