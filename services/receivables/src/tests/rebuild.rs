//! The running figures equal what a rebuild from the facts gives: after every step, as of every date.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::{prelude::*, sample::Index};
use weir_model::{AccountId, Currency, Ids, ItemId, Money, PaymentId, SubjectId, TextId as _, add_days, days_past_due};

use super::world::{date, noon};
use crate::{
    allocation::{Allocation, Source},
    behaviour::{Behaviour, Settled},
    document::{Document, DocumentNumber, DueRow},
    item::{Attributes, ItemKind},
    ledger::{Changes, DisputeFact, Ledger, PaymentReversal, Recording},
    payment::{Advice, AllocationMode, PaymentState, Reference},
};

fn cny() -> Currency {
    Currency::from_code("CNY").unwrap()
}

fn fen(minor: i64) -> Money {
    Money::new(minor, cny())
}

/// One random step; indexes choose among what is there, `back` how many days before today it counts from.
#[derive(Debug, Clone)]
enum Step {
    NextDay,
    Post { kind: ItemKind, amount: i64, due_in: i64, parts: usize, back: i64 },
    Credit { amount: i64, corrects: Option<Index>, back: i64 },
    Pay { amount: i64, names: Option<Index>, mode: AllocationMode, ahead: i64 },
    Book(Index),
    Allocate { from: Index, to: Index, part: Option<i64>, back: i64 },
    Unallocate { which: Index, back: i64 },
    Bounce { which: Index, back: i64 },
    Dispute { which: Index, claim: i64 },
    Cancel { which: Index, back: i64 },
}

fn step(back: i64) -> impl Strategy<Value = Step> {
    let kind = prop_oneof![4 => Just(ItemKind::Invoice), 1 => Just(ItemKind::DebitNote), 1 => Just(ItemKind::Charge)];
    let mode = prop_oneof![3 => Just(AllocationMode::Automatic), 1 => Just(AllocationMode::NamedOnly), 1 => Just(AllocationMode::Nothing)];
    prop_oneof![
        3 => Just(Step::NextDay),
        4 => (kind, 1_i64..1_000, 0_i64..40, 1_usize..4, 0..=back)
            .prop_map(|(kind, amount, due_in, parts, back)| Step::Post { kind, amount, due_in, parts, back }),
        1 => (1_i64..500, proptest::option::of(any::<Index>()), 0..=back)
            .prop_map(|(amount, corrects, back)| Step::Credit { amount, corrects, back }),
        4 => (1_i64..1_500, proptest::option::of(any::<Index>()), mode, -back..=2)
            .prop_map(|(amount, names, mode, ahead)| Step::Pay { amount, names, mode, ahead }),
        1 => any::<Index>().prop_map(Step::Book),
        3 => (any::<Index>(), any::<Index>(), proptest::option::of(1_i64..800), 0..=back)
            .prop_map(|(from, to, part, back)| Step::Allocate { from, to, part, back }),
        2 => (any::<Index>(), 0..=back).prop_map(|(which, back)| Step::Unallocate { which, back }),
        2 => (any::<Index>(), 0..=back).prop_map(|(which, back)| Step::Bounce { which, back }),
        1 => (any::<Index>(), 0_i64..600).prop_map(|(which, claim)| Step::Dispute { which, claim }),
        1 => (any::<Index>(), 0..=back).prop_map(|(which, back)| Step::Cancel { which, back }),
    ]
}

/// All facts so far, and what a rebuild makes of them.
#[derive(Default)]
struct Facts {
    documents: BTreeMap<DocumentNumber, Document>,
    items: BTreeMap<ItemId, (ItemKind, NaiveDate, NaiveDate, i64)>,
    payments: BTreeMap<PaymentId, (NaiveDate, i64)>,
    booked: Vec<PaymentId>,
    allocations: Vec<Allocation>,
    reversals: Vec<PaymentReversal>,
    disputes: Vec<DisputeFact>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    open: BTreeMap<ItemId, i64>,
    unapplied: BTreeMap<PaymentId, i64>,
    total_open: i64,
    total_disputed: i64,
    total_unapplied: i64,
}

