//! What working a debt for a date decides, case by case.

use weir_model::{CaseId, ItemId, NoticeId, SubjectId, TaskId};

use super::{
    rules::{ladder, ladder_id, promise},
    world::{cny, day, item, money},
};
use crate::{
    case::{Course, OpenCase},
    item::Item,
    notice::{Unsent, UnsentState},
    pause::Pause,
    promise::{Promise, PromiseState},
    run::{Address, Dossier, Effect, Occasion, Plan, plan},
    strategy::{Owner, Strategy, TaskKind, Tone},
    suppression::Consent,
    task::{Task, TaskState},
};

pub(super) fn dossier(items: Vec<Item>) -> Dossier {
    Dossier { items, address: Address::Known, ..Dossier::empty(cny()) }
}

fn run_on(dossier: &Dossier, days: i64) -> Plan {
    plan(dossier, &ladder_id(), &ladder(), day(days), Occasion::Run).unwrap()
}

fn change_on(dossier: &Dossier, days: i64) -> Plan {
    plan(dossier, &ladder_id(), &ladder(), day(days), Occasion::Change).unwrap()
}

fn course(anchor: &str, stage: i64, level: i64, owner: Owner) -> Course {
    Course { strategy_id: ladder_id(), anchor_item_id: Some(ItemId::parse(anchor).unwrap()), stage, level, owner }
}

fn with_case(dossier: Dossier, course: Course) -> Dossier {
    Dossier { case: Some(OpenCase { case_id: CaseId::parse("c").unwrap(), course }), ..dossier }
}

fn waiting(anchor: &str, stage: i64, on: i64) -> Unsent {
    Unsent {
        notice_id: NoticeId::parse("n").unwrap(),
        case_id: Some(CaseId::parse("c").unwrap()),
        state: UnsentState::Waiting,
        stage,
        anchor_item_id: ItemId::parse(anchor).unwrap(),
        business_date: day(on),
        listed: Vec::new(),
    }
}

fn queued(plan: &Plan) -> Vec<(i64, Vec<(String, i64)>)> {
    let listed = |effect: &Effect| match effect {
        Effect::QueueNotice(draft) | Effect::ReplaceNotice { draft, .. } => {
            let items = draft.listed.iter().map(|line| (line.item_id.to_string(), line.amount.minor())).collect();
            Some((draft.stage, items))
        }
        _ => None,
    };
    plan.effects.iter().filter_map(listed).collect()
}

fn cancelled(plan: &Plan) -> usize {
    plan.effects.iter().filter(|effect| matches!(effect, Effect::CancelNotice { .. })).count()
}

fn paused(item: Item, from: i64, to: i64) -> Item {
    let pause = Pause { item_id: None, from: day(from), to: day(to), lifted: None };
    Item { pauses: vec![pause], ..item }
}

#[test]
fn a_paused_item_keeps_stage_and_level_and_is_not_asked_for() {
    let owed = dossier(vec![paused(item("inv-1", day(0), 500), 21, 60)]);
    let plan = run_on(&owed, 50);
    // 20 days on the clock lie in the second overdue stage, which lasts to day 30
    assert!(matches!(&plan.effects[..], [Effect::OpenCase { course }] if course.stage == 5), "{plan:?}");
    assert_eq!(plan.level, 2);
}

#[test]
fn after_a_pause_the_clock_goes_on_where_it_stood() {
    let owed = dossier(vec![Item { reached_day: Some(1), ..paused(item("inv-1", day(0), 500), 11, 40) }]);
    // 30 paused days less: on day 45 the clock shows 15, on day 46 it shows 16
    assert_eq!((run_on(&owed, 45).level, queued(&run_on(&owed, 45)).len()), (1, 0));
    assert_eq!((run_on(&owed, 46).level, queued(&run_on(&owed, 46))[0].0), (2, 5));
}

#[test]
fn a_pause_withdraws_the_notice_that_waits() {
    let owed = dossier(vec![paused(item("inv-1", day(0), 500), 5, 9)]);
    let owed = Dossier { unsent: Some(waiting("inv-1", 4, 1)), ..owed };
    let plan = change_on(&with_case(owed, course("inv-1", 4, 1, Owner::Sales)), 5);
    assert_eq!(cancelled(&plan), 1);
}

