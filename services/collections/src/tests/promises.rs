//! Promises from the debtor's word to its judgement.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::{collections::v1 as pb, emit};

use super::world::{World, bad_fields, day, item, money, reason};
use crate::item::Item;

fn word(world: &World, item_id: &str, amount: i64, days: i64) -> pb::RecordPromiseRequest {
    pb::RecordPromiseRequest {
        request_id: world.request(),
        account_id: "a1".to_owned(),
        item_id: item_id.to_owned(),
        promised_amount: Some(emit::money(money(amount))),
        promised_date: Some(emit::date(day(days))),
        grace_days: 2,
        note: "by telephone".to_owned(),
    }
}

async fn owing(db: Db) -> World {
    let world = World::new(db).await;
    world.put_debtor("a1", pb::Language::En).await;
    world.learn("a1", vec![item("inv-1", day(0), 1_500)]).await;
    world.run(day(16)).await;
    world
}

async fn promises(world: &World) -> Vec<pb::Promise> {
    world.client().list_promises(pb::ListPromisesRequest::default()).await.unwrap().into_inner().promises
}

on_both_databases! {
    async fn a_promise_silences_its_item_at_once(db: Db) {
        let world = owing(db).await;
        assert_eq!(world.standing("a1").await.dunning_level, 2);

        let promise = world.client().record_promise(word(&world, "inv-1", 1_000, 20)).await.unwrap().into_inner();

        assert_eq!(promise.promise.unwrap().state(), pb::PromiseState::Open);
        assert_eq!(world.standing("a1").await.dunning_level, 0);
        assert_eq!(world.notices("a1").await[0].state(), pb::NoticeState::Cancelled);
        world.run(day(22)).await;
        assert_eq!(world.notices("a1").await.len(), 1, "nothing is sent until it is judged");
    }

    async fn a_broken_promise_restores_the_clock_without_reset(db: Db) {
        let world = owing(db).await;
        world.client().record_promise(word(&world, "inv-1", 1_000, 30)).await.unwrap();
        world.run(day(32)).await;
        assert_eq!(promises(&world).await[0].state(), pb::PromiseState::Open, "the grace has not passed");

        let ran = world.run(day(33)).await;

        assert_eq!(ran.judged_promise_count, 1);
        assert_eq!(promises(&world).await[0].state(), pb::PromiseState::Broken);
        assert_eq!(world.standing("a1").await.dunning_level, 3);
        let tasks = world.tasks(&world.cases("a1").await[0].case_id).await;
        assert!(tasks.iter().any(|task| task.kind() == pb::TaskKind::BrokenPromise));
    }

    async fn a_part_in_time_is_partly_kept(db: Db) {
        let world = owing(db).await;
        world.client().record_promise(word(&world, "inv-1", 1_000, 20)).await.unwrap();
        world.set_date(day(21));
        world.learn("a1", vec![Item { open: money(900), ..item("inv-1", day(0), 1_500) }]).await;
        world.set_date(day(23));
        world.learn("a1", vec![Item { open: money(100), ..item("inv-1", day(0), 1_500) }]).await;

        world.run(day(23)).await;

        let promise = &promises(&world).await[0];
        assert_eq!(promise.state(), pb::PromiseState::PartlyKept);
        assert_eq!(promise.received_amount, Some(emit::money(money(600))), "what came after the grace is too late");
        assert_eq!(promise.judged_date, Some(emit::date(day(23))));
    }

    async fn the_promised_amount_in_time_is_kept(db: Db) {
        let world = owing(db).await;
        world.client().record_promise(word(&world, "inv-1", 1_500, 20)).await.unwrap();
        world.set_date(day(20));
        let paid = Item { open: money(0), settled_date: Some(day(20)), ..item("inv-1", day(0), 1_500) };
        world.learn("a1", vec![paid]).await;
        world.run(day(20)).await;
        assert_eq!(promises(&world).await[0].state(), pb::PromiseState::Kept);
        assert_eq!(world.cases("a1").await[0].state(), pb::CaseState::Closed);
    }

    async fn an_item_has_one_open_promise(db: Db) {
        let world = owing(db).await;
        world.client().record_promise(word(&world, "inv-1", 1_000, 20)).await.unwrap();
        let status = world.client().record_promise(word(&world, "inv-1", 500, 25)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "PROMISE_OPEN"));
    }

    async fn more_than_is_open_cannot_be_promised(db: Db) {
        let world = owing(db).await;
        let status = world.client().record_promise(word(&world, "inv-1", 1_501, 20)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
        let status = world.client().record_promise(word(&world, "inv-9", 1, 20)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }

    async fn a_promise_for_yesterday_or_in_another_currency_is_refused(db: Db) {
        let world = owing(db).await;
        let status = world.client().record_promise(word(&world, "inv-1", 1, 15)).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["promised_date"]);
        let foreign = weir_wire::google::r#type::Money { currency_code: "USD".to_owned(), units: 1, nanos: 0 };
        let foreign = pb::RecordPromiseRequest { promised_amount: Some(foreign), ..word(&world, "inv-1", 1, 20) };
        let status = world.client().record_promise(foreign).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["promised_amount"]);
    }

    async fn a_withdrawn_promise_restores_the_level_at_once(db: Db) {
        let world = owing(db).await;
        let promise = world.client().record_promise(word(&world, "inv-1", 1_000, 20)).await.unwrap().into_inner();
        let promise_id = promise.promise.unwrap().promise_id;
        let request = |request_id| pb::CancelPromiseRequest {
            request_id,
            promise_id: promise_id.clone(),
            reason: "noted for the wrong item".to_owned(),
        };

        world.client().cancel_promise(request(world.request())).await.unwrap();

        assert_eq!(world.standing("a1").await.dunning_level, 2);
        let status = world.client().cancel_promise(request(world.request())).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    }

    async fn the_same_request_notes_one_promise(db: Db) {
        let world = owing(db).await;
        let same = word(&world, "inv-1", 1_000, 20);
        let first = world.client().record_promise(same.clone()).await.unwrap().into_inner();
        let second = world.client().record_promise(same.clone()).await.unwrap().into_inner();
        assert_eq!(first, second);
        assert_eq!(promises(&world).await.len(), 1);
        let other = pb::RecordPromiseRequest { grace_days: 3, ..same };
        let status = world.client().record_promise(other).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
    }
}
