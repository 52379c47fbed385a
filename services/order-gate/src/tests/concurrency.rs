//! Promises about many callers at once and about ends without warning.

use std::sync::Arc;

use futures::future::join_all;
use tonic::Code;
use weir_model::{Call, Currency, Fault, Kind, Reason};
use weir_store::testing::eventually;
use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{AuthorizeOrderRequest, Outcome};

use super::pools::{member, pool};
use super::world::{World, amount, credit, order, order_id, reason, rename, units};
use crate::decision::Decision;
use crate::engine::{Ask, QUEUE_MAX};
use crate::standing::Credit;
use crate::store;

/// Callers at once.
const CALLERS: i64 = 64;

/// What an order of so many is worth.
fn value_of(n: i64) -> i64 {
    1 + n % 7
}

/// Asks for a thousand orders at once, each of the account it is given. In the order of the journal, each with whether it
/// passed.
async fn a_thousand_at_once(world: &World, account_of: impl Fn(i64) -> String) -> Vec<(i64, bool)> {
    let asked = (0..1_000).map(|n| world.authorize(order(&n.to_string(), &account_of(n), value_of(n))));
    let answered = join_all(asked).await;
    let decided = decided(world).await;
    let passed = decided.iter().map(|decision| {
        let n: usize = decision.order_id.as_str().parse().unwrap();
        let passed = decision.verdict.outcome.passes();
        assert_eq!(passed, answered[n].outcome() != Outcome::Hold, "the journal says what order {n} was answered");
        (i64::try_from(n).unwrap(), passed)
    });
    let mut orders: Vec<_> = passed.collect();
    let in_the_order_of_the_journal = orders.clone();
    orders.sort_unstable();
    orders.dedup();
    assert_eq!((orders.len(), decided.len()), (1_000, 1_000), "each is decided once");
    in_the_order_of_the_journal
}

/// All decisions of the journal.
async fn decided(world: &World) -> Vec<Decision> {
    let mut entries: Vec<weir_store::Entry> = Vec::new();
    loop {
        let next = world.gate.journal.read(entries.last().map_or(0, |entry| entry.position)).await.unwrap();
        if next.is_empty() {
            break;
        }
        entries.extend(next);
    }
    let decisions = entries.iter().filter(|entry| entry.kind == "decision_recorded");
    decisions.map(|entry| serde_json::from_str(&entry.after).unwrap()).collect()
}

