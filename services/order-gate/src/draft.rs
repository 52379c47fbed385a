//! What a batch would change: decided in memory over the book, written in one transaction, made visible afterwards.
//! Until then the book is untouched, so a batch that fails leaves nothing to undo.
//!
//! Each command either changes the draft as a whole or returns an error and changes nothing.

mod authorize;
mod countries;
mod groups;
mod holds;
mod homes;
mod news;
mod pattern;
mod rates;
mod together;

use std::num::NonZeroU16;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Call, Country, Currency, DecisionId, GroupId, HoldId, Ids, OrderId};

pub(crate) use authorize::Authorize;
pub use authorize::{Cancel, Deliver};
pub(crate) use holds::{Activate, Recheck, Reject, ReleaseHold};
pub(crate) use news::{Invoiced, News};
pub(crate) use rates::PutRates;
pub(crate) use together::{AuthorizeTogether, Given, Together};

use crate::book::{Account, Book, Changes};
use crate::check::{Circumstances, Now};
use crate::country::CountryTotal;
use crate::decision::{Decision, Followed};
use crate::dossier::{Commitment, Dossier};
use crate::fx::{Rate, Rates};
use crate::hold::Hold;
use crate::letter::Addressed;
use crate::order::Order;
use crate::ownership::{Directory, partition_of};
use crate::pattern::Pattern;
use crate::policy::PolicyVersion;
use crate::pool::{Group, Pool};
use crate::pulse::Pulse;
use crate::question::View as _;
use crate::standing::{Conduct, Credit, Position};
use crate::store::Moved;

/// A line of the journal to be written.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) call: Arc<Call>,
    pub(crate) kind: &'static str,
    pub(crate) subject: String,
    pub(crate) version: i64,
    /// JSON, as is `after`.
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}

/// What another context said of an account, or what its orders were worth, to be written.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    Credit(Arc<Credit>),
    Conduct(Arc<Conduct>),
    Position(Currency, Arc<Position>),
    Pattern(Arc<Pattern>),
}

/// A bookmark to be moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bookmark {
    pub(crate) feed: &'static str,
    pub(crate) from: Option<i64>,
    pub(crate) to: i64,
}

/// What a batch writes.
#[derive(Debug)]
pub(crate) struct Writes {
    /// The journal's position before the first line, unless others write meanwhile.
    pub(crate) after: i64,
    pub(crate) lines: Vec<Line>,
    /// Orders nothing was known of before, neither in the book nor where the database was asked.
    pub(crate) fresh: HashSet<OrderId>,
    pub(crate) holds: IndexMap<HoldId, Hold>,
    /// The newest of each kind: credit, conduct, pattern, position by currency.
    pub(crate) inputs: IndexMap<(AccountId, &'static str), Input>,
    /// What limits said of groups.
    pub(crate) groups: IndexMap<GroupId, Arc<Group>>,
    pub(crate) rates: Vec<Rate>,
    pub(crate) policies: Vec<Arc<PolicyVersion>>,
    pub(crate) bookmarks: Vec<Bookmark>,
    /// Orders of which only deliveries or invoices were known, with the version that was looked up.
    pub(crate) common: HashMap<OrderId, i64>,
    /// Accounts that lie in another partition from now on.
    pub(crate) moved: Vec<Moved>,
    /// What other partitions have to be told.
    pub(crate) letters: Vec<Addressed>,
    /// Letters that take effect.
    pub(crate) letters_read: Vec<i64>,
    /// How many partitions there are.
    partitions: NonZeroU16,
    /// Where accounts of the batch lie that do not lie where their ids say.
    homes: HashMap<AccountId, i64>,
}

/// What came of a command.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) decision: Option<Decision>,
    /// The decision was given before: the database has it.
    pub(crate) given_before: Option<DecisionId>,
    pub(crate) hold: Option<Hold>,
    pub(crate) commitment: Option<Commitment>,
    pub(crate) policy: Option<Arc<PolicyVersion>>,
    /// Of orders that pass together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) together: Option<Together>,
    /// The journal's position that holds what was done.
    pub(crate) position: i64,
}

/// What a batch would change.
pub(crate) struct Draft<'b> {
    book: &'b Book,
    directory: &'b Directory,
    /// Orders the book does not hold, as the database has them.
    found: HashMap<OrderId, Arc<Dossier>>,
    ids: &'b Ids,
    pulse: &'b Pulse,
    accounts: HashMap<AccountId, Box<Account>>,
    dossiers: HashMap<OrderId, Arc<Dossier>>,
    pools: HashMap<GroupId, Pool>,
    heads: HashMap<AccountId, Vec<GroupId>>,
    countries: HashMap<Country, CountryTotal>,
    /// Groups in which room may have come free since held orders were checked.
    freed: IndexSet<GroupId>,
    /// Accounts that lie in another partition from now on.
    moved: IndexMap<AccountId, i64>,
    /// Countries in which it may have.
    freed_countries: IndexSet<Country>,
    policy: Arc<PolicyVersion>,
    rates: Arc<Rates>,
    followed: Followed,
    writes: Writes,
}

