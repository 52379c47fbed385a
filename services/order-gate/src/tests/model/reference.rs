//! The honest reference: what every step does to the documents, and what the gate has to answer.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use weir_wire::order_gate::v1::Outcome;

use super::documents::{
    AccountNo, Asked, Conduct, Credit, Group, GroupNo, Ledger, LineNo, Order, OrderNo, Passed, Policy, Release,
    Statement, Verdict, Waiting,
};
use super::judge::Grace;
use crate::tests::world::today;

/// How many accounts there are.
pub(super) const ACCOUNTS: AccountNo = 3;
/// How many groups there are.
pub(super) const GROUPS: GroupNo = 3;

/// An account as the gate was told of it, and as it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub(super) credit: Option<Credit>,
    pub(super) conduct: Conduct,
    pub(super) statement: Statement,
    pub(super) ledger: Ledger,
    /// What limits said last, whether or not the gate was told.
    pub(super) granted: Option<Credit>,
    pub(super) versions: [i64; 2],
    /// News on their way, in the order of each feed.
    pub(super) late: Vec<News>,
}

/// What a neighbour says.
#[derive(Debug, Clone)]
pub(super) enum News {
    Credit(AccountNo, Credit),
    Conduct(AccountNo, Conduct),
    Statement(AccountNo, Statement),
    Group(GroupNo, Group),
}

/// A call of the order pipeline or of a person.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Ask {
        order: OrderNo,
        revision: i32,
        asked: Asked,
        amends: bool,
    },
    Cancel {
        order: OrderNo,
        line: Option<(LineNo, i64)>,
    },
    Deliver {
        order: OrderNo,
        delivery: u8,
        lines: BTreeMap<LineNo, i64>,
    },
    Release {
        order: OrderNo,
        tolerance: i64,
        days: u8,
    },
    Reject {
        order: OrderNo,
    },
    Hear(Vec<News>),
    /// Held orders are checked again when there is news of their account.
    Activate(Policy, Vec<News>),
    Days(u8),
    Restart,
}

/// What the gate has to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Decided(Verdict),
    /// The decision of the first time.
    AsBefore,
    Done,
    Refused(&'static str),
}

/// Everything there is, in maps; figures are sums over them.
#[derive(Clone)]
pub(super) struct Reference {
    pub(super) today: NaiveDate,
    pub(super) policy: Policy,
    pub(super) accounts: BTreeMap<AccountNo, Account>,
    pub(super) orders: BTreeMap<OrderNo, Order>,
    pub(super) groups: BTreeMap<GroupNo, Group>,
    /// News of groups on their way.
    pub(super) late: Vec<News>,
    /// Steps so far.
    pub(super) turn: u64,
    /// All that was done, to be repeated.
    pub(super) done: Vec<Deed>,
    /// What the last step asks of the gate, and what it has to answer.
    pub(super) last: Option<(Deed, Answer)>,
}

/// A run that fails is told by its steps.
impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reference::new()")
    }
}

impl Reference {
    pub(super) fn new() -> Reference {
        Reference {
            today: today(),
            policy: Policy::default(),
            accounts: (0..ACCOUNTS).map(|number| (number, Account::default())).collect(),
            orders: BTreeMap::new(),
            groups: (0..GROUPS).map(|number| (number, Group::default())).collect(),
            late: Vec::new(),
            turn: 0,
            done: Vec::new(),
            last: None,
        }
    }

    /// Does something and notes what the gate has to answer.
    pub(super) fn act(&mut self, deed: Deed) {
        self.turn += 1;
        let answer = match &deed {
            Deed::Ask { order, revision, asked, amends } => self.ask(*order, (*revision, asked), *amends),
            Deed::Cancel { order, line } => self.cancel(*order, *line),
            Deed::Deliver { order, delivery, lines } => self.deliver(*order, *delivery, lines),
            Deed::Release { order, tolerance, days } => self.release(*order, *tolerance, *days),
            Deed::Reject { order } => {
                self.orders.entry(*order).or_default().waiting = None;
                Answer::Done
            }
            Deed::Hear(news) => self.hear_all(news),
            Deed::Activate(policy, news) => {
                self.policy = policy.clone();
                self.hear_all(news)
            }
            Deed::Days(days) => {
                self.today = self.today.checked_add_days(Days::new((*days).into())).unwrap();
                self.expire();
                Answer::Done
            }
            Deed::Restart => {
                self.expire();
                Answer::Done
            }
        };
        self.give_room();
        self.remember_forced();
        self.done.push(deed.clone());
        self.last = Some((deed, answer));
    }

