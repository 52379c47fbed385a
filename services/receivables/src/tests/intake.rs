//! Bulk intake: per-row results, good rows kept, twice changes nothing.

use futures::{StreamExt as _, stream};
use weir_store::{Db, on_both_databases};
use weir_wire::{
    common::v1::ErrorReason,
    receivables::v1::{self as pb, import_row::Fact},
};

use super::world::{World, day, fen, invoice, minor, naming, payment, world};

async fn import(world: &World, batches: Vec<Vec<Fact>>) -> Vec<pb::ImportRowResult> {
    let mut row_number = 0;
    let mut messages = Vec::new();
    for batch in batches {
        let mut rows = Vec::new();
        for fact in batch {
            row_number += 1;
            rows.push(pb::ImportRow { row_number, fact: Some(fact) });
        }
        messages.push(pb::ImportReceivablesRequest { rows });
    }
    let mut answers = world.client.clone().import_receivables(stream::iter(messages)).await.unwrap().into_inner();
    let mut results = Vec::new();
    while let Some(answer) = answers.next().await {
        results.extend(answer.unwrap().results);
    }
    results
}

fn outcomes(results: &[pb::ImportRowResult]) -> Vec<pb::ImportOutcome> {
    results.iter().map(pb::ImportRowResult::outcome).collect()
}

fn whole_dispute(account: &str, item: &str) -> Fact {
    Fact::Dispute(pb::Dispute {
        account_id: account.to_owned(),
        item_id: item.to_owned(),
        extent: Some(pb::dispute::Extent::Whole(true)),
        reason: "disputed".to_owned(),
        effective_date: day("2026-03-01"),
        ..pb::Dispute::default()
    })
}

fn a_file() -> Vec<Fact> {
    vec![
        Fact::Invoice(invoice("A", "I-1", "2026-01-01", "2026-01-31", 100)),
        Fact::Invoice(invoice("B", "I-2", "2026-01-02", "2026-02-01", 200)),
        whole_dispute("B", "I-2"),
        Fact::Payment(naming(payment("A", "P-1", "2026-02-05", 100), &["I-1"])),
        Fact::CreditNote(pb::CreditNote {
            account_id: "B".to_owned(),
            document_number: "CN-1".to_owned(),
            document_date: day("2026-02-10"),
            amount: fen(50),
            corrected_document_number: "I-2".to_owned(),
            ..pb::CreditNote::default()
        }),
    ]
}

use pb::ImportOutcome::{Posted, Refused, Unchanged};

