//! Accounts with very many items or order lines: whatever is told of them fits a message.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use prost::Message as _;
use weir_model::{AccountId, Currency, LineId, Money, OrderId};
use weir_store::{Db, Tx, on_both_databases, sql};
use weir_wire::receivables::v1 as pb;

use super::{
    feed::entries,
    world::{World, invoice, minor, payment, world},
};
use crate::{
    behaviour::Behaviour,
    position::{Invoiced, Position},
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

/// Gives account A order lines of which something is invoiced, with ids as long as ids can be.
async fn invoice_lines(db: &Db, count: i64) {
    let lines = sql!(
        "insert into order_lines (account_id, currency, order_id, line_id, invoiced_amount)
        with recursive numbers (n) as (select 100001 union all select n + 1 from numbers where n < 100000 + $1)
        select 'A', 'CNY', $2 || cast(n / 7 as text), $2 || cast(n as text), n from numbers"
    );
    let long = "x".repeat(58);
    let work = async |tx: &mut Tx| tx.query(lines).bind(count).bind(long.as_str()).execute().await;
    db.transact(work).await.unwrap();
}

/// Every message of a snapshot about account A.
async fn told(world: &World) -> Vec<pb::PositionChange> {
    let steps = world.feed.clone().snapshot(pb::SnapshotRequest {}).await.unwrap().into_inner();
    let messages: Vec<pb::SnapshotResponse> = steps.map(Result::unwrap).collect().await;
    assert!(messages.iter().all(|message| message.encoded_len() < MESSAGE_BYTES_MAX));
    let position = |message: pb::SnapshotResponse| match message.step.unwrap() {
        pb::snapshot_response::Step::Change(change) => {
            let pb::change::Change::Position(position) = change.change.unwrap();
            Some(position)
        }
        pb::snapshot_response::Step::End(_) => None,
    };
    messages.into_iter().filter_map(position).collect()
}

#[test]
fn a_change_is_told_in_parts_of_which_the_first_alone_tells_of_behaviour() {
    let currency = Currency::from_code("CNY").unwrap();
    let line = |number: usize| Invoiced {
        order_id: OrderId::parse("O").unwrap(),
        line_id: LineId::parse(&number.to_string()).unwrap(),
        amount: Money::new(1, currency),
    };
    let whole = Position {
        account_id: AccountId::parse("A").unwrap(),
        currency,
        version: 3,
        schedule: Vec::new(),
        unapplied: Money::zero(currency),
        items: Vec::new(),
        order_lines: (0..12_001).map(line).collect(),
        behaviour: Some(Behaviour::default()),
        continues: false,
    };
    let parts = whole.clone().parts();
    let shape = |part: &Position| (part.order_lines.len(), part.behaviour.is_some(), part.continues, part.version);
    assert_eq!(
        parts.iter().map(shape).collect::<Vec<_>>(),
        [(5_000, true, false, 3), (5_000, false, true, 3), (2_001, false, true, 3)]
    );
    assert_eq!(parts.into_iter().flat_map(|part| part.order_lines).collect::<Vec<_>>(), whole.order_lines);
}

on_both_databases! {
    async fn thirty_thousand_order_lines_come_in_messages_that_fit(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 100)).await.unwrap();
        invoice_lines(&db, 30_000).await;
        let told = told(&world).await;
        assert_eq!(told.iter().map(|part| part.continues).collect::<Vec<_>>(), [false, true, true, true, true, true]);
        assert!(told.iter().all(|part| (part.version, part.schedule.len()) == (1, 1)), "the same state in each");
        assert_eq!(told.iter().map(|part| part.items.len()).sum::<usize>(), 1);
        let lines = told.iter().flat_map(|part| &part.order_lines_invoiced);
        let lines: BTreeSet<(&str, &str)> = lines.map(|line| (line.order_id.as_str(), line.line_id.as_str())).collect();
        assert_eq!(lines.len(), 30_000);
    }

    async fn the_position_of_an_account_with_very_many_items_fits_a_message(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 100)).await.unwrap();
        multiply(&db, 29_999).await;
        let position = world.position("A").await;
        assert!(position.encoded_len() < MESSAGE_BYTES_MAX);
        assert_eq!((position.items.len(), minor(position.schedule[0].open_amount.as_ref())), (0, 3_000_000));
    }

    async fn thirty_thousand_items_come_in_messages_that_fit(db: Db) {
        let world = world(&db).await;
        world.post(invoice("A", "I", "2026-03-01", "2026-03-31", 100)).await.unwrap();
        multiply(&db, 29_999).await;
        let mut items = BTreeSet::new();
        for (number, position) in told(&world).await.into_iter().enumerate() {
            assert_eq!((position.version, position.schedule.len()), (1, 1), "the same state in each");
            assert_eq!((position.payment_behaviour.is_some(), position.continues), (number == 0, number > 0));
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