    /// Once per order and revision (rule 5.3).
    fn ask(&mut self, number: OrderNo, (revision, asked): (i32, &Asked), amends: bool) -> Answer {
        let order = self.orders.get(&number).cloned().unwrap_or_default();
        match (order.answered.get(&revision), order.newest()) {
            (Some(before), _) if before == asked => return Answer::AsBefore,
            (Some(_), _) => return Answer::Refused("IDEMPOTENCY_MISMATCH"),
            (None, Some(newest)) if newest > revision => return Answer::Refused("ORDER_REVISION_CONFLICT"),
            (None, None) if amends => return Answer::Refused("NOT_FOUND"),
            _ => {}
        }
        let (grace, release) = self.grace(number, revision, asked);
        let verdict = self.judge(number, (revision, asked), grace);
        let since = self.turn;
        let order = self.orders.entry(number).or_default();
        order.answered.insert(revision, asked.clone());
        // whatever waited is superseded
        order.waiting = None;
        match verdict.outcome {
            Outcome::Hold => {
                let forced = verdict.stops.contains(&weir_wire::order_gate::v1::Rule::ForcedHold);
                order.waiting = Some(Waiting { revision, asked: asked.clone(), since, forced });
            }
            Outcome::Reject => {}
            _ => self.pass(number, (revision, asked.clone()), release.filter(|_| grace != Grace::None)),
        }
        Answer::Decided(verdict)
    }

    fn pass(&mut self, number: OrderNo, (revision, asked): (i32, Asked), release: Option<Release>) {
        let (on, cancelled) = (self.today, BTreeMap::new());
        let order = self.orders.entry(number).or_default();
        order.passed = Some(Passed { revision, asked, cancelled, release, on, expired: false });
        order.waiting = None;
    }

    fn cancel(&mut self, number: OrderNo, line: Option<(LineNo, i64)>) -> Answer {
        let Some(order) = self.orders.get_mut(&number).filter(|order| !order.answered.is_empty()) else {
            return Answer::Refused("NOT_FOUND");
        };
        let Some((line, amount)) = line else {
            order.waiting = None;
            if let Some(passed) = &mut order.passed {
                passed.cancelled = (1..).zip(passed.asked.lines.iter().copied()).collect();
            }
            return Answer::Done;
        };
        if order.waiting.is_some() {
            return Answer::Refused("WRONG_STATE");
        }
        let Some(passed) = &mut order.passed else { return Answer::Refused("NOT_FOUND") };
        let Some(ordered) = passed.asked.lines.get(usize::from(line) - 1) else { return Answer::Refused("NOT_FOUND") };
        let cancelled = passed.cancelled.entry(line).or_default();
        *cancelled = (*cancelled).max(amount.min(*ordered));
        Answer::Done
    }

    fn deliver(&mut self, number: OrderNo, delivery: u8, lines: &BTreeMap<LineNo, i64>) -> Answer {
        let order = self.orders.entry(number).or_default();
        match order.deliveries.get(&delivery) {
            Some(before) if before != lines => return Answer::Refused("IDEMPOTENCY_MISMATCH"),
            _ => order.deliveries.insert(delivery, lines.clone()),
        };
        Answer::Done
    }

    fn release(&mut self, number: OrderNo, tolerance: i64, days: u8) -> Answer {
        let Some(Waiting { revision, asked, .. }) = self.orders[&number].waiting.clone() else {
            return Answer::Refused("WRONG_STATE");
        };
        // a manual block beats everything (rule 5.8)
        if self.is_blocked(asked.account) {
            return Answer::Refused("WRONG_STATE");
        }
        let approved = asked.value() - asked.prepaid;
        let until = self.today.checked_add_days(Days::new(days.into())).unwrap();
        self.pass(number, (revision, asked), Some(Release { most: approved + approved * tolerance / 100, until }));
        Answer::Done
    }

