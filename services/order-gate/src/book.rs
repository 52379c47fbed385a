//! Everything the gate decides by, in memory: accounts with what others say of them and what orders reserve, and every
//! order that counts or waits. Written by one task alone; readers see what is durable and nothing else.

mod hands;

use std::sync::Arc;

use chrono::NaiveDate;
use hashbrown::HashMap;
use rust_decimal::Decimal;
use smallvec::SmallVec;
use weir_model::{AccountId, Country, Currency, GroupId, OrderId};

use crate::commitment::Reserved;
use crate::country::{self, Countries, CountriesMut, CountryTotal, Stake};
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::exposure::{Due, whole};
use crate::fx::Rates;
use crate::pattern::Pattern;
use crate::policy::PolicyVersion;
use crate::pool::{Amounts, Group, Pool, Pools, PoolsMut, Share, regroup, shift};
use crate::question::{View, soon_of};
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

    /// What counts of it in the pool of the account's group.
    fn whole(&self) -> i128 {
        self.whole_with(self.reserved)
    }

    /// The same, were something else reserved.
    fn whole_with(&self, reserved: Reserved) -> i128 {
        let open = self.schedule().iter().map(|due| i128::from(due.open)).sum();
        whole(open, self.unapplied_credit(), reserved)
    }

    /// Whether it is as if the account never had anything to do with the currency.
    pub(crate) fn is_empty(&self) -> bool {
        let owes = |position: &Arc<Position>| !position.schedule.is_empty() || position.unapplied_credit > 0;
        self.reserved.is_nothing() && !self.position.as_ref().is_some_and(owes)
    }

    /// What is open, by due date.
    pub fn schedule(&self) -> &[Due] {
        self.position.as_ref().map_or(&[], |position| &position.schedule)
    }

    /// How promptly the account paid so far; none for fewer than three payments.
    pub fn payment_index(&self) -> Option<Decimal> {
        self.position.as_ref().and_then(|position| position.behaviour?.payment_index)
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
    /// What its orders of late were worth; none while no rule asks.
    pub pattern: Option<Arc<Pattern>>,
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

    /// What it adds to the pool of its group; none where it shares in no pool.
    pub(crate) fn share(&self) -> Option<Share> {
        let credit = self.credit.as_deref().filter(|credit| credit.shares_exposure)?;
        Some(Share { group_id: credit.group_id.clone()?, amounts: self.owed() })
    }

    /// How much less it would owe in a currency without a part of what it reserves.
    pub(crate) fn owes_for(&self, currency: Currency, part: Reserved) -> i128 {
        self.purse(currency).map_or(0, |purse| {
            let mut rest = purse.reserved;
            rest -= part;
            purse.whole() - purse.whole_with(rest)
        })
    }

    /// What it adds to its country; none where nobody told that.
    pub(crate) fn stake(&self) -> Option<Stake> {
        Some(Stake { country: self.credit.as_deref()?.country?, amounts: self.owed() })
    }

    fn owed(&self) -> Amounts {
        let owed = self.purses.iter().map(|purse| (purse.currency, purse.whole()));
        owed.filter(|(_, owed)| *owed != 0).collect()
    }
}

/// Everything the gate decides by.
#[derive(Debug, Clone)]
pub struct Book {
    /// Accounts by id; boxed, for a map is half empty.
    pub accounts: HashMap<AccountId, Box<Account>>,
    /// Orders that count or wait.
    pub dossiers: HashMap<OrderId, Arc<Dossier>>,
    /// Groups of accounts.
    pub pools: HashMap<GroupId, Pool>,
    /// Which groups an account is the head of.
    pub heads: HashMap<AccountId, Vec<GroupId>>,
    /// Countries of accounts.
    pub countries: HashMap<Country, CountryTotal>,
    /// What the gate goes by.
    pub policy: Arc<PolicyVersion>,
    /// Exchange rates.
    pub rates: Arc<Rates>,
    /// How far the gate has followed the others.
    pub followed: Followed,
    /// The last position of the journal.
    pub last_position: i64,
}

