//! Pauses and opt-outs by a person's word, and credit that covers what is owed.

use tonic::{Code, Status};
use weir_store::{Db, on_both_databases};
use weir_wire::{collections::v1 as pb, emit};

use super::world::{World, bad_fields, day, item, money, reason};

async fn set(world: &World, item_id: &str, from: i64, to: i64) -> Result<pb::Pause, Status> {
    let request = pb::SetPauseRequest {
        request_id: world.request(),
        account_id: "a1".to_owned(),
        item_id: item_id.to_owned(),
        kind: pb::PauseKind::Dispute.into(),
        from_date: Some(emit::date(day(from))),
        to_date: Some(emit::date(day(to))),
        note: String::new(),
    };
    Ok(world.client().set_pause(request).await?.into_inner().pause.unwrap())
}

async fn lift(world: &World, pause_number: i64) -> Result<pb::Pause, Status> {
    let request = pb::LiftPauseRequest { request_id: world.request(), pause_number };
    Ok(world.client().lift_pause(request).await?.into_inner().pause.unwrap())
}

async fn opt_out(world: &World) -> pb::OptOut {
    let request = pb::RecordOptOutRequest {
        request_id: world.request(),
        account_id: "a1".to_owned(),
        reason: "asked by letter".to_owned(),
    };
    world.client().record_opt_out(request).await.unwrap().into_inner().opt_out.unwrap()
}

async fn opt_in(world: &World) -> Result<pb::LiftOptOutResponse, Status> {
    let request = pb::LiftOptOutRequest {
        request_id: world.request(),
        account_id: "a1".to_owned(),
        reason: "asked by phone".to_owned(),
    };
    Ok(world.client().lift_opt_out(request).await?.into_inner())
}

/// A debtor with one item due on day 0, and the case of day 20.
async fn owing(db: Db) -> World {
    let world = World::new(db).await;
    world.put_debtor("a1", pb::Language::En).await;
    world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
    world.run_and_send(day(20)).await;
    world
}

/// Why the only item of the account's case is left alone.
async fn suppression(world: &World) -> pb::Suppression {
    let case_id = world.cases("a1").await[0].case_id.clone();
    let request = pb::GetCaseRequest { case_id, ..pb::GetCaseRequest::default() };
    world.client().get_case(request).await.unwrap().into_inner().case.unwrap().items[0].suppression()
}

on_both_databases! {
    async fn during_a_pause_the_level_stays_and_nothing_is_sent(db: Db) {
        let world = owing(db).await;
        let pause = set(&world, "inv-1", 20, 60).await.unwrap();
        assert_eq!((pause.set_by.as_str(), pause.kind()), ("collector-1", pb::PauseKind::Dispute));
        assert_eq!(suppression(&world).await, pb::Suppression::Paused);
        world.run_and_send(day(50)).await;
        assert_eq!(world.notices("a1").await.len(), 1, "that of day 20");
        assert_eq!(world.standing("a1").await.dunning_level, 2);
    }

    async fn a_lifted_pause_lets_the_clock_go_on_from_where_it_stood(db: Db) {
        let world = owing(db).await;
        let pause = set(&world, "", 20, 60).await.unwrap();
        world.run_and_send(day(40)).await;
        let lifted = lift(&world, pause.pause_number).await.unwrap();
        assert_eq!(lifted.lifted_date, Some(emit::date(day(40))));
        // 20 paused days: day 50 is day 30 on the clock, day 51 is day 31, the first of the last stage
        world.run_and_send(day(50)).await;
        assert_eq!(world.standing("a1").await.dunning_level, 2);
        world.run_and_send(day(51)).await;
        assert_eq!(world.standing("a1").await.dunning_level, 3);
        let listed = pb::ListPausesRequest { account_id: "a1".to_owned(), ..pb::ListPausesRequest::default() };
        assert_eq!(world.client().list_pauses(listed).await.unwrap().into_inner().pauses, [lifted]);
    }

    async fn a_pause_that_is_over_cannot_be_lifted(db: Db) {
        let world = owing(db).await;
        let pause = set(&world, "inv-1", 10, 19).await.unwrap();
        let status = lift(&world, pause.pause_number).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
        assert_eq!(lift(&world, 99).await.unwrap_err().code(), Code::NotFound);
    }

    async fn a_pause_does_not_overlap_another_of_the_item(db: Db) {
        let world = owing(db).await;
        set(&world, "inv-1", 20, 30).await.unwrap();
        for item_id in ["inv-1", ""] {
            let status = set(&world, item_id, 30, 40).await.unwrap_err();
            assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
        }
        set(&world, "inv-1", 31, 40).await.unwrap();
    }

    async fn a_pause_of_an_unknown_item_or_of_days_out_of_order_is_refused(db: Db) {
        let world = owing(db).await;
        assert_eq!(set(&world, "inv-9", 20, 30).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(bad_fields(&set(&world, "inv-1", 20, 19).await.unwrap_err()), ["to_date"]);
        assert_eq!(bad_fields(&set(&world, "inv-1", -347, 387).await.unwrap_err()), ["from_date", "to_date"]);
        let status = world.client().set_pause(pb::SetPauseRequest::default()).await.unwrap_err();
        assert_eq!(bad_fields(&status), ["account_id", "kind", "request_id", "to_date"]);
    }

    async fn who_wants_no_contact_gets_none_until_the_wish_is_withdrawn(db: Db) {
        let world = owing(db).await;
        opt_out(&world).await;
        assert_eq!(opt_out(&world).await.reason, "asked by letter");
        assert_eq!(suppression(&world).await, pb::Suppression::OptedOut);
        world.run_and_send(day(40)).await;
        assert_eq!((world.notices("a1").await.len(), world.standing("a1").await.dunning_level), (1, 3));
        opt_in(&world).await.unwrap();
        world.run_and_send(day(41)).await;
        assert_eq!(world.notices("a1").await.len(), 2);
        let status = opt_in(&world).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    }

    async fn credit_that_pays_for_an_item_keeps_it_from_being_dunned(db: Db) {
        let world = owing(db).await;
        world.learn_credit("a1", money(500)).await;
        assert_eq!(suppression(&world).await, pb::Suppression::Covered);
        world.run_and_send(day(40)).await;
        assert_eq!((world.notices("a1").await.len(), world.standing("a1").await.dunning_level), (1, 0));
        world.learn_credit("a1", money(499)).await;
        world.run_and_send(day(41)).await;
        assert_eq!(world.notices("a1").await.len(), 2);
    }
}