    fn hear_all(&mut self, news: &[News]) -> Answer {
        for news in news {
            self.hear(news);
        }
        Answer::Done
    }

    /// News count when their version is higher; what comes again or late is no news.
    fn hear(&mut self, news: &News) {
        match news {
            News::Credit(account, credit) => {
                let known = &mut self.accounts.get_mut(account).unwrap().credit;
                if known.as_ref().is_none_or(|known| known.version < credit.version) {
                    *known = Some(credit.clone());
                }
            }
            News::Conduct(account, conduct) => {
                let known = &mut self.accounts.get_mut(account).unwrap().conduct;
                if known.version < conduct.version {
                    *known = conduct.clone();
                }
            }
            News::Group(number, group) => {
                let known = self.groups.get_mut(number).unwrap();
                if known.version < group.version {
                    *known = group.clone();
                }
            }
            News::Statement(account, statement) => {
                let known = &mut self.accounts.get_mut(account).unwrap().statement;
                if known.version < statement.version {
                    *known = statement.clone();
                    for (order, line, total) in &statement.invoiced {
                        self.orders.entry(*order).or_default().invoiced.insert((*line, *account), *total);
                    }
                }
            }
        }
    }

    /// What nobody delivers or invoices runs out (rule 5.11).
    fn expire(&mut self) {
        let Some(days) = self.policy.commitment_days else { return };
        for order in self.orders.values_mut() {
            let untouched = order.deliveries.is_empty() && order.invoiced.values().all(|invoiced| *invoiced == 0);
            let counts = order.adds().ordered > 0;
            let Some(passed) = &mut order.passed else { continue };
            let expected = passed.asked.ships.unwrap_or(passed.on);
            let last = expected.checked_add_days(Days::new(days.into())).unwrap();
            if untouched && counts && self.today > last {
                passed.cancelled = (1..).zip(passed.asked.lines.iter().copied()).collect();
                passed.expired = true;
            }
        }
    }

    /// Room goes to the oldest held order that fits, until no more does (rule 5.7).
    fn give_room(&mut self) {
        loop {
            let fits = |(number, order): (&OrderNo, &Order)| {
                let waiting = order.waiting.as_ref()?;
                let verdict = self.judge(*number, (waiting.revision, &waiting.asked), Grace::None);
                let passes = !matches!(verdict.outcome, Outcome::Hold | Outcome::Reject);
                passes.then_some((waiting.since, *number))
            };
            let Some((_, number)) = self.orders.iter().filter_map(fits).min() else { return };
            let Waiting { revision, asked, .. } = self.orders[&number].waiting.clone().unwrap();
            self.pass(number, (revision, asked), None);
        }
    }

    /// A forced hold stays one, also when its row is gone.
    fn remember_forced(&mut self) {
        if self.policy.forced {
            for waiting in self.orders.values_mut().filter_map(|order| order.waiting.as_mut()) {
                waiting.forced = true;
            }
        }
    }

    /// Some order would move to another account as soon as there is room: whose room comes first is chance.
    pub(super) fn some_order_moves(&self) -> bool {
        let moves = |order: &Order| {
            let (passed, waiting) = (order.passed.as_ref(), order.waiting.as_ref());
            passed.zip(waiting).is_some_and(|(passed, waiting)| passed.asked.account != waiting.asked.account)
        };
        self.orders.values().any(moves)
    }

    /// Held orders of an account, oldest first.
    pub(super) fn held(&self, account: AccountNo) -> Vec<(OrderNo, i32)> {
        let mut held: Vec<_> =
            self.orders.iter().filter_map(|(number, order)| Some((number, order.waiting.as_ref()?))).collect();
        held.retain(|(_, waiting)| waiting.asked.account == account);
        held.sort_by_key(|(_, waiting)| waiting.since);
        held.into_iter().map(|(number, waiting)| (*number, waiting.revision)).collect()
    }
}
