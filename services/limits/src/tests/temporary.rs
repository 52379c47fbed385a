//! Temporary limits: asked for and approved as any limit is, gone by date alone.

use weir_model::{AccountId, Money, Role};
use weir_store::{Db, on_both_databases, testing};
use weir_wire::{emit, limits::v1::*};

use super::world::{World, amount, manager, principal, reason_of, record, sales, yuan};
use crate::{
    event::Event,
    grade::Grade,
    store::{self, Reader},
};

async fn revoke(world: &World, temporary_limit_id: &str) -> Result<CreditAccount, tonic::Status> {
    let request = RevokeTemporaryLimitRequest {
        request_id: world.id(),
        temporary_limit_id: temporary_limit_id.to_owned(),
        reason: "over".to_owned(),
    };
    let answer = world.limits(manager("mo")).revoke_temporary_limit(request).await?;
    Ok(answer.into_inner().credit_account.unwrap())
}

on_both_databases! {
    async fn it_is_a_request_of_who_asked_and_starts_when_another_approves(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let request = world.send(world.overlay("acme", 50_000, "2026-03-31", "2026-04-10")).await.unwrap();
        assert_eq!((request.state(), request.requested_by.as_str()), (LimitRequestState::Submitted, "sally"));
        assert_eq!(world.account("acme").await.temporary_limits, []);
        let granted = world.approve(&request.limit_request_id, manager("mo"), 0).await.unwrap();
        assert_eq!(granted.state(), LimitRequestState::Active);
        assert_eq!(granted.requested, Some(limit_request::Requested::TemporaryDelta(emit::money(yuan(50_000)))));
        let limit = world.account("acme").await.temporary_limits.pop().unwrap();
        assert_eq!((limit.temporary_limit_id, limit.limit_request_id), (granted.limit_id, request.limit_request_id));
        assert_eq!(limit.reason, "season");
    }

    async fn nobody_approves_the_temporary_limit_they_asked_for(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let overlay = world.overlay("acme", 1, "2026-04-01", "2026-04-10");
        let drafted = world.limits(manager("mo")).create_limit_request(overlay).await.unwrap().into_inner();
        let id = drafted.limit_request.unwrap().limit_request_id;
        world.submit(&id).await.unwrap();
        assert_eq!(reason_of(&world.approve(&id, manager("mo"), 0).await.unwrap_err()), "SELF_APPROVAL");
    }

    async fn who_submitted_a_temporary_limit_does_not_approve_it(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let draft = world.draft(world.overlay("acme", 1, "2026-04-01", "2026-04-10")).await;
        let id = draft.limit_request_id;
        let submit = SubmitLimitRequestRequest { request_id: world.id(), limit_request_id: id.clone(), etag: String::new() };
        world.limits(manager("mo")).submit_limit_request(submit).await.unwrap();
        assert_eq!(reason_of(&world.approve(&id, manager("mo"), 0).await.unwrap_err()), "SELF_APPROVAL");
    }

    async fn its_approver_needs_authority_over_its_amount(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.send(world.overlay("acme", 50_000, "2026-04-01", "2026-04-10")).await.unwrap().limit_request_id;
        let refused = world.approve(&id, principal("lo", Role::CreditManager, 49_999), 0).await.unwrap_err();
        assert_eq!(reason_of(&refused), "AUTHORITY_EXCEEDED");
        world.approve(&id, principal("eq", Role::CreditManager, 50_000), 0).await.unwrap();
    }

    async fn its_amount_alone_says_how_many_levels_it_takes(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let levels = async |amount: Money| -> Vec<i32> {
            let requested = create_limit_request_request::Requested::TemporaryAbsolute(emit::money(amount));
            let wish = CreateLimitRequestRequest {
                requested: Some(requested),
                ..world.overlay("acme", 1, "2026-04-01", "2026-04-10")
            };
            world.send(wish).await.unwrap().route.iter().map(|step| step.level).collect()
        };
        assert_eq!(levels(yuan(500_000)).await, [1]);
        // beyond what grade B can have for good, too: it is an exception
        assert_eq!(levels(Money::new(50_000_001, yuan(0).currency())).await, [1, 2]);
    }

    async fn no_rule_approves_a_temporary_limit(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 0)).await;
        let request = world.send(world.overlay("acme", 1, "2026-04-01", "2026-04-10")).await.unwrap();
        assert_eq!((request.state(), request.recommendation), (LimitRequestState::Submitted, None));
    }

    async fn an_account_nobody_assessed_gets_no_temporary_limit(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let refused = world.send(world.overlay("acme", 1, "2026-04-01", "2026-04-10")).await.unwrap_err();
        assert_eq!(reason_of(&refused), "NOT_ASSESSED");
    }

    async fn a_grade_without_credit_gets_no_temporary_limit(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.send(world.overlay("acme", 1, "2026-04-01", "2026-04-10")).await.unwrap().limit_request_id;
        world.grade(&record("acme", 2, Grade::D, "40", 0)).await;
        assert_eq!(reason_of(&world.approve(&id, manager("mo"), 0).await.unwrap_err()), "OUTSIDE_GRADE_RANGE");
        let refused = world.send(world.overlay("acme", 1, "2026-04-01", "2026-04-10")).await.unwrap_err();
        assert_eq!(reason_of(&refused), "OUTSIDE_GRADE_RANGE");
    }

    async fn it_counts_from_its_first_to_its_last_day(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(100_000)).await.limit_request_id;
        world.approve(&id, manager("mo"), 0).await.unwrap();
        world.granted_overlay("acme", 50_000, "2026-04-01", "2026-04-10").await;
        for (on, expected) in
            [("2026-03-31", 100_000), ("2026-04-01", 150_000), ("2026-04-10", 150_000), ("2026-04-11", 100_000)]
        {
            assert_eq!(world.in_force("acme", Some(on)).await, amount(yuan(expected)), "{on}");
        }
    }

    async fn one_for_later_becomes_active_on_its_day_and_moves_no_terms(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(100_000)).await.limit_request_id;
        world.approve(&id, manager("mo"), 0).await.unwrap();
        let granted = world.granted_overlay("acme", 50_000, "2026-04-10", "2026-04-20").await;
        assert_eq!((granted.state(), granted.granted_terms_days), (LimitRequestState::Approved, 0));
        let before = world.account("acme").await;
        world.set_today("2026-04-10");
        assert_eq!(world.context.step().await.unwrap(), 1);
        assert_eq!(world.requests_of("acme").await.pop().unwrap().state(), LimitRequestState::Active);
        let after = world.account("acme").await;
        assert_eq!((after.terms_days, after.version), (30, before.version));
    }

    async fn two_do_not_share_a_day(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        // on its way before the other has taken a day of it
        let late = world.send(world.overlay("acme", 1, "2026-04-05", "2026-04-20")).await.unwrap().limit_request_id;
        world.granted_overlay("acme", 1, "2026-04-01", "2026-04-10").await;
        assert_eq!(reason_of(&world.approve(&late, manager("mo"), 0).await.unwrap_err()), "PERIOD_OVERLAP");
        let refused = world.send(world.overlay("acme", 1, "2026-04-10", "2026-04-20")).await.unwrap_err();
        assert_eq!(reason_of(&refused), "PERIOD_OVERLAP");
        world.granted_overlay("acme", 1, "2026-04-11", "2026-04-20").await;
    }

    async fn the_same_days_approved_at_the_same_moment_are_granted_once(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let mut ids = Vec::new();
        for _ in 0..8 {
            let request = world.send(world.overlay("acme", 1, "2026-04-01", "2026-04-10")).await.unwrap();
            ids.push(request.limit_request_id);
        }
        let votes = ids.iter().map(|id| world.approve(id, manager("mo"), 0));
        let granted = futures::future::join_all(votes).await;
        assert_eq!(granted.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(world.account("acme").await.temporary_limits.len(), 1);
    }

    async fn one_whose_days_are_over_is_not_approved(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.send(world.overlay("acme", 1, "2026-04-01", "2026-04-10")).await.unwrap().limit_request_id;
        world.set_today("2026-04-11");
        assert_eq!(reason_of(&world.approve(&id, manager("mo"), 0).await.unwrap_err()), "WRONG_STATE");
    }

    async fn a_revoked_one_counts_no_more(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let granted = world.granted_overlay("acme", 50_000, "2026-03-31", "2026-04-10").await;
        assert_eq!(world.in_force("acme", None).await, amount(yuan(50_000)));
        assert_eq!(revoke(&world, &granted.limit_id).await.unwrap().temporary_limits, []);
        assert_eq!(world.in_force("acme", None).await.unwrap().kind, Some(limit::Kind::None(NoLimit {})));
        assert_eq!(reason_of(&revoke(&world, &granted.limit_id).await.unwrap_err()), "WRONG_STATE");
    }

    async fn who_revoked_one_and_why_is_kept_and_stands_on_its_request(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let granted = world.granted_overlay("acme", 50_000, "2026-03-31", "2026-04-10").await;
        revoke(&world, &granted.limit_id).await.unwrap();
        let request = world.requests_of("acme").await.pop().unwrap();
        assert_eq!(request.state(), LimitRequestState::Active);
        assert_eq!((request.revoked_by.as_str(), request.revoke_reason.as_str()), ("mo", "over"));
        assert_eq!(request.revoked_time, Some(emit::timestamp(world.clock.now())));

        let account_id = AccountId::parse("acme").unwrap();
        let account = store::account(Reader::Db(&world.context.env.db), &account_id).await.unwrap().unwrap();
        let kept = account.temporary_limits[0].revocation.clone().unwrap();
        assert_eq!((kept.on, kept.act.by.as_str(), kept.reason.as_str()), (world.clock.today(), "mo", "over"));

        let entries = testing::feed::caught_up(&world.context.journal, 0).await;
        let told = entries.iter().find(|entry| entry.kind == "limit_request_revoked").unwrap();
        let Event::Request(after) = told.after_as().unwrap() else { panic!("{told:?}") };
        assert_eq!(after.revoked.unwrap().reason, "over");
    }

    async fn revoking_one_before_its_first_day_withdraws_its_request(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let granted = world.granted_overlay("acme", 50_000, "2026-04-10", "2026-04-20").await;
        revoke(&world, &granted.limit_id).await.unwrap();
        let get = GetLimitRequestRequest { limit_request_id: granted.limit_request_id };
        let request = world.limits(sales()).get_limit_request(get).await.unwrap().into_inner().limit_request.unwrap();
        assert_eq!((request.state(), request.close_reason.as_str()), (LimitRequestState::Withdrawn, "over"));
        world.set_today("2026-04-10");
        assert_eq!(world.context.step().await.unwrap(), 0);
    }
}
