//! Accounts whose credit insurance lapsed, or soon will (rules 3.11 and 5.4).

use chrono::NaiveDate;
use proptest::prelude::*;
use weir_model::{Principal, Role, SubjectId};
use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{self as wire, HoldState, Outcome};

use super::world::{Client, World, account, credit, date, line, order, policy_with, question, row, rules, today};
use crate::commitment::Line;
use crate::decision::{Measure, Verdict, WayOut};
use crate::policy::{Action, Comparator, Rule, RuleRow};
use crate::rules::{Question, decide};
use crate::standing::{Cover, Credit};

const RULE: Rule = Rule::InsuranceLapsed;

/// Cover from one day of 2026 to another.
fn cover((from_month, from_day): (u32, u32), (to_month, to_day): (u32, u32)) -> Cover {
    Cover { from: date(2026, from_month, from_day), to: date(2026, to_month, to_day) }
}

fn insured(cover: Vec<Cover>) -> Credit {
    Credit { cover, ..credit(1_000_000) }
}

/// What the rules say of an order of 100 on 31 March.
fn judged(row: RuleRow, cover: Vec<Cover>) -> Verdict {
    let (policy, account_id, acme) = (policy_with(row), account("acme"), insured(cover));
    let lines = [Line { line_id: line("1"), ordered: 100, cancelled: 0, delivered: 0, invoiced: 0 }];
    decide(&Question { credit: Some(&acme), lines: &lines, ..question(&account_id, &policy) }).unwrap()
}

#[test]
fn cover_that_was_and_is_no_more_stops_and_cover_there_never_was_does_not() {
    for (cover, stops) in [
        (vec![], false),
        (vec![cover((1, 1), (3, 31))], false),
        (vec![cover((1, 1), (3, 30))], true),
        (vec![cover((3, 31), (12, 31))], false),
        // it begins tomorrow; there was none before
        (vec![cover((4, 1), (12, 31))], false),
        (vec![cover((1, 1), (2, 28)), cover((4, 1), (12, 31))], true),
    ] {
        let verdict = judged(row(RULE, Action::Block), cover.clone());
        assert_eq!(verdict.failures.iter().any(|failure| failure.rule == RULE), stops, "{cover:?}");
    }
}

#[test]
fn days_warn_before_cover_ends_unless_other_cover_follows_at_once() {
    let ten = |comparator| RuleRow { days: Some(10), comparator, ..row(RULE, Action::Warn) };
    let first = cover((1, 1), (4, 9));
    for (comparator, cover, warns) in [
        // nine days are left
        (Comparator::AtMost, vec![first], true),
        (Comparator::AtMost, vec![cover((1, 1), (4, 10))], false),
        (Comparator::Below, vec![cover((1, 1), (4, 10))], true),
        (Comparator::AtMost, vec![first, cover((4, 10), (12, 31))], false),
        (Comparator::AtMost, vec![first, cover((4, 11), (12, 31))], true),
    ] {
        let verdict = judged(ten(comparator), cover.clone());
        assert_eq!(verdict.failures.iter().any(|failure| failure.rule == RULE), warns, "{comparator:?} {cover:?}");
    }
}

#[test]
fn what_is_told_is_the_days_left_against_those_asked_for() {
    let ten = RuleRow { days: Some(10), ..row(RULE, Action::Block) };
    let failure = |cover| judged(ten.clone(), vec![cover]).failures.remove(0);
    let soon = failure(cover((1, 1), (4, 9)));
    assert_eq!((soon.value, soon.threshold), (Some(Measure::Days(9)), Some(Measure::Days(10))));
    assert_eq!(soon.message, "the account's credit insurance ends on 2026-04-09");
    let lapsed = failure(cover((1, 1), (3, 29)));
    assert_eq!(lapsed.value, Some(Measure::Days(-2)));
    assert_eq!(lapsed.message, "the account's credit insurance ended on 2026-03-29");
    let verdict = judged(ten, vec![cover((1, 1), (3, 29))]);
    assert_eq!(verdict.ways_out, [WayOut::Prepay(100), WayOut::AskRelease(100)]);
}

proptest! {
    #[test]
    fn insured_until_is_the_last_day_of_cover_without_a_gap(
        covers in prop::collection::vec((0..40_u64, 0..20_u64), 0..6),
    ) {
        let day = |n: u64| date(2026, 3, 1).checked_add_days(chrono::Days::new(n)).unwrap();
        let covers: Vec<Cover> =
            covers.into_iter().map(|(from, length)| Cover { from: day(from), to: day(from + length) }).collect();
        let holds = |on: NaiveDate| covers.iter().any(|cover| cover.from <= on && on <= cover.to);
        // 31 March is day 30; day by day, onwards while there is cover, else back to the last there was
        let last = (30..70).take_while(|n| holds(day(*n))).last();
        let by_hand = last.or_else(|| (0..30).rev().find(|n| holds(day(*n))));
        prop_assert_eq!(insured(covers.clone()).insured_until(today()), by_hand.map(day));
    }
}

on_both_databases! {
    async fn a_held_order_passes_once_there_is_cover_again(db: Db) {
        let world = World::new(db).await;
        let row = wire::RuleRow {
            rule: wire::Rule::InsuranceLapsed.into(),
            action: wire::RuleAction::Block.into(),
            ..Default::default()
        };
        let request = wire::ActivatePolicyRequest {
            policy: Some(wire::Policy { rules: vec![row], ..Default::default() }),
            reason: "no cover, no goods".to_owned(),
            ..Default::default()
        };
        let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
        Client::new(world.peer(admin)).activate_policy(request).await.unwrap();
        let lapsed = vec![cover((1, 1), (3, 30))];
        world.credit("acme", Credit { cover: lapsed.clone(), ..credit(1_000) }).await;
        let again = world.reopened().await;
        let held = again.authorize(order("o-1", "acme", 100)).await;
        assert_eq!((held.outcome(), rules(&held)), (Outcome::Hold, vec![wire::Rule::InsuranceLapsed]));
        let request = wire::ExplainDecisionRequest { decision_id: held.decision_id.clone() };
        let sentences = again.pipeline().explain_decision(request).await.unwrap().into_inner().sentences;
        let reason = "Stopped: the account's credit insurance ended on 2026-03-30 (-1 days against 0 days).";
        assert!(sentences.iter().any(|sentence| sentence == reason), "{sentences:?}");
        let renewed = [lapsed, vec![cover((3, 31), (12, 31))]].concat();
        again.credit("acme", Credit { version: 2, cover: renewed, ..credit(1_000) }).await;
        assert_eq!(again.hold(&held.hold_id).await.state(), HoldState::Approved);
    }
}
