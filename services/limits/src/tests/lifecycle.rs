//! Limit requests from draft to limit, by people.

use tonic::Code;
use weir_model::{Money, Role};
use weir_store::{Db, on_both_databases};
use weir_wire::{emit, limits::v1::*};

use super::world::record;
use super::world::{World, admin, amount, asked, date, manager, principal, reason_of, sales, yuan};
use crate::grade::Grade;

on_both_databases! {
    async fn an_approved_request_becomes_the_limit_and_the_terms(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let draft = world.draft(world.wish("acme", yuan(300_000))).await;
        assert_eq!(draft.state(), LimitRequestState::Draft);
        let submitted = world.submit(&draft.limit_request_id).await.unwrap();
        assert_eq!(submitted.state(), LimitRequestState::Submitted);
        assert_eq!(world.in_force("acme", None).await.unwrap().kind, Some(limit::Kind::None(NoLimit {})));
        let approved = world.approve(&draft.limit_request_id, manager("mo"), 0).await.unwrap();
        assert_eq!(approved.state(), LimitRequestState::Active);
        assert_eq!(approved.granted_terms_days, 30);
        let account = world.account("acme").await;
        assert_eq!(account.terms_days, 30);
        assert_eq!(account.limits[0].limit_id, approved.limit_id);
        assert_eq!(account.limits[0].limit_request_id, approved.limit_request_id);
        assert_eq!(world.in_force("acme", None).await, amount(yuan(300_000)));
    }

    async fn five_hundred_thousand_takes_one_level(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let request = world.submitted("acme", yuan(500_000)).await;
        let levels: Vec<i32> = request.route.iter().map(|step| step.level).collect();
        assert_eq!(levels, [1]);
    }

    async fn a_cent_more_takes_two_levels(db: Db) {
        let world = World::new(db).await;
        // grade A by override: its score alone gives B, so no rule approves it
        world.grade(&record("acme", 1, Grade::A, "80", 0)).await;
        let cent_more = Money::new(50_000_001, yuan(0).currency());
        let request = world.submitted("acme", cent_more).await;
        let route: Vec<_> = request.route.iter().map(|step| (step.level, step.authority_required.clone())).collect();
        assert_eq!(route, [(1, Some(emit::money(yuan(500_000)))), (2, Some(emit::money(cent_more)))]);
    }

    async fn the_second_level_cannot_come_first(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 0)).await;
        let request = world.submitted("acme", yuan(800_000)).await;
        let refused = world.approve(&request.limit_request_id, manager("mo"), 2).await.unwrap_err();
        assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    }

    async fn two_people_take_it_through_both_levels(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 0)).await;
        let id = world.submitted("acme", yuan(800_000)).await.limit_request_id;
        let first = world.approve(&id, manager("mo"), 1).await.unwrap();
        assert_eq!(first.state(), LimitRequestState::UnderReview);
        assert_eq!(world.in_force("acme", None).await, amount(yuan(0)).map(|_| Limit { kind: Some(limit::Kind::None(NoLimit {})) }));
        let second = world.approve(&id, manager("mia"), 2).await.unwrap();
        assert_eq!(second.state(), LimitRequestState::Active);
        let approvers: Vec<&str> = second.route.iter().map(|step| step.approved_by.as_str()).collect();
        assert_eq!(approvers, ["mo", "mia"]);
        assert_eq!(world.in_force("acme", None).await, amount(yuan(800_000)));
    }

    async fn one_person_does_not_give_both_levels(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 0)).await;
        let id = world.submitted("acme", yuan(800_000)).await.limit_request_id;
        world.approve(&id, manager("mo"), 1).await.unwrap();
        let refused = world.approve(&id, manager("mo"), 2).await.unwrap_err();
        assert_eq!(reason_of(&refused), "ALREADY_VOTED");
    }

    async fn nobody_approves_their_own_request(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let mo = manager("mo");
        let drafted = world.limits(mo.clone()).create_limit_request(world.wish("acme", yuan(200_000))).await.unwrap();
        let id = drafted.into_inner().limit_request.unwrap().limit_request_id;
        world.submit(&id).await.unwrap();
        let refused = world.approve(&id, mo, 0).await.unwrap_err();
        assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::FailedPrecondition, "SELF_APPROVAL"));
    }

    async fn who_submitted_it_does_not_approve_it_either(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let draft = world.draft(world.wish("acme", yuan(200_000))).await;
        let submit = SubmitLimitRequestRequest {
            request_id: world.id(),
            limit_request_id: draft.limit_request_id.clone(),
            etag: String::new(),
        };
        world.limits(manager("mo")).submit_limit_request(submit).await.unwrap();
        let refused = world.approve(&draft.limit_request_id, manager("mo"), 0).await.unwrap_err();
        assert_eq!(reason_of(&refused), "SELF_APPROVAL");
    }

    async fn an_admin_does_not_approve_their_own_either(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let drafted = world.limits(admin()).create_limit_request(world.wish("acme", yuan(200_000))).await.unwrap();
        let id = drafted.into_inner().limit_request.unwrap().limit_request_id;
        world.submit(&id).await.unwrap();
        let refused = world.approve(&id, admin(), 0).await.unwrap_err();
        assert_eq!(reason_of(&refused), "SELF_APPROVAL");
    }

    async fn authority_equal_to_the_amount_covers_it_and_a_yuan_less_does_not(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(300_000)).await.limit_request_id;
        let less = principal("lo", Role::CreditManager, 299_999);
        let refused = world.approve(&id, less, 0).await.unwrap_err();
        assert_eq!(reason_of(&refused), "AUTHORITY_EXCEEDED");
        world.approve(&id, principal("eq", Role::CreditManager, 300_000), 0).await.unwrap();
    }

    async fn more_than_the_grade_allows_is_refused(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let draft = world.draft(world.wish("acme", yuan(500_001))).await;
        let refused = world.submit(&draft.limit_request_id).await.unwrap_err();
        assert_eq!(reason_of(&refused), "OUTSIDE_GRADE_RANGE");
        assert_eq!(world.requests_of("acme").await.last().unwrap().state(), LimitRequestState::Draft);
    }

    async fn longer_terms_than_the_grade_allows_are_refused(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let draft = world.draft(CreateLimitRequestRequest { requested_terms_days: 46, ..world.wish("acme", yuan(1)) }).await;
        assert_eq!(reason_of(&world.submit(&draft.limit_request_id).await.unwrap_err()), "OUTSIDE_GRADE_RANGE");
    }

    async fn more_than_the_best_grade_takes_every_level(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 0)).await;
        let request = world.submitted("acme", yuan(1_000_001)).await;
        assert_eq!(request.route.len(), 2);
    }

    async fn without_an_assessment_nothing_is_submitted(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let draft = world.draft(world.wish("acme", yuan(1_000))).await;
        let refused = world.submit(&draft.limit_request_id).await.unwrap_err();
        assert_eq!(reason_of(&refused), "NOT_ASSESSED");
    }

    async fn an_unlimited_limit_takes_an_admin_last(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 0)).await;
        let unlimited = Some(Limit { kind: Some(limit::Kind::Unlimited(Unlimited {})) });
        let wish = CreateLimitRequestRequest { requested: asked(unlimited.clone()), ..world.wish("acme", yuan(0)) };
        let id = world.draft(wish).await.limit_request_id;
        world.submit(&id).await.unwrap();
        world.approve(&id, manager("mo"), 1).await.unwrap();
        assert_eq!(reason_of(&world.approve(&id, manager("mia"), 2).await.unwrap_err()), "AUTHORITY_EXCEEDED");
        world.approve(&id, admin(), 2).await.unwrap();
        assert_eq!(world.in_force("acme", None).await, unlimited);
    }

    async fn a_rejected_request_stays_rejected(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(200_000)).await.limit_request_id;
        let rejected = world.reject(&id).await;
        assert_eq!((rejected.state(), rejected.closed_by.as_str()), (LimitRequestState::Rejected, "mo"));
        let refused = world.approve(&id, manager("mia"), 0).await.unwrap_err();
        assert_eq!(reason_of(&refused), "WRONG_STATE");
    }

    async fn only_who_made_a_request_withdraws_it(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(200_000)).await.limit_request_id;
        let withdraw = || WithdrawLimitRequestRequest {
            request_id: world.id(),
            limit_request_id: id.clone(),
            ..Default::default()
        };
        let other = principal("sam", Role::Sales, 0);
        let refused = world.limits(other).withdraw_limit_request(withdraw()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let answer = world.limits(sales()).withdraw_limit_request(withdraw()).await.unwrap().into_inner();
        assert_eq!(answer.limit_request.unwrap().state(), LimitRequestState::Withdrawn);
    }

    async fn an_old_etag_is_refused(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let draft = world.draft(world.wish("acme", yuan(200_000))).await;
        world.submit(&draft.limit_request_id).await.unwrap();
        let approve = ApproveLimitRequestRequest {
            request_id: world.id(),
            limit_request_id: draft.limit_request_id,
            etag: draft.etag,
            ..Default::default()
        };
        let refused = world.limits(manager("mo")).approve_limit_request(approve).await.unwrap_err();
        assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    }

    async fn the_same_approval_again_answers_the_same_and_grants_nothing_more(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(200_000)).await.limit_request_id;
        let approve = ApproveLimitRequestRequest { request_id: world.id(), limit_request_id: id, ..Default::default() };
        let mut client = world.limits(manager("mo"));
        let first = client.approve_limit_request(approve.clone()).await.unwrap().into_inner();
        let again = client.approve_limit_request(approve.clone()).await.unwrap().into_inner();
        assert_eq!(first, again);
        assert_eq!(world.account("acme").await.limits.len(), 1);
        let other = ApproveLimitRequestRequest { comment: "other content".to_owned(), ..approve };
        let refused = client.approve_limit_request(other).await.unwrap_err();
        assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
    }

    async fn two_approvals_at_the_same_moment_have_one_effect(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(200_000)).await.limit_request_id;
        let version = world.account("acme").await.version;
        let votes = (0..8).map(|n| world.approve(&id, manager(&format!("manager-{n}")), 0));
        let outcomes = futures::future::join_all(votes).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(reason_of(refused), "WRONG_STATE");
        }
        let account = world.account("acme").await;
        assert_eq!((account.limits.len(), account.version), (1, version + 1));
    }

    async fn a_limit_for_later_starts_on_its_day_and_terms_with_it(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let later = Some(emit::date(date("2026-04-10")));
        let id = world.draft(CreateLimitRequestRequest { valid_from_date: later, ..world.wish("acme", yuan(200_000)) }).await.limit_request_id;
        world.submit(&id).await.unwrap();
        let approved = world.approve(&id, manager("mo"), 0).await.unwrap();
        assert_eq!(approved.state(), LimitRequestState::Approved);
        assert_eq!(world.context.step().await.unwrap(), 0);
        assert_eq!(world.account("acme").await.terms_days, 0);
        // by date alone, before any job has run
        assert_eq!(world.in_force("acme", Some("2026-04-09")).await, Some(Limit { kind: Some(limit::Kind::None(NoLimit {})) }));
        assert_eq!(world.in_force("acme", Some("2026-04-10")).await, amount(yuan(200_000)));
        world.set_today("2026-04-10");
        assert_eq!(world.context.step().await.unwrap(), 1);
        assert_eq!(world.account("acme").await.terms_days, 30);
        assert_eq!(world.requests_of("acme").await.last().unwrap().state(), LimitRequestState::Active);
        assert_eq!(world.context.step().await.unwrap(), 0);
    }

    async fn of_limits_that_start_on_one_day_the_one_that_holds_sets_the_terms(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let draft = async |terms_days: i32, from: &str| {
            let wish = CreateLimitRequestRequest {
                requested_terms_days: terms_days,
                valid_from_date: Some(emit::date(date(from))),
                ..world.wish("acme", yuan(200_000))
            };
            world.send(wish).await.unwrap().limit_request_id
        };
        let first = draft(45, "2026-04-10").await;
        let second = draft(15, "2026-04-10").await;
        let before = draft(20, "2026-04-08").await;
        // approved last, so it takes the place of the one asked for after it
        for id in [&second, &before, &first] {
            world.approve(id, manager("mo"), 0).await.unwrap();
        }
        world.set_today("2026-04-10");
        assert_eq!(world.context.step().await.unwrap(), 3);
        assert_eq!(world.account("acme").await.terms_days, 45);
        assert!(world.requests_of("acme").await.iter().skip(1).all(|request| request.state() == LimitRequestState::Active));
    }

    async fn an_expired_limit_counts_as_zero_from_the_day_after(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let last = Some(emit::date(date("2026-04-30")));
        let id = world.draft(CreateLimitRequestRequest { valid_to_date: last, ..world.wish("acme", yuan(200_000)) }).await.limit_request_id;
        world.submit(&id).await.unwrap();
        world.approve(&id, manager("mo"), 0).await.unwrap();
        assert_eq!(world.in_force("acme", Some("2026-04-30")).await, amount(yuan(200_000)));
        let after = world.get("acme", Some("2026-05-01")).await.limit_in_force.unwrap();
        assert_eq!(after.limit, amount(yuan(0)));
        assert_eq!(after.reasons[0].kind(), LimitReasonKind::Expired);
    }

    async fn a_second_limit_on_the_same_day_takes_the_place_of_the_first(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        for wanted in [200_000, 150_000] {
            let id = world.submitted("acme", yuan(wanted)).await.limit_request_id;
            world.approve(&id, manager("mo"), 0).await.unwrap();
        }
        assert_eq!(world.in_force("acme", None).await, amount(yuan(150_000)));
        assert_eq!(world.account("acme").await.limits.len(), 1);
    }

    async fn the_past_keeps_its_limit(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(200_000)).await.limit_request_id;
        world.approve(&id, manager("mo"), 0).await.unwrap();
        world.set_today("2026-05-01");
        let id = world.submitted("acme", yuan(400_000)).await.limit_request_id;
        world.approve(&id, manager("mo"), 0).await.unwrap();
        assert_eq!(world.in_force("acme", Some("2026-04-30")).await, amount(yuan(200_000)));
        assert_eq!(world.in_force("acme", Some("2026-05-01")).await, amount(yuan(400_000)));
    }

    async fn the_recommendation_names_the_need_when_it_is_least(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let daily = Some(emit::money(yuan(1_000)));
        let wish = CreateLimitRequestRequest { daily_sales: daily, ..world.wish("acme", yuan(200_000)) };
        let id = world.draft(wish).await.limit_request_id;
        let recommendation = world.submit(&id).await.unwrap().recommendation.unwrap();
        // 1,000 a day for 30 days
        assert_eq!(recommendation.recommended_limit, Some(emit::money(yuan(30_000))));
        let binding: Vec<_> = recommendation.lines.iter().filter(|line| line.binding).map(RecommendationLine::kind).collect();
        assert_eq!(binding, [RecommendationLineKind::Need]);
    }
}
