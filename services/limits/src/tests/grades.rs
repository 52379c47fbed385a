//! Grades from assessment: opening, asking, tightening, cutting.

use std::sync::Arc;

use futures::{StreamExt, stream::BoxStream};
use tonic::{Request, Response, Status, async_trait, service::RoutesBuilder};
use weir_model::{Currency, Money};
use weir_store::{Db, on_both_databases};
use weir_wire::{
    Peer,
    assessment::v1 as assessment,
    common::v1::{self as common, Context, EntryHeader, Grade as WireGrade, Heartbeat, SnapshotEnd},
    emit,
    limits::v1::*,
};

use super::world::{World, amount, asked, date, manager, reason_of, record, sales, yuan};
use crate::{follow, grade::Grade};

on_both_databases! {
    async fn the_first_grade_opens_the_account(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::B, "80", 200_000)).await;
        let account = world.account("acme").await;
        assert_eq!(account.currency_code, "CNY");
        assert_eq!(account.grade.unwrap().grade(), WireGrade::B);
        assert_eq!(account.order_policy.unwrap().review, Some(order_policy::Review::Above(emit::money(yuan(100_000)))));
    }

    async fn what_an_assessment_recommends_is_asked_for_without_retyping(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::B, "80", 200_000)).await;
        let requests = world.requests_of("acme").await;
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].state(), LimitRequestState::Submitted);
        assert_eq!(requests[0].origin(), LimitRequestOrigin::Assessment);
        assert_eq!(requests[0].requested, amount(yuan(200_000)).map(limit_request::Requested::RequestedLimit));
        world.approve(&requests[0].limit_request_id, manager("mo"), 0).await.unwrap();
        assert_eq!(world.in_force("acme", None).await, amount(yuan(200_000)));
        assert_eq!(world.account("acme").await.terms_days, 45);
    }

    async fn ninety_points_and_half_a_million_are_approved_by_rule(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "90", 500_000)).await;
        let requests = world.requests_of("acme").await;
        assert_eq!(requests[0].state(), LimitRequestState::Active);
        assert_eq!(requests[0].approved_by_rule_id, "score-90-up-to-500000-cny");
        assert_eq!(world.in_force("acme", None).await, amount(yuan(500_000)));
        assert_eq!(world.account("acme").await.terms_days, 60);
    }

    async fn a_cent_more_than_half_a_million_goes_to_people(db: Db) {
        let world = World::new(db).await;
        let mut graded = record("acme", 1, Grade::A, "90", 0);
        graded.recommended_limit = Money::new(50_000_001, yuan(0).currency());
        world.grade(&graded).await;
        let requests = world.requests_of("acme").await;
        assert_eq!((requests[0].state(), requests[0].route.len()), (LimitRequestState::Submitted, 2));
    }

    async fn a_rule_approves_what_people_ask_for_too(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "90", 0)).await;
        let request = world.submitted("acme", yuan(400_000)).await;
        assert_eq!(request.state(), LimitRequestState::Active);
        // asked for 30 days; the rule would grant 60
        assert_eq!(request.granted_terms_days, 30);
    }

    async fn a_rule_raises_a_limit_by_half_at_once_and_leaves_more_to_people(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "90", 200_000)).await;
        world.grade(&record("acme", 2, Grade::A, "91", 300_000)).await;
        assert_eq!(world.in_force("acme", None).await, amount(yuan(300_000)));
        world.grade(&record("acme", 3, Grade::A, "92", 500_000)).await;
        let request = world.requests_of("acme").await.pop().unwrap();
        assert_eq!(request.state(), LimitRequestState::Submitted);
        let recommendation = request.recommendation.unwrap();
        let bound = recommendation.lines.iter().find(|line| line.binding).unwrap();
        assert_eq!((bound.kind(), bound.amount.clone()), (RecommendationLineKind::AutomaticRaise, Some(emit::money(yuan(450_000)))));
        assert_eq!(world.in_force("acme", None).await, amount(yuan(300_000)));
    }

    async fn no_credit_cuts_limit_terms_and_temporary_limits_at_once(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 500_000)).await;
        world.granted_overlay("acme", 50_000, "2026-03-31", "2026-04-10").await;
        let overlay_later = world.granted_overlay("acme", 50_000, "2026-04-11", "2026-04-20").await;
        assert_eq!(overlay_later.state(), LimitRequestState::Approved);
        let later = Some(emit::date(date("2026-05-01")));
        let wish = CreateLimitRequestRequest { valid_from_date: later, ..world.wish("acme", yuan(400_000)) };
        let id = world.draft(wish).await.limit_request_id;
        assert_eq!(world.submit(&id).await.unwrap().state(), LimitRequestState::Approved);
        world.grade(&record("acme", 2, Grade::D, "40", 0)).await;
        let account = world.account("acme").await;
        assert_eq!((account.terms_days, account.temporary_limits.len()), (0, 0));
        for on in ["2026-03-31", "2026-04-10", "2026-04-11", "2026-05-01", "2027-01-01"] {
            assert_eq!(world.in_force("acme", Some(on)).await, amount(yuan(0)), "{on}");
        }
        let requests = world.requests_of("acme").await;
        let begun = (requests[1].state(), requests[1].revoke_reason.as_str());
        assert_eq!(begun, (LimitRequestState::Active, "the grade gives no credit"));
        assert_eq!(requests[2].state(), LimitRequestState::Withdrawn);
        assert_eq!(requests[3].state(), LimitRequestState::Withdrawn);
        assert_eq!(requests[4].approved_by_rule_id, "grade-gives-no-credit");
        world.set_today("2026-05-01");
        world.context.step().await.unwrap();
        assert_eq!(world.account("acme").await.terms_days, 0);
    }

    async fn a_recommendation_no_amount_could_hold_with_its_overlay_goes_to_people(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::B, "80", 0)).await;
        let most = Money::new(i64::MAX, yuan(0).currency());
        let overlay = CreateLimitRequestRequest {
            requested: Some(create_limit_request_request::Requested::TemporaryDelta(emit::money(most))),
            ..world.overlay("acme", 1, "2026-03-31", "2026-04-10")
        };
        let id = world.send(overlay).await.unwrap().limit_request_id;
        let boundless = |name| weir_model::Principal { authority: vec![most], ..manager(name) };
        world.approve(&id, boundless("mo"), 1).await.unwrap();
        world.approve(&id, boundless("mia"), 2).await.unwrap();
        world.grade(&record("acme", 2, Grade::A, "95", 500_000)).await;
        assert_eq!(world.requests_of("acme").await[1].state(), LimitRequestState::Submitted);
    }

    async fn a_downgrade_tightens_terms_at_once_and_asks_the_limit_down(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 500_000)).await;
        world.grade(&record("acme", 2, Grade::C, "65", 40_000)).await;
        let account = world.account("acme").await;
        assert_eq!(account.terms_days, 30);
        assert_eq!(account.order_policy.unwrap().review, Some(order_policy::Review::EveryOrder(EveryOrder {})));
        assert_eq!(world.in_force("acme", None).await, amount(yuan(500_000)));
        let request = world.requests_of("acme").await.pop().unwrap();
        let requested = amount(yuan(40_000)).map(limit_request::Requested::RequestedLimit);
        assert_eq!((request.state(), request.requested), (LimitRequestState::Submitted, requested));
    }

    async fn an_upgrade_raises_nothing_by_itself(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::C, "65", 40_000)).await;
        let id = world.requests_of("acme").await.pop().unwrap().limit_request_id;
        world.approve(&id, manager("mo"), 0).await.unwrap();
        world.grade(&record("acme", 2, Grade::B, "80", 200_000)).await;
        assert_eq!(world.in_force("acme", None).await, amount(yuan(40_000)));
        assert_eq!(world.account("acme").await.terms_days, 30);
        assert_eq!(world.requests_of("acme").await.pop().unwrap().state(), LimitRequestState::Submitted);
    }

    async fn a_newer_assessment_takes_back_what_the_older_asked_for(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::B, "80", 200_000)).await;
        world.grade(&record("acme", 2, Grade::B, "82", 240_000)).await;
        let states: Vec<_> = world.requests_of("acme").await.iter().map(LimitRequest::state).collect();
        assert_eq!(states, [LimitRequestState::Withdrawn, LimitRequestState::Submitted]);
    }

    async fn the_same_grade_again_changes_nothing(db: Db) {
        let world = World::new(db).await;
        let graded = record("acme", 2, Grade::B, "80", 200_000);
        world.grade(&graded).await;
        let head = world.context.journal.head().await.unwrap();
        world.grade(&graded).await;
        world.grade(&record("acme", 1, Grade::D, "10", 0)).await;
        assert_eq!(world.context.journal.head().await.unwrap(), head);
    }

    async fn a_currency_without_rows_gives_no_credit(db: Db) {
        let world = World::new(db).await;
        let mut graded = record("acme", 1, Grade::A, "95", 0);
        graded.recommended_limit = Money::new(100, Currency::from_code("CHF").unwrap());
        world.grade(&graded).await;
        let account = world.account("acme").await;
        assert_eq!(account.currency_code, "CHF");
        assert_eq!(account.order_policy.unwrap().review, Some(order_policy::Review::NoCredit(NoCredit {})));
        assert_eq!(world.requests_of("acme").await, []);
        let francs = CreateLimitRequestRequest {
            requested: asked(amount(graded.recommended_limit)),
            ..world.wish("acme", yuan(0))
        };
        let id = world.draft(francs).await.limit_request_id;
        assert_eq!(reason_of(&world.submit(&id).await.unwrap_err()), "NO_POLICY");
    }

    async fn a_frozen_account_is_asked_for_but_not_approved_by_rule(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let freeze = FreezeAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            reason: "rumours".to_owned(),
        };
        world.limits(manager("mo")).freeze_account(freeze).await.unwrap();
        world.grade(&record("acme", 1, Grade::A, "95", 500_000)).await;
        assert_eq!(world.requests_of("acme").await[0].state(), LimitRequestState::Submitted);
        assert_eq!(world.in_force("acme", None).await, amount(yuan(0)));
    }

    async fn grades_arrive_by_the_feed_once_each(db: Db) {
        let world = World::new(db).await;
        let mut follower = follow::assessment(&world.context, assessment_telling(3));
        let mut forward = 0;
        while forward < 3 {
            forward += follower.step().await.unwrap();
        }
        let fresh = Some(emit::token(Context::Assessment, 3));
        let get = GetCreditAccountRequest {
            account_id: "account-3".to_owned(),
            as_of_date: None,
            at_least_as_fresh: fresh,
        };
        let account = world.limits(sales()).get_credit_account(get).await.unwrap().into_inner().credit_account.unwrap();
        assert_eq!(account.version, 3, "opened, graded, granted");
        // another follower, as after a restart, goes on where this one was
        let head = world.context.journal.head().await.unwrap();
        let mut again = follow::assessment(&world.context, assessment_telling(3));
        assert_eq!(again.step().await.unwrap(), 0);
        assert_eq!(world.context.journal.head().await.unwrap(), head);
    }
}

