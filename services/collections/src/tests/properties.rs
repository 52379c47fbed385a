//! What holds of any history of debts, payments, runs and sends: a book kept in memory, worked by the rules alone.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_model::{CaseId, NoticeId, TaskId};

use super::{
    plans::dossier,
    rules::{ladder, ladder_id},
    world::{day, item, money},
};
use crate::{
    case::OpenCase,
    item::Item,
    notice::{Unsent, UnsentState},
    pause::Pause,
    run::{Dossier, Draft, Effect, Occasion, plan},
    task::{Task, TaskState},
};

/// What may happen to a debt.
#[derive(Debug, Clone)]
enum Happening {
    /// Days pass, then collections are run.
    Run { after_days: i64 },
    /// What was queued is sent.
    Send,
    /// An item is paid, wholly or in part.
    Pay { index: usize, percent: i64 },
    /// Another item is invoiced.
    Invoice { due_in_days: i64, amount: i64 },
    /// All of an item is disputed, or the dispute is cleared.
    Dispute { index: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (0_i64..12).prop_map(|after_days| Happening::Run { after_days }),
        3 => Just(Happening::Send),
        2 => (0_usize..6, 1_i64..=100).prop_map(|(index, percent)| Happening::Pay { index, percent }),
        2 => (-40_i64..20, 1_i64..10_000).prop_map(|(due_in_days, amount)| Happening::Invoice { due_in_days, amount }),
        1 => (0_usize..6).prop_map(|index| Happening::Dispute { index }),
    ]
}

/// A debt and what collections made of it.
#[derive(Debug, Clone)]
struct Book {
    dossier: Dossier,
    days: i64,
    count: usize,
    /// Stage of each notice sent, by the day it was made for.
    sent: Vec<(i64, i64)>,
}

impl Book {
    fn new() -> Self {
        Book { dossier: dossier(Vec::new()), days: 0, count: 0, sent: Vec::new() }
    }

    fn work(&mut self, occasion: Occasion) -> Vec<Effect> {
        let plan = plan(&self.dossier, &ladder_id(), &ladder(), day(self.days), occasion).unwrap();
        for effect in &plan.effects {
            self.carry_out(effect);
        }
        plan.effects
    }

    fn carry_out(&mut self, effect: &Effect) {
        self.count += 1;
        let id = format!("x{}", self.count);
        match effect {
            Effect::OpenCase { course } => {
                self.dossier.case = Some(OpenCase { case_id: CaseId::parse(&id).unwrap(), course: course.clone() });
            }
            Effect::Steer { course, .. } => self.dossier.case.as_mut().unwrap().course = course.clone(),
            Effect::CloseCase { .. } => (self.dossier.case, self.dossier.tasks) = (None, Vec::new()),
            Effect::GiveTask { kind, stage, item_id, .. } => self.dossier.tasks.push(Task {
                task_id: TaskId::parse(&id).unwrap(),
                kind: *kind,
                stage_day: ladder().stage(*stage).map(|stage| stage.from_day),
                item_id: item_id.clone(),
                state: TaskState::Open,
            }),
            Effect::CloseTask { task_id, .. } => {
                let task = self.dossier.tasks.iter_mut().find(|task| task.task_id == *task_id).unwrap();
                task.state = TaskState::Closed;
            }
            Effect::QueueNotice(draft) => {
                assert!(self.dossier.unsent.is_none(), "one unsent notice a case");
                self.dossier.unsent = Some(self.unsent(NoticeId::parse(&id).unwrap(), draft));
            }
            Effect::ReplaceNotice { notice_id, draft } => {
                self.dossier.unsent = Some(self.unsent(notice_id.clone(), draft));
            }
            Effect::CancelNotice { .. } => self.dossier.unsent = None,
            Effect::JudgePromise { .. } => {}
        }
    }

    fn unsent(&self, notice_id: NoticeId, draft: &Draft) -> Unsent {
        Unsent {
            notice_id,
            case_id: self.dossier.case.as_ref().map(|case| case.case_id.clone()),
            state: UnsentState::Waiting,
            stage: draft.stage,
            anchor_item_id: draft.anchor_item_id.clone(),
            business_date: day(self.days),
            listed: draft.listed.clone(),
        }
    }

    fn send(&mut self) {
        let Some(unsent) = self.dossier.unsent.take() else { return };
        self.dossier.last_sent = Some(unsent.business_date);
        self.sent.push((unsent.business_date.signed_duration_since(day(0)).num_days(), unsent.stage));
        let reached: BTreeMap<_, _> = unsent.listed.iter().map(|l| (l.item_id.clone(), l.reached_day)).collect();
        for item in &mut self.dossier.items {
            item.reached_day = item.reached_day.max(reached.get(&item.item_id).copied().flatten());
        }
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Run { after_days } => {
                self.days += after_days;
                self.work(Occasion::Run);
                return;
            }
            Happening::Send => return self.send(),
            Happening::Pay { index, percent } => {
                if let Some(item) = self.dossier.items.get_mut(*index) {
                    item.open = money(item.open.minor() * (100 - percent) / 100);
                    item.disputed = money(item.disputed.minor().min(item.open.minor()));
                }
                self.dossier.items.retain(|item| item.open.is_positive());
            }
            Happening::Invoice { due_in_days, amount } => {
                self.count += 1;
                let due = day(self.days + due_in_days);
                self.dossier.items.push(item(&format!("inv-{}", self.count), due, *amount));
            }
            Happening::Dispute { index } => {
                if let Some(item) = self.dossier.items.get_mut(*index) {
                    item.disputed = if item.disputed.is_zero() { item.open } else { money(0) };
                }
            }
        }
        self.dossier.items.sort_by(|a, b| (a.due_date, &a.item_id).cmp(&(b.due_date, &b.item_id)));
        self.work(Occasion::Change);
    }
}

