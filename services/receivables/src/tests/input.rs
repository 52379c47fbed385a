//! Bad input: every bad field is named, nothing from the wire is a defect.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use tonic::Code;
use weir_model::Role;
use weir_store::{Db, on_both_databases, testing};
use weir_wire::{google::r#type as g, receivables::v1 as pb};

use super::world::{bad_fields, day, fen, invoice, money, payment, world};
use crate::api::ACCESS;

fn line(order: &str, line: &str, amount: Option<g::Money>) -> pb::InvoiceLine {
    pb::InvoiceLine { order_id: order.to_owned(), line_id: line.to_owned(), amount }
}

#[test]
fn every_rpc_says_who_may_call_it() {
    let methods: Vec<_> = ACCESS.iter().map(|(method, _)| *method).collect();
    assert_eq!(methods.len(), 21);
    for (method, roles) in ACCESS {
        let posts = ["/Post", "/Record", "/Allocate", "/Reverse", "/Cancel", "/Import"]
            .iter()
            .any(|verb| method.contains(verb));
        assert_eq!(roles == &[Role::Finance], posts, "{method}");
    }
}

on_both_databases! {
    async fn an_empty_request_names_every_field_it_lacks(db: Db) {
        let world = world(&db).await;
        let mut client = world.client.clone();
        let status = client.post_invoice(pb::PostInvoiceRequest::default()).await.unwrap_err();
        assert_eq!((status.code(), bad_fields(&status)), (Code::InvalidArgument, vec!["invoice".to_owned()]));
        let status = world.post(pb::Invoice::default()).await.unwrap_err();
        assert_eq!(bad_fields(&status), [
            "invoice.account_id",
            "invoice.document_number",
            "invoice.document_date",
            "invoice.amount",
        ]);
        let status = world.pay(pb::PaymentAdvice::default()).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["payment.account_id", "payment.amount", "request_id"]);
        let status = client.allocate_payment(pb::AllocatePaymentRequest::default()).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["request_id", "source", "item_id"]);
        let request = pb::SetDisputeRequest { dispute: Some(pb::Dispute::default()), ..pb::SetDisputeRequest::default() };
        let status = client.set_dispute(request).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["dispute.account_id", "dispute.item_id", "dispute.extent", "dispute.reason"]);
    }

    async fn contradictions_in_an_invoice_are_named(db: Db) {
        let world = world(&db).await;
        let good = || invoice("A", "I", "2026-03-10", "2026-03-31", 100);
        let row = |date: &str, amount| pb::Instalment { due_date: day(date), amount };
        let cases = [
            (invoice("A", "I", "2026-03-10", "2026-03-09", 100), "invoice.due_date"),
            (pb::Invoice { due: Some(pb::invoice::Due::NetDays(-1)), ..good() }, "invoice.net_days"),
            (pb::Invoice { posting_date: day("2026-04-01"), ..good() }, "invoice.posting_date"),
            (pb::Invoice { amount: fen(0), ..good() }, "invoice.amount"),
            (pb::Invoice { amount: fen(-1), ..good() }, "invoice.amount"),
            (pb::Invoice { amount: Some(g::Money { currency_code: "XXX".to_owned(), units: 1, nanos: 0 }), ..good() }, "invoice.amount"),
            (pb::Invoice { amount: Some(g::Money { currency_code: "JPY".to_owned(), units: 1, nanos: 1 }), ..good() }, "invoice.amount"),
            (pb::Invoice { lines: vec![line("O", "1", fen(101))], ..good() }, "invoice.lines"),
            (pb::Invoice { lines: vec![line("O", "1", money("USD", 1))], ..good() }, "invoice.lines[0].amount"),
            (pb::Invoice { lines: vec![line("O", "1", fen(1)), line("O", "1", fen(1))], ..good() }, "invoice.lines[1].line_id"),
            (pb::Invoice { instalments: vec![row("2026-04-01", None)], ..good() }, "invoice.due"),
            (pb::Invoice { due: None, instalments: vec![row("2026-04-01", fen(99))], ..good() }, "invoice.instalments"),
            (pb::Invoice { due: None, instalments: vec![row("2026-04-02", None), row("2026-04-02", None)], ..good() }, "invoice.instalments[1].due_date"),
            (pb::Invoice { due: None, instalments: vec![row("2026-03-09", None)], ..good() }, "invoice.instalments[0].due_date"),
            (pb::Invoice { account_id: "tab\t".to_owned(), ..good() }, "invoice.account_id"),
            (pb::Invoice { document_number: "x".repeat(61), ..good() }, "invoice.document_number"),
        ];
        for (bad, path) in cases {
            let status = world.post(bad).await.unwrap_err();
            assert_eq!((status.code(), bad_fields(&status)), (Code::InvalidArgument, vec![path.to_owned()]), "{status}");
        }
        assert!(world.aged("2026-03-31").await.rows.is_empty(), "nothing was written");
    }

    async fn questions_are_checked_too(db: Db) {
        let world = world(&db).await;
        let mut client = world.client.clone();
        let bad = pb::GetAgingRequest {
            as_of_date: Some(g::Date { year: 2026, month: 2, day: 30 }),
            basis: 9,
            bucket_days: vec![30, 30],
            not_due_bucket_days: vec![0],
            currency_code: "yuan".to_owned(),
            page_size: -1,
            ..pb::GetAgingRequest::default()
        };
        let status = client.get_aging(bad).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["as_of_date", "basis", "bucket_days", "not_due_bucket_days", "currency_code", "page_size"]);
        let status = client.get_figures(pb::GetFiguresRequest { window_days: -5, ..pb::GetFiguresRequest::default() }).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["window_days"]);
        let status = client.get_item(pb::GetItemRequest { item_id: "none".to_owned() }).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let status = world.feed.clone().watch(pb::WatchRequest { after_position: -1 }).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["after_position"]);
    }

    async fn a_reference_in_another_currency_is_named(db: Db) {
        let world = world(&db).await;
        let reference = pb::PaymentReference { document_number: "I".to_owned(), amount: money("USD", 5) };
        let status = world.pay(pb::PaymentAdvice { references: vec![reference], ..payment("A", "P", "2026-03-01", 5) }).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["payment.references[0].amount"]);
    }
}

