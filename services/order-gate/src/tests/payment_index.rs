//! Accounts that pay too late: a payment index below the row's least (rules 2.10 and 5.4).

use rust_decimal::Decimal;
use weir_model::{Principal, Role, SubjectId};
use weir_store::{Db, on_both_databases};
use weir_wire::google::r#type as pb;
use weir_wire::order_gate::v1::{self as wire, HoldState, Outcome};

use super::world::{Client, World, account, credit, line, order, owed, policy_with, question, row, rules};
use crate::commitment::Line;
use crate::decision::{Measure, Verdict, WayOut};
use crate::policy::{Action, Comparator, Rule, RuleRow};
use crate::rules::{Question, decide};
use crate::standing::{Behaviour, Position};

const RULE: Rule = Rule::PaymentIndexBelowMinimum;

fn index(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// What the rules say of an order of 100 of an account with an index, where 70 is the least.
fn judged(comparator: Comparator, payment_index: Option<Decimal>) -> Verdict {
    let policy = policy_with(RuleRow { index_min: Some(index("70")), comparator, ..row(RULE, Action::Block) });
    let (account_id, acme) = (account("acme"), credit(1_000_000));
    let lines = [Line { line_id: line("1"), ordered: 100, cancelled: 0, delivered: 0, invoiced: 0 }];
    decide(&Question { credit: Some(&acme), lines: &lines, payment_index, ..question(&account_id, &policy) }).unwrap()
}

#[test]
fn the_least_index_passes_and_a_hundredth_less_does_not() {
    for (comparator, has, stops) in [
        (Comparator::AtMost, "70", false),
        (Comparator::AtMost, "69.99", true),
        (Comparator::Below, "70", true),
        (Comparator::Below, "70.01", false),
    ] {
        let verdict = judged(comparator, Some(index(has)));
        assert_eq!(verdict.failures.iter().any(|failure| failure.rule == RULE), stops, "{comparator:?} {has}");
    }
    let failure = &judged(Comparator::AtMost, Some(index("69.99"))).failures[0];
    let measured = [failure.value, failure.threshold];
    assert_eq!(measured, [Some(Measure::Index(index("69.99"))), Some(Measure::Index(index("70")))]);
}

#[test]
fn an_account_without_an_index_is_not_judged_by_it() {
    assert!(judged(Comparator::AtMost, None).outcome.passes());
}

#[test]
fn an_order_of_who_pays_too_late_is_paid_in_advance_or_released() {
    // paying what is open now changes nothing of how was paid before
    assert_eq!(judged(Comparator::AtMost, Some(index("1"))).ways_out, [WayOut::Prepay(100), WayOut::AskRelease(100)]);
}

/// The rule with a least index of 70 for everybody.
async fn asks(world: &World) {
    let row = wire::RuleRow {
        rule: wire::Rule::PaymentIndexBelowMinimum.into(),
        action: wire::RuleAction::Block.into(),
        index_min: Some(pb::Decimal { value: "70".to_owned() }),
        ..Default::default()
    };
    let request = wire::ActivatePolicyRequest {
        policy: Some(wire::Policy { rules: vec![row], ..Default::default() }),
        reason: "who pays late pays first".to_owned(),
        ..Default::default()
    };
    let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
    Client::new(world.peer(admin)).activate_policy(request).await.unwrap();
}

fn paid(version: i64, payment_index: Option<&str>) -> Position {
    let behaviour = Some(Behaviour { payment_index: payment_index.map(index) });
    Position { behaviour, ..owed(version, 0) }
}

on_both_databases! {
    async fn a_held_order_passes_once_the_index_has_risen(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        asks(&world).await;
        world.owes("acme", paid(1, Some("69.5"))).await;
        let held = world.authorize(order("o-1", "acme", 100)).await;
        assert_eq!(rules(&held), [wire::Rule::PaymentIndexBelowMinimum]);
        let decimal = |value: &str| Some(wire::measure::Measure::Index(pb::Decimal { value: value.to_owned() }));
        let failure = &held.failures[0];
        assert_eq!(failure.value.as_ref().unwrap().measure, decimal("69.5"));
        assert_eq!(failure.threshold.as_ref().unwrap().measure, decimal("70"));
        let request = wire::ExplainDecisionRequest { decision_id: held.decision_id.clone() };
        let sentences = world.pipeline().explain_decision(request).await.unwrap().into_inner().sentences;
        let reason = "Stopped: the account has paid too late so far (index 69.5 against index 70).";
        assert!(sentences.iter().any(|sentence| sentence == reason), "{sentences:?}");
        world.owes("acme", paid(2, Some("69.99"))).await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Held);
        world.owes("acme", paid(3, Some("70"))).await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Approved);
    }

    async fn what_was_told_of_how_an_account_paid_counts_until_it_moves_across_a_restart(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        asks(&world).await;
        world.owes("acme", paid(1, Some("50"))).await;
        // an invoice moves what is owed and not how was paid
        world.owes("acme", owed(2, 10)).await;
        let again = world.reopened().await;
        assert_eq!(rules(&again.check(order("o-1", "acme", 1)).await), [wire::Rule::PaymentIndexBelowMinimum]);
        // a bounce takes the third payment back
        again.owes("acme", paid(3, None)).await;
        assert_eq!(again.check(order("o-1", "acme", 1)).await.outcome(), Outcome::Approve);
    }
}