impl Writes {
    fn new(partitions: NonZeroU16, after: i64) -> Self {
        Writes {
            after,
            lines: Vec::new(),
            fresh: HashSet::new(),
            holds: IndexMap::new(),
            inputs: IndexMap::new(),
            groups: IndexMap::new(),
            rates: Vec::new(),
            policies: Vec::new(),
            bookmarks: Vec::new(),
            common: HashMap::new(),
            moved: Vec::new(),
            letters: Vec::new(),
            letters_read: Vec::new(),
            partitions,
            homes: HashMap::new(),
        }
    }

    /// The partition of an account of the batch, or of an order without one.
    pub(crate) fn home(&self, id: &str) -> i64 {
        let moved = if self.homes.is_empty() { None } else { self.homes.get(id).copied() };
        moved.unwrap_or_else(|| partition_of(id, self.partitions))
    }

    /// Whether there is nothing to write at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.is_of_orders_alone()
    }

    /// Whether there is nothing to write but orders and what the journal tells of them.
    pub(crate) fn is_of_orders_alone(&self) -> bool {
        self.holds.is_empty()
            && self.inputs.is_empty()
            && self.groups.is_empty()
            && self.rates.is_empty()
            && self.policies.is_empty()
            && self.bookmarks.is_empty()
            && self.common.is_empty()
            && self.moved.is_empty()
            && self.letters.is_empty()
            && self.letters_read.is_empty()
    }
}

impl<'b> Draft<'b> {
    /// An empty draft over a book, over where accounts lie, and over what the database has of further orders.
    pub(crate) fn new(
        (book, directory): (&'b Book, &'b Directory),
        found: HashMap<OrderId, Arc<Dossier>>,
        ids: &'b Ids,
        pulse: &'b Pulse,
    ) -> Self {
        Draft {
            book,
            directory,
            found,
            ids,
            pulse,
            accounts: HashMap::new(),
            dossiers: HashMap::new(),
            pools: HashMap::new(),
            heads: HashMap::new(),
            countries: HashMap::new(),
            freed: IndexSet::new(),
            moved: IndexMap::new(),
            freed_countries: IndexSet::new(),
            policy: book.policy.clone(),
            rates: book.rates.clone(),
            followed: book.followed,
            writes: Writes::new(directory.partitions(), book.last_position),
        }
    }

    /// What becomes visible, and what has to be written first.
    pub(crate) fn finish(mut self) -> (Changes, Writes) {
        self.settle_homes();
        let last_position = self.position();
        let Draft { accounts, dossiers, pools, heads, countries, policy, rates, followed, writes, .. } = self;
        (Changes { accounts, dossiers, pools, heads, countries, policy, rates, followed, last_position }, writes)
    }

    /// The position of the last line so far, unless others write meanwhile: the database gives it.
    pub(crate) fn position(&self) -> i64 {
        self.writes.after + i64::try_from(self.writes.lines.len()).unwrap_or(i64::MAX)
    }

    fn account_mut(&mut self, account_id: &AccountId) -> &mut Account {
        self.accounts
            .entry_ref(account_id)
            .or_insert_with(|| self.book.accounts.get(account_id).cloned().unwrap_or_default())
    }

    fn dossier(&self, order_id: &OrderId) -> Option<&Arc<Dossier>> {
        self.dossiers.get(order_id).or_else(|| self.book.dossiers.get(order_id)).or_else(|| self.found.get(order_id))
    }

    fn circumstances(&self, call: &Call, order: &Order, business_date: chrono::NaiveDate) -> Circumstances {
        let credit = self.account(&order.account_id).and_then(|account| account.credit.as_ref());
        Circumstances {
            currency: credit.map(|credit| credit.currency),
            policy_version: self.policy.version,
            limit_version: credit.map_or(0, |credit| credit.version),
            based_on: self.followed,
            staleness_ms: self.pulse.ages(call.at).oldest_ms(),
            business_date,
            decided_at: call.at,
            correlation_id: call.correlation_id.clone(),
        }
    }

    /// When a call's order is checked.
    fn now(&self, call: &Call, today: chrono::NaiveDate) -> Now {
        Now { today, ages: self.pulse.ages(call.at) }
    }

