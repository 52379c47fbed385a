//! A decision asked again under another policy: what it was based on beside its verdict, and the question it makes
//! (rule 5.10). Knows no order and no account as they are now. Amounts are minor units of the decision's currency.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, GroupId, LineId};

use crate::brief::is_default;
use crate::commitment::{Line, Reserved};
use crate::decision::{Ages, Decision, Verdict};
use crate::exposure::{Due, Exposure, Overflow};
use crate::pattern::Orders;
use crate::policy::Policy;
use crate::rules::{self, Abroad, CountryAsked, Grace, Inherited, PoolAsked, Question};
use crate::standing::{Conduct, Cover, Credit, EffectiveLimit, Grade, Limit, LimitInForce, Review};

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
    /// How promptly it had paid, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_index: Option<Decimal>,
    /// What was past due, by due date.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overdue: Vec<Due>,
    /// What its other orders had reserved within the horizon: not yet delivered, delivered, paid in advance; none where
    /// that was all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_horizon: Option<[i64; 3]>,
    /// What was past due in each foreign currency, and what was reserved in it within the horizon, in the verdict's order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub foreign: Vec<ForeignFacts>,
    /// Groups whose head stopped it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inherited: Vec<InheritedFacts>,
    /// The account's other orders of the last three months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Orders>,
    /// The order's gross value, in its currency.
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

/// What the rules saw in a currency that was not the account's, beside its exposure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignFacts {
    /// What was past due, by due date.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overdue: Vec<Due>,
    /// As the facts' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_horizon: Option<[i64; 3]>,
}

/// A group whose head stopped an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InheritedFacts {
    /// The group.
    pub group_id: GroupId,
    /// Why its head was blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    /// Why its head was frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
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
    /// Up to when it was insured without a gap, or when that had ended; none where it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insured_until: Option<NaiveDate>,
}

