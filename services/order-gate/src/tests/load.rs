//! Orders of one stream that take several transactions, one of which fails or meets what was there before.

use futures::{StreamExt as _, poll, stream};
use tonic::Code;
use weir_store::testing::eventually;
use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{AuthorizeOrdersRequest, Outcome};

use super::backpressure::stopped;
use super::streams::{Answer, decision, message, open};
use super::world::{World, credit, order, owed, rename};

/// Orders that take several transactions.
const ORDERS: i64 = 2_000;

fn orders() -> Vec<AuthorizeOrdersRequest> {
    (0..ORDERS).map(|n| message(n, order(&format!("o-{n}"), "acme", 1))).collect()
}

/// Has orders wait before the first of them is written; then lets `meanwhile` happen and the gate go on.
async fn answers(
    world: &World,
    orders: Vec<AuthorizeOrdersRequest>,
    meanwhile: impl AsyncFnOnce(weir_store::Tx),
) -> Vec<Answer> {
    let stopped = stopped(world).await;
    let mut answers = open(world, stream::iter(orders)).await;
    for _ in 0..100 {
        assert!(poll!(answers.next()).is_pending());
        tokio::task::yield_now().await;
    }
    meanwhile(stopped).await;
    answers.map(|answer| answer.unwrap().result.unwrap()).collect().await
}

fn passed(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| decision(answer).outcome() != Outcome::Hold).count()
}

on_both_databases! {
    async fn orders_of_many_transactions_get_exactly_what_fits(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_500)).await;
        let answers = answers(&world, orders(), async |tx| tx.rollback().await.unwrap()).await;
        assert_eq!((answers.len(), passed(&answers)), (2_000, 1_500), "1,500 orders of one yuan fit");
        assert_eq!((world.net("acme").await, world.standing("acme").await.held_count), (1_500, 500));
        // a decision each, beside it a commitment or a hold
        let mut last = 0;
        while let Some(end) = world.gate.journal.read(last).await.unwrap().last() {
            last = end.position;
        }
        assert_eq!(last, 4_000);
        let again = world.reopened().await;
        assert_eq!((again.net("acme").await, again.standing("acme").await.held_count), (1_500, 500));
    }

    async fn a_stream_goes_on_after_a_transaction_that_failed_and_nothing_of_it_is_seen(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(2_000)).await;
        let failing = answers(&world, orders(), async |mut tx| {
            tx.build("alter table orders rename to elsewhere").execute().await.unwrap();
            tx.commit().await.unwrap();
            eventually("the book is gone", async || world.gate.engine.read(|_| ()).is_err()).await;
            rename(&world, "alter table elsewhere rename to orders").await;
        });
        let refused = |answer: &Answer| match answer {
            Answer::Error(status) => status.code == i32::from(Code::Unavailable),
            Answer::Answer(_) => false,
        };
        assert!(failing.await.iter().any(refused));
        eventually("the book is read anew", async || world.gate.engine.read(|_| ()).is_ok()).await;
        let again = answers(&world, orders(), async |tx| tx.rollback().await.unwrap()).await;
        assert_eq!(passed(&again), 2_000);
        assert_eq!(world.net("acme").await, 2_000, "each once");
        assert_eq!(world.reopened().await.net("acme").await, 2_000);
    }

    async fn an_order_finished_long_ago_is_answered_as_it_was_among_many_new_ones(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(5_000)).await;
        let first = world.authorize(order("o-1400", "acme", 1)).await;
        world.invoiced("acme", owed(1, 1), "o-1400", &[("1", 1)]).await;
        let answers = answers(&world, orders(), async |tx| tx.rollback().await.unwrap()).await;
        assert_eq!(*decision(&answers[1_400]), first);
        assert_eq!((passed(&answers), world.net("acme").await), (2_000, 2_000), "one of them is owed");
    }
}