impl Facts {
    fn add(&mut self, ledger: &Ledger, changes: Changes) {
        for id in &changes.new_items {
            let item = &ledger.items[id];
            self.items.insert(id.clone(), (item.kind, item.posting_date, item.due_date, item.amount.minor()));
        }
        for id in &changes.new_payments {
            let payment = &ledger.payments[id];
            self.payments.insert(id.clone(), (payment.effective_date, payment.amount.minor()));
        }
        for id in &changes.payments {
            if ledger.payments[id].state == PaymentState::Booked && !self.booked.contains(id) {
                self.booked.push(id.clone());
            }
        }
        self.allocations.extend(changes.allocations);
        self.reversals.extend(changes.reversals);
        self.disputes.extend(changes.disputes);
    }

    /// The state as of a date, from nothing but facts.
    fn rebuild(&self, as_of: NaiveDate) -> State {
        let counts = |date: NaiveDate| date <= as_of;
        let used = |of: &dyn Fn(&Allocation) -> bool| -> i64 {
            let facts = self.allocations.iter().filter(|fact| counts(fact.effective_date) && of(fact));
            facts.map(|fact| fact.amount.minor()).sum()
        };
        let mut state = State {
            open: BTreeMap::new(),
            unapplied: BTreeMap::new(),
            total_open: 0,
            total_disputed: 0,
            total_unapplied: 0,
        };
        for (id, (kind, posted, _, amount)) in self.items.iter().filter(|(_, item)| counts(item.1)) {
            let _ = posted;
            let open = if *kind == ItemKind::CreditNote {
                amount - used(&|fact| fact.source == Source::CreditNote(id.clone()))
            } else {
                amount - used(&|fact| fact.item_id == *id)
            };
            assert!((0..=*amount).contains(&open), "{id} has {open} of {amount} open on {as_of}");
            state.open.insert(id.clone(), open);
            if *kind == ItemKind::CreditNote {
                state.total_unapplied += open;
                continue;
            }
            state.total_open += open;
            let mut claims = self.disputes.iter().filter(|fact| fact.item_id == *id && counts(fact.effective_date));
            state.total_disputed += claims.next_back().map_or(0, |fact| fact.claim.minor()).min(open);
        }
        for (id, (effective, amount)) in
            self.payments.iter().filter(|(id, (date, _))| counts(*date) && self.booked.contains(id))
        {
            let _ = effective;
            let reversed = self.reversals.iter().any(|fact| fact.payment_id == *id && counts(fact.effective_date));
            let left = amount - used(&|fact| fact.source == Source::Payment(id.clone()));
            assert!((0..=*amount).contains(&left), "{id} has {left} of {amount} left on {as_of}");
            let left = if reversed { left - amount } else { left };
            assert!(left >= 0, "{id} gave {left} more than it was");
            state.unapplied.insert(id.clone(), left);
            state.total_unapplied += left;
        }
        state
    }

    /// How the account paid, from nothing but facts.
    fn behaviour(&self) -> BTreeMap<i64, Settled> {
        let mut behaviour = Behaviour::default();
        let live: Vec<&Allocation> = self
            .allocations
            .iter()
            .filter(|fact| fact.reverses.is_none())
            .filter(|fact| !self.allocations.iter().any(|back| back.reverses.as_ref() == Some(&fact.id)))
            .collect();
        for (id, (kind, _, due, amount)) in &self.items {
            let mine: Vec<_> = live.iter().filter(|fact| fact.item_id == *id).collect();
            let paid: Vec<_> = mine.iter().filter(|fact| matches!(fact.source, Source::Payment(_))).collect();
            for fact in &paid {
                behaviour.add_settled(days_past_due(*due, fact.effective_date), fact.amount).unwrap();
            }
            let settled =
                *kind != ItemKind::CreditNote && mine.iter().map(|fact| fact.amount.minor()).sum::<i64>() == *amount;
            if let Some(last) = paid.iter().map(|fact| fact.effective_date).max().filter(|_| settled) {
                behaviour.count_settled(days_past_due(*due, last), cny(), 1);
            }
        }
        behaviour.without_nothing().settled
    }
}

