//! What the reference says of an order: rules 4.1 to 4.3 and 5.2 to 5.6 read off the page, summed up from the documents
//! each time.

use std::collections::BTreeSet;

use weir_wire::order_gate::v1::{Checkpoint, Outcome, Rule};

use super::documents::{AccountNo, Asked, Limit, OrderNo, Release, Review, Sums, Verdict};
use super::reference::Reference;

/// What may be past due for any time, in whole yuan.
const OVERDUE_TOLERANCE: i64 = 100;
/// Percentage of the limit from which on somebody should know.
const WATCH_BAND: i64 = 90;
/// The highest dunning level that passes.
const DUNNING_LEVEL_MAX: i32 = 2;

/// An account's exposure (rule 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Exposure {
    pub(super) open_not_due: i64,
    pub(super) overdue: i64,
    pub(super) reserved: Sums,
    pub(super) unapplied: i64,
}

impl Exposure {
    pub(super) fn gross(&self) -> i64 {
        self.open_not_due + self.overdue + self.reserved.ordered + self.reserved.delivered
    }

    /// What is paid in advance is unapplied credit too until an invoice takes it: the greater of the two counts.
    pub(super) fn net(&self) -> i64 {
        (self.gross() - self.unapplied.max(self.reserved.prepaid)).max(0)
    }
}

/// Why rules may be unable to stop an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grace {
    None,
    /// Only a block stops it.
    Spared,
    /// Nothing stops it.
    Smaller,
}

impl Reference {
    /// What an account owes and is about to owe, an order left out.
    pub(super) fn exposure(&self, account: AccountNo, without: Option<OrderNo>) -> Exposure {
        let statement = &self.accounts[&account].statement;
        let sum =
            |overdue| statement.open.iter().filter(|(due, _)| (**due < self.today) == overdue).map(|(_, a)| a).sum();
        let counts = self.orders.iter().filter(|(number, order)| {
            Some(**number) != without && order.passed.as_ref().is_some_and(|passed| passed.asked.account == account)
        });
        Exposure {
            open_not_due: sum(false),
            overdue: sum(true),
            reserved: counts.fold(Sums::default(), |sums, (_, order)| sums.plus(order.adds())),
            unapplied: statement.unapplied,
        }
    }

    /// The limit in force; none where any amount passes.
    pub(super) fn limit(&self, account: AccountNo) -> (Option<i64>, Rule) {
        let Some(credit) = &self.accounts[&account].credit else { return (Some(0), Rule::LimitMissing) };
        let temporary = credit.temporary.filter(|(_, last)| self.today <= *last).map_or(0, |(delta, _)| delta);
        match credit.limit {
            Limit::Unlimited => (None, Rule::LimitExceeded),
            Limit::Amount(amount) => (Some(amount + temporary), Rule::LimitExceeded),
            Limit::Never | Limit::Ended if temporary > 0 => (Some(temporary), Rule::LimitExceeded),
            Limit::Never => (Some(0), Rule::LimitMissing),
            Limit::Ended => (Some(0), Rule::LimitExpired),
        }
    }

    pub(super) fn judge(&self, number: OrderNo, (revision, asked): (i32, &Asked), grace: Grace) -> Verdict {
        let order = self.orders.get(&number).cloned().unwrap_or_default();
        let adds = order.would_add(asked);
        let before = self.exposure(asked.account, Some(number));
        let after = Exposure { reserved: before.reserved.plus(adds), ..before };
        let waiting = order.waiting.as_ref().filter(|waiting| waiting.revision == revision);
        let mut failed = BTreeSet::new();
        if self.is_blocked(asked.account) {
            failed.insert(Rule::AccountBlocked);
        }
        if self.policy.forced || waiting.is_some_and(|waiting| waiting.forced) {
            failed.insert(Rule::ForcedHold);
        }
        let mut warns = false;
        if adds.needed() > 0 {
            self.judge_credit(asked, &mut failed);
            warns = self.judge_limit(asked, after.net(), &mut failed);
            failed.extend(self.judge_pools(number, asked, (&before, &after)));
        }
        let spares = |rule: Rule| match grace {
            Grace::None => false,
            Grace::Spared => rule != Rule::AccountBlocked,
            Grace::Smaller => true,
        };
        let stops: BTreeSet<Rule> = failed.into_iter().filter(|rule| !spares(*rule)).collect();
        let outcome = match () {
            () if stops.contains(&Rule::OrderValueExceeded) && self.policy.rejects => Outcome::Reject,
            () if !stops.is_empty() => Outcome::Hold,
            () if warns => Outcome::ApproveWithWarnings,
            () => Outcome::Approve,
        };
        Verdict { outcome, stops, required: adds.needed(), net_after: after.net() }
    }

