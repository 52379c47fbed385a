//! Everything the gate decides by, in memory: accounts with what others say of them and what orders reserve, and every
//! order that counts or waits. Written by one task alone; readers see what is durable and nothing else.

use std::sync::Arc;

use chrono::NaiveDate;
use hashbrown::HashMap;
use smallvec::SmallVec;
use weir_model::{AccountId, Currency, OrderId};

use crate::check::Now;
use crate::commitment::{Line, Reserved};
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::error::Error;
use crate::exposure::Due;
use crate::order::Order;
use crate::policy::{PolicyVersion, Rule};
use crate::rules::{self, Grace, Question};
use crate::standing::{Conduct, Credit, Position};

/// What an account owes and has reserved in one currency.
#[derive(Debug, Clone)]
pub struct Purse {
    /// The currency.
    pub currency: Currency,
    /// What receivables say; none when they never spoke of it.
    pub position: Option<Arc<Position>>,
    /// What its orders reserve: a running figure.
    pub reserved: Reserved,
    /// The same by the day they are to ship, in order; under none where nobody knows.
    by_ship_date: SmallVec<[(Option<NaiveDate>, Reserved); 1]>,
}

impl Purse {
    fn new(currency: Currency) -> Self {
        Purse { currency, position: None, reserved: Reserved::default(), by_ship_date: SmallVec::new() }
    }

    /// An order reserves something.
    pub fn reserve(&mut self, ship_date: Option<NaiveDate>, reserved: Reserved) {
        self.reserved += reserved;
        self.change(ship_date, |on_that_day| *on_that_day += reserved);
    }

    /// An order no longer reserves what it did.
    pub fn free(&mut self, ship_date: Option<NaiveDate>, reserved: Reserved) {
        self.reserved -= reserved;
        self.change(ship_date, |on_that_day| *on_that_day -= reserved);
    }

    fn change(&mut self, ship_date: Option<NaiveDate>, change: impl FnOnce(&mut Reserved)) {
        let days = &mut self.by_ship_date;
        let index = days.binary_search_by_key(&ship_date, |(day, _)| *day).unwrap_or_else(|index| {
            days.insert(index, (ship_date, Reserved::default()));
            index
        });
        let Some((_, on_that_day)) = days.get_mut(index) else { return };
        change(on_that_day);
        if on_that_day.is_nothing() {
            days.remove(index);
        }
    }

    /// What is reserved by orders that ship up to a day, and what of the others is delivered.
    pub(crate) fn reserved_up_to(&self, last: NaiveDate) -> Reserved {
        let mut soon = Reserved::default();
        for (ship_date, reserved) in &self.by_ship_date {
            soon += soon_of(*reserved, *ship_date, last);
        }
        soon
    }

    fn is_empty(&self) -> bool {
        let owes = |position: &Arc<Position>| !position.schedule.is_empty() || position.unapplied_credit > 0;
        self.reserved.is_nothing() && !self.position.as_ref().is_some_and(owes)
    }

    /// What is open, by due date.
    pub fn schedule(&self) -> &[Due] {
        self.position.as_ref().map_or(&[], |position| &position.schedule)
    }

    /// Credit not yet allocated.
    pub fn unapplied_credit(&self) -> i64 {
        self.position.as_ref().map_or(0, |position| position.unapplied_credit)
    }
}

/// An account, as the gate sees it.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// What limits say.
    pub credit: Option<Arc<Credit>>,
    /// What collections say.
    pub conduct: Option<Arc<Conduct>>,
    /// What it owes, by currency.
    pub purses: SmallVec<[Purse; 1]>,
    /// Its held orders, oldest first.
    pub held: Vec<OrderId>,
}

impl Account {
    /// What it owes in a currency.
    pub fn purse(&self, currency: Currency) -> Option<&Purse> {
        self.purses.iter().find(|purse| purse.currency == currency)
    }

    /// What it owes in a currency, to be changed.
    pub fn purse_mut(&mut self, currency: Currency) -> &mut Purse {
        let known = self.purses.iter().position(|purse| purse.currency == currency);
        let index = known.unwrap_or_else(|| {
            self.purses.push(Purse::new(currency));
            self.purses.len() - 1
        });
        self.purses.get_mut(index).expect("found or just pushed")
    }

    /// The currency its limits are in; where none is known, the one it owes in.
    pub fn currency(&self) -> Option<Currency> {
        let credit = self.credit.as_ref().map(|credit| credit.currency);
        credit.or_else(|| self.purses.first().map(|purse| purse.currency))
    }

    /// Refuses to guess: an order is compared with a limit in its own currency, and so is everything else owed.
    pub fn comparable(&self, currency: Currency) -> Result<(), Error> {
        let Some(credit) = &self.credit else { return Ok(()) };
        if credit.currency != currency {
            return Err(Error::CurrencyMismatch { account: credit.currency, given: currency });
        }
        match self.purses.iter().find(|purse| purse.currency != currency && !purse.is_empty()) {
            Some(purse) => Err(Error::FxRateMissing { from: purse.currency, to: currency }),
            None => Ok(()),
        }
    }
}

