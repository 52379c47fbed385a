//! Accounts with very many items: whatever is told of them fits a message.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use prost::Message as _;
use weir_store::{Db, Tx, on_both_databases, sql};
use weir_wire::receivables::v1 as pb;

use super::{
    feed::entries,
    world::{invoice, payment, world},
};

/// The largest message a reader of the feed takes.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Gives account A many more items like its only one, of 1.00 CNY each.
async fn multiply(db: &Db, more: i64) {
    let items = sql!(
        "insert into items (item_id, account_id, currency, kind, document_number, document_date, posting_date, due_date,
            amount, open_amount, dispute_claim, disputed_amount, salesperson, region, industry, correlation_id,
            recorded_at, recorded_by, version, alerts_fired)
        with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < $1)
        select item_id || '-of-a-rather-large-number-of-instalments-' || cast(n as text), account_id, currency, kind,
            document_number, document_date, posting_date, due_date, amount, open_amount, dispute_claim,
            disputed_amount, salesperson, region, industry, correlation_id, recorded_at, recorded_by, version,
            alerts_fired
        from items cross join numbers"
    );
    let position = sql!("update positions set open_amount = open_amount + $1");
    let work = async |tx: &mut Tx| {
        tx.query(items).bind(more).execute().await?;
        tx.query(position).bind(more * 100).execute().await
    };
    db.transact(work).await.unwrap();
}

on_both_databases! {
    async fn thirty_thousand_items_come_in_messages_that_fit(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 100)).await.unwrap();
        multiply(&db, 29_999).await;
        let steps = world.feed.clone().snapshot(pb::SnapshotRequest {}).await.unwrap().into_inner();
        let messages: Vec<pb::SnapshotResponse> = steps.map(Result::unwrap).collect().await;
        assert!(messages.iter().all(|message| message.encoded_len() < MESSAGE_BYTES_MAX));
        let mut items = BTreeSet::new();
        for (number, message) in messages.into_iter().enumerate() {
            let pb::snapshot_response::Step::Change(change) = message.step.unwrap() else { continue };
            let pb::change::Change::Position(position) = change.change.unwrap();
            assert_eq!((position.version, position.schedule.len()), (1, 1), "the same state in each");
            assert_eq!(position.payment_behaviour.is_some(), number == 0);
            items.extend(position.items.into_iter().map(|item| item.item_id));
        }
        assert_eq!(items.len(), 30_000);
    }

    async fn a_change_of_many_items_is_told_in_entries_of_one_version(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 100)).await.unwrap();
        multiply(&db, 1_000).await;
        world.pay(payment("A", "P", "2026-03-20", 100_100)).await.unwrap();
        let told: Vec<_> = entries(&world)
            .await
            .into_iter()
            .skip(1)
            .map(|entry| {
                let header = entry.header.unwrap();
                let pb::change::Change::Position(position) = entry.change.unwrap().change.unwrap();
                assert!(position.schedule.is_empty(), "nothing is open");
                (header.position, header.version, position.version, position.items.len())
            })
            .collect();
        assert_eq!(told, [(2, 2, 2, 1_000), (3, 2, 2, 1)]);
    }
}
