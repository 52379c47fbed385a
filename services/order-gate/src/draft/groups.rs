//! Groups in a draft: what is known of them, what their members owe together, and which held orders wait for them.

use std::sync::Arc;

use weir_model::{AccountId, GroupId};

use super::Draft;
use crate::book::Account;
use crate::country;
use crate::fx::Rates;
use crate::hold::Hold;
use crate::policy::PolicyVersion;
use crate::pool::{Group, Pool, Pools, PoolsMut, blocked_by, line_of, regroup, shift};
use crate::question::View;

impl Pools for Draft<'_> {
    fn pool(&self, group_id: &GroupId) -> Option<&Pool> {
        self.pools.get(group_id).or_else(|| self.book.pools.get(group_id))
    }
}

impl PoolsMut for Draft<'_> {
    fn pool_mut(&mut self, group_id: &GroupId) -> &mut Pool {
        self.pools.entry_ref(group_id).or_insert_with(|| self.book.pools.get(group_id).cloned().unwrap_or_default())
    }
}

impl View for Draft<'_> {
    fn account(&self, account_id: &AccountId) -> Option<&Account> {
        self.accounts.get(account_id).or_else(|| self.book.accounts.get(account_id)).map(|account| &**account)
    }

    fn policy(&self) -> &PolicyVersion {
        &self.policy
    }

    fn rates(&self) -> &Rates {
        &self.rates
    }
}

impl Draft<'_> {
    /// Changes what an account owes, or which group or country it is of, and the pools and countries with it.
    pub(super) fn change_account(&mut self, account_id: &AccountId, change: impl FnOnce(&mut Account)) {
        let parts = |account: &Account| (account.share(), account.stake());
        let (share, stake) = self.account(account_id).map(parts).unwrap_or_default();
        change(self.account_mut(account_id));
        let (share_now, stake_now) = self.account(account_id).map(parts).unwrap_or_default();
        let fell = shift(self, share.as_ref(), share_now.as_ref());
        self.freed.extend(fell);
        let freed = country::shift(self, stake.as_ref(), stake_now.as_ref());
        self.freed_countries.extend(freed);
    }

    /// Takes in what limits say of a group; whether it is news.
    pub(super) fn hear_of_group(&mut self, group_id: &GroupId, group: &Arc<Group>) -> bool {
        let known = self.pool(group_id).map(|pool| pool.group.clone()).unwrap_or_default();
        if known.version >= group.version {
            return false;
        }
        self.free_from(group_id);
        regroup(self, group_id, group.clone());
        self.free_from(group_id);
        if known.head != group.head {
            if let Some(head) = &known.head {
                self.heads_mut(head).retain(|of| of != group_id);
            }
            if let Some(head) = &group.head {
                self.heads_mut(head).push(group_id.clone());
            }
        }
        self.writes.groups.insert(group_id.clone(), group.clone());
        true
    }

    /// Whatever holds orders up from a group upwards may no longer do so.
    fn free_from(&mut self, group_id: &GroupId) {
        let (pools, blocks) = (line_of(self, group_id), blocked_by(self, group_id));
        self.freed.extend(pools.into_iter().chain(blocks));
    }

    /// What stops an account may no longer stop the groups it is the head of.
    pub(super) fn free_groups_of(&mut self, head: &AccountId) {
        let groups = self.heads.get(head).or_else(|| self.book.heads.get(head));
        self.freed.extend(groups.into_iter().flatten().cloned());
    }

    fn heads_mut(&mut self, head: &AccountId) -> &mut Vec<GroupId> {
        self.heads.entry_ref(head).or_insert_with(|| self.book.heads.get(head).cloned().unwrap_or_default())
    }

    /// Keeps what waits for groups in step with what stops a held order.
    pub(super) fn wait_for_groups(&mut self, was: Option<&Hold>, is: Option<&Hold>) {
        let groups = |hold: Option<&Hold>| hold.into_iter().flat_map(Hold::stopped_by).cloned().collect::<Vec<_>>();
        let (before, after) = (groups(was), groups(is));
        if let Some(hold) = was {
            for group_id in before {
                Arc::make_mut(&mut self.pool_mut(&group_id).waiting).remove(&hold.age());
            }
        }
        if let Some(hold) = is {
            for group_id in after {
                let waiting = Arc::make_mut(&mut self.pool_mut(&group_id).waiting);
                waiting.insert(hold.age(), hold.order.order_id.clone());
            }
        }
    }
}
