//! What an order is asked against: its account without the order itself, what the account owes in other currencies, and
//! its groups. The same over the book and over a draft. Pure.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use smallvec::SmallVec;
use weir_model::{AccountId, Currency};

use crate::book::{Account, Purse};
use crate::check::Now;
use crate::commitment::{Line, Reserved};
use crate::country::{Countries, CountryTotal};
use crate::error::Error;
use crate::exposure::Overflow;
use crate::fx::{NoRate, Rates, exact_product, exact_sum};
use crate::order::Order;
use crate::pattern::PassedOrder;
use crate::policy::{PolicyVersion, Rule, RuleRow};
use crate::pool::{Amounts, Pools, add, blocked_by, line_of};
use crate::rules::{self, Abroad, CountryAsked, Grace, Inherited, PoolAsked, Question};

/// Everything the gate decides by: the book, or a draft over it.
pub(crate) trait View: Pools + Countries {
    /// An account, as far as anything is known of it.
    fn account(&self, account_id: &AccountId) -> Option<&Account>;
    /// What the gate goes by.
    fn policy(&self) -> &PolicyVersion;
    /// Exchange rates.
    fn rates(&self) -> &Rates;
}

/// An order, as it is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The order.
    pub(crate) order: &'a Order,
    /// Its lines, with what happened to them.
    pub(crate) lines: &'a [Line],
    /// What it reserves already, to be left out of the exposure; none where nothing of it counts.
    pub(crate) own: Option<Own<'a>>,
    /// Whether a forced hold stopped it before.
    pub(crate) was_forced: bool,
    /// When.
    pub(crate) now: Now,
    /// Which rules cannot stop it.
    pub(crate) grace: Grace,
}

/// What an order reserves already: perhaps for another account, or in another currency, than it is asked about for now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own<'a> {
    /// Whose exposure it counts in.
    pub(crate) account_id: &'a AccountId,
    /// In which currency.
    pub(crate) currency: Currency,
    /// What it reserves.
    pub(crate) reserved: Reserved,
    /// When it is to ship.
    pub(crate) ship_date: Option<NaiveDate>,
    /// How it passed.
    pub(crate) passed: Option<PassedOrder>,
}

/// What an account owes beside its own currency, and what its groups say.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// The account's currency: that of its limits, where there are any.
    pub(crate) currency: Currency,
    /// What it owes in others.
    pub(crate) abroad: SmallVec<[Abroad<'a>; 1]>,
    /// Pools it counts in.
    pub(crate) pools: SmallVec<[PoolAsked; 1]>,
    /// Groups whose head stops it.
    pub(crate) inherited: SmallVec<[Inherited<'a>; 1]>,
}

/// Of which order's surroundings are asked, and for which day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    /// The account.
    pub(crate) account_id: &'a AccountId,
    /// The order's currency; that of the account where no order is asked about.
    pub(crate) currency: Currency,
    /// What it reserves already.
    pub(crate) own: Option<Own<'a>>,
    /// The business date.
    pub(crate) today: NaiveDate,
    /// The last day of the horizon, where one is asked for.
    pub(crate) horizon: Option<NaiveDate>,
}

impl About<'_> {
    /// What is reserved beside the order, and the part of it within the horizon.
    fn others(&self, purse: Option<&Purse>, currency: Currency) -> (Reserved, Reserved) {
        let own = self.own.filter(|own| own.account_id == self.account_id && own.currency == currency);
        let (own, ships) = own.map_or((Reserved::default(), None), |own| (own.reserved, own.ship_date));
        let mut others = purse.map_or_else(Reserved::default, |purse| purse.reserved);
        others -= own;
        let soon = self.horizon.map(|last| {
            let mut soon = purse.map_or_else(Reserved::default, |purse| purse.reserved_up_to(last));
            soon -= soon_of(own, ships, last);
            soon
        });
        (others, soon.unwrap_or(others))
    }

    /// The account the order would leave, and how much less that would owe in which currency.
    fn left<'v>(&self, view: &'v impl View) -> Option<(&'v Account, Currency, i128)> {
        let own = self.own.filter(|own| own.account_id != self.account_id)?;
        let account = view.account(own.account_id)?;
        Some((account, own.currency, account.owes_for(own.currency, own.reserved)))
    }
}

