//! Groups, a tree of few levels, and what their members owe together (rule 3.4). An account's exposure counts in the pool of its group, and in
//! those above as far as each shares; every pool on that line binds. The figures are running ones: a change of an account
//! costs a step a level.
//!
//! What an account owes in a currency counts net, not below zero, and whole: what a policy leaves out of the comparison with
//! a limit it does not leave out of a pool, and credit of one member covers no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use weir_model::{AccountId, Currency, GroupId, HoldId, Money, OrderId};

/// What limits say of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Group {
    /// Goes up with each change.
    pub version: i64,
    /// The group above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<GroupId>,
    /// Whether its exposure counts in the pool of the group above.
    #[serde(default)]
    pub shares_exposure: bool,
    /// Whether a block of the group above stops its members too.
    #[serde(default)]
    pub inherits_block: bool,
    /// How much its members may owe together; none without a pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Money>,
    /// The account whose block or freeze is the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<AccountId>,
}

/// Amounts by currency, none of them zero.
pub(crate) type Amounts = SmallVec<[(Currency, i128); 1]>;

/// Held orders by age.
pub(crate) type Waiting = BTreeMap<(DateTime<Utc>, HoldId), OrderId>;

/// What an account's exposure adds to the pool of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) group_id: GroupId,
    pub(crate) amounts: Amounts,
}

/// A group with its running figures.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// What limits say of it; nothing known where only a member was told of.
    pub group: Arc<Group>,
    /// Whether its total counts in the pool of the group above: it shares, and lies on no circle.
    is_linked: bool,
    /// What its members owe that share, by currency, in minor units.
    total: Amounts,
    /// Orders it stops, or its head does.
    pub(crate) waiting: Arc<Waiting>,
}

impl Pool {
    /// What its members owe in each currency. In minor units.
    pub(crate) fn total(&self) -> &[(Currency, i128)] {
        &self.total
    }
}

/// Where pools are looked up.
pub(crate) trait Pools {
    /// A group, as far as anything is known of it.
    fn pool(&self, group_id: &GroupId) -> Option<&Pool>;
}

/// Where pools are kept.
pub(crate) trait PoolsMut: Pools {
    /// A group to be changed; one nobody spoke of is empty.
    fn pool_mut(&mut self, group_id: &GroupId) -> &mut Pool;
}

type Line = SmallVec<[GroupId; 2]>;

/// A group and all those above it that its exposure counts in.
pub(crate) fn line_of(pools: &impl Pools, group_id: &GroupId) -> Line {
    // linked groups lie on no circle
    upwards(pools, group_id, |pool| pool.is_linked)
}

/// A group and all those above it whose head's block stops its members.
pub(crate) fn blocked_by(pools: &impl Pools, group_id: &GroupId) -> Line {
    upwards(pools, group_id, |pool| pool.group.inherits_block)
}

/// The group at the top of a group's tree.
pub(crate) fn top_of(pools: &impl Pools, group_id: &GroupId) -> GroupId {
    upwards(pools, group_id, |_| true).pop().unwrap_or_else(|| group_id.clone())
}

fn upwards(pools: &impl Pools, group_id: &GroupId, goes_on: impl Fn(&Pool) -> bool) -> Line {
    let mut line = Line::from_elem(group_id.clone(), 1);
    while let Some(pool) = line.last().and_then(|last| pools.pool(last))
        && let Some(parent) = pool.group.parent.as_ref().filter(|_| goes_on(pool))
        && !line.contains(parent)
    {
        line.push(parent.clone());
    }
    line
}

/// Adds to an amount by currency.
pub(crate) fn add(amounts: &mut Amounts, currency: Currency, more: i128) {
    let index = amounts.iter().position(|(known, _)| *known == currency).unwrap_or_else(|| {
        amounts.push((currency, 0));
        amounts.len() - 1
    });
    let Some((_, amount)) = amounts.get_mut(index) else { return };
    *amount += more;
    if *amount == 0 {
        amounts.swap_remove(index);
    }
}