/// What is asked of an account's standing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The order.
    pub(crate) order: &'a Order,
    /// Its lines, with what happened to them.
    pub(crate) lines: &'a [Line],
    /// What it reserves already, to be left out of the exposure.
    pub(crate) own: Reserved,
    /// When what it reserves already is to ship.
    pub(crate) own_ship_date: Option<NaiveDate>,
    /// Whether a forced hold stopped it before.
    pub(crate) was_forced: bool,
    /// When.
    pub(crate) now: Now,
    /// Which rules cannot stop it.
    pub(crate) grace: Grace,
}

impl Account {
    /// The question the rules answer: this account, without the order itself, and with the order as it is asked.
    pub(crate) fn question<'a>(&'a self, asked: Asked<'a>, policy: &'a PolicyVersion) -> Question<'a> {
        let (order, policy) = (asked.order, &policy.policy);
        let purse = self.purse(order.currency);
        let mut others = purse.map_or_else(Reserved::default, |purse| purse.reserved);
        others -= asked.own;
        let subject = rules::subject(&order.account_id, self.credit.as_deref());
        let horizon = policy.row(Rule::LimitExceededInHorizon, subject, order.checkpoint);
        let others_in_horizon = horizon.map_or(others, |row| {
            let last = rules::last_day(asked.now.today, row.days);
            let mut soon = purse.map_or_else(Reserved::default, |purse| purse.reserved_up_to(last));
            soon -= soon_of(asked.own, asked.own_ship_date, last);
            soon
        });
        Question {
            account_id: &order.account_id,
            credit: self.credit.as_deref(),
            conduct: self.conduct.as_deref(),
            schedule: purse.map_or(&[], Purse::schedule),
            unapplied_credit: purse.map_or(0, Purse::unapplied_credit),
            others,
            others_in_horizon,
            lines: asked.lines,
            prepaid: order.prepaid,
            ship_date: order.ship_date,
            terms_days: order.terms_days,
            discount_percent: order.discount_percent,
            was_forced: asked.was_forced,
            currency: order.currency,
            checkpoint: order.checkpoint,
            today: asked.now.today,
            ages: asked.now.ages,
            policy,
            grace: asked.grace,
        }
    }
}

/// What of a reservation counts up to a day: all of it where it ships by then, or nobody knows when; what is delivered
/// in any case.
fn soon_of(reserved: Reserved, ship_date: Option<NaiveDate>, last: NaiveDate) -> Reserved {
    if ship_date.is_none_or(|ships| ships <= last) {
        reserved
    } else {
        Reserved { ordered: 0, delivered: reserved.delivered, prepaid: 0 }
    }
}

/// Everything the gate decides by.
#[derive(Debug, Clone)]
pub struct Book {
    /// Accounts by id; boxed, for a map is half empty.
    pub accounts: HashMap<AccountId, Box<Account>>,
    /// Orders that count or wait.
    pub dossiers: HashMap<OrderId, Arc<Dossier>>,
    /// What the gate goes by.
    pub policy: Arc<PolicyVersion>,
    /// How far the gate has followed the others.
    pub followed: Followed,
    /// The last position of the journal.
    pub last_position: i64,
}

impl Book {
    /// An empty book.
    pub fn new(policy: Arc<PolicyVersion>, followed: Followed, last_position: i64) -> Self {
        Book { accounts: HashMap::new(), dossiers: HashMap::new(), policy, followed, last_position }
    }

    /// Enters an order: what it reserves, and whether it waits. Holds must be entered oldest first.
    pub fn enter(&mut self, dossier: Arc<Dossier>) {
        if let Some((account_id, currency)) = dossier.counts_for() {
            let account = self.accounts.entry(account_id.clone()).or_default();
            account.purse_mut(currency).reserve(dossier.ship_date(), dossier.reserved());
        }
        if let Some(hold) = &dossier.waiting {
            let account = self.accounts.entry(hold.order.account_id.clone()).or_default();
            account.held.push(dossier.order_id.clone());
        }
        self.dossiers.insert(dossier.order_id.clone(), dossier);
    }

    /// Makes durable changes visible. Orders that neither count nor wait leave memory.
    pub fn apply(&mut self, changes: Changes) {
        self.accounts.extend(changes.accounts);
        for (order_id, dossier) in changes.dossiers {
            if dossier.is_live() {
                self.dossiers.insert(order_id, dossier);
            } else {
                self.dossiers.remove(&order_id);
            }
        }
        self.policy = changes.policy;
        self.followed = changes.followed;
        self.last_position = changes.last_position;
    }
}

/// What a batch changed, to be made visible once it is durable.
#[derive(Debug)]
pub struct Changes {
    /// Accounts as they are now.
    pub accounts: HashMap<AccountId, Box<Account>>,
    /// Orders as they are now.
    pub dossiers: HashMap<OrderId, Arc<Dossier>>,
    /// The policy in force now.
    pub policy: Arc<PolicyVersion>,
    /// How far the gate has followed the others now.
    pub followed: Followed,
    /// The last position of the journal now.
    pub last_position: i64,
}