/// What surrounds an account. An error where something has to be converted and cannot be.
pub(crate) fn surroundings<'a>(
    view: &'a impl View,
    account: &'a Account,
    about: &About<'_>,
) -> Result<Surroundings<'a>, Error> {
    let credit = account.credit.as_deref();
    // without a limit there is nothing to compare with what is owed in other currencies
    let currency = credit.map_or(about.currency, |credit| credit.currency);
    let mut around =
        Surroundings { currency, abroad: SmallVec::new(), pools: SmallVec::new(), inherited: SmallVec::new() };
    let Some(credit) = credit else { return Ok(around) };
    let factor = |from, to| view.rates().factor((from, to), about.today, view.policy().policy.fx_rate_days_max);
    let counts = |purse: &&Purse| purse.currency != currency && purse.currency != about.currency && !purse.is_empty();
    let foreign = account.purses.iter().filter(counts).map(|purse| purse.currency);
    let of_order = (about.currency != currency).then_some(about.currency);
    for currency in foreign.chain(of_order) {
        let purse = account.purse(currency);
        let (others, others_in_horizon) = about.others(purse, currency);
        around.abroad.push(Abroad {
            currency,
            factor: factor(currency, around.currency)?,
            schedule: purse.map_or(&[], Purse::schedule),
            unapplied_credit: purse.map_or(0, Purse::unapplied_credit),
            others,
            others_in_horizon,
        });
    }
    let Some(group_id) = &credit.group_id else { return Ok(around) };
    if let Some(share) = account.share() {
        let left = about.left(view).and_then(|(account, currency, less)| {
            let share = account.share()?;
            Some((line_of(view, &share.group_id), currency, less))
        });
        for group_id in line_of(view, group_id) {
            let Some(pool) = view.pool(&group_id) else { continue };
            let Some(limit) = pool.group.limit else { continue };
            let owed = around.abroad.iter().map(|abroad| abroad.currency);
            let owed = std::iter::once(currency).chain(owed);
            let mut own = share.amounts.clone();
            if let Some((_, currency, less)) = left.as_ref().filter(|(line, ..)| line.contains(&group_id)) {
                add(&mut own, *currency, *less);
            }
            let own = (&own, about.currency);
            let (others, factors) = beside(pool.total(), own, limit.currency(), owed, factor)?;
            around.pools.push(PoolAsked { group_id, limit, others, factors });
        }
    }
    if credit.inherits_block {
        for group_id in blocked_by(view, group_id) {
            let head = view.pool(&group_id).and_then(|pool| pool.group.head.as_ref());
            let Some(head) = head.and_then(|head| view.account(head)) else { continue };
            let blocked = head.conduct.as_deref().and_then(|conduct| conduct.blocked.as_deref());
            let frozen = head.credit.as_deref().and_then(|credit| credit.frozen.as_deref());
            // an account stopped itself is told so anyway
            if !std::ptr::eq(head, account) && (blocked.is_some() || frozen.is_some()) {
                around.inherited.push(Inherited { group_id, blocked, frozen });
            }
        }
    }
    Ok(around)
}

/// What all but one account owe of a total, unrounded in a currency, and by which factors that account's part comes on
/// top. What an order that would leave another account makes that owe is part of what is taken out.
fn beside(
    total: &[(Currency, i128)],
    (amounts, of_order): (&Amounts, Currency),
    into: Currency,
    owed: impl Iterator<Item = Currency>,
    factor: impl Fn(Currency, Currency) -> Result<Decimal, NoRate>,
) -> Result<(Decimal, SmallVec<[Decimal; 2]>), Error> {
    let own = |currency| amounts.iter().find(|(known, _)| *known == currency).map_or(0, |(_, amount)| *amount);
    let mut others = Decimal::ZERO;
    for (currency, total) in total {
        let rest = total - own(*currency);
        if rest != 0 {
            others = exact_sum(others, exact_product(rest, factor(*currency, into)?)?)?;
        }
    }
    let factors = owed.map(|currency| {
        let counts = own(currency) != 0 || currency == of_order;
        if counts { factor(currency, into) } else { Ok(Decimal::ZERO) }
    });
    Ok((others, factors.collect::<Result<_, _>>()?))
}

