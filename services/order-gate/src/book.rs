//! Everything the gate decides by, in memory: accounts with what others say of them and what orders reserve, and every
//! order that counts or waits. Written by one task alone; readers see what is durable and nothing else.

use std::sync::Arc;

use chrono::NaiveDate;
use hashbrown::HashMap;
use smallvec::SmallVec;
use weir_model::{AccountId, Currency, OrderId};

use crate::commitment::{Line, Reserved};
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::error::Error;
use crate::exposure::Due;
use crate::order::Checkpoint;
use crate::policy::PolicyVersion;
use crate::rules::{Grace, Question};
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
}

impl Purse {
    fn new(currency: Currency) -> Self {
        Purse { currency, position: None, reserved: Reserved::default() }
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
pub struct Asked<'a> {
    /// The order's lines, with what happened to them.
    pub lines: &'a [Line],
    /// Part of it paid in advance.
    pub prepaid: i64,
    /// What it reserves already, to be left out of the exposure.
    pub own: Reserved,
    /// Its currency.
    pub currency: Currency,
    /// Where in its life.
    pub checkpoint: Checkpoint,
    /// The business date.
    pub today: NaiveDate,
    /// Which rules cannot stop it.
    pub grace: Grace,
}

impl Account {
    /// The question the rules answer: this account, without the order itself, and with the order as it is asked.
    pub fn question<'a>(&'a self, asked: Asked<'a>, policy: &'a PolicyVersion) -> Question<'a> {
        let purse = self.purse(asked.currency);
        let mut others = purse.map_or_else(Reserved::default, |purse| purse.reserved);
        others -= asked.own;
        Question {
            credit: self.credit.as_deref(),
            conduct: self.conduct.as_deref(),
            schedule: purse.map_or(&[], Purse::schedule),
            unapplied_credit: purse.map_or(0, Purse::unapplied_credit),
            others,
            lines: asked.lines,
            prepaid: asked.prepaid,
            currency: asked.currency,
            checkpoint: asked.checkpoint,
            today: asked.today,
            policy: &policy.policy,
            grace: asked.grace,
        }
    }
}

/// Everything the gate decides by.
#[derive(Debug, Clone)]
pub struct Book {
    /// Accounts by id.
    pub accounts: HashMap<AccountId, Account>,
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
            account.purse_mut(currency).reserved += dossier.reserved();
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
    pub accounts: HashMap<AccountId, Account>,
    /// Orders as they are now.
    pub dossiers: HashMap<OrderId, Arc<Dossier>>,
    /// The policy in force now.
    pub policy: Arc<PolicyVersion>,
    /// How far the gate has followed the others now.
    pub followed: Followed,
    /// The last position of the journal now.
    pub last_position: i64,
}