fn any_money() -> impl Strategy<Value = Option<g::Money>> {
    let code = prop_oneof![Just("CNY".to_owned()), Just("JPY".to_owned()), Just("KWD".to_owned()), ".{0,4}"];
    let units = prop_oneof![any::<i64>(), -5_i64..1_000];
    let nanos = prop_oneof![Just(0), any::<i32>(), Just(500_000_000)];
    proptest::option::of((code, units, nanos).prop_map(|(currency_code, units, nanos)| g::Money {
        currency_code,
        units,
        nanos,
    }))
}

fn any_date() -> impl Strategy<Value = Option<g::Date>> {
    let year = prop_oneof![Just(2026), any::<i32>(), Just(9999)];
    let date = (year, prop_oneof![1..=12, any::<i32>()], prop_oneof![1..=28, any::<i32>()]);
    proptest::option::of(date.prop_map(|(year, month, day)| g::Date { year, month, day }))
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![Just("A".to_owned()), Just("I".to_owned()), "[!-~]{1,64}", ".{0,70}"]
}

fn any_invoice() -> impl Strategy<Value = pb::Invoice> {
    let due = proptest::option::of(prop_oneof![
        any_date().prop_map(|date| pb::invoice::Due::DueDate(date.unwrap_or_default())),
        any::<i32>().prop_map(pb::invoice::Due::NetDays),
    ]);
    let lines =
        proptest::collection::vec((any_id(), any_id(), any_money()).prop_map(|(o, l, m)| line(&o, &l, m)), 0..3);
    let instalments = proptest::collection::vec(
        (any_date(), any_money()).prop_map(|(due_date, amount)| pb::Instalment { due_date, amount }),
        0..3,
    );
    (any_id(), any_id(), any_date(), due, any_money(), lines, instalments, any_id()).prop_map(
        |(account_id, document_number, document_date, due, amount, lines, instalments, order_id)| pb::Invoice {
            account_id,
            document_number,
            document_date,
            due,
            amount,
            lines,
            instalments,
            order_id,
            ..pb::Invoice::default()
        },
    )
}

fn any_payment() -> impl Strategy<Value = pb::PaymentAdvice> {
    (any_id(), any_id(), any_money(), any_date(), any::<i32>(), any_id()).prop_map(
        |(account_id, payment_number, amount, effective_date, mode, name)| pb::PaymentAdvice {
            account_id,
            payment_number,
            amount,
            effective_date,
            allocation_mode: mode % 5,
            references: vec![pb::PaymentReference { document_number: name, amount: None }],
            ..pb::PaymentAdvice::default()
        },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_answered_with_a_defect() {
    for db in testing::databases().await {
        let world = world(&db).await;
        let mut runner = TestRunner::deterministic();
        for _ in 0..150 {
            let invoice = any_invoice().new_tree(&mut runner).unwrap().current();
            let payment = any_payment().new_tree(&mut runner).unwrap().current();
            let (date, amount) = (
                any_date().new_tree(&mut runner).unwrap().current(),
                any_money().new_tree(&mut runner).unwrap().current(),
            );
            let dispute = pb::Dispute {
                account_id: invoice.account_id.clone(),
                item_id: invoice.document_number.clone(),
                extent: amount.clone().map(pb::dispute::Extent::Amount),
                reason: "r".to_owned(),
                effective_date: date,
                ..pb::Dispute::default()
            };
            let mut client = world.client.clone();
            let aging = pb::GetAgingRequest { as_of_date: date, ..pb::GetAgingRequest::default() };
            let list = pb::ListOpenItemsRequest {
                as_of_date: date,
                days_past_due_min: Some(3),
                ..pb::ListOpenItemsRequest::default()
            };
            let figures = pb::GetFiguresRequest { as_of_date: date, ..pb::GetFiguresRequest::default() };
            let set = pb::SetDisputeRequest { request_id: String::new(), dispute: Some(dispute) };
            let answers = [
                world.post(invoice).await.err(),
                world.pay(payment).await.err(),
                client.set_dispute(set).await.err(),
                client.get_aging(aging).await.err(),
                client.list_open_items(list).await.err(),
                client.get_figures(figures).await.err(),
            ];
            for status in answers.into_iter().flatten() {
                assert!(![Code::Internal, Code::Unknown].contains(&status.code()), "{status:?}");
            }
        }
        super::audit::assert_rebuilds(&db).await;
    }
}
