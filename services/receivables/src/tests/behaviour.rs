//! How an account has paid and bought, as the feed tells it.

use weir_store::{Db, on_both_databases};
use weir_wire::receivables::v1 as pb;

use super::world::{World, day, fen, invoice, minor, payment, world};

async fn behaviour(world: &World) -> pb::PaymentBehaviour {
    world.position("A").await.payment_behaviour.unwrap()
}

fn settled(behaviour: &pb::PaymentBehaviour) -> Vec<(i32, i64, i64)> {
    let row = |row: &pb::SettledByLateness| (row.days_late, row.item_count, minor(row.settled_amount.as_ref()));
    behaviour.settled.iter().map(row).collect()
}

on_both_databases! {
    async fn settlements_are_kept_by_lateness(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        world.post(invoice("A", "I-2", "2026-02-01", "2026-03-10", 2_000)).await.unwrap();
        world.post(invoice("A", "I-3", "2026-02-01", "2026-03-20", 3_000)).await.unwrap();
        // 5 days late in part, then 9 days late in full; on the due date; 10 days early
        world.pay(payment("A", "P-1", "2026-03-06", 400)).await.unwrap();
        world.pay(payment("A", "P-2", "2026-03-10", 600)).await.unwrap();
        world.pay(payment("A", "P-3", "2026-03-10", 2_000)).await.unwrap();
        world.pay(payment("A", "P-4", "2026-03-10", 3_000)).await.unwrap();
        let told = behaviour(&world).await;
        assert_eq!(settled(&told), [(-10, 1, 3_000), (0, 1, 2_000), (5, 0, 400), (9, 1, 600)]);
        assert_eq!((told.overdue_item_count, told.days_past_due_max), (1, 9));
        assert_eq!(told.first_invoice_date, day("2026-02-01"));
    }

    async fn a_bounce_leaves_no_trace_in_how_an_account_paid(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        world.pay(payment("A", "P", "2026-03-06", 1_000)).await.unwrap();
        world.bounce("P").await.unwrap();
        let told = behaviour(&world).await;
        assert!(told.settled.is_empty());
        assert_eq!((told.overdue_item_count, told.days_past_due_max), (0, 0));
    }

    async fn what_a_credit_note_settles_was_not_paid(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        let note = pb::CreditNote {
            account_id: "A".to_owned(),
            document_number: "CN".to_owned(),
            document_date: day("2026-03-15"),
            amount: fen(1_000),
            corrected_document_number: "I".to_owned(),
            ..pb::CreditNote::default()
        };
        world.credit(note).await.unwrap();
        assert!(behaviour(&world).await.settled.is_empty());
    }

    async fn sales_are_invoices_less_credit_notes_by_month(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        world.post(invoice("A", "I-2", "2026-02-28", "2026-03-28", 2_000)).await.unwrap();
        world.post(invoice("A", "I-3", "2026-03-01", "2026-04-01", 4_000)).await.unwrap();
        let note = pb::CreditNote {
            account_id: "A".to_owned(),
            document_number: "CN".to_owned(),
            document_date: day("2026-03-15"),
            amount: fen(500),
            ..pb::CreditNote::default()
        };
        world.credit(note).await.unwrap();
        let sales: Vec<_> = behaviour(&world)
            .await
            .sales
            .iter()
            .map(|sales| (sales.month_date, sales.invoice_count, minor(sales.invoiced_amount.as_ref())))
            .collect();
        assert_eq!(sales, [(day("2026-02-01"), 2, 3_000), (day("2026-03-01"), 1, 3_500)]);
    }
}
