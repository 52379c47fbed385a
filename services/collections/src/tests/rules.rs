//! The rules, by tables: stages of a day, what is left alone, how a promise is judged, what a run does.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::{CaseId, Fields, ItemId, NoticeId, PromiseId, StrategyId, SubjectId, TaskId};

use super::world::{cny, day, item, money};
use crate::{
    case::{Course, OpenCase},
    facade::first_strategy,
    item::Item,
    notice::{Unsent, UnsentState},
    promise::{Promise, PromiseState},
    run::{Address, Dossier, Effect, Occasion, Plan, plan},
    strategy::{DEFAULT_TOML, Owner, Strategy, TaskKind, Tone},
    suppression::{Suppression, Word, suppression},
    task::{Task, TaskState},
    worklist::{DueTask, Matter, NextAction, rank},
};

pub(super) fn ladder() -> Strategy {
    first_strategy(DEFAULT_TOML).unwrap()
}

pub(super) fn ladder_id() -> StrategyId {
    StrategyId::parse("first").unwrap()
}

#[test]
fn each_day_lies_in_the_stage_the_ladder_gives_it() {
    let ladder = ladder();
    let cases = [
        (-8, None),
        (-7, Some((1, 0, Owner::Sales))),
        (-6, Some((1, 0, Owner::Sales))),
        (-5, Some((2, 0, Owner::Sales))),
        (-3, Some((3, 0, Owner::Sales))),
        (0, Some((3, 0, Owner::Sales))),
        (1, Some((4, 1, Owner::Sales))),
        (15, Some((4, 1, Owner::Sales))),
        (16, Some((5, 2, Owner::Finance))),
        (30, Some((5, 2, Owner::Finance))),
        (31, Some((6, 3, Owner::Legal))),
        (400, Some((6, 3, Owner::Legal))),
    ];
    for (days, expected) in cases {
        let stage = ladder.stage_of(days).map(|stage| (stage.number, stage.level, stage.owner));
        assert_eq!(stage, expected, "day {days}");
    }
}

#[test]
fn a_late_run_skips_no_stage_after_the_due_date_and_takes_the_days_reminder_before_it() {
    let ladder = ladder();
    let cases = [
        // (days past due, stage reached, next)
        (-6, 0, Some(1)),
        (-4, 0, Some(2)),
        (-1, 0, Some(3)),
        (-1, 3, None),
        (0, 3, None),
        (1, 3, Some(4)),
        (40, 0, Some(4)),
        (40, 4, Some(5)),
        (40, 5, Some(6)),
        (40, 6, None),
        (16, 4, Some(5)),
        (15, 4, None),
    ];
    for (days, reached, expected) in cases {
        let next = ladder.next_notice(days, reached).map(|stage| stage.number);
        assert_eq!(next, expected, "day {days}, reached {reached}");
    }
}

#[test]
fn a_strategy_is_refused_naming_everything_wrong_with_it() {
    let mut wrong = ladder();
    wrong.name = String::new();
    wrong.tolerances = vec![money(100), money(0), money(200)];
    wrong.stages[0].from_day = 0;
    wrong.stages[2].from_day = -6;
    wrong.stages[2].tone = Some(Tone::Formal);
    wrong.stages[3].minimum_interval_days = -1;
    wrong.stages[3].tasks = vec![TaskKind::Call, TaskKind::Call, TaskKind::FindAddress];
    wrong.stages[4].task_days = 366;
    wrong.stages[5].expected_recovery_percent = Decimal::new(10_001, 2);
    let mut fields = Fields::default();
    let _ = wrong.checked("strategy", &mut fields);
    let fault = fields.finish().unwrap_err();
    let paths: Vec<&str> = fault.fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "strategy.name",
            "strategy.tolerances[1]",
            "strategy.tolerances[2]",
            "strategy.stages[0].from_days_past_due",
            "strategy.stages[1].from_days_past_due",
            "strategy.stages[2].from_days_past_due",
            "strategy.stages[2].tone",
            "strategy.stages[3].minimum_interval_days",
            "strategy.stages[3].tasks[1]",
            "strategy.stages[3].tasks[2]",
            "strategy.stages[4].task_days",
            "strategy.stages[5].expected_recovery_percent",
        ]
    );
}

#[test]
fn a_ladder_without_a_stage_after_the_due_date_is_refused() {
    let mut early = ladder();
    early.stages.truncate(3);
    let mut fields = Fields::default();
    let _ = early.checked("strategy", &mut fields);
    assert_eq!(fields.finish().unwrap_err().fields[0].path, "strategy.stages");
}

