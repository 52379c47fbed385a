//! Many at once on one account: versions go up by one each, nothing is paid twice, nothing waits in a circle.

use std::collections::BTreeSet;

use futures::{StreamExt as _, future::join_all, stream};
use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::receivables::v1::{self as pb, import_row::Fact};

use super::world::{invoice, minor, payment, why, world};

on_both_databases! {
    async fn payments_racing_for_one_item_pay_it_exactly_once(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-02-01", "2026-03-01", 1_000)).await.unwrap();
        let tasks = (0..16).map(|n| {
            let mut client = world.client.clone();
            let request = pb::RecordPaymentRequest {
                request_id: format!("r-{n}"),
                payment: Some(payment("A", &format!("P-{n}"), "2026-03-05", 100)),
            };
            tokio::spawn(async move { client.record_payment(request).await.unwrap().into_inner() })
        });
        let answers: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
        let applied: i64 = answers.iter().flat_map(|answer| &answer.allocations).map(|fact| minor(fact.amount.as_ref())).sum();
        assert_eq!((applied, world.open("I").await), (1_000, 0));
        let position = world.position("A").await;
        assert_eq!((minor(position.unapplied_credit.as_ref()), position.version), (600, 17));
        let entries = super::feed::entries(&world).await;
        let versions: Vec<i64> = entries.iter().map(|entry| entry.header.as_ref().unwrap().version).collect();
        assert_eq!(versions, (1..=17).collect::<Vec<_>>(), "the feed tells them in the order of the account");
        let tokens: BTreeSet<i64> = answers.iter().map(|answer| answer.token.as_ref().unwrap().positions[0].position).collect();
        assert_eq!(tokens.len(), 16);
        super::audit::assert_rebuilds(&db).await;
    }

    async fn a_document_racing_with_itself_is_posted_once(db: Db) {
        let world = world(&db).await;
        let tasks = (0..12).map(|n| {
            let mut client = world.client.clone();
            // half of them claim the number for another account
            let account = if n % 2 == 0 { "A" } else { "B" };
            let request = pb::PostInvoiceRequest {
                request_id: String::new(),
                invoice: Some(invoice(account, "I", "2026-02-01", "2026-03-01", 1_000)),
            };
            tokio::spawn(async move { client.post_invoice(request).await })
        });
        let answers: Vec<_> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
        let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
        let refused: Vec<_> = refused.map(why).collect();
        assert_eq!(refused, vec![(Code::AlreadyExists, "DOCUMENT_MISMATCH".to_owned()); 6]);
        assert_eq!(super::feed::entries(&world).await.len(), 1);
    }

    async fn intakes_over_the_same_accounts_in_opposite_order_both_end(db: Db) {
        let world = world(&db).await;
        let rows = |task: i64, turned: bool| {
            let mut rows: Vec<_> = (0..20)
                .map(|n| pb::ImportRow {
                    row_number: n,
                    fact: Some(Fact::Invoice(invoice(&format!("A-{n}"), &format!("I-{task}-{n}"), "2026-02-01", "2026-03-01", 10))),
                })
                .collect();
            if turned {
                rows.reverse();
            }
            pb::ImportReceivablesRequest { rows }
        };
        let tasks = (0..6).map(|task| {
            let mut client = world.client.clone();
            let message = rows(task, task % 2 == 0);
            tokio::spawn(async move {
                let mut answers = client.import_receivables(stream::iter([message])).await.unwrap().into_inner();
                answers.next().await.unwrap().unwrap()
            })
        });
        for answer in join_all(tasks).await {
            assert!(answer.unwrap().results.iter().all(|result| result.outcome() == pb::ImportOutcome::Posted));
        }
        assert_eq!(world.position("A-7").await.version, 6);
        super::audit::assert_rebuilds(&db).await;
    }
}
