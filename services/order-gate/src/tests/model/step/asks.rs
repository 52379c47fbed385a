//! What a step asks of the gate, given all that happened before.

use chrono::Days;
use proptest::sample::Index;
use weir_wire::order_gate::v1::Checkpoint;

use super::super::documents::{AccountNo, Asked, Conduct, Credit, Group, Order, OrderNo};
use super::super::reference::{ACCOUNTS, Deed, News, Reference};
use super::{Asks, Revision, Step};

impl Reference {
    /// What a step means now.
    pub(super) fn deed(&mut self, step: &Step) -> Deed {
        match step.clone() {
            Step::Ask { order, revision, asks } => self.asks(order, revision, asks),
            Step::Amend { order, percent, checkpoint } => self.amends(order, percent, checkpoint),
            Step::Cancel { order, line } => Deed::Cancel { order, line },
            Step::Deliver { order, delivery, lines } => Deed::Deliver { order, delivery, lines },
            Step::Invoice { order, line, amount, due_in, late } => {
                let known = self.orders.get(&order);
                let passed = known.and_then(|order| order.passed.as_ref()).map(|passed| passed.asked.account);
                let account = passed.unwrap_or(order % ACCOUNTS);
                let due = self.today + chrono::Duration::days(due_in);
                self.accounts.get_mut(&account).unwrap().ledger.invoice((order, line), amount, due);
                self.statement(account, late)
            }
            Step::Pay { account, amount, late } => {
                self.accounts.get_mut(&account).unwrap().ledger.pay(amount);
                self.statement(account, late)
            }
            Step::Bounce { account, late } => {
                self.accounts.get_mut(&account).unwrap().ledger.bounce();
                self.statement(account, late)
            }
            Step::Credit { account, limit, temporary, frozen, review, late } => {
                let version = self.next_version(account, 0);
                let until = |days: u8| self.today.checked_add_days(Days::new(days.into())).unwrap();
                let temporary = temporary.map(|(delta, days)| (delta, until(days)));
                let assessed = version % 7 != 6;
                let membership = self.accounts[&account].granted.as_ref().and_then(|granted| granted.membership);
                let credit = Credit { version, assessed, limit, temporary, frozen, review, membership };
                self.accounts.get_mut(&account).unwrap().granted = Some(credit.clone());
                self.post(account, News::Credit(account, credit), late)
            }
            Step::Conduct { account, blocked, dunning_level, late } => {
                let version = self.next_version(account, 1);
                self.post(account, News::Conduct(account, Conduct { version, blocked, dunning_level }), late)
            }
            Step::Join { account, membership, late } => {
                let Some(granted) = self.accounts[&account].granted.clone() else { return Deed::Hear(Vec::new()) };
                let version = self.next_version(account, 0);
                let credit = Credit { version, membership, ..granted };
                self.accounts.get_mut(&account).unwrap().granted = Some(credit.clone());
                self.post(account, News::Credit(account, credit), late)
            }
            Step::Group { group, told, late } => {
                let version = i64::try_from(self.turn).unwrap() + 1;
                self.late.push(News::Group(group, Group { version, ..told }));
                Deed::Hear(if late { Vec::new() } else { std::mem::take(&mut self.late) })
            }
            Step::MailOfGroups => Deed::Hear(std::mem::take(&mut self.late)),
            Step::Mail(account) => Deed::Hear(std::mem::take(&mut self.accounts.get_mut(&account).unwrap().late)),
            Step::Repeat(which) => self.again(which),
            Step::Release { held, tolerance, days } => match self.some_held(held) {
                Some(order) => Deed::Release { order, tolerance, days },
                None => Deed::Hear(Vec::new()),
            },
            Step::Reject { held } => match self.some_held(held) {
                Some(order) => Deed::Reject { order },
                None => Deed::Hear(Vec::new()),
            },
            Step::Activate(policy) => {
                let again = |account| {
                    let conduct = self.accounts[&account].conduct.clone();
                    News::Conduct(account, Conduct { version: self.next_version(account, 1), ..conduct })
                };
                Deed::Activate(policy, (0..ACCOUNTS).map(again).collect())
            }
            Step::Days(days) => Deed::Days(days),
            Step::Restart => Deed::Restart,
        }
    }

    pub(super) fn asks(&self, order: OrderNo, revision: Revision, asks: Asks) -> Deed {
        let newest = self.orders.get(&order).and_then(Order::newest).unwrap_or(0);
        let revision = match revision {
            Revision::Next => newest + 1,
            Revision::Same => newest.max(1),
            Revision::Before => (newest - 1).max(1),
            Revision::AfterNext => newest + 2,
        };
        let Asks { account, lines, prepaid_percent, ships_in, checkpoint, amends } = asks;
        let prepaid = lines.iter().sum::<i64>() * prepaid_percent / 100;
        let ships = ships_in.map(|days| self.today.checked_add_days(Days::new(days.into())).unwrap());
        Deed::Ask { order, revision, asked: Asked { account, lines, prepaid, ships, checkpoint }, amends }
    }

    pub(super) fn amends(&self, order: OrderNo, percent: i64, checkpoint: Checkpoint) -> Deed {
        let newest = self.orders.get(&order).and_then(|order| order.answered.last_key_value());
        let Some((revision, newest)) = newest else { return Deed::Hear(Vec::new()) };
        let lines: Vec<i64> = newest.lines.iter().map(|line| line * percent / 100).collect();
        let prepaid = newest.prepaid.min(lines.iter().sum());
        let asked = Asked { lines, prepaid, checkpoint, ..newest.clone() };
        Deed::Ask { order, revision: revision + 1, asked, amends: true }
    }

    /// What a caller or a feed may send twice.
    pub(super) fn again(&self, which: Index) -> Deed {
        let repeatable = |deed: &&Deed| {
            matches!(deed, Deed::Ask { .. } | Deed::Cancel { .. } | Deed::Deliver { .. } | Deed::Hear(_))
        };
        let done: Vec<&Deed> = self.done.iter().filter(repeatable).collect();
        if done.is_empty() { Deed::Hear(Vec::new()) } else { done[which.index(done.len())].clone() }
    }

    pub(super) fn some_held(&self, which: Index) -> Option<OrderNo> {
        let held: Vec<OrderNo> = (0..ACCOUNTS).flat_map(|account| self.held(account)).map(|(order, _)| order).collect();
        (!held.is_empty()).then(|| *which.get(&held))
    }

    pub(super) fn next_version(&mut self, account: AccountNo, feed: usize) -> i64 {
        let version = &mut self.accounts.get_mut(&account).unwrap().versions[feed];
        *version += 1;
        *version
    }

    pub(super) fn statement(&mut self, account: AccountNo, late: bool) -> Deed {
        let statement = self.accounts[&account].ledger.now.clone();
        self.post(account, News::Statement(account, statement), late)
    }

    /// News that are late wait; those that are not come after all that wait.
    pub(super) fn post(&mut self, account: AccountNo, news: News, late: bool) -> Deed {
        let waiting = &mut self.accounts.get_mut(&account).unwrap().late;
        waiting.push(news);
        Deed::Hear(if late { Vec::new() } else { std::mem::take(waiting) })
    }
}