on_both_databases! {
    async fn sixty_four_callers_for_the_last_room_get_exactly_what_fits(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        // 64 orders of 9: 11 of them fit into 100
        let asked = (0..CALLERS).map(|n| world.authorize(order(&format!("o-{n}"), "acme", 9)));
        let decisions = join_all(asked).await;
        let passed = decisions.iter().filter(|decision| decision.outcome() != Outcome::Hold).count();
        assert_eq!(passed, 11);
        let standing = world.standing("acme").await;
        assert_eq!(units(standing.exposure.unwrap().net.as_ref()), 99);
        assert_eq!(i64::from(standing.held_count), CALLERS - 11);
        let again = world.reopened().await;
        assert_eq!(again.net("acme").await, 99, "the book read anew says the same");
        assert_eq!(i64::from(again.standing("acme").await.held_count), CALLERS - 11);
    }

    async fn of_a_thousand_orders_at_once_for_the_last_thousand_units_exactly_those_pass_that_fit(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let mut room = 1_000;
        for (n, passed) in a_thousand_at_once(&world, |_| "acme".to_owned()).await {
            assert_eq!(passed, value_of(n) <= room, "order {n} into {room}");
            room -= if passed { value_of(n) } else { 0 };
        }
        assert_eq!(room, 0, "small orders fill what large ones leave");
        assert_eq!(world.net("acme").await, 1_000);
        assert_eq!(world.reopened().await.net("acme").await, 1_000, "the book read anew says the same");
    }

    async fn of_a_thousand_orders_at_once_for_the_last_thousand_units_of_a_pool_exactly_those_pass_that_fit(db: Db) {
        let world = World::new(db).await;
        world.group("holding", pool(1_000)).await;
        let name = |member: i64| format!("member-{member}");
        // the first may owe less than its part of the pool, the others more than all of it
        let mut own = [60, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000];
        for (limit, n) in own.into_iter().zip(0..) {
            world.credit(&name(n), member("holding", credit(limit))).await;
        }
        let mut room = 1_000;
        for (n, passed) in a_thousand_at_once(&world, |n| name(n % 8)).await {
            let own = &mut own[usize::try_from(n % 8).unwrap()];
            assert_eq!(passed, value_of(n) <= room.min(*own), "order {n} into {room} of the pool and {own} of its own");
            let taken = if passed { value_of(n) } else { 0 };
            (room, *own) = (room - taken, *own - taken);
        }
        assert_eq!((room, own[0]), (0, 0), "small orders fill what large ones leave");
        let again = world.reopened().await;
        for world in [&world, &again] {
            let mut owed = 0;
            for n in 0..8 {
                owed += world.net(&name(n)).await;
            }
            assert_eq!(owed, 1_000);
        }
    }

    async fn the_same_order_asked_by_many_at_once_is_decided_once(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let decisions = join_all((0..CALLERS).map(|_| world.authorize(order("o-1", "acme", 100)))).await;
        assert!(decisions.iter().all(|decision| *decision == decisions[0]));
        assert_eq!(world.net("acme").await, 100);
    }

    async fn every_acknowledged_authorisation_survives_an_engine_dropped_in_mid_flight(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000_000)).await;
        let (acks, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
        let asked = (0..CALLERS).map(|n| {
            let (mut client, acks) = (world.pipeline(), acks.clone());
            tokio::spawn(async move {
                let order = order(&format!("o-{n}"), "acme", n + 1);
                let request = AuthorizeOrderRequest { order: Some(order), ..Default::default() };
                match client.authorize_order(request).await {
                    Ok(_) => acks.send(n).unwrap(),
                    Err(status) => assert_eq!(status.code(), Code::Unavailable),
                }
            })
        });
        let asked: Vec<_> = asked.collect();
        drop(acks);
        // some are answered, some are in a batch, some wait
        let mut answered = vec![acknowledged.recv().await.expect("one is answered")];
        world.gate.engine.stop();
        for task in asked {
            task.await.unwrap();
        }
        while let Some(n) = acknowledged.recv().await {
            answered.push(n);
        }
        let again = world.reopened().await;
        let mut present = 0;
        for n in 0..CALLERS {
            let there = store::dossier(&world.env.db, &order_id(&format!("o-{n}"))).await.unwrap().is_some();
            assert!(there || !answered.contains(&n), "order {n} was acknowledged and is gone");
            present += if there { n + 1 } else { 0 };
        }
        assert_eq!(again.net("acme").await, present, "each once");
        // whoever was not answered asks again, and every order counts once
        for n in 0..CALLERS {
            again.authorize(order(&format!("o-{n}"), "acme", n + 1)).await;
        }
        assert_eq!(again.net("acme").await, CALLERS * (CALLERS + 1) / 2);
    }

    async fn a_gate_another_has_taken_over_from_can_neither_commit_nor_answer(db: Db) {
        let old = World::new(db).await;
        old.credit("acme", credit(1_000)).await;
        // as when its lease has run out
        store::bury_all(&old.env.db).await.unwrap();
        let new = World::open(old.env.clone()).await;
        let refused = old.try_authorize(order("o-1", "acme", 100)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "UNAVAILABLE"));
        assert_eq!(new.net("acme").await, 0);
        new.authorize(order("o-1", "acme", 100)).await;
        assert_eq!(new.net("acme").await, 100);
        let status = old.try_authorize(order("o-2", "acme", 100)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
    }

    async fn nothing_is_ever_seen_of_a_batch_that_fails(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        rename(&world, "alter table orders rename to elsewhere").await;
        let status = world.try_authorize(order("o-1", "acme", 100)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        rename(&world, "alter table elsewhere rename to orders").await;
        eventually("the book is read anew", async || world.gate.engine.read(|_| ()).is_ok()).await;
        assert_eq!(world.net("acme").await, 0);
        assert_eq!(world.journal().await.len(), 0);
        world.authorize(order("o-1", "acme", 100)).await;
        assert_eq!(world.net("acme").await, 100);
        assert_eq!(world.journal().await.len(), 2);
    }

    async fn positions_are_gapless_by_birth(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        join_all((0..CALLERS).map(|n| world.authorize(order(&format!("o-{n}"), "acme", 9)))).await;
        let entries = world.journal().await;
        for (expected, entry) in (1..).zip(&entries) {
            assert_eq!(entry.position, expected);
        }
        // a decision each; beside it the commitment of those that passed, the hold of those that did not
        assert_eq!(entries.len(), 128);
    }

    async fn an_order_finished_long_ago_is_still_answered_once(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let first = world.authorize(order("o-1", "acme", 100)).await;
        world.invoiced("acme", super::world::owed(1, 100), "o-1", &[("1", 100)]).await;
        let in_memory = world.gate.engine.read(|book| book.dossiers.len()).unwrap();
        assert_eq!(in_memory, 0);
        assert_eq!(world.authorize(order("o-1", "acme", 100)).await, first);
        let mut other = order("o-1", "acme", 100);
        other.lines[0].amount = amount(101);
        let status = world.try_authorize(other).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
    }

    async fn an_order_finished_long_ago_is_answered_as_it_was_where_its_account_would_refuse_it_now(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let first = world.authorize(order("o-1", "acme", 100)).await;
        world.invoiced("acme", super::world::owed(1, 100), "o-1", &[("1", 100)]).await;
        let usd = Currency::from_code("USD").unwrap();
        world.credit("acme", Credit { version: 2, currency: usd, ..credit(1_000) }).await;
        assert_eq!(world.authorize(order("o-1", "acme", 100)).await, first);
        let refused = world.try_authorize(order("o-2", "acme", 100)).await.unwrap_err();
        assert_eq!(reason(&refused), "FX_RATE_MISSING");
    }

    async fn an_order_finished_long_ago_does_not_disturb_those_that_come_with_it(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let first = world.authorize(order("o-1", "acme", 100)).await;
        world.invoiced("acme", super::world::owed(1, 100), "o-1", &[("1", 100)]).await;
        let (again, new) =
            tokio::join!(world.authorize(order("o-1", "acme", 100)), world.authorize(order("o-2", "acme", 200)));
        assert_eq!((again, new.outcome()), (first, Outcome::Approve));
        assert_eq!(world.net("acme").await, 300, "100 owed, 200 ordered");
    }
}

