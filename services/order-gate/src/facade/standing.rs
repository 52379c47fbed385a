//! How an account stands at the gate, for people.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::{AccountId, Currency, GroupId};

use crate::book::{Book, Purse};
use crate::commitment::Reserved;
use crate::decision::{Followed, Foreign, PoolSeen};
use crate::error::Error;
use crate::exposure::Exposure;
use crate::question::{About, surroundings};
use crate::rules::{Owed, oldest_overdue_days, owed, utilisation};
use crate::standing::{Grade, LimitInForce};

/// How an account stands. Amounts are minor units of its currency.
#[derive(Debug, Clone)]
pub struct AccountStanding {
    /// The group it belongs to.
    pub group_id: Option<GroupId>,
    /// Its grade.
    pub grade: Option<Grade>,
    /// Its currency; none while only collections spoke of it.
    pub currency: Option<Currency>,
    /// What it owes and is about to owe.
    pub exposure: Exposure,
    /// The limit in force.
    pub limit: LimitInForce,
    /// Room left; none when unlimited.
    pub headroom: Option<i64>,
    /// Net exposure over the limit, in percent.
    pub utilisation: Option<Decimal>,
    /// Whether net exposure exceeds the limit.
    pub over_limit: bool,
    /// Why it is blocked.
    pub blocked: Option<String>,
    /// Why it is frozen.
    pub frozen: Option<String>,
    /// Groups whose head stops it too, with why.
    pub inherited: Vec<(GroupId, String)>,
    /// The pools its exposure counts in.
    pub pools: Vec<PoolSeen>,
    /// What it owes in other currencies.
    pub foreign: Vec<Foreign>,
    /// Highest dunning level.
    pub dunning_level: i32,
    /// How many days its oldest item is past due.
    pub oldest_overdue_days: i32,
    /// How many of its orders are held.
    pub held_count: usize,
    /// Terms granted, in days.
    pub terms_days: i32,
    /// Versions of what limits, receivables and collections said; 0 while they said nothing.
    pub versions: [i64; 3],
    /// Version of the gate's policy.
    pub policy_version: i64,
    /// How far the gate had followed the others.
    pub based_on: Followed,
    /// Age of the oldest of those, in milliseconds.
    pub staleness_ms: i64,
}

pub(super) fn standing(
    book: &Book,
    account_id: &AccountId,
    date: NaiveDate,
    staleness_ms: i64,
) -> Result<AccountStanding, Error> {
    let account = book.accounts.get(account_id).ok_or_else(|| Error::not_found("account", account_id))?;
    let (credit, conduct) = (account.credit.as_deref(), account.conduct.as_deref());
    let currency = account.currency();
    let purse = currency.and_then(|currency| account.purse(currency));
    let schedule = purse.map_or(&[][..], Purse::schedule);
    let reserved = purse.map_or_else(Reserved::default, |purse| purse.reserved);
    let at_home = Exposure::on(date, schedule, purse.map_or(0, Purse::unapplied_credit), reserved)?;
    let about = currency.map(|currency| About { account_id, currency, own: None, today: date, horizon: None });
    let around = about.map(|about| surroundings(book, account, &about)).transpose()?;
    let (abroad, pools) = around.as_ref().map_or((&[][..], &[][..]), |around| (&around.abroad, &around.pools));
    let Owed { exposure, foreign, pools } = owed(at_home, (abroad, pools), (date, book.policy.policy.left_out))?;
    let limit = credit.map_or(LimitInForce::Missing, |credit| credit.limit_on(date));
    let net = exposure.net()?;
    let frozen = credit.and_then(|credit| credit.frozen.clone());
    let inherited = around.as_ref().map_or(&[][..], |around| &around.inherited);
    let is_frozen = frozen.is_some() || inherited.iter().any(|inherited| inherited.frozen.is_some());
    let inherited = inherited.iter().filter_map(|inherited| {
        let why = inherited.blocked.or(inherited.frozen)?;
        Some((inherited.group_id.clone(), why.to_owned()))
    });
    let headroom = limit.amount().map(|limit| limit.saturating_sub(net).max(0));
    let schedules = abroad.iter().map(|abroad| abroad.schedule).chain([schedule]);
    let position = purse.and_then(|purse| purse.position.as_ref());
    Ok(AccountStanding {
        group_id: credit.and_then(|credit| credit.group_id.clone()),
        grade: credit.and_then(|credit| credit.grade),
        currency,
        exposure,
        limit,
        headroom: if is_frozen { Some(0) } else { headroom },
        utilisation: utilisation(net, limit),
        over_limit: limit.amount().is_some_and(|limit| net > limit),
        blocked: conduct.and_then(|conduct| conduct.blocked.clone()),
        frozen,
        inherited: inherited.collect(),
        pools,
        foreign,
        dunning_level: conduct.map_or(0, |conduct| conduct.dunning_level),
        oldest_overdue_days: schedules.map(|due| oldest_overdue_days(due, date)).max().unwrap_or(0),
        held_count: account.held.len(),
        terms_days: credit.map_or(0, |credit| credit.terms_days),
        versions: [
            credit.map_or(0, |credit| credit.version),
            position.map_or(0, |position| position.version),
            conduct.map_or(0, |conduct| conduct.version),
        ],
        policy_version: book.policy.version,
        based_on: book.followed,
        staleness_ms,
    })
}
