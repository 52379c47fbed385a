//! Orders that deviate from what the account orders (rule 5.4): more than the row's share from the three-month average.

use std::sync::Arc;

use proptest::prelude::*;
use rust_decimal::Decimal;
use weir_model::{Principal, Role, SubjectId};
use weir_store::{Db, on_both_databases};
use weir_wire::google::r#type as pb;
use weir_wire::order_gate::v1::{self as wire, Outcome};

use super::documents::Desk;
use super::world::{
    Client, World, account, amount, cny, credit, date, line, order, policy_with, question, row, rules, today, yuan,
};
use crate::commitment::Line;
use crate::decision::{Measure, WayOut};
use crate::pattern::{Orders, PassedOrder, Pattern};
use crate::policy::{Action, Comparator, Policy, Rule, RuleRow};
use crate::rules::{Question, decide};

fn thirty(comparator: Comparator) -> RuleRow {
    RuleRow { percent: Some(Decimal::from(30)), comparator, ..row(Rule::OrderPatternDeviation, Action::Block) }
}

/// What the rule says of an order of a value after others.
fn judged(policy: &Policy, pattern: Option<Orders>, value: i64) -> crate::decision::Verdict {
    let (account_id, acme) = (account("acme"), credit(1_000_000));
    let lines = [Line { line_id: line("1"), ordered: value, cancelled: 0, delivered: 0, invoiced: 0 }];
    decide(&Question { credit: Some(&acme), lines: &lines, pattern, ..question(&account_id, policy) }).unwrap()
}

#[test]
fn thirty_percent_either_way_passes_and_a_minor_unit_more_does_not() {
    let at_most = policy_with(thirty(Comparator::AtMost));
    let below = policy_with(thirty(Comparator::Below));
    // 100,000 on average: of three, so that the average is compared without rounding
    let pattern = Some(Orders { count: 3, value: 300_000 });
    for (value, stops, stops_below) in [
        (100_000, false, false),
        (130_000, false, true),
        (130_001, true, true),
        (129_999, false, false),
        (70_000, false, true),
        (69_999, true, true),
        (70_001, false, false),
    ] {
        assert_eq!(judged(&at_most, pattern, value).outcome == crate::decision::Outcome::Hold, stops, "{value}");
        assert_eq!(
            judged(&below, pattern, value).outcome == crate::decision::Outcome::Hold,
            stops_below,
            "{value} below"
        );
    }
}

#[test]
fn an_average_between_minor_units_is_not_rounded() {
    let policy = policy_with(thirty(Comparator::AtMost));
    // 1/3 on average less than 10: at most 12.57, at least 6.77
    let pattern = Some(Orders { count: 3, value: 29 });
    let stops = |value| judged(&policy, pattern, value).outcome == crate::decision::Outcome::Hold;
    assert_eq!([6, 7, 12, 13].map(stops), [true, false, false, true]);
    let more = judged(&policy, pattern, 20);
    let failure = &more.failures[0];
    assert_eq!((failure.value, failure.threshold), (Some(Measure::Amount(20)), Some(Measure::Amount(12))));
    assert_eq!((failure.shortfall, more.ways_out[0]), (Some(8), WayOut::ReduceOrderTo(12)));
    let less = judged(&policy, pattern, 5);
    assert_eq!((less.failures[0].threshold, less.failures[0].shortfall), (Some(Measure::Amount(7)), None));
}

#[test]
fn without_orders_there_is_no_average_to_deviate_from() {
    let policy = policy_with(thirty(Comparator::AtMost));
    for pattern in [None, Some(Orders::default())] {
        assert!(judged(&policy, pattern, 1).outcome.passes());
    }
}

#[test]
fn three_months_up_to_the_day_count_in_the_orders_currency() {
    let mut pattern = Pattern::default();
    let passed = |currency, date, value| PassedOrder { currency, date, value };
    let usd = weir_model::Currency::from_code("USD").unwrap();
    for (currency, day, value) in [
        (cny(), date(2025, 12, 31), 1),
        (cny(), date(2026, 1, 1), 10),
        (cny(), date(2026, 3, 31), 100),
        (cny(), date(2026, 4, 1), 1_000),
        (usd, date(2026, 3, 31), 10_000),
    ] {
        pattern.add(passed(currency, day, value));
    }
    assert_eq!(pattern.up_to(today(), cny(), None), Orders { count: 2, value: 110 });
    let own = passed(cny(), date(2026, 3, 31), 100);
    assert_eq!(pattern.up_to(today(), cny(), Some(own)), Orders { count: 1, value: 10 });
    let long_ago = passed(cny(), date(2025, 12, 31), 1);
    assert_eq!(pattern.up_to(today(), cny(), Some(long_ago)), Orders { count: 2, value: 110 });
}

