//! The policy as rows: scopes, exemptions, and the rules that are off until somebody turns them on.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use weir_model::Money;

use super::world::{account, cny, credit, date, line, policy_with, question, row, today};
use crate::commitment::{Line, Reserved};
use crate::decision::{Ages, Measure, Outcome, Verdict, WayOut};
use crate::exposure::{Component, Due, LeftOut};
use crate::order::Checkpoint;
use crate::policy::{Action, Comparator, Exclusion, Policy, Rule, RuleRow, Scope, StaleAfter};
use crate::rules::{Grace, Question, decide};
use crate::standing::{Credit, EffectiveLimit, Grade, Limit};

fn limited(minor: i64) -> Credit {
    let limits = vec![EffectiveLimit { limit: Limit::Amount(minor), from: date(2026, 1, 1), to: None }];
    Credit { limits, review: None, ..credit(0) }
}

fn ordered(value: i64) -> Line {
    Line { line_id: line("1"), ordered: value, cancelled: 0, delivered: 0, invoiced: 0 }
}

fn due(days_ago: u64, open: i64) -> Due {
    Due { date: today().checked_sub_days(Days::new(days_ago)).unwrap(), open, disputed: 0 }
}

fn amounts(minor: i64) -> Vec<Money> {
    vec![Money::new(minor, cny())]
}

fn percent(percent: i64) -> Option<Decimal> {
    Some(Decimal::from(percent))
}

/// What the rules say of an order of 100 against a limit of 1,000; `change` makes it what the test is about.
fn asked(policy: &Policy, change: impl for<'q> FnOnce(&mut Question<'q>)) -> Verdict {
    let (account_id, credit, lines) = (account("acme"), limited(1_000), [ordered(100)]);
    let mut asked = Question { credit: Some(&credit), lines: &lines, ..question(&account_id, policy) };
    change(&mut asked);
    decide(&asked).unwrap()
}

fn rules(verdict: &Verdict) -> Vec<Rule> {
    verdict.failures.iter().map(|failure| failure.rule).collect()
}

#[test]
fn the_row_of_the_most_specific_scope_holds() {
    let acme = Credit {
        group_id: Some(weir_model::GroupId::parse("group").unwrap()),
        segment: "retail".to_owned(),
        grade: Some(Grade::B),
        ..limited(1_000)
    };
    let scopes = [
        Scope::All,
        Scope::Grade(Grade::B),
        Scope::Segment("retail".to_owned()),
        Scope::Group(weir_model::GroupId::parse("group").unwrap()),
        Scope::Account(account("acme")),
    ];
    // from the least specific on: each new row of 50 more beats those before, in whichever order they stand
    let mut policy = Policy::default();
    policy.rules.retain(|row| row.rule != Rule::OrderValueExceeded);
    for (scope, most) in scopes.into_iter().zip([50, 60, 70, 80, 90]) {
        let row = RuleRow { scope, amounts: amounts(most), ..row(Rule::OrderValueExceeded, Action::Block) };
        policy.rules.insert(0, row);
        let (account_id, lines) = (account("acme"), [ordered(100)]);
        let verdict =
            decide(&Question { credit: Some(&acme), lines: &lines, ..question(&account_id, &policy) }).unwrap();
        assert_eq!(verdict.failures[0].threshold, Some(Measure::Amount(most)));
    }
    let other = asked(&policy, |_| {});
    assert_eq!(other.failures[0].threshold, Some(Measure::Amount(90)), "the same account, another grade");
}

#[test]
fn a_row_is_asked_at_its_checkpoints_only() {
    let at_goods_issue = RuleRow {
        scope: Scope::Grade(Grade::A),
        checkpoints: [Checkpoint::GoodsIssue].into(),
        ..row(Rule::LimitExceeded, Action::Warn)
    };
    let mut policy = Policy::default();
    policy.rules.push(at_goods_issue);
    let lines = [ordered(2_000)];
    for (checkpoint, outcome) in
        [(Checkpoint::Order, Outcome::Hold), (Checkpoint::GoodsIssue, Outcome::ApproveWithWarnings)]
    {
        let (account_id, credit) = (account("acme"), limited(1_000));
        let asked = Question { credit: Some(&credit), lines: &lines, checkpoint, ..question(&account_id, &policy) };
        assert_eq!(decide(&asked).unwrap().outcome, outcome, "{checkpoint:?}");
    }
}