    /// Records a decision. The journal's line is the one place where it is kept.
    fn record(&mut self, call: &Arc<Call>, decision: &Decision) {
        if let Some(decision_id) = &decision.decision_id {
            self.pulse.count(&decision.verdict);
            self.line(call, ("decision_recorded", decision_id.as_str(), 1), None, json(decision));
        }
    }

    /// Notes a hold as it is now; `before` as it was.
    fn note_hold(&mut self, call: &Arc<Call>, before: Option<&Hold>, hold: &Hold) {
        let subject = ("hold_changed", hold.hold_id.as_str(), hold.version);
        self.line(call, subject, before.map(json), json(hold));
        self.writes.holds.insert(hold.hold_id.clone(), hold.clone());
    }

    /// Puts an order's dossier in place of the one before, keeping what accounts have reserved and hold in step.
    fn put(&mut self, call: &Arc<Call>, mut dossier: Dossier) -> Option<Commitment> {
        let before = self.dossier(&dossier.order_id).cloned();
        match &before {
            None => {
                self.writes.fresh.insert(dossier.order_id.clone());
            }
            Some(before) if before.account_id().is_none() && !self.dossiers.contains_key(&before.order_id) => {
                self.writes.common.insert(before.order_id.clone(), before.version);
            }
            Some(_) => {}
        }
        dossier.version = before.as_ref().map_or(0, |before| before.version) + 1;
        let old = before.as_ref().and_then(|before| before.commitment());
        let new = dossier.commitment();
        let changed = match (&old, &new) {
            (Some(old), Some(new)) => *old != Commitment { version: old.version, ..new.clone() },
            (None, None) => false,
            _ => true,
        };
        if let (true, Some(new)) = (changed, &new) {
            let subject = ("commitment_changed", new.order_id.as_str(), new.version);
            self.line(call, subject, old.as_ref().map(json), json(new));
        }
        self.reserve(before.as_deref(), &dossier);
        self.note_pattern(call, before.as_deref(), &dossier);
        self.queue(before.as_deref(), &dossier);
        self.dossiers.insert(dossier.order_id.clone(), Arc::new(dossier));
        new
    }

    /// Keeps in step what accounts have reserved. What one order reserves in place of what it did is one change.
    fn reserve(&mut self, before: Option<&Dossier>, after: &Dossier) {
        let freed = before.and_then(|before| before.counts_for().map(|counts_for| (counts_for, before)));
        let reserved = after.counts_for().map(|counts_for| (counts_for, after));
        let free = |account: &mut Account, currency, before: &Dossier| {
            account.purse_mut(currency).free(before.ship_date(), before.reserved());
        };
        let reserve = |account: &mut Account, currency, after: &Dossier| {
            account.purse_mut(currency).reserve(after.ship_date(), after.reserved());
        };
        match (freed, reserved) {
            (Some(((old, was_in), before)), Some(((new, is_in), after))) if old == new => {
                self.change_account(new, |account| {
                    free(account, was_in, before);
                    reserve(account, is_in, after);
                });
            }
            (freed, reserved) => {
                if let Some(((account_id, currency), before)) = freed {
                    self.change_account(account_id, |account| free(account, currency, before));
                }
                if let Some(((account_id, currency), after)) = reserved {
                    self.change_account(account_id, |account| reserve(account, currency, after));
                }
            }
        }
    }

    /// Keeps queues of held orders in step: that of the account, where a new hold goes to its end, and those of the groups
    /// that stop it.
    fn queue(&mut self, before: Option<&Dossier>, after: &Dossier) {
        let was = before.and_then(|before| before.waiting.as_deref());
        let is = after.waiting.as_deref();
        self.wait_for_groups(was, is);
        self.wait_for_countries(was, is);
        if was.map(|hold| &hold.hold_id) == is.map(|hold| &hold.hold_id) {
            return;
        }
        if let Some(hold) = was {
            self.account_mut(&hold.order.account_id).held.retain(|held| *held != after.order_id);
        }
        if let Some(hold) = is {
            self.account_mut(&hold.order.account_id).held.push(after.order_id.clone());
        }
    }

    fn line(
        &mut self,
        call: &Arc<Call>,
        (kind, subject, version): (&'static str, &str, i64),
        before: Option<String>,
        after: String,
    ) {
        let (call, subject) = (call.clone(), subject.to_owned());
        self.writes.lines.push(Line { call, kind, subject, version, before, after });
    }
}

/// The same call, told under the correlation id of the order it is about.
fn call_for(call: &Call, dossier: Option<&Dossier>) -> Arc<Call> {
    let correlation_id = dossier.map_or(&call.correlation_id, |dossier| &dossier.correlation_id).clone();
    Arc::new(Call { correlation_id, ..call.clone() })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain structs of texts and numbers are JSON")
}