#[test]
fn another_item_is_dunned_during_a_pause_by_its_own_age() {
    let old = paused(item("old", day(0), 500), 21, 60);
    let plan = run_on(&dossier(vec![old, item("young", day(45), 300)]), 50);
    assert_eq!(queued(&plan), [(4, vec![("young".to_owned(), 300)])]);
    assert_eq!(plan.level, 2, "the paused one still counts");
}

#[test]
fn a_debtor_who_wants_no_contact_keeps_the_level_and_gets_neither_notice_nor_task() {
    let owed = Dossier { consent: Consent::Withdrawn, ..dossier(vec![item("inv-1", day(0), 500)]) };
    let plan = run_on(&owed, 40);
    assert!(matches!(&plan.effects[..], [Effect::OpenCase { .. }]), "{plan:?}");
    assert_eq!(plan.level, 3);
}

#[test]
fn an_item_that_credit_covers_is_not_overdue_for_the_gate() {
    let owed = Dossier { credit: money(500), ..dossier(vec![item("inv-1", day(0), 500)]) };
    let plan = run_on(&owed, 40);
    assert_eq!((plan.level, queued(&plan).len()), (0, 0));
}

#[test]
fn a_case_opens_on_a_stage_before_the_due_date_with_a_reminder() {
    let dossier = dossier(vec![item("inv-1", day(0), 500)]);
    assert_eq!(run_on(&dossier, -8).effects, []);
    let plan = run_on(&dossier, -7);
    assert!(matches!(&plan.effects[0], Effect::OpenCase { course } if course.stage == 1 && course.level == 0));
    assert_eq!(queued(&plan), [(1, vec![("inv-1".to_owned(), 500)])]);
    assert_eq!(plan.level, 0, "nothing is overdue");
}

#[test]
fn one_contact_lists_all_overdue_items_and_no_other() {
    let items = vec![item("old", day(0), 500), item("young", day(15), 300), item("later", day(25), 200)];
    let plan = run_on(&dossier(items), 20);
    assert_eq!(queued(&plan), [(4, vec![("old".to_owned(), 500), ("young".to_owned(), 300)])]);
    assert_eq!(plan.level, 2, "what the gate sees does not wait for notices");
}

#[test]
fn the_disputed_part_is_not_asked_for() {
    let disputed = Item { disputed: money(200), ..item("inv-1", day(0), 500) };
    assert_eq!(queued(&run_on(&dossier(vec![disputed]), 1)), [(4, vec![("inv-1".to_owned(), 300)])]);
}

#[test]
fn a_fully_disputed_item_opens_a_case_and_leaves_dunning() {
    let disputed = Item { disputed: money(500), ..item("inv-1", day(0), 500) };
    let plan = run_on(&dossier(vec![disputed]), 40);
    assert!(matches!(&plan.effects[..], [Effect::OpenCase { .. }]), "{plan:?}");
    assert_eq!(plan.level, 0);
}

#[test]
fn an_open_promise_suppresses_stages_and_level_until_it_is_judged() {
    let owed = dossier(vec![item("inv-1", day(0), 1_500)]);
    let owed = with_case(Dossier { promises: vec![promise(0)], ..owed }, course("inv-1", 5, 2, Owner::Finance));
    let plan = run_on(&owed, 12);
    assert_eq!((plan.level, queued(&plan).len()), (0, 0));
}

#[test]
fn breaking_a_promise_restores_the_clock_without_reset() {
    let owed = dossier(vec![Item { reached_day: Some(1), ..item("inv-1", day(0), 1_500) }]);
    let owed = with_case(Dossier { promises: vec![promise(0)], ..owed }, course("inv-1", 4, 1, Owner::Sales));
    let late = Dossier { promises: vec![Promise { date: day(29), ..promise(0) }], ..owed };
    let plan = run_on(&late, 32);
    assert!(matches!(&plan.effects[0], Effect::JudgePromise { state: PromiseState::Broken, .. }));
    assert_eq!(plan.level, 3, "32 days past due, promise or not");
    assert_eq!(queued(&plan)[0].0, 5, "notices go on where they were");
    let talk = |effect: &&Effect| matches!(effect, Effect::GiveTask { kind: TaskKind::BrokenPromise, .. });
    assert_eq!(plan.effects.iter().filter(talk).count(), 1);
}

