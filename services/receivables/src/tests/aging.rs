//! Aging as of any date, as known at any instant, by account and attribute, page by page.

use weir_store::{Db, on_both_databases};
use weir_wire::{emit, receivables::v1 as pb};

use super::world::{World, amounts, date, day, fen, invoice, minor, noon, payment, world};

fn outstanding(row: &pb::AgingRow) -> i64 {
    minor(row.outstanding_amount.as_ref())
}

/// Due 30 days before, on, and after 31 March, and long ago.
async fn some_items(world: &World) {
    for (number, dated, due, amount) in [
        ("I-1", "2026-01-01", "2026-03-01", 100),
        ("I-2", "2026-01-01", "2026-02-28", 200),
        ("I-3", "2026-03-01", "2026-03-31", 400),
        ("I-4", "2026-03-01", "2026-04-30", 800),
        ("I-5", "2025-06-01", "2025-07-01", 1_600),
    ] {
        world.post(invoice("A", number, dated, due, amount)).await.unwrap();
    }
}

on_both_databases! {
    async fn items_fall_into_buckets_by_days_past_due(db: Db) {
        let world = world(&db).await;
        some_items(&world).await;
        let aged = world.aged("2026-03-31").await;
        let labels: Vec<_> = aged.buckets.iter().map(|bucket| bucket.label.as_str()).collect();
        assert_eq!(labels, ["current", "1-30", "31-60", "61-90", "91-120", "121+"]);
        assert_eq!(amounts(&aged.rows[0]), [1_200, 100, 200, 0, 0, 1_600]);
        assert_eq!(outstanding(&aged.rows[0]), 3_100);
        assert_eq!(aged.rows[0].item_count, 5);
    }

    async fn age_can_be_counted_from_the_document_date(db: Db) {
        let world = world(&db).await;
        some_items(&world).await;
        let request = pb::GetAgingRequest { basis: pb::AgingBasis::DocumentDate.into(), ..pb::GetAgingRequest::default() };
        let aged = world.aging(request).await;
        // 30 days, 30 days, 89 days twice, and long ago
        assert_eq!(amounts(&aged.rows[0]), [0, 1_200, 0, 300, 0, 1_600]);
    }

    async fn buckets_are_the_callers_choice(db: Db) {
        let world = world(&db).await;
        some_items(&world).await;
        let request = pb::GetAgingRequest {
            bucket_days: vec![10, 30],
            not_due_bucket_days: vec![7],
            ..pb::GetAgingRequest::default()
        };
        assert_eq!(amounts(&world.aging(request).await.rows[0]), [800, 400, 0, 100, 1_800]);
    }

    async fn unapplied_credit_stands_in_its_own_column(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-01-01", "2026-03-01", 100)).await.unwrap();
        let idle = pb::PaymentAdvice { allocation_mode: pb::AllocationMode::None.into(), ..payment("A", "P", "2026-03-15", 250) };
        world.pay(idle).await.unwrap();
        let aged = world.aged("2026-03-31").await;
        assert_eq!(amounts(&aged.rows[0]), [0, 100, 0, 0, 0, 0]);
        assert_eq!((minor(aged.rows[0].unapplied_amount.as_ref()), outstanding(&aged.rows[0])), (-250, -150));
    }

    async fn a_past_date_sees_neither_later_items_nor_later_payments(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-01-05", "2026-02-05", 100)).await.unwrap();
        world.post(invoice("A", "I-2", "2026-02-20", "2026-03-20", 1_000)).await.unwrap();
        world.pay(payment("A", "P", "2026-02-15", 100)).await.unwrap();
        for (as_of, expected) in [("2026-01-04", 0), ("2026-01-05", 100), ("2026-02-14", 100), ("2026-02-15", 0), ("2026-02-20", 1_000)] {
            let total: i64 = world.aged(as_of).await.rows.iter().map(outstanding).sum();
            assert_eq!(total, expected, "as of {as_of}");
        }
    }

    async fn a_bounce_is_seen_from_its_date_on(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-01-05", "2026-02-05", 100)).await.unwrap();
        world.pay(payment("A", "P", "2026-02-15", 100)).await.unwrap();
        world.bounce("P").await.unwrap();
        let open = async |as_of| world.aged(as_of).await.rows.iter().map(outstanding).sum::<i64>();
        assert_eq!((open("2026-02-14").await, open("2026-03-30").await, open("2026-03-31").await), (100, 0, 100));
    }

    async fn what_was_recorded_later_was_not_known(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-01-05", "2026-02-05", 100)).await.unwrap();
        let then = world.clock.now();
        world.clock.set(noon(date(2026, 4, 10)));
        world.pay(payment("A", "P", "2026-02-15", 60)).await.unwrap();
        let known = |at| pb::GetAgingRequest {
            as_of_date: day("2026-03-31"),
            known_at_time: Some(emit::timestamp(at)),
            ..pb::GetAgingRequest::default()
        };
        assert_eq!(outstanding(&world.aging(known(then)).await.rows[0]), 100);
        assert_eq!(outstanding(&world.aging(known(world.clock.now())).await.rows[0]), 40);
        assert_eq!(outstanding(&world.aged("2026-03-31").await.rows[0]), 40);
    }

    async fn a_dispute_is_seen_from_its_date_on(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-01-05", "2026-02-05", 100)).await.unwrap();
        world.dispute("I", "A", 30).await.unwrap();
        let disputed = |aged: pb::GetAgingResponse| minor(aged.rows[0].disputed_amount.as_ref());
        assert_eq!(disputed(world.aged("2026-03-30").await), 0);
        assert_eq!(disputed(world.aged("2026-03-31").await), 30);
    }

    async fn rows_can_stand_for_an_attribute(db: Db) {
        let world = world(&db).await;
        for (account, number, region, amount) in [("A", "I-1", "east", 100), ("B", "I-2", "east", 200), ("C", "I-3", "", 400)] {
            let attributes = Some(pb::Attributes { region: region.to_owned(), ..pb::Attributes::default() });
            world.post(pb::Invoice { attributes, ..invoice(account, number, "2026-03-01", "2026-03-31", amount) }).await.unwrap();
        }
        world.pay(payment("D", "P", "2026-03-05", 50)).await.unwrap();
        let request = pb::GetAgingRequest { group_by: pb::AgingGroup::Region.into(), ..pb::GetAgingRequest::default() };
        let aged = world.aging(request).await;
        let rows: Vec<_> = aged.rows.iter().map(|row| (row.group.as_str(), outstanding(row))).collect();
        assert_eq!(rows, [("", 350), ("east", 300)]);
        assert_eq!(outstanding(&aged.totals[0]), 650);
    }

    async fn an_aging_comes_page_by_page_with_totals_over_all(db: Db) {
        let world = world(&db).await;
        for n in 0..5 {
            world.post(invoice(&format!("A-{n}"), &format!("I-{n}"), "2026-03-01", "2026-03-31", 10)).await.unwrap();
        }
        let request = |token| pb::GetAgingRequest { page_size: 2, page_token: token, ..pb::GetAgingRequest::default() };
        let first = world.aging(request(String::new())).await;
        let second = world.aging(request(first.next_page_token.clone())).await;
        let third = world.aging(request(second.next_page_token.clone())).await;
        let groups: Vec<_> = [&first, &second, &third].iter().flat_map(|page| page.rows.iter().map(|row| row.group.clone())).collect();
        assert_eq!(groups, ["A-0", "A-1", "A-2", "A-3", "A-4"]);
        assert!(third.next_page_token.is_empty());
        assert_eq!(outstanding(&second.totals[0]), 50);
        let other = pb::GetAgingRequest { account_id: "A-1".to_owned(), ..request(first.next_page_token) };
        let status = world.client.clone().get_aging(other).await.unwrap_err();
        assert_eq!(super::world::bad_fields(&status), ["page_token"]);
    }

    async fn open_items_are_listed_oldest_due_first(db: Db) {
        let world = world(&db).await;
        some_items(&world).await;
        world.pay(payment("A", "P", "2026-03-20", 1_600)).await.unwrap();
        let list = async |request: pb::ListOpenItemsRequest| {
            let items = world.client.clone().list_open_items(request).await.unwrap().into_inner().items;
            items.into_iter().map(|item| item.item_id).collect::<Vec<_>>()
        };
        let all = pb::ListOpenItemsRequest::default();
        assert_eq!(list(all.clone()).await, ["I-2", "I-1", "I-3", "I-4"]);
        let overdue = pb::ListOpenItemsRequest { days_past_due_min: Some(1), ..all.clone() };
        assert_eq!(list(overdue).await, ["I-2", "I-1"]);
        let with_settled = pb::ListOpenItemsRequest { include_settled: true, ..all.clone() };
        assert_eq!(list(with_settled).await, ["I-5", "I-2", "I-1", "I-3", "I-4"]);
        let before = pb::ListOpenItemsRequest { as_of_date: day("2026-02-01"), ..all.clone() };
        assert_eq!(list(before).await, ["I-5", "I-2", "I-1"]);
        world.dispute("I-3", "A", 1).await.unwrap();
        assert_eq!(list(pb::ListOpenItemsRequest { disputed_only: true, ..all }).await, ["I-3"]);
    }

    async fn items_come_page_by_page(db: Db) {
        let world = world(&db).await;
        some_items(&world).await;
        let request = |token| pb::ListOpenItemsRequest { page_size: 2, page_token: token, ..pb::ListOpenItemsRequest::default() };
        let mut client = world.client.clone();
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let page = client.list_open_items(request(token)).await.unwrap().into_inner();
            seen.extend(page.items.into_iter().map(|item| item.item_id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, ["I-5", "I-2", "I-1", "I-3", "I-4"]);
    }

    async fn a_credit_note_in_use_counts_what_is_left_of_it_on_each_day(db: Db) {
        let world = world(&db).await;
        let note = pb::CreditNote {
            account_id: "A".to_owned(),
            document_number: "CN".to_owned(),
            document_date: day("2026-02-01"),
            amount: fen(100),
            ..pb::CreditNote::default()
        };
        world.credit(note).await.unwrap();
        world.post(invoice("A", "I", "2026-02-10", "2026-03-10", 100)).await.unwrap();
        let request = pb::AllocatePaymentRequest {
            request_id: "r".to_owned(),
            source: Some(pb::allocate_payment_request::Source::CreditNoteItemId("CN".to_owned())),
            item_id: "I".to_owned(),
            amount: None,
            effective_date: day("2026-02-20"),
        };
        world.client.clone().allocate_payment(request).await.unwrap();
        let row = async |as_of| {
            let aged = world.aged(as_of).await;
            aged.rows.first().map(|row| (row.item_count, minor(row.unapplied_amount.as_ref())))
        };
        assert_eq!(row("2026-02-05").await, Some((0, -100)));
        assert_eq!(row("2026-02-15").await, Some((1, -100)));
        assert_eq!(row("2026-02-20").await, None);
    }
}