proptest! {
    #[test]
    fn running_twice_on_one_day_changes_nothing(happenings in proptest::collection::vec(happening(), 1..40)) {
        let mut book = Book::new();
        for happening in &happenings {
            book.happen(happening);
            let mut again = book.clone();
            again.work(Occasion::Run);
            prop_assert_eq!(again.work(Occasion::Run), vec![], "after {:?}", happening);
            again.send();
            prop_assert_eq!(again.work(Occasion::Run), vec![], "sent, after {:?}", happening);
        }
    }

    #[test]
    fn a_run_makes_at_most_one_notice_and_no_day_sends_two(happenings in proptest::collection::vec(happening(), 1..40)) {
        let mut book = Book::new();
        for happening in &happenings {
            if let Happening::Run { .. } = happening {
                let mut copy = book.clone();
                let notices = copy.work(Occasion::Run);
                let made = notices.iter().filter(|e| matches!(e, Effect::QueueNotice(_) | Effect::ReplaceNotice { .. }));
                prop_assert!(made.count() <= 1);
            }
            book.happen(happening);
        }
        for pair in book.sent.windows(2) {
            prop_assert!(pair[0].0 < pair[1].0, "{:?}", book.sent);
        }
    }

    #[test]
    fn no_item_skips_a_stage_after_the_due_date(
        amount in 1_i64..1_000_000,
        runs in proptest::collection::vec((0_i64..40, any::<bool>()), 1..30),
    ) {
        let mut book = Book::new();
        book.happen(&Happening::Invoice { due_in_days: 0, amount });
        for (after_days, send) in runs {
            book.happen(&Happening::Run { after_days });
            if send {
                book.send();
            }
        }
        let overdue: Vec<i64> = book.sent.iter().map(|(_, stage)| *stage).filter(|stage| *stage >= 4).collect();
        prop_assert_eq!(&overdue[..], &[4, 5, 6][..overdue.len()]);
    }

    #[test]
    fn paying_everything_leaves_nothing_queued_and_nothing_open(
        happenings in proptest::collection::vec(happening(), 1..40),
    ) {
        let mut book = Book::new();
        for happening in &happenings {
            book.happen(happening);
        }
        while !book.dossier.items.is_empty() {
            book.happen(&Happening::Pay { index: 0, percent: 100 });
        }
        prop_assert!(book.dossier.unsent.is_none());
        prop_assert!(book.dossier.case.is_none());
        prop_assert!(book.dossier.tasks.iter().all(|task| task.state != TaskState::Open));
    }

    #[test]
    fn the_level_depends_on_items_and_date_alone(happenings in proptest::collection::vec(happening(), 1..40)) {
        let mut book = Book::new();
        for happening in &happenings {
            book.happen(happening);
        }
        let worked = plan(&book.dossier, &ladder_id(), &ladder(), day(book.days), Occasion::Run).unwrap();
        let fresh = dossier(book.dossier.items.iter().map(|i| Item { reached_day: None, ..i.clone() }).collect());
        let from_scratch = plan(&fresh, &ladder_id(), &ladder(), day(book.days), Occasion::Run).unwrap();
        prop_assert_eq!(worked.level, from_scratch.level);
    }
}

proptest! {
    /// Pauses one after the other, with days between them, against a count of the days on which none holds.
    #[test]
    fn a_clock_strikes_once_on_each_day_without_a_pause(
        gaps in prop::collection::vec((0_i64..20, 0_i64..20), 0..6),
        starts in -30_i64..30,
        as_of in 0_i64..120,
    ) {
        let mut next = starts;
        let mut pauses = Vec::new();
        for (gap, length) in gaps {
            let (from, to) = (next + gap, next + gap + length);
            pauses.push(Pause { item_id: None, from: day(from), to: day(to), lifted: None });
            next = to + 1;
        }
        let struck = (1..=as_of).filter(|n| !pauses.iter().any(|pause| pause.holds_on(day(*n)))).count();
        for (n, one) in pauses.iter().enumerate() {
            prop_assert!(pauses.iter().skip(n + 1).all(|other| !one.overlaps(other)));
        }
        let item = Item { pauses, ..item("inv-1", day(0), 100) };
        prop_assert_eq!(item.clock(day(as_of)), i64::try_from(struck).unwrap());
    }
}