/// The running figures of a ledger.
fn running(ledger: &Ledger) -> State {
    let booked = ledger.payments.values().filter(|payment| payment.state != PaymentState::Future);
    State {
        open: ledger.items.iter().map(|(id, item)| (id.clone(), item.open.minor())).collect(),
        unapplied: booked.map(|payment| (payment.id.clone(), payment.unapplied.minor())).collect(),
        total_open: ledger.total.open.minor(),
        total_disputed: ledger.total.disputed.minor(),
        total_unapplied: ledger.total.unapplied.minor(),
    }
}

struct Run {
    ledger: Ledger,
    facts: Facts,
    recording: Recording,
    count: usize,
    behaviour: Behaviour,
}

fn pick<T: Clone>(index: &Index, from: impl Iterator<Item = T>) -> Option<T> {
    let all: Vec<T> = from.collect();
    (!all.is_empty()).then(|| index.get(&all).clone())
}

impl Run {
    fn new() -> Self {
        let today = date(2026, 1, 31);
        let recording = Recording {
            at: noon(today),
            today,
            by: SubjectId::parse("fiona").unwrap(),
            correlation_id: "c".to_owned(),
            ids: Ids::seeded(1),
        };
        let ledger = Ledger::new(AccountId::parse("A").unwrap(), cny());
        Run { ledger, facts: Facts::default(), recording, count: 0, behaviour: Behaviour::default() }
    }

    fn day(&self, offset: i64) -> NaiveDate {
        add_days(self.recording.today, offset).unwrap()
    }

    fn document(&mut self, kind: ItemKind, amount: i64, due_in: i64, parts: usize, back: i64) -> Document {
        self.count += 1;
        let dated = self.day(-back);
        let amounts = crate::schedule::equal_parts(fen(amount), parts).unwrap_or_else(|| vec![fen(amount)]);
        let due = |n: usize| add_days(dated, due_in + i64::try_from(n).unwrap() * 7).unwrap();
        Document {
            kind,
            number: DocumentNumber::parse(&format!("D{}", self.count)).unwrap(),
            account_id: self.ledger.account_id.clone(),
            document_date: dated,
            posting_date: None,
            amount: fen(amount),
            rows: amounts.into_iter().enumerate().map(|(n, amount)| DueRow { due_date: due(n), amount }).collect(),
            lines: Vec::new(),
            order_id: None,
            corrects: None,
            attributes: Attributes::default(),
            correlation_id: None,
        }
    }