#[test]
fn a_notice_waits_for_the_minimum_interval() {
    let owed = || dossier(vec![Item { reached_day: Some(1), ..item("inv-1", day(0), 500) }]);
    let sent =
        |on: i64| with_case(Dossier { last_sent: Some(day(on)), ..owed() }, course("inv-1", 5, 2, Owner::Finance));
    assert!(queued(&run_on(&sent(14), 16)).is_empty(), "two days are too few");
    assert_eq!(queued(&run_on(&sent(13), 16))[0].0, 5, "three days pass");
}

#[test]
fn the_next_stage_waits_until_the_previous_notice_was_sent() {
    let owed = dossier(vec![item("inv-1", day(0), 500)]);
    let unsent = Dossier { unsent: Some(waiting("inv-1", 4, 1)), ..owed };
    let plan = run_on(&with_case(unsent, course("inv-1", 4, 1, Owner::Sales)), 16);
    assert_eq!(queued(&plan), [(4, vec![("inv-1".to_owned(), 500)])], "the unsent one is brought up to date");
    assert!(plan.effects.iter().any(|effect| matches!(effect, Effect::ReplaceNotice { .. })));
}

#[test]
fn a_notice_on_its_way_is_left_alone() {
    let owed = dossier(vec![item("inv-1", day(0), 500)]);
    let sending = Unsent { state: UnsentState::Sending, ..waiting("inv-1", 4, 1) };
    let owed = with_case(Dossier { unsent: Some(sending), ..owed }, course("inv-1", 4, 1, Owner::Sales));
    let plan = run_on(&owed, 16);
    assert!(queued(&plan).is_empty() && cancelled(&plan) == 0);
}

#[test]
fn an_unsent_notice_of_a_case_that_is_closed_is_cancelled() {
    let settled = Dossier { unsent: Some(waiting("inv-1", 4, 1)), ..dossier(Vec::new()) };
    assert_eq!(cancelled(&change_on(&settled, 2)), 1);
    assert_eq!(cancelled(&run_on(&settled, 2)), 1);

    let owed_again = Dossier { unsent: Some(waiting("inv-1", 4, 1)), ..dossier(vec![item("inv-1", day(0), 500)]) };
    let plan = run_on(&owed_again, 2);
    assert_eq!((cancelled(&plan), queued(&plan).len()), (1, 1), "the new case has a notice of its own");
    assert!(plan.effects.iter().any(|effect| matches!(effect, Effect::QueueNotice(_))));

    let other = waiting("inv-1", 4, 1);
    let other = Unsent { case_id: Some(CaseId::parse("closed").unwrap()), ..other };
    let owed_again = Dossier { unsent: Some(other), ..dossier(vec![item("inv-1", day(0), 500)]) };
    assert_eq!(cancelled(&change_on(&with_case(owed_again, course("inv-1", 4, 1, Owner::Sales)), 2)), 1);
}

#[test]
fn a_waiting_notice_keeps_its_stage_by_day_or_is_cancelled_on_another_ladder() {
    let on_another = |from_days: [i64; 2], tone: Option<Tone>| {
        let mut other = ladder();
        other.stages.drain(..4);
        for (number, (stage, from_day)) in (1..).zip(other.stages.iter_mut().zip(from_days)) {
            (stage.number, stage.level, stage.from_day, stage.tone) = (number, number, from_day, tone);
        }
        let partly = Item { open: money(200), ..item("inv-1", day(0), 500) };
        let made = run_on(&dossier(vec![item("inv-1", day(0), 500)]), 1);
        let listed = made.effects.iter().find_map(|effect| match effect {
            Effect::QueueNotice(draft) => Some(draft.listed.clone()),
            _ => None,
        });
        let unsent = Unsent { listed: listed.unwrap(), ..waiting("inv-1", 4, 1) };
        let owed = Dossier { unsent: Some(unsent), ..dossier(vec![partly]) };
        let owed = with_case(owed, course("inv-1", 4, 1, Owner::Sales));
        let plan = plan(&owed, &ladder_id(), &other, day(1), Occasion::Change).unwrap();
        (queued(&plan).first().map(|(stage, _)| *stage), cancelled(&plan))
    };
    assert_eq!(on_another([1, 9], Some(Tone::Formal)), (Some(1), 0));
    assert_eq!(on_another([-2, 9], Some(Tone::Reminder)), (None, 1), "no stage begins on that day");
    assert_eq!(on_another([1, 9], None), (None, 1), "a stage without a notice");
}