#[test]
fn whoever_is_exempt_is_not_asked() {
    let mut policy = policy_with(RuleRow { amounts: amounts(50), ..row(Rule::OrderValueExceeded, Action::Block) });
    assert_eq!(rules(&asked(&policy, |_| {})), [Rule::OrderValueExceeded]);
    let scope = Scope::Account(account("acme"));
    policy.exclusions = vec![Exclusion {
        rule: Rule::OrderValueExceeded,
        scope,
        checkpoints: [].into(),
        reason: "projects".to_owned(),
    }];
    assert!(rules(&asked(&policy, |_| {})).is_empty());
    let (globex, credit, lines) = (account("globex"), limited(1_000), [ordered(100)]);
    let asked = Question { credit: Some(&credit), lines: &lines, ..question(&globex, &policy) };
    assert_eq!(rules(&decide(&asked).unwrap()), [Rule::OrderValueExceeded]);
}

#[test]
fn a_rule_named_for_some_is_as_before_for_the_others() {
    let only_grade_a = RuleRow { scope: Scope::Grade(Grade::A), ..row(Rule::LimitExceeded, Action::Warn) };
    let policy = Policy { rules: vec![only_grade_a], ..Policy::default() }.completed();
    let of = |rule| policy.rules.iter().filter(|row| row.rule == rule).map(|row| row.action).collect::<Vec<_>>();
    assert_eq!(of(Rule::LimitExceeded), [Action::Block, Action::Warn]);
    assert!(Rule::ALL.iter().all(|rule| !of(*rule).is_empty()));
}

#[test]
fn news_older_than_the_bound_hold_refuse_or_let_small_orders_go_and_are_always_marked() {
    let bounds = StaleAfter { receivables_ms: Some(60_000), ..StaleAfter::default() };
    let ages = |receivables_ms| Ages { limits_ms: 900_000, receivables_ms, collections_ms: 900_000 };
    let with = |action, amounts| policy_with(RuleRow { stale_after: bounds, amounts, ..row(Rule::Technical, action) });
    let table = [
        (Action::Block, vec![], 60_000, Outcome::Approve, 0),
        (Action::Block, vec![], 60_001, Outcome::Hold, 1),
        (Action::Reject, vec![], 60_001, Outcome::Reject, 1),
        (Action::Reject, amounts(100), 60_001, Outcome::ApproveWithWarnings, 1),
        (Action::Block, amounts(99), 60_001, Outcome::Hold, 1),
        (Action::Info, vec![], 60_001, Outcome::Approve, 1),
    ];
    for (action, small, age_ms, outcome, marks) in table {
        let policy = with(action, small);
        let verdict = asked(&policy, |q| q.ages = ages(age_ms));
        assert_eq!((verdict.outcome, verdict.failures.len()), (outcome, marks), "{action:?} {age_ms}");
        if let Some(mark) = verdict.failures.first() {
            assert_eq!((mark.rule, mark.value), (Rule::Technical, Some(Measure::Milliseconds(age_ms))));
        }
    }
    let policy = with(Action::Block, vec![]);
    let held = asked(&policy, |q| q.ages = ages(60_001));
    assert_eq!(held.ways_out, [WayOut::AskRelease(100)]);
    let released = asked(&policy, |q| (q.ages, q.grace) = (ages(60_001), Grace::Released));
    assert_eq!((released.outcome, rules(&released)), (Outcome::Approve, vec![Rule::Technical]), "marked all the same");
}

#[test]
fn a_stale_gate_may_be_told_to_let_orders_go_up_to_an_amount_and_not_beyond() {
    let bounds = StaleAfter { limits_ms: Some(1), ..StaleAfter::default() };
    let policy =
        policy_with(RuleRow { stale_after: bounds, amounts: amounts(60), ..row(Rule::Technical, Action::Block) });
    let verdict = asked(&policy, |q| q.ages.limits_ms = 2);
    assert_eq!(verdict.outcome, Outcome::Hold);
    assert!(verdict.ways_out.contains(&WayOut::ReduceOrderTo(60)), "{:?}", verdict.ways_out);
}