impl Pools for Book {
    fn pool(&self, group_id: &GroupId) -> Option<&Pool> {
        self.pools.get(group_id)
    }
}

impl PoolsMut for Book {
    fn pool_mut(&mut self, group_id: &GroupId) -> &mut Pool {
        self.pools.entry_ref(group_id).or_default()
    }
}

impl Countries for Book {
    fn country(&self, country: Country) -> Option<&CountryTotal> {
        self.countries.get(&country)
    }
}

impl CountriesMut for Book {
    fn country_mut(&mut self, country: Country) -> &mut CountryTotal {
        self.countries.entry(country).or_default()
    }
}

impl View for Book {
    fn account(&self, account_id: &AccountId) -> Option<&Account> {
        self.accounts.get(account_id).map(|account| &**account)
    }

    fn policy(&self) -> &PolicyVersion {
        &self.policy
    }

    fn rates(&self) -> &Rates {
        &self.rates
    }
}

impl Book {
    /// An empty book.
    pub fn new(policy: Arc<PolicyVersion>, rates: Rates, followed: Followed, last_position: i64) -> Self {
        Book {
            accounts: HashMap::new(),
            dossiers: HashMap::new(),
            pools: HashMap::new(),
            heads: HashMap::new(),
            countries: HashMap::new(),
            policy,
            rates: Arc::new(rates),
            followed,
            last_position,
        }
    }

    /// Enters what limits say of a group.
    pub(crate) fn enter_group(&mut self, group_id: &GroupId, group: Group) {
        if let Some(head) = &group.head {
            self.heads.entry_ref(head).or_default().push(group_id.clone());
        }
        regroup(self, group_id, Arc::new(group));
    }

    /// Adds up what the members of each group and the accounts of each country owe, once all of them and their orders are
    /// entered.
    pub(crate) fn add_up_pools(&mut self) {
        let shares: Vec<Share> = self.accounts.values().filter_map(|account| account.share()).collect();
        for share in &shares {
            shift(self, None, Some(share));
        }
        let stakes: Vec<Stake> = self.accounts.values().filter_map(|account| account.stake()).collect();
        for stake in &stakes {
            country::shift(self, None, Some(stake));
        }
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
            for group_id in hold.stopped_by() {
                let waiting = &mut self.pools.entry_ref(group_id).or_default().waiting;
                Arc::make_mut(waiting).insert(hold.age(), dossier.order_id.clone());
            }
            for country in hold.stopped_in() {
                let waiting = &mut self.countries.entry(country).or_default().waiting;
                Arc::make_mut(waiting).insert(hold.age(), dossier.order_id.clone());
            }
        }
        self.dossiers.insert(dossier.order_id.clone(), dossier);
    }

    /// Makes durable changes visible. Orders that neither count nor wait leave memory.
    pub fn apply(&mut self, changes: Changes) {
        self.accounts.extend(changes.accounts);
        self.pools.extend(changes.pools);
        self.heads.extend(changes.heads);
        self.countries.extend(changes.countries);
        for (order_id, dossier) in changes.dossiers {
            if dossier.is_live() {
                self.dossiers.insert(order_id, dossier);
            } else {
                self.dossiers.remove(&order_id);
            }
        }
        self.policy = changes.policy;
        self.rates = changes.rates;
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
    /// Groups as they are now.
    pub pools: HashMap<GroupId, Pool>,
    /// Which groups accounts are the head of now.
    pub heads: HashMap<AccountId, Vec<GroupId>>,
    /// Countries as they are now.
    pub countries: HashMap<Country, CountryTotal>,
    /// The policy in force now.
    pub policy: Arc<PolicyVersion>,
    /// Exchange rates now.
    pub rates: Arc<Rates>,
    /// How far the gate has followed the others now.
    pub followed: Followed,
    /// The last position of the journal now.
    pub last_position: i64,
}
