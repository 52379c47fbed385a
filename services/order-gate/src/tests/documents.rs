//! A document counts once (rules 4.2 to 4.5), in whichever order news of it comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use proptest::prelude::*;
use weir_model::{Call, CorrelationId, DeliveryId, Ids, OrderId, SubjectId};

use super::world::{account, cny, credit, date, line, order_id, owed, today, yuan};
use crate::book::Book;
use crate::commitment::{Line, Reserved};
use crate::decision::Followed;
use crate::dossier::Dossier;
use crate::draft::{Authorize, Cancel, Deliver, Draft, Invoiced, News, Settled};
use crate::error::Error;
use crate::fx::Rates;
use crate::order::{Checkpoint, Order, OrderLine};
use crate::ownership::{Directory, Ownership};
use crate::policy::{Policy, PolicyVersion};
use crate::pulse::Pulse;
use crate::standing::Position;

fn counted(ordered: i64, cancelled: i64, delivered: i64, invoiced: i64) -> (i128, i128) {
    let line = Line { line_id: line("1"), ordered, cancelled, delivered, invoiced };
    let reserved = Reserved::of([&line], 0);
    (reserved.ordered, reserved.delivered)
}

#[test]
fn a_line_counts_once_on_its_way() {
    // ordered, cancelled, delivered, invoiced: not yet delivered, delivered and not billed
    let table = [
        ((100, 0, 0, 0), (100, 0)),
        ((100, 0, 60, 0), (40, 60)),
        ((100, 0, 60, 60), (40, 0)),
        ((100, 0, 60, 70), (30, 0)),
        ((100, 0, 100, 100), (0, 0)),
        ((100, 0, 130, 0), (0, 130)),
        ((100, 0, 130, 100), (0, 30)),
        ((100, 30, 0, 0), (70, 0)),
        ((100, 100, 0, 0), (0, 0)),
        ((100, 100, 40, 10), (0, 30)),
        ((100, 0, 0, 150), (0, 0)),
    ];
    for ((ordered, cancelled, delivered, invoiced), expected) in table {
        assert_eq!(counted(ordered, cancelled, delivered, invoiced), expected);
    }
}

#[test]
fn over_invoicing_one_line_never_makes_another_negative() {
    let over = Line { line_id: line("1"), ordered: 10, cancelled: 0, delivered: 0, invoiced: 500 };
    let open = Line { line_id: line("2"), ordered: 40, cancelled: 0, delivered: 0, invoiced: 0 };
    assert_eq!(Reserved::of([&over, &open], 0).remaining(), 40);
}

#[test]
fn what_is_paid_in_advance_pays_what_is_invoiced_first_and_is_never_more_than_what_counts() {
    // cancelled and invoiced of 100 ordered, paid in advance: what of that is left, what needs credit
    let table = [
        ((0, 0, 50), (50, 50)),
        ((0, 30, 50), (20, 50)),
        ((0, 50, 50), (0, 50)),
        ((0, 70, 50), (0, 30)),
        ((0, 70, 100), (30, 0)),
        ((80, 0, 50), (20, 0)),
        ((60, 20, 50), (20, 0)),
        ((0, 150, 100), (0, 0)),
    ];
    for ((cancelled, invoiced, prepaid), expected) in table {
        let line = Line { line_id: line("1"), ordered: 100, cancelled, delivered: 0, invoiced };
        let reserved = Reserved::of([&line], prepaid);
        assert_eq!((reserved.prepaid, reserved.credit_needed()), expected, "{line:?}, {prepaid} in advance");
    }
}

/// A book without database: what a batch of one command changes is visible at once, and everything is kept as rows are.
pub(super) struct Desk {
    pub(super) book: Book,
    directory: Directory,
    pub(super) rows: HashMap<OrderId, Arc<Dossier>>,
    ids: Ids,
    pulse: Pulse,
    pub(super) call: Call,
}

impl Desk {
    pub(super) fn new() -> Desk {
        let call = weir_store::testing::call();
        let policy = PolicyVersion {
            version: 1,
            policy: Policy::default(),
            activated_by: SubjectId::parse("test").unwrap(),
            activated_at: call.at,
            reason: String::new(),
        };
        let mut desk = Desk {
            book: Book::new(Arc::new(policy), Rates::default(), Followed::default(), 0),
            directory: Directory::all_here(Ownership::default().partitions),
            rows: HashMap::new(),
            ids: Ids::seeded(1),
            pulse: Pulse::default(),
            call,
        };
        desk.hear(News::Credit(account("acme"), Arc::new(credit(100_000))));
        desk
    }