/// What an account adds to its group's pool changes: its group may be another. The groups whose total fell.
pub(crate) fn shift(pools: &mut impl PoolsMut, before: Option<&Share>, after: Option<&Share>) -> Line {
    let mut fell = Line::new();
    if before == after {
        return fell;
    }
    let mut change: SmallVec<[(GroupId, Amounts); 2]> = SmallVec::new();
    for (share, sign) in before.map(|share| (share, -1)).into_iter().chain(after.map(|share| (share, 1))) {
        for group_id in line_of(pools, &share.group_id) {
            let index = change.iter().position(|(known, _)| *known == group_id).unwrap_or_else(|| {
                change.push((group_id, Amounts::new()));
                change.len() - 1
            });
            let Some((_, amounts)) = change.get_mut(index) else { continue };
            share.amounts.iter().for_each(|(currency, amount)| add(amounts, *currency, sign * amount));
        }
    }
    for (group_id, amounts) in change {
        let total = &mut pools.pool_mut(&group_id).total;
        amounts.iter().for_each(|(currency, amount)| add(total, *currency, *amount));
        if amounts.iter().any(|(_, amount)| *amount < 0) {
            fell.push(group_id);
        }
    }
    fell
}

/// What limits say of a group changes. A group on a circle, which there can be only while not all news has come, counts
/// nowhere above until the circle is broken.
pub(crate) fn regroup(pools: &mut impl PoolsMut, group_id: &GroupId, group: Arc<Group>) {
    let mut touched = circle(pools, group_id);
    touched.insert(0, group_id.clone());
    for id in &touched {
        unlink(pools, id);
    }
    pools.pool_mut(group_id).group = group;
    for id in circle(pools, group_id) {
        if !touched.contains(&id) {
            unlink(pools, &id);
            touched.push(id);
        }
    }
    for id in &touched {
        link(pools, id);
    }
}

/// The groups above on a circle through a group; none where there is none.
fn circle(pools: &impl Pools, group_id: &GroupId) -> Line {
    let mut above = Line::new();
    let mut next = pools.pool(group_id).and_then(|pool| pool.group.parent.as_ref());
    while let Some(id) = next {
        if id == group_id {
            return above;
        }
        // a circle further up, which this group does not lie on
        if above.contains(id) {
            break;
        }
        above.push(id.clone());
        next = pools.pool(id).and_then(|pool| pool.group.parent.as_ref());
    }
    Line::new()
}

fn is_on_a_circle(pools: &impl Pools, group_id: &GroupId) -> bool {
    let is_own_parent = pools.pool(group_id).is_some_and(|pool| pool.group.parent.as_ref() == Some(group_id));
    is_own_parent || !circle(pools, group_id).is_empty()
}

fn unlink(pools: &mut impl PoolsMut, group_id: &GroupId) {
    if pools.pool(group_id).is_some_and(|pool| pool.is_linked) {
        carry(pools, group_id, -1);
        pools.pool_mut(group_id).is_linked = false;
    }
}

fn link(pools: &mut impl PoolsMut, group_id: &GroupId) {
    let shares = pools.pool(group_id).is_some_and(|pool| pool.group.shares_exposure && pool.group.parent.is_some());
    if shares && !is_on_a_circle(pools, group_id) {
        pools.pool_mut(group_id).is_linked = true;
        carry(pools, group_id, 1);
    }
}

/// Adds a linked group's total to those above, or takes it away.
fn carry(pools: &mut impl PoolsMut, group_id: &GroupId, sign: i128) {
    let Some(total) = pools.pool(group_id).map(|pool| pool.total.clone()) else { return };
    for above in line_of(pools, group_id).iter().skip(1) {
        let sum = &mut pools.pool_mut(above).total;
        total.iter().for_each(|(currency, amount)| add(sum, *currency, sign * amount));
    }
}