/// The country an order counts in, where a row of the policy caps it.
fn country_asked(
    view: &impl View,
    account: &Account,
    (row, about): (Option<&RuleRow>, &About<'_>),
    around: &Surroundings<'_>,
) -> Result<Option<CountryAsked>, Error> {
    let (Some(stake), Some(cap)) = (account.stake(), row.and_then(|row| row.amounts.first())) else { return Ok(None) };
    let total = view.country(stake.country).map(CountryTotal::total).unwrap_or_default();
    let rates = |from, to| view.rates().factor((from, to), about.today, view.policy().policy.fx_rate_days_max);
    let owed = std::iter::once(around.currency).chain(around.abroad.iter().map(|abroad| abroad.currency));
    let currency = cap.currency();
    let mut own = stake.amounts;
    let left = about.left(view).filter(|(left, ..)| left.stake().is_some_and(|of| of.country == stake.country));
    if let Some((_, currency, less)) = left {
        add(&mut own, currency, less);
    }
    let (others, factors) = beside(&total, (&own, about.currency), currency, owed, rates)?;
    Ok(Some(CountryAsked { country: stake.country, currency, others, factors }))
}

impl Asked<'_> {
    /// Has the rules judge the order: its account as it is without it, and with it as it is asked.
    pub(crate) fn judged<T>(
        &self,
        view: &impl View,
        judge: impl FnOnce(&Question<'_>) -> Result<T, Overflow>,
    ) -> Result<T, Error> {
        let (order, policy) = (self.order, &view.policy().policy);
        let unknown = Account::default();
        let account = view.account(&order.account_id).unwrap_or(&unknown);
        let subject = rules::subject(&order.account_id, account.credit.as_deref());
        let horizon = policy.row(Rule::LimitExceededInHorizon, subject, order.checkpoint);
        let horizon = horizon.map(|row| rules::last_day(self.now.today, row.days));
        let (account_id, today) = (&order.account_id, self.now.today);
        let about = About { account_id, currency: order.currency, own: self.own, today, horizon };
        let around = surroundings(view, account, &about)?;
        let of_country = account.credit.as_deref().and_then(|credit| credit.country);
        let cap = of_country.and_then(|country| policy.country_cap(country, subject, order.checkpoint));
        let country = country_asked(view, account, (cap, &about), &around)?;
        let Surroundings { currency, abroad, pools, inherited } = around;
        let purse = account.purse(currency);
        let (others, others_in_horizon) = about.others(purse, currency);
        let passed = self.own.filter(|own| own.account_id == account_id).and_then(|own| own.passed);
        let pattern = account.pattern.as_ref();
        let pattern = pattern.map(|pattern| pattern.up_to(today, order.currency, passed));
        let question = Question {
            pattern,
            account_id: &order.account_id,
            credit: account.credit.as_deref(),
            conduct: account.conduct.as_deref(),
            schedule: purse.map_or(&[], Purse::schedule),
            unapplied_credit: purse.map_or(0, Purse::unapplied_credit),
            payment_index: purse.and_then(Purse::payment_index),
            others,
            others_in_horizon,
            abroad: &abroad,
            pools: &pools,
            country: country.as_ref(),
            inherited: &inherited,
            lines: self.lines,
            prepaid: order.prepaid,
            ship_date: order.ship_date,
            terms_days: order.terms_days,
            discount_percent: order.discount_percent,
            was_forced: self.was_forced,
            currency,
            order_currency: order.currency,
            checkpoint: order.checkpoint,
            today: self.now.today,
            ages: self.now.ages,
            policy,
            grace: self.grace,
        };
        Ok(judge(&question)?)
    }
}

/// What of a reservation counts up to a day: all of it where it ships by then, or nobody knows when; what is delivered
/// in any case.
pub(crate) fn soon_of(reserved: Reserved, ship_date: Option<NaiveDate>, last: NaiveDate) -> Reserved {
    if ship_date.is_none_or(|ships| ships <= last) {
        reserved
    } else {
        Reserved { ordered: 0, delivered: reserved.delivered, prepaid: 0 }
    }
}
