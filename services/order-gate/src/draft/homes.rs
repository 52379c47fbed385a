//! Accounts and the processes that decide for them: a group and all its members lie in one partition, named by the group at
//! the top, so an account that joins, leaves or changes groups may move.

use weir_model::{AccountId, Call, OrderId};

use super::{Draft, json};
use crate::dossier::Dossier;
use crate::error::Error;
use crate::letter::{Addressed, Letter};
use crate::pool::top_of;
use crate::question::View as _;
use crate::store::Moved;

impl Draft<'_> {
    /// Whether this process decides for an account.
    pub(super) fn holds(&self, account_id: &AccountId) -> bool {
        self.directory.holds(account_id)
    }

    /// [`Error::Unavailable`] where another process decides for an account, or nobody: whoever asked again finds it.
    pub(super) fn holding(&self, account_id: &AccountId) -> Result<(), Error> {
        if self.holds(account_id) { Ok(()) } else { Err(Error::Unavailable) }
    }

    /// The same for the account of an order that has one.
    pub(super) fn holding_order(&self, known: Option<&Dossier>) -> Result<(), Error> {
        known.and_then(Dossier::account_id).map_or(Ok(()), |account_id| self.holding(account_id))
    }

    /// Moves an account to the partition of its group, if it is not there.
    pub(super) fn rehome(&mut self, call: &Call, account_id: &AccountId) {
        let credit = self.account(account_id).and_then(|account| account.credit.clone());
        let home = match credit.as_ref().and_then(|credit| credit.group_id.as_ref()) {
            Some(group_id) => self.directory.named_by(top_of(self, group_id).as_str()),
            None => self.directory.named_by(account_id.as_str()),
        };
        let present = self.moved.get(account_id).copied().unwrap_or_else(|| self.directory.home(account_id.as_str()));
        if home != present {
            self.moved.insert(account_id.clone(), home);
            let version = credit.map_or(0, |credit| credit.version);
            let call = std::sync::Arc::new(call.clone());
            self.line(&call, ("account_moved", account_id.as_str(), version), Some(json(&present)), json(&home));
        }
    }

    /// The same for all accounts with a group: another group may be at the top.
    pub(super) fn rehome_all(&mut self, call: &Call) {
        let is_grouped =
            |account: &crate::book::Account| account.credit.as_ref().is_some_and(|credit| credit.group_id.is_some());
        let known = self.book.accounts.iter().chain(&self.accounts).filter(|(_, account)| is_grouped(account));
        let mut grouped: Vec<AccountId> = known.map(|(account_id, _)| account_id.clone()).collect();
        grouped.sort_unstable();
        grouped.dedup();
        for account_id in grouped.iter().filter(|account_id| self.holds(account_id)).cloned().collect::<Vec<_>>() {
            self.rehome(call, &account_id);
        }
    }

    /// Works out where all lies that the batch writes, what moves, and who has to be told.
    pub(super) fn settle_homes(&mut self) {
        for (account_id, to) in std::mem::take(&mut self.moved) {
            let from = self.directory.home(account_id.as_str());
            if from == to {
                continue;
            }
            if !self.directory.is_here(to) {
                let letter = Letter::Moved { account_id: account_id.clone(), followed: self.followed };
                self.writes.letters.push(Addressed { partition: to, letter });
            }
            let orders = self.live_orders_of(&account_id);
            self.writes.homes.insert(account_id.clone(), to);
            self.writes.moved.push(Moved { account_id, from, to, orders });
        }
        let of_orders = self.dossiers.values().filter_map(|dossier| dossier.account_id());
        let of_inputs = self.writes.inputs.keys().map(|(account_id, _)| account_id);
        for account_id in of_orders.chain(of_inputs) {
            if let Some(home) = self.directory.moved_home(account_id.as_str()) {
                self.writes.homes.entry_ref(account_id).or_insert(home);
            }
        }
    }

    fn live_orders_of(&self, account_id: &AccountId) -> Vec<OrderId> {
        let account = self.account(account_id);
        let has_orders = account.is_some_and(|account| {
            !account.held.is_empty() || account.purses.iter().any(|purse| !purse.reserved.is_nothing())
        });
        if !has_orders {
            return Vec::new();
        }
        let is_its = |dossier: &Dossier| dossier.account_id() == Some(account_id) && dossier.is_live();
        let known = self.book.dossiers.iter().filter(|(order_id, _)| !self.dossiers.contains_key(*order_id));
        let all = known.chain(&self.dossiers).filter(|(_, dossier)| is_its(dossier));
        all.map(|(order_id, _)| order_id.clone()).collect()
    }
}