#[test]
fn paying_the_oldest_item_re_anchors_at_once_and_cancels_what_waits() {
    let owed = dossier(vec![item("young", day(20), 300)]);
    let owed = Dossier { unsent: Some(waiting("old", 6, 31)), ..owed };
    let plan = change_on(&with_case(owed, course("old", 6, 3, Owner::Legal)), 31);
    assert_eq!(cancelled(&plan), 1);
    let steered = plan.effects.iter().find_map(|effect| match effect {
        Effect::Steer { course, .. } => Some((course.anchor_item_id.clone().unwrap(), course.stage, course.level)),
        _ => None,
    });
    assert_eq!(steered, Some((ItemId::parse("young").unwrap(), 4, 1)));
    assert_eq!(plan.level, 1);
}

#[test]
fn a_part_payment_brings_the_waiting_notice_up_to_date() {
    let owed = dossier(vec![Item { open: money(200), ..item("inv-1", day(0), 500) }]);
    let owed = Dossier { unsent: Some(waiting("inv-1", 4, 1)), ..owed };
    let plan = change_on(&with_case(owed, course("inv-1", 4, 1, Owner::Sales)), 1);
    assert_eq!(queued(&plan), [(4, vec![("inv-1".to_owned(), 200)])]);
}

#[test]
fn settling_everything_closes_the_case_its_tasks_and_its_notice() {
    let task = Task {
        task_id: TaskId::parse("t").unwrap(),
        kind: TaskKind::Call,
        stage_day: Some(1),
        item_id: ItemId::parse("inv-1").unwrap(),
        state: TaskState::Open,
    };
    let owed = Dossier { tasks: vec![task], unsent: Some(waiting("inv-1", 4, 1)), ..dossier(Vec::new()) };
    let plan = change_on(&with_case(owed, course("inv-1", 4, 1, Owner::Sales)), 1);
    assert!(
        matches!(&plan.effects[..], [Effect::CloseTask { .. }, Effect::CancelNotice { .. }, Effect::CloseCase { .. }]),
        "{plan:?}"
    );
}

#[test]
fn a_change_opens_judges_and_queues_nothing() {
    let owed =
        Dossier { promises: vec![promise(0)], ..dossier(vec![item("inv-1", day(0), 1_500), item("inv-2", day(0), 5)]) };
    let plan = change_on(&owed, 40);
    assert_eq!(plan.effects, []);
    assert_eq!(plan.level, 3, "but the gate is told at once");
}

#[test]
fn a_stage_gives_out_its_tasks_once_and_takes_back_those_of_the_stage_before() {
    let owed = Dossier {
        salesperson: Some(SubjectId::parse("sales-1").unwrap()),
        ..dossier(vec![Item { reached_day: Some(1), ..item("inv-1", day(0), 500) }])
    };
    let task = |day: i64, kind: TaskKind| Task {
        task_id: TaskId::parse(&format!("t{day}{}", kind.as_str())).unwrap(),
        kind,
        stage_day: Some(day),
        item_id: ItemId::parse("inv-1").unwrap(),
        state: TaskState::Open,
    };
    let first = Dossier { tasks: vec![task(1, TaskKind::Call)], last_sent: Some(day(15)), ..owed };
    let plan = run_on(&with_case(first.clone(), course("inv-1", 4, 1, Owner::Sales)), 16);
    let given: Vec<_> = plan
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::GiveTask { kind, owner, assignee, due_date, .. } => {
                Some((*kind, *owner, assignee.clone(), *due_date))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        given,
        [(TaskKind::Call, Owner::Finance, None, day(18)), (TaskKind::Letter, Owner::Finance, None, day(18))]
    );
    assert!(plan.effects.iter().any(|effect| matches!(effect, Effect::CloseTask { .. })));
    let again = Dossier { tasks: vec![task(16, TaskKind::Call), task(16, TaskKind::Letter)], ..first };
    assert_eq!(run_on(&with_case(again, course("inv-1", 5, 2, Owner::Finance)), 16).effects, []);
}