    /// Does a step on a draft; what is refused leaves no trace.
    fn take(&mut self, step: &Step) {
        let mut draft = self.ledger.clone();
        let recording = self.recording.clone();
        let documents = || self.facts.documents.keys().cloned();
        let done = match step {
            Step::NextDay => {
                self.recording.today = self.day(1);
                self.recording.at = noon(self.recording.today);
                return;
            }
            Step::Post { kind, amount, due_in, parts, back } => {
                let document = self.document(*kind, *amount, *due_in, *parts, *back);
                self.facts.documents.insert(document.number.clone(), document.clone());
                draft.post(&document, &recording).map(drop)
            }
            Step::Credit { amount, corrects, back } => {
                let corrects = corrects.as_ref().and_then(|index| pick(index, documents()));
                let document = Document { corrects, ..self.document(ItemKind::CreditNote, *amount, 0, 1, *back) };
                draft.post(&document, &recording).map(drop)
            }
            Step::Pay { amount, names, mode, ahead } => {
                let name = names.as_ref().and_then(|index| pick(index, documents()));
                let reference = |number: DocumentNumber| Reference { name: number.to_string(), amount: None };
                self.count += 1;
                let advice = Advice {
                    number: Some(DocumentNumber::parse(&format!("P{}", self.count)).unwrap()),
                    account_id: draft.account_id.clone(),
                    amount: fen(*amount),
                    effective_date: Some(self.day(*ahead)),
                    references: name.map(reference).into_iter().collect(),
                    mode: *mode,
                    note: String::new(),
                    correlation_id: None,
                };
                draft.record(&advice, &recording).map(drop)
            }
            Step::Book(which) => match pick(which, draft.payments.keys().cloned()) {
                Some(id) => draft.book(&id, &recording),
                None => return,
            },
            Step::Allocate { from, to, part, back } => {
                let notes = draft
                    .items
                    .values()
                    .filter(|item| item.is_credit())
                    .map(|item| Source::CreditNote(item.id.clone()));
                let sources = draft.payments.keys().cloned().map(Source::Payment).chain(notes);
                let (Some(source), Some(item)) = (pick(from, sources), pick(to, draft.items.keys().cloned())) else {
                    return;
                };
                draft.allocate(source, &item, part.map(fen), self.day(-back), &recording).map(drop)
            }
            Step::Unallocate { which, back } => match pick(which, draft.allocations.keys().cloned()) {
                Some(id) => draft.reverse_allocation(&id, self.day(-back), &recording).map(drop),
                None => return,
            },
            Step::Bounce { which, back } => match pick(which, draft.payments.keys().cloned()) {
                Some(id) => draft.reverse_payment(&id, "bounced", self.day(-back), &recording).map(drop),
                None => return,
            },
            Step::Dispute { which, claim } => match pick(which, draft.items.keys().cloned()) {
                Some(item_id) => draft.dispute(DisputeFact {
                    id: "d".to_owned(),
                    item_id,
                    claim: fen(*claim),
                    reason: "r".to_owned(),
                    effective_date: recording.today,
                    recorded_at: recording.at,
                    recorded_by: recording.by.clone(),
                }),
                None => return,
            },
            Step::Cancel { which, back } => match pick(which, documents()) {
                Some(number) => {
                    let document = self.facts.documents[&number].clone();
                    draft.cancel(&number, &document, self.day(-back), &recording).map(drop)
                }
                None => return,
            },
        };
        if done.is_ok() {
            let changes = std::mem::take(&mut draft.changes);
            self.behaviour.add(&changes.behaviour).unwrap();
            self.facts.add(&draft, changes);
            self.ledger = draft;
        }
    }

    fn check(&self) {
        let far = self.day(1_000);
        let mut now = self.facts.rebuild(far);
        let known = running(&self.ledger);
        // a payment taken back before it was booked never counted
        now.unapplied.retain(|id, _| known.unapplied.contains_key(id));
        let mut known = known;
        known.unapplied.retain(|id, _| now.unapplied.contains_key(id));
        assert_eq!(known, now);
        let settled = self.ledger.items.values().filter(|item| !item.is_credit() && item.is_settled());
        for item in settled {
            let latest = self.ledger.allocated_to(&item.id).map(|fact| fact.effective_date).max();
            assert_eq!(item.settled_date, latest, "{}", item.id);
        }
        assert_eq!(self.behaviour.clone().without_nothing().settled, self.facts.behaviour());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn running_figures_equal_a_rebuild_after_every_step(steps in proptest::collection::vec(step(6), 1..60)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
            run.check();
        }
        // and on no day was anything paid twice, or more given than there was
        for offset in -10..60 {
            run.facts.rebuild(add_days(date(2026, 1, 31), offset).unwrap());
        }
    }

    #[test]
    fn a_past_date_is_seen_as_it_was_then(steps in proptest::collection::vec(step(0), 1..60)) {
        let mut run = Run::new();
        let mut then = BTreeMap::new();
        for step in &steps {
            // what counts from the day it is recorded on, and nothing ahead
            if matches!(step, Step::Pay { ahead, .. } if *ahead > 0) {
                continue;
            }
            run.take(step);
            then.insert(run.recording.today, run.facts.rebuild(run.recording.today));
        }
        for (date, state) in then {
            prop_assert_eq!(run.facts.rebuild(date), state);
        }
    }
}
