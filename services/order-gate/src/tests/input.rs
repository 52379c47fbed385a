//! Bad input names every field, and changes nothing.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use weir_store::{Db, on_both_databases};
use weir_wire::common::v1::{FeedPosition, Token};
use weir_wire::google::r#type as pb;
use weir_wire::order_gate::v1::{self as wire, Checkpoint};

use super::world::{World, amount, credit, order};

/// The fields a refusal names, in order.
pub(super) fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().expect("a BadRequest");
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}

fn yuan(units: i64, nanos: i32) -> Option<pb::Money> {
    Some(pb::Money { currency_code: "CNY".to_owned(), units, nanos })
}

on_both_databases! {
    async fn an_order_wrong_all_over_is_told_so_at_once(db: Db) {
        let world = World::new(db).await;
        let line = |id: &str, amount| wire::OrderLine { line_id: id.to_owned(), amount };
        let wrong = wire::Order {
            order_id: "tab\there".to_owned(),
            revision: 0,
            account_id: "x".repeat(65),
            currency_code: "CNY".to_owned(),
            lines: vec![
                line("1", yuan(-1, 0)),
                line("1", yuan(1, 0)),
                line("", yuan(1, 1)),
                line("4", None),
                line("5", yuan(i64::MAX, 0)),
                line("6", Some(pb::Money { currency_code: "EUR".to_owned(), units: 1, nanos: 0 })),
            ],
            prepaid_amount: yuan(1, -5),
            ship_date: Some(pb::Date { year: 2026, month: 2, day: 30 }),
            terms_days: -1,
            requested_by: "a b".to_owned(),
            discount_percent: Some(pb::Decimal { value: "100.1".to_owned() }),
        };
        let request = wire::AuthorizeOrderRequest {
            order: Some(wrong),
            checkpoint: 77,
            business_date: Some(pb::Date { year: 0, month: 1, day: 1 }),
            at_least_as_fresh: Some(Token { positions: vec![FeedPosition { context: 9, position: -1 }] }),
            request_id: "\u{7}".to_owned(),
        };
        let status = world.pipeline().authorize_order(request).await.unwrap_err();
        assert_eq!(fields(&status), [
            "checkpoint",
            "order.order_id",
            "order.revision",
            "order.account_id",
            "order.lines[0].amount",
            "order.lines[1].line_id",
            "order.lines[2].line_id",
            "order.lines[2].amount",
            "order.lines[3].amount",
            "order.lines[4].amount",
            "order.lines[5].amount",
            "order.prepaid_amount",
            "order.ship_date",
            "order.terms_days",
            "order.discount_percent",
            "order.requested_by",
            "business_date",
            "at_least_as_fresh.positions[0].context",
            "at_least_as_fresh.positions[0].position",
            "request_id",
        ]);
        assert!(world.journal().await.is_empty());
    }

    async fn an_order_needs_lines_that_add_up(db: Db) {
        let world = World::new(db).await;
        let most = i64::MAX / 100;
        let with = |lines: Vec<i64>, prepaid| wire::Order {
            lines: (1..)
                .zip(lines)
                .map(|(n, units): (i32, i64)| wire::OrderLine { line_id: n.to_string(), amount: yuan(units, 0) })
                .collect(),
            prepaid_amount: amount(prepaid),
            ..order("o-1", "acme", 0)
        };
        for (wrong, field) in [
            (with(vec![], 0), "order.lines"),
            (with(vec![most, most], 0), "order.lines"),
            (with(vec![10], 11), "order.prepaid_amount"),
            (with(vec![1; 501], 0), "order.lines"),
        ] {
            assert_eq!(fields(&world.try_authorize(wrong).await.unwrap_err()), [field]);
        }
    }

    async fn missing_messages_are_named(db: Db) {
        let world = World::new(db).await;
        let mut client = world.pipeline();
        assert_eq!(fields(&client.check_order(wire::CheckOrderRequest::default()).await.unwrap_err()), ["order"]);
        let status = client.record_delivery(wire::RecordDeliveryRequest::default()).await.unwrap_err();
        assert_eq!(fields(&status), ["order_id", "delivery_id", "lines"]);
        let status = client.release_hold(wire::ReleaseHoldRequest::default()).await.unwrap_err();
        assert_eq!(fields(&status), ["hold_id", "reason"]);
        let status = client.activate_policy(wire::ActivatePolicyRequest::default()).await.unwrap_err();
        assert_eq!(fields(&status), ["policy", "reason"]);
        let request = wire::ListHoldsRequest { page_size: -1, states: vec![8], ..Default::default() };
        assert_eq!(fields(&client.list_holds(request).await.unwrap_err()), ["states[0]", "page_size"]);
        let request = wire::ListHoldsRequest { page_token: "forged".to_owned(), ..Default::default() };
        assert_eq!(fields(&client.list_holds(request).await.unwrap_err()), ["page_token"]);
    }

    async fn what_does_not_exist_is_not_found(db: Db) {
        let world = World::new(db).await;
        let mut client = world.manager("manager-1", 1);
        let hold_id = "nowhere".to_owned();
        let reason = "because".to_owned();
        let codes = [
            client.get_hold(wire::GetHoldRequest { hold_id: hold_id.clone() }).await.unwrap_err(),
            client
                .release_hold(wire::ReleaseHoldRequest {
                    hold_id: hold_id.clone(),
                    reason: reason.clone(),
                    ..Default::default()
                })
                .await
                .unwrap_err(),
            client
                .reject_hold(wire::RejectHoldRequest { hold_id: hold_id.clone(), reason, ..Default::default() })
                .await
                .unwrap_err(),
            client.recheck_hold(wire::RecheckHoldRequest { hold_id, ..Default::default() }).await.unwrap_err(),
            client.get_decision(wire::GetDecisionRequest { decision_id: "none".to_owned() }).await.unwrap_err(),
            client.get_commitment(wire::GetCommitmentRequest { order_id: "none".to_owned() }).await.unwrap_err(),
            client.get_policy(wire::GetPolicyRequest { version: 99 }).await.unwrap_err(),
        ];
        assert!(codes.iter().all(|status| status.code() == Code::NotFound), "{codes:?}");
    }
}

