//! The rules, by tables: stages of a day, what is left alone, how a promise is judged, what a run does.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::{Fields, ItemId, PromiseId, StrategyId, TaskId};

use super::world::{day, item, money};
use crate::{
    facade::first_strategy,
    item::Item,
    pause::Pause,
    promise::{Promise, PromiseState},
    strategy::{DEFAULT_TOML, Owner, Strategy, TaskKind, Tone},
    suppression::{Consent, Grounds, Suppression, suppressions},
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
        // (days past due, first day of the stage reached, next)
        (-6, None, Some(1)),
        (-4, None, Some(2)),
        (-1, None, Some(3)),
        (-1, Some(-3), None),
        (0, Some(-3), None),
        (1, Some(-3), Some(4)),
        (40, None, Some(4)),
        (40, Some(1), Some(5)),
        (40, Some(16), Some(6)),
        (40, Some(31), None),
        (16, Some(1), Some(5)),
        (15, Some(1), None),
    ];
    for (days, reached, expected) in cases {
        let next = ladder.next_notice(days, reached).map(|stage| stage.number);
        assert_eq!(next, expected, "day {days}, reached {reached:?}");
    }
}

#[test]
fn a_stage_dunned_on_another_ladder_counts_by_its_day() {
    let ladder = ladder();
    // (days past due, first day of the stage reached on a ladder with stages on other days, next)
    let cases = [(16, 10, Some(5)), (15, 10, None), (40, 20, Some(6)), (40, 60, None), (20, -10, Some(4))];
    for (days, reached, expected) in cases {
        let next = ladder.next_notice(days, Some(reached)).map(|stage| stage.number);
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

/// A pause of every item, from one day to another, in days past the due date of most items here.
fn pause(from: i64, to: i64) -> Pause {
    Pause { item_id: None, from: day(from), to: day(to), lifted: None }
}

#[test]
fn the_first_reason_to_leave_an_item_alone_counts() {
    let with = |open: i64, disputed: i64, paused: bool| Item {
        disputed: money(disputed),
        open: money(open),
        pauses: paused.then(|| pause(5, 5)).into_iter().collect(),
        ..item("inv-1", day(0), 900)
    };
    let promised = item("inv-1", day(0), 900).item_id;
    let (given, withdrawn) = (Consent::Given, Consent::Withdrawn);
    let cases = [
        // (item, promised, consent, credit, expected); the tolerance is 100
        (with(0, 0, true), true, withdrawn, 900, Some(Suppression::Settled)),
        (with(500, 500, true), true, withdrawn, 900, Some(Suppression::Disputed)),
        (with(500, 401, true), true, withdrawn, 900, Some(Suppression::Paused)),
        (with(500, 401, false), true, withdrawn, 900, Some(Suppression::Promised)),
        (with(500, 401, false), false, withdrawn, 900, Some(Suppression::BelowTolerance)),
        (with(500, 400, false), false, withdrawn, 900, Some(Suppression::OptedOut)),
        (with(500, 400, false), false, given, 100, Some(Suppression::Covered)),
        (with(500, 400, false), false, given, 99, None),
        (with(100, 0, false), false, given, 0, None),
        (with(99, 0, false), false, given, 0, Some(Suppression::BelowTolerance)),
    ];
    for (item, is_promised, consent, credit, expected) in cases {
        let grounds = Grounds {
            as_of: day(5),
            promised: is_promised.then_some(&promised).into_iter().collect(),
            tolerance: money(100),
            consent,
            credit: money(credit),
        };
        let items = [item];
        assert_eq!(suppressions(&items, &grounds).unwrap(), [expected], "{items:?} {grounds:?}");
    }
}

#[test]
fn credit_covers_the_oldest_items_it_pays_in_full() {
    let items = [item("young", day(2), 100), item("old", day(0), 300), item("middle", day(1), 200)];
    let covered_by = |credit: i64| {
        let grounds = Grounds {
            as_of: day(5),
            promised: std::collections::BTreeSet::new(),
            tolerance: money(0),
            consent: Consent::Given,
            credit: money(credit),
        };
        let found = suppressions(&items, &grounds).unwrap();
        let covered = items.iter().zip(found).filter(|(_, reason)| *reason == Some(Suppression::Covered));
        covered.map(|(item, _)| item.item_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(covered_by(299), [""; 0]);
    assert_eq!(covered_by(300), ["old"]);
    // the rest of 100 goes to the one in the middle, which it does not pay, and none is left for the young one
    assert_eq!(covered_by(400), ["old"]);
    assert_eq!(covered_by(500), ["old", "middle"]);
    assert_eq!(covered_by(600), ["young", "old", "middle"]);
}

#[test]
fn the_clock_stands_still_on_paused_days_after_the_due_date() {
    let cases = [
        // (pauses, as of, days on the clock of an item due on day 0)
        (vec![], 10, 10),
        (vec![pause(1, 3)], 10, 7),
        (vec![pause(1, 3)], 2, 0),
        (vec![pause(-5, 3)], 10, 7),
        (vec![pause(-5, 0)], 10, 10),
        (vec![pause(11, 20)], 10, 10),
        (vec![pause(8, 20)], 10, 7),
        (vec![pause(1, 3), pause(5, 6)], 10, 5),
        (vec![pause(1, 3)], -4, -4),
        (vec![Pause { lifted: Some(day(3)), ..pause(1, 9) }], 10, 8),
        (vec![Pause { lifted: Some(day(1)), ..pause(1, 9) }], 10, 10),
        (vec![Pause { lifted: Some(day(-3)), ..pause(1, 9) }], 10, 10),
    ];
    for (pauses, as_of, expected) in cases {
        let item = Item { pauses, ..item("inv-1", day(0), 100) };
        assert_eq!(item.clock(day(as_of)), expected, "{:?} on day {as_of}", item.pauses);
    }
}

#[test]
fn pauses_overlap_where_both_hold_for_an_item_on_a_day() {
    let of = |id: &str, from, to| Pause { item_id: Some(ItemId::parse(id).unwrap()), ..pause(from, to) };
    let cases = [
        (of("a", 1, 3), of("a", 3, 5), true),
        (of("a", 1, 3), of("a", 4, 5), false),
        (of("a", 1, 3), of("b", 1, 3), false),
        (pause(1, 3), of("b", 2, 2), true),
        (pause(1, 3), pause(-9, 9), true),
        (Pause { lifted: Some(day(3)), ..pause(1, 9) }, pause(3, 9), false),
        (Pause { lifted: Some(day(1)), ..pause(1, 9) }, pause(1, 9), false),
    ];
    for (one, other, expected) in cases {
        assert_eq!((one.overlaps(&other), other.overlaps(&one)), (expected, expected), "{one:?} {other:?}");
    }
}

pub(super) fn promise(received: i64) -> Promise {
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