    pub(super) fn run<T>(&mut self, work: impl FnOnce(&mut Draft<'_>, &Call) -> T) -> T {
        let mut draft = Draft::new((&self.book, &self.directory), self.rows.clone(), &self.ids, &self.pulse);
        let done = work(&mut draft, &self.call);
        let (changes, _) = draft.finish();
        self.rows.extend(changes.dossiers.iter().map(|(id, dossier)| (id.clone(), dossier.clone())));
        self.book.apply(changes);
        done
    }

    pub(super) fn hear(&mut self, news: News) {
        self.run(|draft, call| draft.hear(call, &[news], None).unwrap());
    }

    pub(super) fn authorize(&mut self, order: Order) -> Result<Settled, Error> {
        let ask = Authorize { order, business_date: today(), must_be_known: false };
        self.run(|draft, call| draft.authorize(call, &ask))
    }

    fn deliver(&mut self, order: &str, delivery: &str, line_id: &str, units: i64) -> Result<Settled, Error> {
        let ask = Deliver {
            order_id: order_id(order),
            delivery_id: DeliveryId::parse(delivery).unwrap(),
            currency: cny(),
            lines: vec![(line(line_id), yuan(units))],
        };
        self.run(|draft, call| draft.deliver(call, &ask))
    }

    pub(super) fn cancel(&mut self, order: &str, lines: &[(&str, i64)]) -> Result<Settled, Error> {
        let lines = lines.iter().map(|(id, units)| (line(id), cny(), yuan(*units))).collect();
        let ask = Cancel { order_id: order_id(order), lines };
        self.run(|draft, call| draft.cancel(call, &ask))
    }

    /// The account owes `open`, of which `lines` of orders are invoiced in all.
    fn owe(&mut self, version: i64, open: i64, lines: &[(&str, &str, i64)]) {
        let invoiced = lines.iter().map(|(order, id, units)| Invoiced {
            order_id: order_id(order),
            line_id: line(id),
            currency: cny(),
            invoiced: yuan(*units),
        });
        let news = News::Position(account("acme"), cny(), Arc::new(owed(version, open)), invoiced.collect());
        self.hear(news);
    }

    /// Further lines of a position told in several messages.
    fn owe_more_lines(&mut self, version: i64, order: &str, line_id: &str, units: i64) {
        let more =
            Invoiced { order_id: order_id(order), line_id: line(line_id), currency: cny(), invoiced: yuan(units) };
        self.hear(News::Invoiced(account("acme"), cny(), version, vec![more]));
    }

    fn net(&self) -> i64 {
        let purse = self.book.accounts[&account("acme")].purse(cny()).cloned();
        let Some(purse) = purse else { return 0 };
        let exposure =
            crate::exposure::Exposure::on(today(), purse.schedule(), purse.unapplied_credit(), purse.reserved);
        exposure.unwrap().net().unwrap() / 100
    }

    /// What accounts reserve and hold, added up from the documents alone.
    fn rebuilt(&self) -> Book {
        let mut book = Book::new(self.book.policy.clone(), Rates::default(), self.book.followed, 0);
        let mut live: Vec<_> = self.rows.values().filter(|dossier| dossier.is_live()).cloned().collect();
        live.sort_by_key(|dossier| dossier.waiting.as_ref().map(|hold| (hold.held_at, hold.hold_id.clone())));
        for dossier in live {
            book.enter(dossier);
        }
        book
    }
}

pub(super) fn asked(id: &str, revision: i32, lines: &[i64], prepaid: i64) -> Order {
    let lines = (1..).zip(lines);
    Order {
        order_id: order_id(id),
        revision,
        account_id: account("acme"),
        currency: cny(),
        lines: lines.map(|(n, v)| OrderLine { line_id: line(&n.to_string()), amount: yuan(*v) }).collect(),
        prepaid: yuan(prepaid),
        ship_date: Some(date(2026, 4, u32::try_from(revision.rem_euclid(3)).unwrap() + 1)),
        terms_days: 0,
        discount_percent: None,
        requested_by: SubjectId::parse("sales-1").unwrap(),
        submitted_by: None,
        checkpoint: Checkpoint::Order,
    }
}

#[test]
fn an_invoice_for_an_unknown_order_is_kept_until_the_order_comes() {
    let mut desk = Desk::new();
    desk.owe(1, 60, &[("o-1", "1", 60)]);
    assert_eq!(desk.net(), 60);
    desk.authorize(asked("o-1", 1, &[100], 0)).unwrap();
    assert_eq!(desk.net(), 100, "60 invoiced, 40 to come");
}

#[test]
fn a_delivery_of_an_unknown_order_is_kept_until_the_order_comes() {
    let mut desk = Desk::new();
    desk.deliver("o-1", "d-1", "1", 130).unwrap();
    assert_eq!(desk.net(), 0);
    desk.authorize(asked("o-1", 1, &[100], 0)).unwrap();
    assert_eq!(desk.net(), 130, "more was delivered than ordered");
}

#[test]
fn a_cancelled_invoice_makes_the_order_count_again() {
    let mut desk = Desk::new();
    desk.authorize(asked("o-1", 1, &[100], 0)).unwrap();
    desk.owe(1, 100, &[("o-1", "1", 100)]);
    assert_eq!((desk.net(), desk.book.dossiers.len()), (100, 0));
    desk.owe(2, 0, &[("o-1", "1", 0)]);
    assert_eq!((desk.net(), desk.book.dossiers.len()), (100, 1));
}

#[test]
fn further_lines_count_with_the_version_they_were_told_with() {
    let mut desk = Desk::new();
    desk.authorize(asked("o-1", 1, &[100, 100], 0)).unwrap();
    desk.owe(2, 110, &[("o-1", "1", 60)]);
    assert_eq!(desk.net(), 250, "140 to come, and 110 owed");
    desk.owe_more_lines(2, "o-1", "2", 50);
    assert_eq!(desk.net(), 200, "90 to come");
    desk.owe_more_lines(1, "o-1", "1", 0);
    assert_eq!(desk.net(), 200, "what was known before is news no more");
}

#[test]
fn the_order_of_names_is_kept_from_the_first_decision_on() {
    let mut desk = Desk::new();
    desk.owe(1, 60, &[("o-1", "1", 60)]);
    let correlation = |desk: &Desk| desk.rows[&order_id("o-1")].correlation_id.clone();
    assert_eq!(correlation(&desk), CorrelationId::parse("o-1").unwrap());
    desk.authorize(asked("o-1", 1, &[100], 0)).unwrap();
    assert_eq!(correlation(&desk), desk.call.correlation_id);
}

#[test]
fn a_payment_in_advance_counts_once_when_a_part_is_invoiced_and_paid_with_it() {
    let mut desk = Desk::new();
    desk.authorize(asked("o-1", 1, &[100], 50)).unwrap();
    let unapplied = Position { unapplied_credit: yuan(50), ..owed(1, 0) };
    desk.hear(News::Position(account("acme"), cny(), Arc::new(unapplied), Vec::new()));
    assert_eq!(desk.net(), 50);
    // 50 invoiced and the payment allocated to it: the other 50 are unpaid
    desk.owe(2, 0, &[("o-1", "1", 50)]);
    assert_eq!(desk.net(), 50);
}

/// One thing that may happen.
#[derive(Debug, Clone)]
enum Happens {
    Authorize { order: u8, lines: Vec<i64>, prepaid: i64 },
    Amend { order: u8, lines: Vec<i64> },
    Deliver { order: u8, delivery: u8, line: u8, units: i64 },
    Invoice { order: u8, line: u8, units: i64 },
    Pay { open: i64 },
    CancelLine { order: u8, line: u8, units: i64 },
    Cancel { order: u8 },
    Limit { units: i64 },
}

fn happens() -> impl Strategy<Value = Happens> {
    let order = 0..6_u8;
    let lines = prop::collection::vec(0..400_i64, 1..3);
    prop_oneof![
        3 => (order.clone(), lines.clone(), 0..200_i64)
            .prop_map(|(order, lines, prepaid)| Happens::Authorize { order, lines, prepaid }),
        2 => (order.clone(), lines).prop_map(|(order, lines)| Happens::Amend { order, lines }),
        2 => (order.clone(), 0..4_u8, 1..3_u8, 1..300_i64)
            .prop_map(|(order, delivery, line, units)| Happens::Deliver { order, delivery, line, units }),
        3 => (order.clone(), 1..3_u8, 0..400_i64)
            .prop_map(|(order, line, units)| Happens::Invoice { order, line, units }),
        1 => (0..500_i64).prop_map(|open| Happens::Pay { open }),
        1 => (order.clone(), 1..3_u8, 1..300_i64)
            .prop_map(|(order, line, units)| Happens::CancelLine { order, line, units }),
        1 => order.prop_map(|order| Happens::Cancel { order }),
        1 => (0..900_i64).prop_map(|units| Happens::Limit { units }),
    ]
}

impl Desk {
    fn happen(&mut self, step: &Happens, version: i64) {
        let name = |order: &u8| format!("o-{order}");
        // a refusal is part of the play: it must change nothing
        match step {
            Happens::Authorize { order, lines, prepaid } => {
                let prepaid = (*prepaid).min(lines.iter().sum());
                drop(self.authorize(asked(&name(order), 1, lines, prepaid)));
            }
            Happens::Amend { order, lines } => {
                let known = self.rows.get(&order_id(&name(order))).and_then(|d| d.answered.as_ref());
                let revision = known.map_or(1, |answered| answered.revision + 1);
                drop(self.authorize(asked(&name(order), revision, lines, 0)));
            }
            Happens::Deliver { order, delivery, line, units } => {
                drop(self.deliver(&name(order), &format!("d-{delivery}"), &line.to_string(), *units));
            }
            Happens::Invoice { order, line, units } => {
                self.owe(version, *units, &[(&name(order), &line.to_string(), *units)]);
            }
            Happens::Pay { open } => self.owe(version, *open, &[]),
            Happens::CancelLine { order, line, units } => {
                drop(self.cancel(&name(order), &[(&line.to_string(), *units)]));
            }
            Happens::Cancel { order } => drop(self.cancel(&name(order), &[])),
            Happens::Limit { units } => {
                let credit = crate::standing::Credit { version: version + 1, ..credit(*units) };
                self.hear(News::Credit(account("acme"), Arc::new(credit)));
            }
        }
    }
}

proptest! {
    /// Rule 4.5.
    #[test]
    fn rebuilding_from_the_documents_gives_exactly_the_running_figure(
        steps in prop::collection::vec(happens(), 1..40),
    ) {
        let mut desk = Desk::new();
        for (version, step) in (1..).zip(&steps) {
            desk.happen(step, version);
            let rebuilt = desk.rebuilt();
            for (id, account) in &desk.book.accounts {
                let empty = crate::book::Account::default();
                let fresh = rebuilt.accounts.get(id).map_or(&empty, |account| &**account);
                for purse in &account.purses {
                    let reserved = fresh.purse(purse.currency).map(|p| p.reserved).unwrap_or_default();
                    prop_assert_eq!(purse.reserved, reserved, "after {:?}", step);
                    let by_day = purse.reserved_up_to(chrono::NaiveDate::MAX);
                    prop_assert_eq!(by_day, reserved, "by ship date, after {:?}", step);
                }
                prop_assert_eq!(&account.held, &fresh.held);
            }
            let known: BTreeMap<_, _> = desk.book.dossiers.iter().map(|(id, d)| (id.clone(), d.clone())).collect();
            let live: BTreeMap<_, _> = rebuilt.dossiers.iter().map(|(id, d)| (id.clone(), d.clone())).collect();
            prop_assert_eq!(known, live);
        }
    }

    /// Rule 4.2.
    #[test]
    fn invoicing_a_part_leaves_the_total_unchanged(ordered in 1..1_000_i64, part in 0..1_000_i64, before in 0..1_000_i64) {
        let part = part.min(ordered);
        let mut desk = Desk::new();
        desk.owe(1, before, &[]);
        desk.authorize(asked("o-1", 1, &[ordered], 0)).unwrap();
        let total = desk.net();
        desk.deliver("o-1", "d-1", "1", part.max(1)).unwrap();
        prop_assert_eq!(desk.net(), total.max(before + part.max(1)));
        desk.owe(2, before + part, &[("o-1", "1", part)]);
        prop_assert_eq!(desk.net(), total);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        shuffled in Just(vec![
            Happens::Authorize { order: 0, lines: vec![100, 50], prepaid: 20 },
            Happens::Deliver { order: 0, delivery: 0, line: 1, units: 70 },
            Happens::Deliver { order: 0, delivery: 1, line: 1, units: 60 },
            Happens::Deliver { order: 0, delivery: 2, line: 2, units: 10 },
            Happens::Invoice { order: 0, line: 1, units: 90 },
            Happens::Authorize { order: 1, lines: vec![30], prepaid: 0 },
        ]).prop_shuffle(),
        repeats in prop::collection::vec(0..6_usize, 0..6),
    ) {
        let mut desk = Desk::new();
        for step in &shuffled {
            desk.happen(step, 1);
        }
        // and neither do repetitions
        for repeat in repeats {
            desk.happen(&shuffled[repeat], 1);
        }
        // line 1: max(100, 130) - 90 = 40; line 2: max(50, 10) - 0 = 50; the other order 30; invoiced 90
        let commitment = desk.rows[&order_id("o-0")].commitment().unwrap();
        prop_assert_eq!((commitment.ordered, commitment.delivered_not_billed), (yuan(40), yuan(50)));
        // the 20 paid in advance are used up by the 90 invoiced
        prop_assert_eq!(commitment.prepaid, 0);
        prop_assert_eq!(desk.net(), 90 + 40 + 50 + 30);
    }
}