/// An assessment context that has graded `count` accounts A.
fn assessment_telling(count: i64) -> Peer {
    let mut routes = RoutesBuilder::default();
    routes.add_service(assessment::feed_service_server::FeedServiceServer::new(Grades { count }));
    Peer::new(routes.routes(), Arc::new(|_: &mut http::Request<tonic::body::Body>| {}))
}

struct Grades {
    count: i64,
}

#[async_trait]
impl assessment::feed_service_server::FeedService for Grades {
    type SnapshotStream = BoxStream<'static, Result<assessment::SnapshotResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<assessment::WatchResponse, Status>>;

    async fn snapshot(
        &self,
        _: Request<assessment::SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        let end = assessment::snapshot_response::Step::End(SnapshotEnd { position: 0 });
        let response = assessment::SnapshotResponse { step: Some(end) };
        Ok(Response::new(futures::stream::iter([Ok(response)]).boxed()))
    }

    async fn watch(&self, request: Request<assessment::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let after = request.get_ref().after_position;
        let entries = (after + 1..=self.count).map(|position| {
            let grade = assessment::GradeChange {
                account_id: format!("account-{position}"),
                version: 1,
                assessment_id: format!("assessment-{position}"),
                grade: common::Grade::A.into(),
                score: Some(emit::decimal("92.5".parse().unwrap())),
                recommended_limit: Some(emit::money(yuan(500_000))),
                recommended_terms_days: 60,
                effective_date: Some(emit::date(date("2026-03-01"))),
                review_date: None,
                country_code: "CN".to_owned(),
            };
            let change = assessment::Change { change: Some(assessment::change::Change::Grade(grade)) };
            let header = EntryHeader { position, correlation_id: "story".to_owned(), ..Default::default() };
            assessment::watch_response::Step::Entry(assessment::Entry { header: Some(header), change: Some(change) })
        });
        let heartbeat = assessment::watch_response::Step::Heartbeat(Heartbeat { position: self.count.max(after) });
        let steps: Vec<_> = entries.chain([heartbeat]).collect();
        let responses = steps.into_iter().map(|step| Ok(assessment::WatchResponse { step: Some(step) }));
        Ok(Response::new(futures::stream::iter(responses).chain(futures::stream::pending()).boxed()))
    }
}
