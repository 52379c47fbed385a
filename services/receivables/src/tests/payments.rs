//! Payments, allocations, and what is taken back.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::receivables::v1 as pb;

use super::world::{World, date, day, fen, invoice, minor, naming, noon, payment, why, world};

async fn allocate(
    world: &World,
    payment: &str,
    item: &str,
    part: Option<i64>,
) -> Result<pb::AllocatePaymentResponse, tonic::Status> {
    let request = pb::AllocatePaymentRequest {
        request_id: format!("{payment}-{item}-{part:?}").replace(['(', ')', ' '], ""),
        source: Some(pb::allocate_payment_request::Source::PaymentId(payment.to_owned())),
        item_id: item.to_owned(),
        amount: part.and_then(fen),
        effective_date: None,
    };
    Ok(world.client.clone().allocate_payment(request).await?.into_inner())
}

async fn take_back(world: &World, allocation: &str, on: &str) -> Result<pb::ReverseAllocationResponse, tonic::Status> {
    let request = pb::ReverseAllocationRequest {
        allocation_id: allocation.to_owned(),
        effective_date: day(on),
        ..pb::ReverseAllocationRequest::default()
    };
    Ok(world.client.clone().reverse_allocation(request).await?.into_inner())
}

on_both_databases! {
    async fn a_payment_settles_what_it_names(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        world.post(invoice("A", "I-2", "2026-02-01", "2026-03-10", 1_000)).await.unwrap();
        let paid = world.pay(naming(payment("A", "P", "2026-03-05", 1_000), &["I-2", "I-9"])).await.unwrap();
        assert_eq!(paid.unmatched_document_numbers, ["I-9"]);
        assert_eq!((world.open("I-1").await, world.open("I-2").await), (1_000, 0));
        let item = world.item("I-2").await.item.unwrap();
        assert_eq!((item.state(), item.settled_date), (pb::ItemState::Settled, day("2026-03-05")));
    }

    async fn what_no_item_takes_stays_unapplied(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        let paid = world.pay(payment("A", "P", "2026-03-05", 1_250)).await.unwrap();
        assert_eq!(minor(paid.payment.unwrap().unapplied_amount.as_ref()), 250);
        assert_eq!(minor(world.position("A").await.unapplied_credit.as_ref()), 250);
    }

    async fn the_same_payment_again_changes_nothing_and_other_content_is_refused(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        let first = world.pay(payment("A", "P", "2026-03-05", 400)).await.unwrap();
        let again = world.pay(payment("A", "P", "2026-03-05", 400)).await.unwrap();
        assert_eq!((again.payment, again.allocations), (first.payment, first.allocations));
        assert_eq!(world.open("I-1").await, 600);
        let status = world.pay(payment("A", "P", "2026-03-05", 401)).await.unwrap_err();
        assert_eq!(why(&status), (Code::AlreadyExists, "DOCUMENT_MISMATCH".to_owned()));
    }

    async fn unapplied_credit_can_be_allocated_up_to_both_sides(db: Db) {
        let world = world(&db).await;
        world.pay(payment("A", "P", "2026-03-05", 700)).await.unwrap();
        world.post(invoice("A", "I-1", "2026-03-10", "2026-03-20", 500)).await.unwrap();
        for (part, reason) in [(501, "OVER_ALLOCATION"), (701, "OVER_ALLOCATION")] {
            let status = allocate(&world, "P", "I-1", Some(part)).await.unwrap_err();
            assert_eq!(why(&status), (Code::FailedPrecondition, reason.to_owned()));
        }
        let done = allocate(&world, "P", "I-1", None).await.unwrap();
        assert_eq!(minor(done.allocation.unwrap().amount.as_ref()), 500);
        assert_eq!(minor(world.position("A").await.unapplied_credit.as_ref()), 200);
        let status = allocate(&world, "P", "I-1", Some(1)).await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "OVER_ALLOCATION".to_owned()));
    }

    async fn credit_of_another_account_is_not_found(db: Db) {
        let world = world(&db).await;
        world.pay(payment("B", "P", "2026-03-05", 700)).await.unwrap();
        world.post(invoice("A", "I-1", "2026-03-10", "2026-03-20", 500)).await.unwrap();
        assert_eq!(allocate(&world, "P", "I-1", None).await.unwrap_err().code(), Code::NotFound);
    }

    async fn an_allocation_counts_neither_before_the_money_nor_before_the_item(db: Db) {
        let world = world(&db).await;
        world.pay(payment("A", "P", "2026-03-05", 700)).await.unwrap();
        world.post(invoice("A", "I-1", "2026-03-10", "2026-03-20", 500)).await.unwrap();
        let request = pb::AllocatePaymentRequest {
            request_id: "r".to_owned(),
            source: Some(pb::allocate_payment_request::Source::PaymentId("P".to_owned())),
            item_id: "I-1".to_owned(),
            amount: None,
            effective_date: day("2026-03-09"),
        };
        let status = world.client.clone().allocate_payment(request).await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "WRONG_STATE".to_owned()));
    }

    async fn what_is_taken_back_is_open_again_with_its_own_age(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-01-10", "2026-02-10", 1_000)).await.unwrap();
        let paid = world.pay(payment("A", "P", "2026-02-20", 1_000)).await.unwrap();
        let back = take_back(&world, &paid.allocations[0].allocation_id, "2026-03-01").await.unwrap();
        assert_eq!(minor(back.reversal.unwrap().amount.as_ref()), -1_000);
        let item = world.item("I").await;
        assert_eq!(item.item.unwrap().due_date, day("2026-02-10"));
        assert_eq!(item.days_past_due, 49);
        assert_eq!(minor(world.position("A").await.unapplied_credit.as_ref()), 1_000);
        let status = take_back(&world, &paid.allocations[0].allocation_id, "2026-03-02").await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "ALREADY_REVERSED".to_owned()));
    }

    async fn an_allocation_is_not_taken_back_before_it_counted(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-01-10", "2026-02-10", 1_000)).await.unwrap();
        let paid = world.pay(payment("A", "P", "2026-02-20", 1_000)).await.unwrap();
        let status = take_back(&world, &paid.allocations[0].allocation_id, "2026-02-19").await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "WRONG_STATE".to_owned()));
    }

    async fn a_bounced_payment_brings_its_items_back(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-01-10", "2026-02-10", 1_000)).await.unwrap();
        world.post(invoice("A", "I-2", "2026-01-10", "2026-02-15", 1_000)).await.unwrap();
        world.pay(payment("A", "P", "2026-02-20", 2_500)).await.unwrap();
        let bounced = world.bounce("P").await.unwrap();
        assert_eq!(bounced.items.len(), 2);
        assert_eq!(bounced.payment.unwrap().state(), pb::PaymentState::Reversed);
        let position = world.position("A").await;
        let due: Vec<_> = position.schedule.iter().map(|due| (due.due_date, minor(due.open_amount.as_ref()))).collect();
        assert_eq!(due, [(day("2026-02-10"), 1_000), (day("2026-02-15"), 1_000)]);
        assert_eq!(minor(position.unapplied_credit.as_ref()), 0);
        let status = world.bounce("P").await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "ALREADY_REVERSED".to_owned()));
        assert_eq!(world.bounce("none").await.unwrap_err().code(), Code::NotFound);
    }

    async fn a_payment_without_number_needs_a_request_id(db: Db) {
        let world = world(&db).await;
        let status = world.pay(payment("A", "", "2026-03-05", 700)).await.unwrap_err();
        assert_eq!(super::world::bad_fields(&status), ["request_id"]);
    }

    async fn a_future_dated_payment_is_shown_apart(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-10", "2026-04-10", 1_000)).await.unwrap();
        world.pay(payment("A", "P", "2026-04-05", 1_000)).await.unwrap();
        assert_eq!(minor(world.position("A").await.unapplied_credit.as_ref()), 0);
        let aged = world.aged("2026-03-31").await;
        assert_eq!(minor(aged.rows[0].future_dated_amount.as_ref()), 1_000);
        assert_eq!(minor(aged.rows[0].unapplied_amount.as_ref()), 0);
        assert_eq!(minor(aged.rows[0].outstanding_amount.as_ref()), 1_000);
    }

    async fn a_future_dated_payment_that_could_not_be_booked_is_refused_at_once(db: Db) {
        let world = world(&db).await;
        world.pay(payment("A", "P-0", "2026-03-31", i64::MAX - 5)).await.unwrap();
        let status = world.pay(payment("A", "P-1", "2026-04-05", 6)).await.unwrap_err();
        assert_eq!(why(&status), (Code::FailedPrecondition, "AMOUNT_OVERFLOW".to_owned()));
        world.pay(payment("A", "P-2", "2026-04-05", 5)).await.unwrap();
    }

    async fn a_future_dated_payment_can_be_taken_back_at_once(db: Db) {
        let world = world(&db).await;
        world.pay(payment("A", "P", "2026-04-05", 1_000)).await.unwrap();
        world.bounce("P").await.unwrap();
        assert!(world.aged("2026-03-31").await.rows.is_empty());
        world.clock.set(noon(date(2026, 4, 10)));
        assert!(world.aged("2026-04-10").await.rows.is_empty());
    }

    async fn an_item_tells_its_whole_story(db: Db) {
        let world = world(&db).await;
        let attributes = Some(pb::Attributes { region: "east".to_owned(), ..pb::Attributes::default() });
        let order = pb::InvoiceLine { order_id: "O".to_owned(), line_id: "1".to_owned(), amount: fen(900) };
        let posted = pb::Invoice { attributes, lines: vec![order], ..invoice("A", "I", "2026-01-10", "2026-02-10", 1_000) };
        world.post(posted).await.unwrap();
        world.pay(payment("A", "P", "2026-02-20", 400)).await.unwrap();
        world.bounce("P").await.unwrap();
        world.dispute("I", "A", 100).await.unwrap();
        let story = world.item("I").await;
        let amounts: Vec<i64> = story.allocations.iter().map(|fact| minor(fact.amount.as_ref())).collect();
        assert_eq!(amounts, [400, -400]);
        assert_eq!(story.lines[0].order_id, "O");
        assert_eq!((story.disputes.len(), story.alerts.len()), (1, 5));
        assert_eq!((story.recorded_by.as_str(), story.attributes.unwrap().region.as_str()), ("fiona", "east"));
        let request = pb::GetPaymentRequest { payment_id: "P".to_owned() };
        let paid = world.client.clone().get_payment(request).await.unwrap().into_inner();
        assert_eq!((paid.allocations.len(), paid.reversal_reason.as_str()), (2, "bounced"));
    }
}
