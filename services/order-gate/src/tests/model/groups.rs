//! Groups of the reference: which pools an account counts in, and whose head stops it; rules 3.4 and 5.4 by maps and sums.

use weir_wire::order_gate::v1::Rule;

use super::documents::{AccountNo, Asked, Credit, Group, GroupNo, Membership, OrderNo};
use super::judge::Exposure;
use super::reference::Reference;

impl Reference {
    /// How an account belongs to a group, as far as the gate was told.
    fn membership(&self, account: AccountNo) -> Option<Membership> {
        self.accounts[&account].credit.as_ref().and_then(|credit| credit.membership)
    }

    /// A group, and those above it as long as each goes on.
    fn upwards(&self, group: GroupNo, goes_on: impl Fn(GroupNo, &Group) -> bool) -> Vec<GroupNo> {
        let mut line = vec![group];
        let mut last = group;
        while let Some(above) = self.groups[&last].above.filter(|_| goes_on(last, &self.groups[&last])) {
            if line.contains(&above) {
                break;
            }
            line.push(above);
            last = above;
        }
        line
    }

    /// Whether a group is above itself: it counts nowhere above then.
    fn is_on_a_circle(&self, group: GroupNo) -> bool {
        let above = self.groups[&group].above;
        above.is_some_and(|above| self.upwards(above, |last, _| last != group).contains(&group))
    }

    /// The groups whose pools an account counts in, its own first.
    pub(super) fn counts_in(&self, account: AccountNo) -> Vec<GroupNo> {
        let own = self.membership(account).filter(|membership| membership.shares);
        let shares = |number, group: &Group| group.shares && !self.is_on_a_circle(number);
        own.map(|membership| self.upwards(membership.group, shares)).unwrap_or_default()
    }

    /// What the members of a group that count in its pool owe together, an order left out.
    pub(super) fn owed_by_members(&self, group: GroupNo, without: Option<OrderNo>) -> i64 {
        let members = self.accounts.keys().filter(|account| self.counts_in(**account).contains(&group));
        members.map(|account| self.exposure(*account, without).net()).sum()
    }

    /// The heads of an account's groups that may stop it; none that is the account itself.
    fn heads(&self, account: AccountNo) -> Vec<AccountNo> {
        let own = self.membership(account).filter(|membership| membership.inherits);
        let groups = own.map(|membership| self.upwards(membership.group, |_, group| group.inherits));
        let heads = groups.into_iter().flatten().filter_map(|group| self.groups[&group].head);
        heads.filter(|head| *head != account).collect()
    }

    /// Whether a block stops an account: its own, or one it inherits.
    pub(super) fn is_blocked(&self, account: AccountNo) -> bool {
        let mut all = self.heads(account);
        all.push(account);
        all.iter().any(|account| self.accounts[account].conduct.blocked)
    }

    /// Whether a head an account inherits from is frozen.
    pub(super) fn inherits_freeze(&self, account: AccountNo) -> bool {
        let frozen = |credit: &Credit| credit.frozen;
        self.heads(account).iter().any(|head| self.accounts[head].credit.as_ref().is_some_and(frozen))
    }

    /// The account's exposure with an order in place of what counts of it, against every pool it counts in.
    pub(super) fn judge_pools(
        &self,
        number: OrderNo,
        asked: &Asked,
        (before, after): (&Exposure, &Exposure),
    ) -> Option<Rule> {
        let exceeded = self.counts_in(asked.account).into_iter().any(|group| {
            let owed = self.owed_by_members(group, Some(number)) - before.net() + after.net();
            self.groups[&group].pool.is_some_and(|pool| owed > pool)
        });
        exceeded.then_some(Rule::GroupPoolExceeded)
    }
}