on_both_databases! {
    async fn every_row_gets_its_result_in_order(db: Db) {
        let world = world(&db).await;
        let results = import(&world, vec![a_file()]).await;
        assert_eq!(outcomes(&results), [Posted; 5]);
        assert_eq!(results.iter().map(|result| result.row_number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!((world.open("I-1").await, world.open("I-2").await), (0, 150));
        super::audit::assert_rebuilds(&db).await;
    }

    async fn the_same_file_twice_changes_nothing(db: Db) {
        let world = world(&db).await;
        import(&world, vec![a_file()]).await;
        let before = (world.position("A").await, world.position("B").await, super::feed::entries(&world).await.len());
        assert_eq!(outcomes(&import(&world, vec![a_file()]).await), [Unchanged; 5]);
        // also row by row, and twice within one message
        let rows = a_file().into_iter().map(|fact| vec![fact]).collect();
        assert_eq!(outcomes(&import(&world, rows).await), [Unchanged; 5]);
        let after = (world.position("A").await, world.position("B").await, super::feed::entries(&world).await.len());
        assert_eq!(after, before);
    }

    async fn a_row_twice_in_one_message_is_posted_once(db: Db) {
        let world = world(&db).await;
        let row = || Fact::Invoice(invoice("A", "I-1", "2026-01-01", "2026-01-31", 100));
        let other = Fact::Invoice(invoice("A", "I-1", "2026-01-01", "2026-01-31", 101));
        let results = import(&world, vec![vec![row(), row(), other]]).await;
        assert_eq!(outcomes(&results), [Posted, Unchanged, Refused]);
        assert_eq!(results[2].reason(), ErrorReason::DocumentMismatch);
    }

    async fn a_bad_row_is_told_with_all_its_bad_fields_and_the_good_ones_are_kept(db: Db) {
        let world = world(&db).await;
        let rows = vec![
            Fact::Invoice(invoice("A", "I-1", "2026-01-01", "2026-01-31", 100)),
            Fact::Invoice(invoice("", "I-2", "2026-01-31", "2026-01-01", 0)),
            Fact::Payment(payment("A", "", "2026-02-05", 100)),
            whole_dispute("A", "I-9"),
            Fact::Invoice(invoice("A", "I-3", "2026-01-01", "2026-01-31", 300)),
        ];
        let results = import(&world, vec![rows]).await;
        assert_eq!(outcomes(&results), [Posted, Refused, Refused, Refused, Posted]);
        let paths = |n: usize| results[n].field_violations.iter().map(|bad| bad.path.as_str()).collect::<Vec<_>>();
        assert_eq!(paths(1), ["invoice.account_id", "invoice.amount", "invoice.due_date"]);
        assert_eq!(paths(2), ["payment.payment_number"]);
        assert_eq!((results[3].reason(), results[1].reason()), (ErrorReason::NotFound, ErrorReason::InvalidArgument));
        assert_eq!((world.open("I-1").await, world.open("I-3").await), (100, 300));
    }

    async fn a_refused_row_leaves_nothing_of_itself(db: Db) {
        let world = world(&db).await;
        let huge = i64::MAX - 5;
        let rows = vec![
            Fact::Invoice(invoice("A", "I-1", "2026-01-01", "2026-01-31", huge)),
            Fact::Invoice(invoice("A", "I-2", "2026-01-01", "2026-01-31", 6)),
            Fact::Invoice(invoice("A", "I-3", "2025-12-01", "2026-01-31", 5)),
        ];
        let results = import(&world, vec![rows]).await;
        assert_eq!(outcomes(&results), [Posted, Refused, Posted]);
        assert_eq!(results[1].reason(), ErrorReason::AmountOverflow);
        assert_eq!(minor(world.position("A").await.schedule[0].open_amount.as_ref()), i64::MAX);
    }

    async fn too_many_rows_in_a_message_are_refused(db: Db) {
        let world = world(&db).await;
        let rows = (0..1_001).map(|row_number| pb::ImportRow { row_number, fact: None }).collect();
        let messages = stream::iter([pb::ImportReceivablesRequest { rows }]);
        let mut answers = world.client.clone().import_receivables(messages).await.unwrap().into_inner();
        let status = answers.next().await.unwrap().unwrap_err();
        assert_eq!(super::world::bad_fields(&status), ["rows"]);
    }

    async fn a_message_that_opens_too_many_items_is_refused_as_a_whole(db: Db) {
        let world = world(&db).await;
        let row = |n: usize| {
            let due_date = Some(weir_wire::emit::date(super::world::date(2026, 1, 1) + chrono::Days::new(n as u64)));
            pb::Instalment { due_date, amount: None }
        };
        let posted = |number: usize, instalments: usize| {
            let instalments = (0..instalments).map(row).collect();
            let posted = invoice("A", &format!("I-{number}"), "2026-01-01", "2026-01-01", 1_000);
            Fact::Invoice(pb::Invoice { due: None, instalments, ..posted })
        };
        let send = async |facts: Vec<Fact>| {
            let rows = facts.into_iter().map(|fact| pb::ImportRow { row_number: 1, fact: Some(fact) }).collect();
            let messages = stream::iter([pb::ImportReceivablesRequest { rows }]);
            world.client.clone().import_receivables(messages).await.unwrap().into_inner().next().await.unwrap()
        };
        // 20 × 100 + 1
        let many = |last| (0..20).map(|number| posted(number, 100)).chain(last).collect::<Vec<_>>();
        let status = send(many(Some(posted(20, 1)))).await.unwrap_err();
        assert_eq!(super::world::bad_fields(&status), ["rows"]);
        assert!(world.aged("2026-03-31").await.rows.is_empty());
        assert_eq!(send(many(None)).await.unwrap().results.len(), 20);
    }

    async fn any_number_of_item_ids_can_be_looked_up(db: Db) {
        world(&db).await;
        let ids = (0..70_000).map(|n| weir_model::ItemId::parse(&format!("I-{n}")).unwrap()).collect();
        let mut tx = db.begin().await.unwrap();
        assert!(crate::store::document::items_taken(&mut tx, &ids).await.unwrap().is_empty());
    }

    async fn a_message_leaves_one_entry_a_position(db: Db) {
        let world = world(&db).await;
        import(&world, vec![a_file()]).await;
        let entries = super::feed::entries(&world).await;
        let subjects: Vec<_> = entries.iter().map(|entry| entry.header.as_ref().unwrap().subject.as_str()).collect();
        assert_eq!(subjects, ["A/CNY", "B/CNY"]);
        // correct dispute: what is open of I-2 is disputed as a whole
        assert_eq!(minor(world.position("B").await.schedule[0].disputed_amount.as_ref()), 150);
    }

    async fn a_message_may_name_more_documents_than_a_statement_takes(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I-1", "2026-01-01", "2026-01-31", 100)).await.unwrap();
        // 170 payments of 200 references each: more than SQLite's 32,766 parameters
        let advice = |payment_number: usize| {
            let named: Vec<String> = (0..200).map(|n| format!("N-{payment_number}-{n}")).collect();
            let named: Vec<&str> = named.iter().map(String::as_str).collect();
            let advice = naming(payment("A", &format!("P-{payment_number}"), "2026-02-05", 100), &named);
            Fact::Payment(pb::PaymentAdvice { allocation_mode: pb::AllocationMode::NamedOnly.into(), ..advice })
        };
        let results = import(&world, vec![(0..170).map(advice).collect()]).await;
        assert_eq!(outcomes(&results), [Posted; 170]);
        assert_eq!(world.open("I-1").await, 100);
    }
}
