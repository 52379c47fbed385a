//! The life of a hold (rules 5.6 to 5.8).

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::emit;
use weir_wire::order_gate::v1::{self as wire, HoldState, Outcome, Rule};

use super::world::{Client, World, amount, credit, date, order, owed, reason, rules, units, yuan};
use crate::exposure::Due;
use crate::standing::{Credit, Limit, Overlay, Position, Review, TemporaryLimit};

/// A limit of 100,000 with 80,000 open, and an order of 50,000 that is held for 30,000.
async fn held(db: Db) -> (World, String) {
    let world = World::new(db).await;
    world.credit("acme", credit(100_000)).await;
    world.owes("acme", owed(1, 80_000)).await;
    let decision = world.authorize(order("o-1", "acme", 50_000)).await;
    assert_eq!(decision.outcome(), Outcome::Hold);
    (world, decision.hold_id)
}

fn release(hold_id: &str) -> wire::ReleaseHoldRequest {
    wire::ReleaseHoldRequest { hold_id: hold_id.to_owned(), reason: "known customer".to_owned(), ..Default::default() }
}

async fn released(
    mut by: Client,
    request: wire::ReleaseHoldRequest,
) -> Result<wire::ReleaseHoldResponse, tonic::Status> {
    by.release_hold(request).await.map(tonic::Response::into_inner)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, tonic::Status>) -> (Code, String) {
    let status = result.unwrap_err();
    (status.code(), reason(&status))
}