impl Facts {
    /// What a question was based on.
    pub(crate) fn of(question: &Question<'_>) -> Result<Facts, Overflow> {
        let foreign = question.abroad.iter().map(|abroad| {
            Ok(ForeignFacts {
                overdue: overdue(abroad.schedule, question.today),
                in_horizon: in_horizon(abroad.others, abroad.others_in_horizon)?,
            })
        });
        let inherited = question.inherited.iter().map(|inherited| InheritedFacts {
            group_id: inherited.group_id.clone(),
            blocked: inherited.blocked.map(str::to_owned),
            frozen: inherited.frozen.map(str::to_owned),
        });
        Ok(Facts {
            credit: question.credit.map(|credit| CreditFacts {
                group_id: credit.group_id.clone(),
                segment: credit.segment.clone(),
                grade: credit.grade,
                frozen: credit.frozen.clone(),
                terms_days: credit.terms_days,
                review: credit.review,
                review_date: credit.review_date,
                insured_until: credit.insured_until(question.today),
            }),
            blocked: question.conduct.and_then(|conduct| conduct.blocked.clone()),
            dunning_level: question.conduct.map_or(0, |conduct| conduct.dunning_level),
            payment_index: question.payment_index,
            overdue: overdue(question.schedule, question.today),
            in_horizon: in_horizon(question.others, question.others_in_horizon)?,
            foreign: foreign.collect::<Result<_, Overflow>>()?,
            inherited: inherited.collect(),
            pattern: question.pattern,
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

fn overdue(schedule: &[Due], today: NaiveDate) -> Vec<Due> {
    schedule.iter().filter(|due| due.date < today).copied().collect()
}

fn in_horizon(all: Reserved, soon: Reserved) -> Result<Option<[i64; 3]>, Overflow> {
    let narrow = |amount: i128| i64::try_from(amount).map_err(|_| Overflow);
    let parts = [narrow(soon.ordered)?, narrow(soon.delivered)?, narrow(soon.prepaid)?];
    Ok((soon != all).then_some(parts))
}

/// What the rules say of a past decision under another policy; none where its facts were not kept. The horizon is the one
/// it was decided with, whatever the policy says of it; a country is asked about in the currency of the cap it had then,
/// and not where it had none.
pub(crate) fn replay(decision: &Decision, policy: &Policy) -> Result<Option<Verdict>, Overflow> {
    let Some(facts) = &decision.verdict.facts else { return Ok(None) };
    let past = Past::of(decision, facts);
    let abroad = past.abroad(decision);
    rules::judge(&past.question(&abroad, (decision, facts), policy)).map(Some)
}

/// The parts of a question that have to be made again.
struct Past<'a> {
    account_id: &'a AccountId,
    credit: Option<Credit>,
    conduct: Conduct,
    at_home: PastPurse,
    abroad: Vec<PastPurse>,
    pools: Vec<PoolAsked>,
    country: Option<CountryAsked>,
    inherited: Vec<Inherited<'a>>,
    lines: Vec<Line>,
    prepaid: i64,
}

/// What was owed in one currency.
struct PastPurse {
    schedule: Vec<Due>,
    unapplied_credit: i64,
    others: Reserved,
    others_in_horizon: Reserved,
}

impl PastPurse {
    fn of(exposure: &Exposure, overdue: &[Due], in_horizon: Option<[i64; 3]>, today: NaiveDate) -> PastPurse {
        let mut schedule = overdue.to_vec();
        let disputed: i64 = schedule.iter().map(|due| due.disputed).fold(0, i64::saturating_add);
        let disputed = exposure.disputed.saturating_sub(disputed);
        schedule.push(Due { date: today, open: exposure.open_not_due, disputed });
        let reserved = |[ordered, delivered, prepaid]: [i64; 3]| Reserved {
            ordered: ordered.into(),
            delivered: delivered.into(),
            prepaid: prepaid.into(),
        };
        let others = reserved([exposure.ordered, exposure.delivered_not_billed, exposure.prepaid]);
        let others_in_horizon = in_horizon.map_or(others, reserved);
        PastPurse { schedule, unapplied_credit: exposure.unapplied_credit, others, others_in_horizon }
    }
}

impl<'a> Past<'a> {
    fn of(decision: &'a Decision, facts: &'a Facts) -> Past<'a> {
        let (verdict, today) = (&decision.verdict, decision.business_date);
        let currency = decision.currency_of_order();
        let in_currency = verdict.foreign.iter().find(|foreign| foreign.currency == currency);
        let (before, after) = in_currency.map_or((verdict.before, verdict.after), |f| (f.before, f.after));
        let (ordered, delivered) =
            (after.ordered - before.ordered, after.delivered_not_billed - before.delivered_not_billed);
        let (lines, invoiced) = lines(ordered, delivered, facts.value);
        let abroad = verdict.foreign.iter().zip(&facts.foreign);
        let pools = verdict.pools.iter().map(|pool| PoolAsked {
            group_id: pool.group_id.clone(),
            limit: pool.limit,
            others: pool.others,
            factors: pool.factors.iter().copied().collect(),
        });
        let inherited = facts.inherited.iter().map(|inherited| Inherited {
            group_id: inherited.group_id.clone(),
            blocked: inherited.blocked.as_deref(),
            frozen: inherited.frozen.as_deref(),
        });
        Past {
            account_id: &decision.account_id,
            credit: facts.credit.as_ref().map(|credit| credit_of(decision, credit)),
            conduct: Conduct { version: 0, blocked: facts.blocked.clone(), dunning_level: facts.dunning_level },
            at_home: PastPurse::of(&verdict.before, &facts.overdue, facts.in_horizon, today),
            abroad: abroad
                .map(|(f, facts)| PastPurse::of(&f.before, &facts.overdue, facts.in_horizon, today))
                .collect(),
            pools: pools.collect(),
            country: verdict.country.as_deref().map(|seen| CountryAsked {
                country: seen.country,
                currency: seen.currency,
                others: seen.others,
                factors: seen.factors.iter().copied().collect(),
            }),
            inherited: inherited.collect(),
            lines,
            prepaid: (after.prepaid - before.prepaid).saturating_add(invoiced),
        }
    }

    fn abroad(&self, decision: &Decision) -> Vec<Abroad<'_>> {
        let purses = decision.verdict.foreign.iter().zip(&self.abroad);
        let abroad = purses.map(|(foreign, purse)| Abroad {
            currency: foreign.currency,
            factor: foreign.factor,
            schedule: &purse.schedule,
            unapplied_credit: purse.unapplied_credit,
            others: purse.others,
            others_in_horizon: purse.others_in_horizon,
        });
        abroad.collect()
    }

    fn question(
        &'a self,
        abroad: &'a [Abroad<'a>],
        (decision, facts): (&Decision, &Facts),
        policy: &'a Policy,
    ) -> Question<'a> {
        Question {
            account_id: self.account_id,
            credit: self.credit.as_ref(),
            conduct: Some(&self.conduct),
            schedule: &self.at_home.schedule,
            unapplied_credit: self.at_home.unapplied_credit,
            payment_index: facts.payment_index,
            others: self.at_home.others,
            others_in_horizon: self.at_home.others_in_horizon,
            abroad,
            pools: &self.pools,
            country: self.country.as_ref(),
            inherited: &self.inherited,
            lines: &self.lines,
            pattern: facts.pattern,
            prepaid: self.prepaid,
            ship_date: facts.ship_date,
            terms_days: facts.terms_days,
            discount_percent: facts.discount_percent,
            was_forced: facts.was_forced,
            currency: decision.currency,
            order_currency: decision.currency_of_order(),
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
        // what came of these the verdict and the facts tell
        shares_exposure: false,
        inherits_block: false,
        segment: facts.segment.clone(),
        grade: facts.grade,
        limits,
        temporary_limits: Vec::new(),
        frozen: facts.frozen.clone(),
        terms_days: facts.terms_days,
        review: facts.review,
        review_date: facts.review_date,
        country: None,
        cover: facts.insured_until.map(|to| Cover { from: to.min(today), to }).into_iter().collect(),
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