#[test]
fn what_ships_after_the_horizon_leaves_room_for_what_ships_before() {
    let horizon = RuleRow { days: Some(10), ..row(Rule::LimitExceededInHorizon, Action::Block) };
    let mut policy = policy_with(horizon);
    policy.rules.retain(|row| row.rule != Rule::LimitExceeded && row.rule != Rule::WatchBand);
    let reserved = |ordered| Reserved { ordered, delivered: 0, prepaid: 0 };
    let soon = |q: &mut Question<'_>, ship_date: Option<NaiveDate>, in_horizon| {
        (q.others, q.others_in_horizon, q.ship_date) = (reserved(950), reserved(in_horizon), ship_date);
    };
    assert_eq!(asked(&policy, |q| soon(q, None, 900)).outcome, Outcome::Approve);
    let over = asked(&policy, |q| soon(q, Some(date(2026, 4, 10)), 901));
    assert_eq!(rules(&over), [Rule::LimitExceededInHorizon]);
    assert_eq!(over.failures[0].shortfall, Some(1));
    assert_eq!(asked(&policy, |q| soon(q, Some(date(2026, 4, 11)), 901)).outcome, Outcome::Approve, "it ships later");
}

#[test]
fn too_much_overdue_stops_only_while_the_limit_is_well_used() {
    let rule = Rule::OverdueAmountExceeded;
    let policy = policy_with(RuleRow { amounts: amounts(300), percent: percent(50), ..row(rule, Action::Block) });
    // overdue, not due, whether it stops: with the order of 100 used 500 and 501 of 1,000
    for (overdue, not_due, stops) in [(301, 99, false), (301, 100, true), (300, 500, false)] {
        let schedule = [due(1, overdue), due(0, not_due)];
        let (account_id, credit, lines) = (account("acme"), limited(1_000), [ordered(100)]);
        let asked =
            Question { credit: Some(&credit), lines: &lines, schedule: &schedule, ..question(&account_id, &policy) };
        let verdict = decide(&asked).unwrap();
        assert_eq!(rules(&verdict).contains(&rule), stops, "{overdue} overdue, {not_due} not due");
        if stops {
            assert_eq!(verdict.failures[0].shortfall, Some(1));
            assert!(verdict.ways_out.contains(&WayOut::Pay(1)));
        }
    }
}

#[test]
fn a_share_of_what_is_open_may_not_be_late_for_too_long() {
    let rule = Rule::OverdueShareExceeded;
    let policy = policy_with(RuleRow { days: Some(10), percent: percent(25), ..row(rule, Action::Block) });
    for (late, rest, stops) in [(100, 300, false), (101, 300, true)] {
        let schedule = [due(11, late), due(10, rest)];
        let (account_id, credit, lines) = (account("acme"), limited(1_000), [ordered(100)]);
        let asked =
            Question { credit: Some(&credit), lines: &lines, schedule: &schedule, ..question(&account_id, &policy) };
        let verdict = decide(&asked).unwrap();
        assert_eq!(rules(&verdict) == [rule], stops, "{late} of {}", late + rest);
        if stops {
            assert_eq!(verdict.failures[0].value, Some(Measure::Percent("25.19".parse().unwrap())));
            // 100 of 400 is a quarter: one paid leaves 100 of 400
            assert!(verdict.ways_out.contains(&WayOut::Pay(1)), "{:?}", verdict.ways_out);
        }
    }
}

#[test]
fn a_part_of_the_exposure_has_its_own_limit_and_parts_can_be_left_out() {
    let component = RuleRow {
        component: Some(Component::Ordered),
        amounts: amounts(140),
        ..row(Rule::ComponentLimitExceeded, Action::Block)
    };
    let mut policy = policy_with(component);
    let others = Reserved { ordered: 41, delivered: 500, prepaid: 0 };
    let verdict = asked(&policy, |q| q.others = others);
    assert_eq!(rules(&verdict), [Rule::ComponentLimitExceeded]);
    assert_eq!(verdict.failures[0].shortfall, Some(1));
    assert!(verdict.ways_out.contains(&WayOut::ReduceOrderTo(99)));
    assert_eq!(verdict.after.net().unwrap(), 641);
    policy.left_out = LeftOut { delivered_not_billed: true, ..LeftOut::default() };
    let without = asked(&policy, |q| q.others = others);
    assert_eq!((without.after.net().unwrap(), without.after.gross().unwrap()), (141, 641));
}