/// One thread: the task cannot take anything from the queue while callers are still joining it.
#[tokio::test]
async fn beyond_a_full_queue_callers_are_told_to_come_again() {
    let fresh = weir_store::testing::sqlite().await;
    let world = World::new(fresh.clone()).await;
    let correlation_id = weir_model::CorrelationId::parse("test").unwrap();
    let call = Call::internal("test", correlation_id, world.env.clock.now(), world.env.clock.today());
    let nothing = || Ask::Hear { news: Vec::new(), bookmark: None };
    let asked = (0..=QUEUE_MAX).map(|_| world.gate.engine.ask(nothing(), call.clone()));
    let answers = join_all(asked).await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    let fault: Fault = refused.into_iter().next().unwrap().into();
    assert_eq!((fault.kind, fault.reason), (Kind::ResourceExhausted, Reason::Overloaded));
    assert!(fault.retry_after.is_some());
}

#[test]
fn the_crate_prepares_every_query() {
    weir_store::testing::on_sqlite(prepared);
    weir_store::testing::on_postgres(prepared);
}

async fn prepared(db: Db) {
    db.migrate(crate::MIGRATIONS).await.unwrap();
    weir_store::testing::prepare_all(&db, &store::queries()).await;
    drop(Arc::new(db));
}

#[tokio::test]
async fn both_databases_get_the_same_schema() {
    weir_store::testing::same_schema(crate::MIGRATIONS).await;
}