proptest! {
    /// Rule 4.5.
    #[test]
    fn what_is_kept_is_what_adding_up_the_orders_gives(
        steps in prop::collection::vec((0..4_u8, any::<bool>(), 0..100_i64, any::<bool>()), 1..30),
    ) {
        let mut desk = Desk::new();
        let policy = crate::draft::Activate {
            policy: policy_with(RuleRow { action: Action::Info, ..thirty(Comparator::AtMost) }),
            present_version: None,
            reason: "test".to_owned(),
        };
        desk.run(|draft, call| draft.activate(call, &policy)).unwrap();
        desk.hear(crate::draft::News::Credit(account("globex"), Arc::new(credit(100_000))));
        for (n, is_globex, value, cancels) in steps {
            let id = format!("o-{n}");
            let known = desk.rows.get(&super::world::order_id(&id)).and_then(|dossier| dossier.answered.as_ref());
            let revision = known.map_or(1, |answered| answered.revision + 1);
            let mut asked = super::documents::asked(&id, revision, &[value], 0);
            asked.account_id = account(if is_globex { "globex" } else { "acme" });
            desk.authorize(asked).unwrap();
            if cancels {
                // ordered is ordered, whatever becomes of it
                desk.cancel(&id, &[]).unwrap();
            }
            for id in ["acme", "globex"].map(account) {
                let passed = desk.rows.values().filter(|dossier| dossier.counts_for().is_some_and(|(of, _)| *of == id));
                let values: Vec<i128> = passed.map(|dossier| dossier.passed_order().unwrap().value.into()).collect();
                let count = i64::try_from(values.len()).unwrap();
                let kept = desk.book.accounts[&id].pattern.as_ref();
                let kept = kept.map(|pattern| pattern.up_to(desk.call.today, cny(), None)).unwrap_or_default();
                prop_assert_eq!(kept, Orders { count, value: values.into_iter().sum() });
            }
        }
    }
}

/// The rule at 30 % for everybody, with an action.
async fn asks(world: &World, action: wire::RuleAction) {
    let row = wire::RuleRow {
        rule: wire::Rule::OrderPatternDeviation.into(),
        action: action.into(),
        percent: Some(pb::Decimal { value: "30".to_owned() }),
        ..Default::default()
    };
    let request = wire::ActivatePolicyRequest {
        policy: Some(wire::Policy { rules: vec![row], ..Default::default() }),
        reason: "watch what is ordered".to_owned(),
        ..Default::default()
    };
    let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
    Client::new(world.peer(admin)).activate_policy(request).await.unwrap();
}

on_both_databases! {
    async fn an_order_is_compared_with_those_that_passed_before_it_across_a_restart(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000_000)).await;
        asks(&world, wire::RuleAction::Block).await;
        for n in 1..=3 {
            assert_eq!(world.authorize(order(&format!("o-{n}"), "acme", 100_000)).await.outcome(), Outcome::Approve);
        }
        let again = world.reopened().await;
        assert_eq!(again.check(order("o-4", "acme", 130_000)).await.outcome(), Outcome::Approve);
        let decision = again.authorize(order("o-4", "acme", 130_001)).await;
        assert_eq!(rules(&decision), [wire::Rule::OrderPatternDeviation]);
        assert_eq!(decision.failures[0].shortfall, amount(1));
        assert_eq!(rules(&again.check(order("o-5", "acme", 69_999)).await), [wire::Rule::OrderPatternDeviation]);
        // what is held did not pass: 100,000 is still the average
        assert_eq!(again.check(order("o-5", "acme", 70_000)).await.outcome(), Outcome::Approve);
    }

    async fn a_changed_order_is_not_compared_with_itself(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000_000)).await;
        asks(&world, wire::RuleAction::Block).await;
        world.authorize(order("o-1", "acme", 100_000)).await;
        world.authorize(order("o-2", "acme", 130_000)).await;
        // the two are worth 115,000 on average, of which it would be 14 % more
        let more = world.amend(wire::Order { revision: 2, ..order("o-2", "acme", 130_001) }).await;
        assert_eq!(rules(&more), [wire::Rule::OrderPatternDeviation]);
        world.amend(wire::Order { revision: 3, ..order("o-2", "acme", 120_000) }).await;
        let kept = world.gate.engine.read(|book| {
            let pattern = book.accounts[&account("acme")].pattern.clone().unwrap();
            pattern.up_to(today(), cny(), None)
        });
        assert_eq!(kept.unwrap(), Orders { count: 2, value: yuan(220_000).into() });
    }

    async fn orders_that_do_not_pass_together_are_no_part_of_it(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        asks(&world, wire::RuleAction::Warn).await;
        world.authorize(order("o-1", "acme", 10)).await;
        let orders = vec![order("o-2", "acme", 10), order("o-3", "acme", 1_000)];
        let request = wire::AuthorizeOrderBatchRequest { request_id: "r-1".to_owned(), orders, ..Default::default() };
        assert!(!world.pipeline().authorize_order_batch(request).await.unwrap().into_inner().reserved);
        let again = world.reopened().await;
        let kept = again.gate.engine.read(|book| book.accounts[&account("acme")].pattern.clone().unwrap());
        assert_eq!(kept.unwrap().up_to(today(), cny(), None), Orders { count: 1, value: yuan(10).into() });
    }

    async fn while_no_rule_asks_nothing_is_kept(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000_000)).await;
        world.authorize(order("o-1", "acme", 100)).await;
        assert!(world.gate.engine.read(|book| book.accounts[&account("acme")].pattern.is_none()).unwrap());
        asks(&world, wire::RuleAction::Warn).await;
        assert_eq!(world.authorize(order("o-2", "acme", 1)).await.outcome(), Outcome::Approve);
        assert_eq!(world.authorize(order("o-3", "acme", 2)).await.outcome(), Outcome::ApproveWithWarnings);
    }
}