#[test]
fn what_is_paid_in_advance_of_a_part_left_out_pays_nothing_else() {
    let policy = Policy { left_out: LeftOut { ordered: true, ..LeftOut::default() }, ..Policy::default() };
    let schedule = [due(0, 400)];
    let (account_id, credit, lines) = (account("acme"), limited(1_000), [ordered(100)]);
    let asked = Question {
        credit: Some(&credit),
        lines: &lines,
        prepaid: 70,
        schedule: &schedule,
        ..question(&account_id, &policy)
    };
    assert_eq!(decide(&asked).unwrap().after.net().unwrap(), 400);
}

#[test]
fn terms_and_discount_beyond_what_is_granted_stop() {
    let discount = RuleRow { percent: percent(3), ..row(Rule::DiscountExceeded, Action::Block) };
    let policy = policy_with(discount);
    // the account has 60 days
    for (terms_days, discount, expected) in [
        (60, None, vec![]),
        (0, percent(3), vec![]),
        (61, None, vec![Rule::TermsExceeded]),
        (0, Some("3.01".parse().unwrap()), vec![Rule::DiscountExceeded]),
    ] {
        let verdict = asked(&policy, |q| (q.terms_days, q.discount_percent) = (terms_days, discount));
        assert_eq!(rules(&verdict), expected);
    }
}

#[test]
fn an_account_not_assessed_again_in_time_is_held_after_the_days_of_the_row() {
    let rule = Rule::ReviewOverdue;
    let policy = policy_with(RuleRow { days: Some(5), ..row(rule, Action::Block) });
    // the business date is 31 March
    for (by, stops) in [(date(2026, 3, 26), false), (date(2026, 3, 25), true), (date(2026, 4, 1), false)] {
        let (account_id, credit, lines) =
            (account("acme"), Credit { review_date: Some(by), ..limited(1_000) }, [ordered(100)]);
        let asked = Question { credit: Some(&credit), lines: &lines, ..question(&account_id, &policy) };
        assert_eq!(rules(&decide(&asked).unwrap()) == [rule], stops, "{by}");
    }
}

#[test]
fn a_forced_hold_stops_what_was_stopped_by_it_also_when_the_row_is_gone() {
    let scope = Scope::Account(account("acme"));
    let mut policy = Policy::default();
    policy.rules.push(RuleRow { scope, ..row(Rule::ForcedHold, Action::Block) });
    let held = asked(&policy, |_| {});
    assert_eq!((held.outcome, held.ways_out), (Outcome::Hold, vec![WayOut::AskRelease(100)]));
    let gone = Policy::default();
    assert_eq!(asked(&gone, |q| q.was_forced = true).outcome, Outcome::Hold);
    assert_eq!(asked(&gone, |_| {}).outcome, Outcome::Approve);
    let released = asked(&gone, |q| (q.was_forced, q.grace) = (true, Grace::Released));
    assert_eq!(released.outcome, Outcome::Approve);
}

#[test]
fn a_comparator_may_make_equality_fail_for_days_too() {
    let rule = Rule::OverdueDaysExceeded;
    for (comparator, stops) in [(Comparator::AtMost, false), (Comparator::Below, true)] {
        let policy = policy_with(RuleRow { days: Some(10), comparator, ..row(rule, Action::Block) });
        let schedule = [due(10, 1)];
        let (account_id, credit, lines) = (account("acme"), limited(1_000), [ordered(100)]);
        let asked =
            Question { credit: Some(&credit), lines: &lines, schedule: &schedule, ..question(&account_id, &policy) };
        assert_eq!(rules(&decide(&asked).unwrap()) == [rule], stops, "{comparator:?}");
    }
}