    /// What stops the account's credit as such, and what the order itself asks for.
    fn judge_credit(&self, asked: &Asked, failed: &mut BTreeSet<Rule>) {
        let account = &self.accounts[&asked.account];
        let reviewed = matches!(asked.checkpoint, Checkpoint::Contract | Checkpoint::Order);
        match &account.credit {
            None => {
                failed.insert(Rule::NotAssessed);
            }
            Some(credit) => {
                let reviews = match credit.review {
                    Review::NoCredit => Some(Rule::NoCreditGrade),
                    Review::EveryOrder => Some(Rule::GradeReview).filter(|_| reviewed),
                    Review::Above(most) => Some(Rule::GradeReview).filter(|_| reviewed && asked.value() > most),
                };
                failed.extend(reviews);
                failed.extend(Some(Rule::NotAssessed).filter(|_| !credit.assessed));
                failed.extend(Some(Rule::AccountFrozen).filter(|_| credit.frozen));
                failed.extend(Some(Rule::AccountFrozen).filter(|_| self.inherits_freeze(asked.account)));
            }
        }
        let too_much = self.policy.order_value_max.is_some_and(|most| asked.value() > most);
        failed.extend(Some(Rule::OrderValueExceeded).filter(|_| too_much));
        let days = i64::from(self.policy.overdue_days);
        let late = account.statement.open.iter().filter(|(due, _)| (self.today - **due).num_days() > days);
        let late: i64 = late.map(|(_, open)| open).sum();
        failed.extend(Some(Rule::OverdueDaysExceeded).filter(|_| late > OVERDUE_TOLERANCE));
        let dunned = account.conduct.dunning_level > DUNNING_LEVEL_MAX;
        failed.extend(Some(Rule::DunningLevelExceeded).filter(|_| dunned));
    }

    /// Exposure with the order against the limit; whether it comes close.
    fn judge_limit(&self, asked: &Asked, net: i64, failed: &mut BTreeSet<Rule>) -> bool {
        let (Some(limit), rule) = self.limit(asked.account) else { return false };
        let strict = self.policy.below_limit && rule == Rule::LimitExceeded;
        let fits = net < limit || (net == limit && !strict);
        if !fits {
            failed.insert(rule);
        }
        fits && limit > 0 && net * 100 >= limit * WATCH_BAND
    }

    /// Whether something that was said before covers a revision (rule 5.6), and the release that goes on covering it.
    pub(super) fn grace(&self, number: OrderNo, revision: i32, asked: &Asked) -> (Grace, Option<Release>) {
        let Some(order) = self.orders.get(&number) else { return (Grace::None, None) };
        let Some(passed) = &order.passed else { return (Grace::None, None) };
        if passed.asked.account != asked.account {
            return (Grace::None, None);
        }
        // an order opened again is checked again
        let release = passed.release.clone().filter(|_| !order.is_closed());
        if revision > passed.revision && asked.checkpoint <= passed.asked.checkpoint {
            let (more, now) = (order.would_add(asked).needed(), order.adds().needed());
            if more < now {
                return (Grace::Smaller, release);
            }
            if more == now {
                return (Grace::Spared, release);
            }
        }
        match release {
            Some(release) if self.today <= release.until && asked.value() - asked.prepaid <= release.most => {
                (Grace::Spared, Some(release))
            }
            _ => (Grace::None, None),
        }
    }
}