#[test]
fn a_task_taken_back_is_given_again_when_its_stage_returns_and_one_done_is_not() {
    let given_after = |state: TaskState| {
        let owed = dossier(vec![Item { reached_day: Some(1), ..item("inv-1", day(0), 500) }]);
        let task = Task {
            task_id: TaskId::parse("t").unwrap(),
            kind: TaskKind::Call,
            stage_day: Some(1),
            item_id: ItemId::parse("inv-1").unwrap(),
            state,
        };
        let plan = run_on(&with_case(Dossier { tasks: vec![task], ..owed }, course("inv-1", 4, 1, Owner::Sales)), 5);
        plan.effects.iter().filter(|effect| matches!(effect, Effect::GiveTask { kind: TaskKind::Call, .. })).count()
    };
    assert_eq!(given_after(TaskState::Closed), 1);
    assert_eq!(given_after(TaskState::Done), 0);
    assert_eq!(given_after(TaskState::Open), 0);
}

#[test]
fn a_task_is_kept_on_another_ladder_whose_stage_begins_on_the_same_day() {
    // without the reminders the stage of the first overdue day is the first, not the fourth
    let mut overdue_only = ladder();
    overdue_only.stages.retain(crate::strategy::Stage::is_overdue);
    let overdue_only = overdue_only.checked("strategy", &mut weir_model::Fields::default());
    let call = |day: i64| Task {
        task_id: TaskId::parse("t").unwrap(),
        kind: TaskKind::Call,
        stage_day: Some(day),
        item_id: ItemId::parse("inv-1").unwrap(),
        state: TaskState::Open,
    };
    let plan_of = |stage_day: i64| {
        let owed = Dossier { tasks: vec![call(stage_day)], ..dossier(vec![item("inv-1", day(0), 500)]) };
        let owed = with_case(owed, course("inv-1", 4, 1, Owner::Sales));
        plan(&owed, &ladder_id(), &overdue_only, day(5), Occasion::Run).unwrap()
    };
    let touches = |effect: &Effect| matches!(effect, Effect::GiveTask { .. } | Effect::CloseTask { .. });
    assert!(!plan_of(1).effects.iter().any(touches), "{:?}", plan_of(1));
    assert_eq!(plan_of(-3).effects.iter().filter(|effect| touches(effect)).count(), 2, "taken back, and given anew");
}

#[test]
fn a_debtor_without_an_address_gives_a_task_instead_of_a_notice() {
    let owed = Dossier { address: Address::Missing, ..dossier(vec![item("inv-1", day(0), 500)]) };
    let plan = run_on(&owed, 1);
    assert!(plan.unaddressed && queued(&plan).is_empty());
    let find = |effect: &Effect| matches!(effect, Effect::GiveTask { kind: TaskKind::FindAddress, .. });
    assert!(plan.effects.iter().any(find));
}

#[test]
fn an_item_below_the_tolerance_opens_no_case_and_raises_no_level() {
    let strategy = Strategy { tolerances: vec![money(100)], ..ladder() };
    let plan_of = |open: i64| {
        plan(&dossier(vec![item("inv-1", day(0), open)]), &ladder_id(), &strategy, day(20), Occasion::Run).unwrap()
    };
    assert_eq!((plan_of(99).effects.len(), plan_of(99).level), (0, 0));
    assert_eq!(plan_of(100).level, 2, "an equal amount is dunned");
}

#[test]
fn a_crumb_keeps_an_open_case_open() {
    let strategy = Strategy { tolerances: vec![money(100)], ..ladder() };
    let owed = with_case(dossier(vec![item("inv-1", day(0), 1)]), course("inv-1", 4, 1, Owner::Sales));
    let plan = plan(&owed, &ladder_id(), &strategy, day(2), Occasion::Run).unwrap();
    assert!(!plan.effects.iter().any(|effect| matches!(effect, Effect::CloseCase { .. })));
}