on_both_databases! {
    async fn a_release_needs_authority_over_the_excess_and_equality_passes(db: Db) {
        let (world, hold_id) = held(db).await;
        let refused = released(world.manager("manager-1", 29_999), release(&hold_id)).await;
        assert_eq!(refusal(refused), (Code::FailedPrecondition, "AUTHORITY_EXCEEDED".to_owned()));
        let done = released(world.manager("manager-1", 30_000), release(&hold_id)).await.unwrap();
        assert_eq!(done.hold.unwrap().state(), HoldState::Released);
        assert_eq!(done.decision.unwrap().outcome(), Outcome::Approve);
        assert_eq!(world.net("acme").await, 130_000);
        assert!(world.standing("acme").await.over_limit);
    }

    async fn nobody_releases_an_order_they_asked_for(db: Db) {
        let (world, hold_id) = held(db).await;
        let refused = released(world.manager("sales-1", 1_000_000), release(&hold_id)).await;
        assert_eq!(refusal(refused), (Code::FailedPrecondition, "SELF_APPROVAL".to_owned()));
    }

    async fn nobody_releases_an_order_they_submitted_for_somebody_else(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        let request = wire::AuthorizeOrderRequest { order: Some(order("o-1", "acme", 101)), ..Default::default() };
        let response = world.manager("manager-1", 1_000).authorize_order(request).await.unwrap().into_inner();
        let hold_id = response.decision.unwrap().hold_id;
        let again = world.reopened().await;
        let refused = released(again.manager("manager-1", 1_000), release(&hold_id)).await;
        assert_eq!(refusal(refused), (Code::FailedPrecondition, "SELF_APPROVAL".to_owned()));
        assert!(released(again.manager("manager-2", 1_000), release(&hold_id)).await.is_ok());
    }

    async fn approving_more_than_the_order_needs_takes_more_authority(db: Db) {
        let (world, hold_id) = held(db).await;
        let request = wire::ReleaseHoldRequest { approved_amount: amount(60_000), ..release(&hold_id) };
        let refused = released(world.manager("manager-1", 39_999), request.clone()).await;
        assert_eq!(refusal(refused).1, "AUTHORITY_EXCEEDED");
        assert!(released(world.manager("manager-1", 40_000), request).await.is_ok());
    }

    async fn a_tolerance_takes_authority_over_what_it_lets_pass(db: Db) {
        let (world, hold_id) = held(db).await;
        let tolerance_percent = Some(emit::decimal("10".parse().unwrap()));
        // 30,000 beyond the limit, and 5,000 that a later revision may add unchecked
        let request = wire::ReleaseHoldRequest { tolerance_percent, ..release(&hold_id) };
        let refused = released(world.manager("manager-1", 34_999), request.clone()).await;
        assert_eq!(refusal(refused).1, "AUTHORITY_EXCEEDED");
        assert!(released(world.manager("manager-1", 35_000), request).await.is_ok());
    }

    async fn a_release_repeated_is_answered_again_and_another_is_refused(db: Db) {
        let (world, hold_id) = held(db).await;
        let request = wire::ReleaseHoldRequest { request_id: "r-1".to_owned(), ..release(&hold_id) };
        let first = released(world.manager("manager-1", 30_000), request.clone()).await.unwrap();
        assert_eq!(released(world.manager("manager-1", 30_000), request.clone()).await.unwrap(), first);
        let other = wire::ReleaseHoldRequest { reason: "another".to_owned(), ..request };
        let mismatch = released(world.manager("manager-1", 30_000), other).await;
        assert_eq!(refusal(mismatch), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH".to_owned()));
        let late = wire::ReleaseHoldRequest { reason: "another".to_owned(), ..release(&hold_id) };
        let late = released(world.manager("manager-1", 30_000), late).await;
        assert_eq!(refusal(late), (Code::FailedPrecondition, "WRONG_STATE".to_owned()));
    }

    async fn a_stale_look_at_the_hold_is_refused(db: Db) {
        let (world, hold_id) = held(db).await;
        world.owes("acme", owed(2, 81_000)).await;
        let request = wire::ReleaseHoldRequest { hold_version: 1, ..release(&hold_id) };
        let refused = released(world.manager("manager-1", 1_000_000), request).await;
        assert_eq!(refusal(refused), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
        assert_eq!(world.hold(&hold_id).await.version, 2);
    }

    async fn a_release_covers_a_later_value_within_its_tolerance(db: Db) {
        let (world, hold_id) = held(db).await;
        let tolerance = Some(emit::decimal("10".parse().unwrap()));
        let request = wire::ReleaseHoldRequest { tolerance_percent: tolerance, ..release(&hold_id) };
        released(world.manager("manager-1", 1_000_000), request).await.unwrap();
        let amended = |revision, value| wire::Order { revision, ..order("o-1", "acme", value) };
        assert_eq!(world.amend(amended(2, 55_000)).await.outcome(), Outcome::Approve);
        assert_eq!(world.net("acme").await, 135_000);
        let above = world.amend(amended(3, 55_001)).await;
        assert_eq!((above.outcome(), rules(&above)), (Outcome::Hold, vec![Rule::LimitExceeded]));
        assert_eq!(world.net("acme").await, 135_000, "what passed before goes on counting");
    }

    async fn a_release_ends_with_its_validity_and_with_other_terms(db: Db) {
        let (world, hold_id) = held(db).await;
        let until = Some(emit::date(date(2026, 4, 2)));
        let request = wire::ReleaseHoldRequest { valid_until_date: until, ..release(&hold_id) };
        released(world.manager("manager-1", 1_000_000), request).await.unwrap();
        let at = |checkpoint: wire::Checkpoint, day, terms_days| wire::CheckOrderRequest {
            order: Some(wire::Order { terms_days, ..order("o-1", "acme", 50_000) }),
            checkpoint: checkpoint.into(),
            business_date: Some(emit::date(date(2026, 4, day))),
            ..Default::default()
        };
        for (request, expected) in [
            (at(wire::Checkpoint::Delivery, 2, 0), Outcome::Approve),
            (at(wire::Checkpoint::Delivery, 3, 0), Outcome::Hold),
            (at(wire::Checkpoint::Delivery, 2, 90), Outcome::Hold),
        ] {
            let decision = world.pipeline().check_order(request.clone()).await.unwrap().into_inner().decision.unwrap();
            assert_eq!(decision.outcome(), expected, "{request:?}");
        }
    }

    async fn a_decrease_is_never_held_again(db: Db) {
        let (world, hold_id) = held(db).await;
        released(world.manager("manager-1", 1_000_000), release(&hold_id)).await.unwrap();
        world.conduct("acme", 1, Some("fraud"), 3).await;
        let smaller = wire::Order { revision: 2, ..order("o-1", "acme", 49_000) };
        assert_eq!(world.amend(smaller).await.outcome(), Outcome::Approve);
        assert_eq!(world.net("acme").await, 129_000);
    }

    async fn a_revision_of_the_same_size_is_held_again_by_a_block_alone(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 60)).await;
        world.credit("acme", Credit { version: 2, ..credit(50) }).await;
        let revision = |revision, value| wire::Order { revision, ..order("o-1", "acme", value) };
        assert_eq!(world.amend(revision(2, 60)).await.outcome(), Outcome::Approve);
        world.conduct("acme", 1, Some("fraud"), 0).await;
        let held = world.amend(revision(3, 60)).await;
        assert_eq!(held.outcome(), Outcome::Hold);
        assert_eq!(rules(&held)[0], Rule::AccountBlocked);
        assert_eq!(world.amend(revision(4, 59)).await.outcome(), Outcome::Approve, "a reduction is never held");
    }

    async fn what_passed_is_checked_anew_at_a_later_checkpoint(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 60)).await;
        let at = |revision, value, checkpoint: wire::Checkpoint| wire::AmendOrderRequest {
            order: Some(wire::Order { revision, ..order("o-1", "acme", value) }),
            checkpoint: checkpoint.into(),
            ..Default::default()
        };
        world.credit("acme", Credit { version: 2, ..credit(50) }).await;
        for (revision, value, checkpoint, expected) in [
            (2, 60, wire::Checkpoint::Delivery, Outcome::Hold),
            (3, 55, wire::Checkpoint::GoodsIssue, Outcome::Hold),
            (4, 55, wire::Checkpoint::Order, Outcome::Approve),
            (5, 40, wire::Checkpoint::Delivery, Outcome::Approve),
        ] {
            let response = world.pipeline().amend_order(at(revision, value, checkpoint)).await.unwrap();
            let decision = response.into_inner().decision.unwrap();
            assert_eq!(decision.outcome(), expected, "revision {revision}");
        }
        world.conduct("acme", 1, Some("fraud"), 0).await;
        let response = world.pipeline().amend_order(at(6, 40, wire::Checkpoint::GoodsIssue)).await.unwrap();
        assert_eq!(rules(&response.into_inner().decision.unwrap()), [Rule::AccountBlocked]);
    }

    async fn a_rejected_order_reserves_nothing_and_its_rejection_is_a_decision(db: Db) {
        let (world, hold_id) = held(db).await;
        let request = wire::RejectHoldRequest {
            hold_id: hold_id.clone(),
            reason: "too risky".to_owned(),
            ..Default::default()
        };
        let done = world.manager("manager-1", 0).reject_hold(request.clone()).await.unwrap().into_inner();
        assert_eq!(done.decision.clone().unwrap().outcome(), Outcome::Reject);
        assert_eq!(world.net("acme").await, 80_000);
        let again = world.manager("manager-1", 0).reject_hold(request).await.unwrap().into_inner();
        assert_eq!(again.hold, done.hold);
        let refused = released(world.manager("manager-1", 1_000_000), release(&hold_id)).await;
        assert_eq!(refusal(refused), (Code::FailedPrecondition, "WRONG_STATE".to_owned()));
        world.owes("acme", owed(2, 0)).await;
        assert_eq!(world.hold(&hold_id).await.state(), HoldState::Rejected, "room does not revive it");
    }

    async fn a_new_revision_supersedes_a_held_one(db: Db) {
        let (world, hold_id) = held(db).await;
        let smaller = wire::Order { revision: 2, ..order("o-1", "acme", 20_000) };
        assert_eq!(world.amend(smaller).await.outcome(), Outcome::ApproveWithWarnings);
        assert_eq!(world.hold(&hold_id).await.state(), HoldState::Lapsed);
        assert_eq!(world.standing("acme").await.held_count, 0);
    }

    async fn cancelling_a_held_order_lets_its_hold_lapse(db: Db) {
        let (world, hold_id) = held(db).await;
        let request = wire::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        for _ in 0..2 {
            world.pipeline().cancel_order(request.clone()).await.unwrap();
        }
        assert_eq!(world.hold(&hold_id).await.state(), HoldState::Lapsed);
    }

    async fn cash_lets_the_oldest_holds_pass_until_the_room_is_used(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.owes("acme", owed(1, 100)).await;
        let mut holds = Vec::new();
        for (id, value) in [("o-1", 40), ("o-2", 50), ("o-3", 30), ("o-4", 10)] {
            holds.push(world.authorize(order(id, "acme", value)).await.hold_id);
        }
        // room for 70: the first, not the second, the third, not the fourth
        world.owes("acme", owed(2, 30)).await;
        let mut states = Vec::new();
        for hold_id in &holds {
            states.push(world.hold(hold_id).await.state());
        }
        assert_eq!(states, [HoldState::Approved, HoldState::Held, HoldState::Approved, HoldState::Held]);
        assert_eq!(world.net("acme").await, 100);
    }

    async fn a_higher_limit_and_a_cancelled_order_let_holds_pass(db: Db) {
        let (world, first) = held(db).await;
        let second = world.authorize(order("o-2", "acme", 60_000)).await.hold_id;
        world.credit("acme", Credit { version: 2, ..credit(130_000) }).await;
        assert_eq!(world.hold(&first).await.state(), HoldState::Approved);
        assert_eq!(world.hold(&second).await.state(), HoldState::Held);
        world.credit("acme", Credit { version: 3, ..credit(140_000) }).await;
        let request = wire::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        world.pipeline().cancel_order(request).await.unwrap();
        assert_eq!(world.hold(&second).await.state(), HoldState::Approved);
    }

    async fn a_block_beats_everything_and_lifting_it_lets_what_fits_pass(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.conduct("acme", 1, Some("fraud"), 0).await;
        let decision = world.authorize(order("o-1", "acme", 10)).await;
        assert_eq!((decision.outcome(), rules(&decision)), (Outcome::Hold, vec![Rule::AccountBlocked]));
        let refused = released(world.manager("manager-1", 1_000), release(&decision.hold_id)).await;
        assert_eq!(refusal(refused), (Code::FailedPrecondition, "WRONG_STATE".to_owned()));
        world.owes("acme", owed(1, 0)).await;
        assert_eq!(world.hold(&decision.hold_id).await.state(), HoldState::Held, "it never lifts itself");
        world.conduct("acme", 2, None, 0).await;
        assert_eq!(world.hold(&decision.hold_id).await.state(), HoldState::Approved);
    }

    async fn a_review_is_held_for_a_person_and_no_cash_lifts_it(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", Credit { review: Some(Review::Above(yuan(10))), ..credit(100) }).await;
        let decision = world.authorize(order("o-1", "acme", 11)).await;
        assert_eq!(rules(&decision), [Rule::GradeReview]);
        world.owes("acme", owed(1, 0)).await;
        let hold = world.hold(&decision.hold_id).await;
        assert_eq!((hold.state(), units(hold.excess_amount.as_ref())), (HoldState::Held, 1));
        assert!(released(world.manager("manager-1", 1), release(&decision.hold_id)).await.is_ok());
    }

    async fn a_hold_checked_again_on_request_says_what_it_found(db: Db) {
        let (world, hold_id) = held(db).await;
        let mut expiring = credit(200_000);
        expiring.version = 2;
        expiring.limits[0].from = date(2026, 4, 5);
        expiring.limits.push(crate::standing::EffectiveLimit {
            limit: Limit::Amount(yuan(100_000)),
            from: date(2026, 1, 1),
            to: None,
        });
        world.credit("acme", expiring).await;
        let at = |day| wire::RecheckHoldRequest {
            hold_id: hold_id.clone(),
            business_date: Some(emit::date(date(2026, 4, day))),
            ..Default::default()
        };
        let early = world.pipeline().recheck_hold(at(4)).await.unwrap().into_inner();
        assert_eq!(early.decision.unwrap().outcome(), Outcome::Hold);
        let later = world.pipeline().recheck_hold(at(5)).await.unwrap().into_inner();
        assert_eq!(later.decision.unwrap().outcome(), Outcome::Approve);
        assert_eq!(later.hold.unwrap().state(), HoldState::Approved);
    }

    async fn only_the_pipeline_has_a_hold_checked_for_another_day(db: Db) {
        let (world, hold_id) = held(db).await;
        let mut expired = credit(100_000);
        expired.version = 2;
        expired.limits = vec![
            crate::standing::EffectiveLimit {
                limit: Limit::Amount(yuan(200_000)),
                from: date(2026, 1, 1),
                to: Some(date(2026, 3, 30)),
            },
        ];
        world.credit("acme", expired).await;
        let at = |month, day| wire::RecheckHoldRequest {
            hold_id: hold_id.clone(),
            business_date: Some(emit::date(date(2026, month, day))),
            ..Default::default()
        };
        let status = world.manager("manager-1", 0).recheck_hold(at(3, 30)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let done = world.manager("manager-1", 0).recheck_hold(at(3, 31)).await.unwrap().into_inner();
        assert_eq!(done.hold.unwrap().state(), HoldState::Held, "the limit has ended");
    }

    async fn a_limit_that_starts_on_a_later_day_lets_the_oldest_holds_pass_that_day(db: Db) {
        let world = World::new(db).await;
        let later = date(2026, 4, 1);
        let overlay = TemporaryLimit { overlay: Overlay::Delta(yuan(60)), from: later, to: later };
        world.credit("acme", Credit { temporary_limits: vec![overlay], ..credit(0) }).await;
        let mut holds = Vec::new();
        for (id, value) in [("o-1", 40), ("o-2", 30), ("o-3", 20)] {
            holds.push(world.authorize(order(id, "acme", value)).await.hold_id);
        }
        assert_eq!(world.pass_day_steps().await, 3, "all of them looked at once");
        assert_eq!(world.hold(&holds[0]).await.version, 1, "nothing was news");
        world.env.clock.advance(chrono::Duration::days(1));
        assert_eq!(world.pass_day_steps().await, 3);
        let mut states = Vec::new();
        for hold_id in &holds {
            states.push(world.hold(hold_id).await.state());
        }
        assert_eq!(states, [HoldState::Approved, HoldState::Held, HoldState::Approved]);
        let approval = world.hold(&holds[0]).await.newest_decision_id;
        let request = wire::GetDecisionRequest { decision_id: approval };
        let approval = world.pipeline().get_decision(request).await.unwrap().into_inner().decision.unwrap();
        assert_eq!(approval.business_date, Some(emit::date(later)));
    }

    async fn what_is_overdue_is_released_under_authority_over_the_whole_order(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let schedule = vec![Due { date: date(2026, 1, 1), open: yuan(200), disputed: 0 }];
        world.owes("acme", Position { version: 1, schedule, unapplied_credit: 0, behaviour: None }).await;
        let decision = world.authorize(order("o-1", "acme", 50)).await;
        assert_eq!(rules(&decision), [Rule::OverdueDaysExceeded]);
        let refused = released(world.manager("manager-1", 49), release(&decision.hold_id)).await;
        assert_eq!(refusal(refused).1, "AUTHORITY_EXCEEDED");
        assert!(released(world.manager("manager-1", 50), release(&decision.hold_id)).await.is_ok());
    }

    async fn holds_are_listed_oldest_first_by_page(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(0)).await;
        let mut expected = Vec::new();
        for n in 0..5 {
            expected.push(world.authorize(order(&format!("o-{n}"), "acme", 10)).await.hold_id);
        }
        world.authorize(order("other", "globex", 10)).await;
        let mut listed = Vec::new();
        let mut page_token = String::new();
        loop {
            let account_id = "acme".to_owned();
            let request = wire::ListHoldsRequest { account_id, page_size: 2, page_token, ..Default::default() };
            let page = world.pipeline().list_holds(request).await.unwrap().into_inner();
            listed.extend(page.holds.into_iter().map(|hold| hold.hold_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, expected);
        let states = vec![HoldState::Released.into()];
        let request = wire::ListHoldsRequest { states, ..Default::default() };
        assert!(world.pipeline().list_holds(request).await.unwrap().into_inner().holds.is_empty());
    }

    async fn a_gate_opened_again_keeps_its_holds_in_order(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.owes("acme", owed(1, 100)).await;
        let first = world.authorize(order("o-1", "acme", 40)).await.hold_id;
        let second = world.authorize(order("o-2", "acme", 40)).await.hold_id;
        let again = world.reopened().await;
        again.owes("acme", owed(2, 60)).await;
        assert_eq!(again.hold(&first).await.state(), HoldState::Approved);
        assert_eq!(again.hold(&second).await.state(), HoldState::Held);
    }
}