fn any_money() -> impl Strategy<Value = Option<pb::Money>> {
    let code = prop_oneof![3 => Just("CNY".to_owned()), 1 => ".{0,4}"];
    let units = prop_oneof![any::<i64>(), -3..1_000_i64];
    let nanos = prop_oneof![any::<i32>(), Just(0)];
    prop::option::of((code, units, nanos).prop_map(|(currency_code, units, nanos)| pb::Money {
        currency_code,
        units,
        nanos,
    }))
}

fn any_order() -> impl Strategy<Value = wire::Order> {
    let id = || prop_oneof![4 => "[a-c]", 1 => ".{0,70}"];
    let line = (id(), any_money()).prop_map(|(line_id, amount)| wire::OrderLine { line_id, amount });
    let date = prop::option::of((any::<i32>(), any::<i32>(), any::<i32>()));
    let lines = prop::collection::vec(line, 0..4);
    let numbers = (prop_oneof![any::<i32>(), 1..4_i32], prop_oneof![any::<i32>(), Just(0)]);
    (id(), id(), lines, any_money(), date, numbers).prop_map(
        |(order_id, account_id, lines, prepaid_amount, ship_date, (revision, terms_days))| wire::Order {
            order_id,
            revision,
            account_id,
            currency_code: "CNY".to_owned(),
            lines,
            prepaid_amount,
            ship_date: ship_date.map(|(year, month, day)| pb::Date { year, month, day }),
            terms_days,
            requested_by: String::new(),
            discount_percent: None,
        },
    )
}

on_both_databases! {
    async fn whatever_is_sent_gets_a_typed_answer(db: Db) {
        let world = World::new(db).await;
        for id in ["a", "b", "c"] {
            world.credit(id, credit(500)).await;
        }
        let mut runner = TestRunner::deterministic();
        let arbitrary = (any_order(), 0..6_i32, any_money(), ".{0,70}");
        for _ in 0..200 {
            let (order, checkpoint, money, text) = arbitrary.new_tree(&mut runner).unwrap().current();
            let order_id = order.order_id.clone();
            let line_id = order.lines.first().map(|line| line.line_id.clone()).unwrap_or_default();
            let mut client = world.pipeline();
            let asked = wire::AuthorizeOrderRequest { order: Some(order.clone()), checkpoint, ..Default::default() };
            let amended = wire::AmendOrderRequest { order: Some(order.clone()), checkpoint, ..Default::default() };
            let delivered = wire::RecordDeliveryRequest {
                order_id: order_id.clone(),
                delivery_id: text.clone(),
                lines: vec![wire::DeliveredLine { line_id: line_id.clone(), delivered_amount: money.clone() }],
                ..Default::default()
            };
            let cancelled = wire::CancelOrderRequest {
                order_id,
                lines: vec![wire::LineCancellation { line_id, cancelled_amount: money.clone() }],
                ..Default::default()
            };
            let answers = [
                client.check_order(wire::CheckOrderRequest { order: Some(order), ..Default::default() }).await.err(),
                client.authorize_order(asked).await.err(),
                client.amend_order(amended).await.err(),
                client.record_delivery(delivered).await.err(),
                client.cancel_order(cancelled).await.err(),
            ];
            for status in answers.into_iter().flatten() {
                let typed = [Code::InvalidArgument, Code::NotFound, Code::AlreadyExists, Code::FailedPrecondition];
                assert!(typed.contains(&status.code()), "{status:?}");
            }
        }
        assert_eq!(Checkpoint::try_from(4), Ok(Checkpoint::GoodsIssue));
    }
}
