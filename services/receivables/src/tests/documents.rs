//! Invoices, credit notes, instalments, cancellation, disputes.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::receivables::v1 as pb;

use super::world::{day, fen, invoice, minor, money, payment, why, world};

fn line(order: &str, line: &str, minor: i64) -> pb::InvoiceLine {
    pb::InvoiceLine { order_id: order.to_owned(), line_id: line.to_owned(), amount: fen(minor) }
}

fn note(account: &str, number: &str, minor: i64, corrects: &str) -> pb::CreditNote {
    pb::CreditNote {
        account_id: account.to_owned(),
        document_number: number.to_owned(),
        document_date: day("2026-03-20"),
        amount: fen(minor),
        corrected_document_number: corrects.to_owned(),
        ..pb::CreditNote::default()
    }
}

on_both_databases! {
    async fn an_invoice_becomes_one_open_item(db: Db) {
        let world = world(&db).await;
        let posted = world.post(invoice("A", "INV-1", "2026-03-01", "2026-03-31", 10_000)).await.unwrap();
        let [item] = posted.items.as_slice() else { panic!("one item") };
        assert_eq!((item.item_id.as_str(), item.document_number.as_str()), ("INV-1", "INV-1"));
        assert_eq!(minor(item.open_amount.as_ref()), 10_000);
        assert_eq!(item.state(), pb::ItemState::Open);
        assert_eq!(posted.token.unwrap().positions[0].position, 1);
    }

    async fn an_invoice_without_due_date_is_due_on_its_own_date(db: Db) {
        let world = world(&db).await;
        let bare = pb::Invoice { due: None, ..invoice("A", "I", "2026-03-01", "2026-03-31", 1) };
        let posted = world.post(bare).await.unwrap();
        assert_eq!(posted.items[0].due_date, day("2026-03-01"));
    }

    async fn net_days_count_from_the_document_date(db: Db) {
        let world = world(&db).await;
        let due = Some(pb::invoice::Due::NetDays(30));
        let posted = world.post(pb::Invoice { due, ..invoice("A", "I", "2026-03-01", "2026-03-31", 1) }).await.unwrap();
        assert_eq!(posted.items[0].due_date, day("2026-03-31"));
    }

    async fn instalments_become_an_item_each_with_the_remainder_last(db: Db) {
        let world = world(&db).await;
        let row = |date: &str| pb::Instalment { due_date: day(date), amount: None };
        let plan = pb::Invoice {
            due: None,
            instalments: vec![row("2026-04-01"), row("2026-05-01"), row("2026-06-01")],
            ..invoice("A", "I", "2026-03-01", "2026-03-01", 10_000)
        };
        let posted = world.post(plan).await.unwrap();
        let items: Vec<_> =
            posted.items.iter().map(|item| (item.item_id.as_str(), minor(item.amount.as_ref()))).collect();
        assert_eq!(items, [("I/1", 3_333), ("I/2", 3_333), ("I/3", 3_334)]);
        assert_eq!(world.position("A").await.schedule.len(), 3);
    }

    async fn the_same_document_again_changes_nothing_and_answers_the_same(db: Db) {
        let world = world(&db).await;
        let first = world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 10_000)).await.unwrap();
        world.pay(payment("A", "P", "2026-03-10", 4_000)).await.unwrap();
        let before = world.position("A").await;
        let again = world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 10_000)).await.unwrap();
        assert_eq!(again.items, first.items);
        assert_eq!(world.position("A").await, before);
    }

    async fn the_same_number_with_other_content_is_refused(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 10_000)).await.unwrap();
        for other in [
            invoice("A", "I", "2026-03-01", "2026-03-31", 10_001),
            invoice("B", "I", "2026-03-01", "2026-03-31", 10_000),
            invoice("A", "I", "2026-03-01", "2026-04-01", 10_000),
        ] {
            let status = world.post(other).await.unwrap_err();
            assert_eq!(why(&status), (Code::AlreadyExists, "DOCUMENT_MISMATCH".to_owned()));
        }
        assert_eq!(world.open("I").await, 10_000);
    }

    async fn a_number_that_is_the_id_of_an_instalment_is_taken(db: Db) {
        let world = world(&db).await;
        let row = |date: &str| pb::Instalment { due_date: day(date), amount: None };
        let instalments = vec![row("2026-04-01"), row("2026-05-01")];
        let plan = pb::Invoice { due: None, instalments, ..invoice("A", "I", "2026-03-01", "2026-03-01", 100) };
        world.post(plan).await.unwrap();
        let status = world.post(invoice("B", "I/2", "2026-03-01", "2026-03-31", 5)).await.unwrap_err();
        assert_eq!(why(&status), (Code::AlreadyExists, "DOCUMENT_MISMATCH".to_owned()));
    }

    async fn a_request_id_answers_once_and_refuses_other_content(db: Db) {
        let world = world(&db).await;
        let request = |minor| pb::PostInvoiceRequest {
            request_id: "r-1".to_owned(),
            invoice: Some(invoice("A", "I", "2026-03-01", "2026-03-31", minor)),
        };
        let mut client = world.client.clone();
        let first = client.post_invoice(request(100)).await.unwrap().into_inner();
        assert_eq!(client.post_invoice(request(100)).await.unwrap().into_inner(), first);
        let status = client.post_invoice(request(101)).await.unwrap_err();
        assert_eq!(why(&status), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH".to_owned()));
    }

    async fn invoiced_order_lines_are_told_cumulatively(db: Db) {
        let world = world(&db).await;
        let of = |number: &str, lines| pb::Invoice {
            amount: None,
            lines,
            ..invoice("A", number, "2026-03-01", "2026-03-31", 1)
        };
        world.post(of("I-1", vec![line("O", "1", 6_000), line("O", "2", 500)])).await.unwrap();
        let second = world.post(of("I-2", vec![line("O", "1", 1_000)])).await.unwrap();
        assert_eq!(second.items[0].order_id, "O");
        assert_eq!(minor(second.items[0].amount.as_ref()), 1_000);
        let told = super::feed::last_change(&world).await;
        let [invoiced] = told.order_lines_invoiced.as_slice() else { panic!("one line was touched") };
        assert_eq!((invoiced.line_id.as_str(), minor(invoiced.invoiced_amount.as_ref())), ("1", 7_000));
    }

    async fn cancelling_takes_the_order_lines_and_the_sale_back(db: Db) {
        let world = world(&db).await;
        let lines = vec![line("O", "1", 6_000)];
        world.post(pb::Invoice { lines, ..invoice("A", "I", "2026-03-01", "2026-03-31", 6_500) }).await.unwrap();
        let request = pb::CancelDocumentRequest {
            document_number: "I".to_owned(),
            reason: "wrong customer".to_owned(),
            ..pb::CancelDocumentRequest::default()
        };
        let mut client = world.client.clone();
        let cancelled = client.cancel_document(request.clone()).await.unwrap().into_inner();
        assert_eq!(cancelled.items[0].state(), pb::ItemState::Settled);
        let told = super::feed::last_change(&world).await;
        assert_eq!(minor(told.order_lines_invoiced[0].invoiced_amount.as_ref()), 0);
        assert!(told.schedule.is_empty());
        assert!(told.payment_behaviour.unwrap().sales.is_empty());
        assert_eq!(world.item("I").await.cancellation_reason, "wrong customer");
        let status = client.cancel_document(request).await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "WRONG_STATE".to_owned()));
    }

    async fn what_is_partly_paid_cannot_be_cancelled(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 6_500)).await.unwrap();
        world.pay(payment("A", "P", "2026-03-10", 1)).await.unwrap();
        let request = pb::CancelDocumentRequest {
            document_number: "I".to_owned(),
            reason: "no".to_owned(),
            ..pb::CancelDocumentRequest::default()
        };
        let status = world.client.clone().cancel_document(request).await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "WRONG_STATE".to_owned()));
    }

    async fn a_credit_note_reduces_what_it_corrects_and_the_rest_is_unapplied(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 1_000)).await.unwrap();
        let posted = world.credit(note("A", "CN", 1_500, "I")).await.unwrap();
        assert_eq!(posted.allocations.len(), 1);
        assert_eq!(minor(posted.item.unwrap().open_amount.as_ref()), 500);
        assert_eq!(world.open("I").await, 0);
        assert_eq!(minor(world.position("A").await.unapplied_credit.as_ref()), 500);
    }

    async fn a_free_credit_note_is_unapplied_credit_as_a_whole(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 1_000)).await.unwrap();
        world.credit(note("A", "CN", 300, "")).await.unwrap();
        assert_eq!(world.open("I").await, 1_000);
        assert_eq!(minor(world.position("A").await.unapplied_credit.as_ref()), 300);
    }

    async fn a_credit_note_for_a_strangers_document_is_refused(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 1_000)).await.unwrap();
        let status = world.credit(note("B", "CN", 300, "I")).await.unwrap_err();
        assert_eq!(why(&status), (Code::NotFound, "NOT_FOUND".to_owned()));
    }

    async fn a_disputed_amount_stays_owed(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-10", 1_000)).await.unwrap();
        let item = world.dispute("I", "A", 400).await.unwrap();
        assert_eq!(minor(item.disputed_amount.as_ref()), 400);
        let position = world.position("A").await;
        assert_eq!(minor(position.schedule[0].open_amount.as_ref()), 1_000);
        assert_eq!(minor(position.schedule[0].disputed_amount.as_ref()), 400);
    }

    async fn no_more_is_disputed_than_is_open(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-10", 1_000)).await.unwrap();
        world.dispute("I", "A", 400).await.unwrap();
        world.pay(payment("A", "P", "2026-03-15", 700)).await.unwrap();
        assert_eq!(minor(world.position("A").await.schedule[0].disputed_amount.as_ref()), 300);
        let status = world.dispute("I", "A", 1_001).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
    }

    async fn a_dispute_of_an_item_of_another_account_is_not_found(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-10", 1_000)).await.unwrap();
        assert_eq!(world.dispute("I", "B", 1).await.unwrap_err().code(), Code::NotFound);
    }

    async fn a_charge_is_owed_and_is_no_sale(db: Db) {
        let world = world(&db).await;
        let charge = pb::Charge {
            account_id: "A".to_owned(),
            document_number: "FEE".to_owned(),
            document_date: day("2026-03-01"),
            amount: fen(50),
            ..pb::Charge::default()
        };
        let request = pb::PostChargeRequest { request_id: String::new(), charge: Some(charge) };
        world.client.clone().post_charge(request).await.unwrap();
        let position = world.position("A").await;
        assert_eq!(minor(position.schedule[0].open_amount.as_ref()), 50);
        assert!(position.payment_behaviour.unwrap().sales.is_empty());
    }

    async fn an_overflowing_sum_is_refused_and_nothing_is_written(db: Db) {
        let world = world(&db).await;
        let huge = i64::MAX - 10;
        world.post(invoice("A", "I-1", "2026-03-01", "2026-03-31", huge)).await.unwrap();
        let before = world.position("A").await;
        let status = world.post(invoice("A", "I-2", "2026-03-01", "2026-03-31", 11)).await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "AMOUNT_OVERFLOW".to_owned()));
        // sales of the month overflow although nothing stays open
        world.pay(payment("A", "P", "2026-03-10", huge)).await.unwrap();
        let status = world.post(invoice("A", "I-2", "2026-03-01", "2026-03-31", 11)).await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "AMOUNT_OVERFLOW".to_owned()));
        assert_eq!(world.position("A").await.version, before.version + 1);
    }

    async fn currencies_of_one_account_never_mix(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-03-01", "2026-03-31", 1_000)).await.unwrap();
        let yen = pb::Invoice { amount: money("JPY", 700), ..invoice("A", "I-2", "2026-03-01", "2026-03-31", 1) };
        world.post(yen).await.unwrap();
        let paid = world.pay(pb::PaymentAdvice { amount: money("JPY", 900), ..payment("A", "P", "2026-03-05", 1) }).await;
        assert_eq!(minor(paid.unwrap().payment.unwrap().unapplied_amount.as_ref()), 200);
        assert_eq!((world.open("I-1").await, world.open("I-2").await), (1_000, 0));
        let request = pb::GetAccountPositionRequest { account_id: "A".to_owned() };
        let positions = world.client.clone().get_account_position(request).await.unwrap().into_inner().positions;
        let codes: Vec<_> = positions.iter().map(|position| position.currency_code.as_str()).collect();
        assert_eq!(codes, ["CNY", "JPY"]);
    }
}