#[test]
fn items_are_left_alone_for_the_first_reason_that_applies() {
    let with =
        |open: i64, disputed: i64| Item { disputed: money(disputed), open: money(open), ..item("i", day(0), 900) };
    let cases = [
        (with(0, 0), Word::Given, Some(Suppression::Settled)),
        (with(500, 500), Word::Given, Some(Suppression::Disputed)),
        (with(500, 400), Word::Given, Some(Suppression::Promised)),
        (with(500, 401), Word::None, Some(Suppression::BelowTolerance)),
        (with(500, 400), Word::None, None),
        (with(100, 0), Word::None, None),
        (with(99, 0), Word::None, Some(Suppression::BelowTolerance)),
    ];
    for (item, word, expected) in cases {
        assert_eq!(suppression(&item, word, money(100)).unwrap(), expected, "{item:?} {word:?}");
    }
}

fn promise(received: i64) -> Promise {
    Promise {
        promise_id: PromiseId::parse("p").unwrap(),
        item_id: ItemId::parse("inv-1").unwrap(),
        amount: money(1_000),
        date: day(10),
        grace_days: 2,
        open_before: money(1_500),
        received: money(received),
    }
}

#[test]
fn a_promise_is_judged_on_its_day() {
    let cases = [
        (1_000, 9, None),
        (1_000, 10, Some(PromiseState::Kept)),
        (1_200, 12, Some(PromiseState::Kept)),
        (999, 10, None),
        (999, 12, None),
        (999, 13, Some(PromiseState::PartlyKept)),
        (0, 12, None),
        (0, 13, Some(PromiseState::Broken)),
    ];
    for (received, on, expected) in cases {
        assert_eq!(promise(received).judge(day(on)), expected, "{received} on day {on}");
    }
}

#[test]
fn money_counts_towards_a_promise_until_the_grace_ends() {
    let paid = |open: i64, settled: Option<NaiveDate>| Item {
        open: money(open),
        settled_date: settled,
        ..item("inv-1", day(0), 1_500)
    };
    let cases = [
        (paid(900, None), 12, 600),
        (paid(900, None), 13, 0),
        // settled in time, heard of late
        (paid(0, Some(day(12))), 20, 1_500),
        (paid(0, Some(day(13))), 13, 0),
        // more is open than before: nothing came
        (paid(1_600, None), 5, 0),
    ];
    for (item, learned, expected) in cases {
        let received = promise(0).received_by(&item, day(learned)).unwrap();
        assert_eq!(received, money(expected), "{item:?} on day {learned}");
    }
}

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
    let owed = dossier(vec![Item { stage_reached: 4, ..item("inv-1", day(0), 1_500) }]);
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
    let owed = || dossier(vec![Item { stage_reached: 4, ..item("inv-1", day(0), 500) }]);
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
        stage: 4,
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
        ..dossier(vec![Item { stage_reached: 4, ..item("inv-1", day(0), 500) }])
    };
    let task = |stage: i64, kind: TaskKind| Task {
        task_id: TaskId::parse(&format!("t{stage}{}", kind.as_str())).unwrap(),
        kind,
        stage,
        item_id: ItemId::parse("inv-1").unwrap(),
        state: TaskState::Open,
    };
    let first = Dossier { tasks: vec![task(4, TaskKind::Call)], last_sent: Some(day(15)), ..owed };
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
    let again = Dossier { tasks: vec![task(5, TaskKind::Call), task(5, TaskKind::Letter)], ..first };
    assert_eq!(run_on(&with_case(again, course("inv-1", 5, 2, Owner::Finance)), 16).effects, []);
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

#[test]
fn priority_is_expected_recovery_times_urgency() {
    let (old, young) = (item("old", day(-29), 1_000_000), item("young", day(0), 200_000));
    let matter = Matter {
        zero: money(0),
        items: vec![(&old, None), (&young, None)],
        tasks: vec![DueTask { task_id: TaskId::parse("t").unwrap(), kind: TaskKind::Letter, due_date: day(0) }],
        broken_promises: 1,
    };
    // on day 1: old is 30 past due (80 %), young is 1 (95 %): 8,000.00 + 1,900.00
    let rank = rank(&matter, &ladder(), day(1)).unwrap();
    assert_eq!(rank.expected_recovery, money(990_000));
    // 1 for every case, 30 of 60 days, a broken promise, a late task
    assert_eq!(rank.urgency, Decimal::new(225, 2));
    assert_eq!(rank.priority, Decimal::new(2_227_500, 2));
    assert_eq!((rank.next_action, rank.factors.len()), (NextAction::Letter, 4));
}

#[test]
fn what_is_left_alone_is_not_expected() {
    let disputed = item("d", day(0), 500);
    let matter = Matter {
        zero: money(0),
        items: vec![(&disputed, Some(Suppression::Disputed))],
        tasks: Vec::new(),
        broken_promises: 0,
    };
    let rank = rank(&matter, &ladder(), day(40)).unwrap();
    assert_eq!((rank.expected_recovery, rank.next_action), (money(0), NextAction::ClearDispute));
}
