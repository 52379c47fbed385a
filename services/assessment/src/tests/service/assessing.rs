//! Accounts are assessed.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::{
    assessment::v1 as pb,
    common::v1::{Context, Grade},
    emit,
};

use crate::tests::world::*;

fn assess(account_id: &str) -> pb::AssessAccountRequest {
    pb::AssessAccountRequest { account_id: account_id.to_owned(), ..Default::default() }
}

/// Asks for grade B by a site visit.
fn adjusted(account_id: &str) -> pb::AssessAccountRequest {
    let adjustment = pb::Adjustment {
        grade: Grade::B.into(),
        reason_code: "SITE_VISIT".to_owned(),
        note: "Two new lines in operation".to_owned(),
        ..Default::default()
    };
    pb::AssessAccountRequest { adjustment: Some(adjustment), ..assess(account_id) }
}

async fn listed(world: &World, request: pb::ListAssessmentsRequest) -> Vec<pb::Assessment> {
    world.assessments().list_assessments(request).await.unwrap().into_inner().assessments
}

on_both_databases! {
    async fn an_account_without_any_fact_is_scored_by_the_missing_bins(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let assessment = world.assess("acme").await;
        assert_eq!((assessment.state(), assessment.grade()), (pb::AssessmentState::Approved, Grade::D));
        assert_eq!(assessment.recommended_terms_days, 0);
        let report = assessment.report.unwrap();
        let financial = report.dimensions.iter().find(|dimension| dimension.name == "financial_health").unwrap();
        assert!(financial.factors.iter().all(|factor| factor.missing && factor.bin == "missing"));
        assert_eq!(report.recommendation.unwrap().lines[0].code, "NO_CREDIT");
    }

    async fn a_report_can_be_read_again_as_it_was_made(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        world.with_facts("acme", vec![("registration_status", text("active"))]).await;
        let made = world.assess("acme").await;
        let request = pb::GetAssessmentRequest { assessment_id: made.assessment_id.clone() };
        let found = world.assessments().get_assessment(request).await.unwrap().into_inner().assessment.unwrap();
        assert_eq!(found, made);
    }

    async fn the_report_shows_every_input_with_source_and_date(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        world.with_facts("acme", vec![("registration_status", text("active"))]).await;
        let report = world.assess("acme").await.report.unwrap();
        let input = report.inputs.iter().find(|input| input.name == "registration_status").unwrap();
        assert_eq!(input.origin(), pb::InputOrigin::Fact);
        assert_eq!((input.source.as_str(), input.source_document_id.as_str()), ("registry", "doc-registration_status"));
        assert_eq!(input.known_date, Some(emit::date(date("2026-03-31"))));
        assert_eq!((report.scorecard_id.as_str(), report.grade_policy_id.as_str()), ("standard-1", "standard-1"));
    }

    async fn an_expired_fact_is_used_and_marked_stale(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let valid_until = Some(emit::date(date("2026-04-30")));
        let fact = pb::Fact { valid_until_date: valid_until, ..fact("acme", "registration_status", text("active")) };
        let request = pb::RecordFactsRequest { facts: vec![fact], ..Default::default() };
        world.profiles().record_facts(request).await.unwrap();
        let stale = |assessment: pb::Assessment| {
            let report = assessment.report.unwrap();
            let input = report.inputs.iter().find(|input| input.name == "registration_status").unwrap();
            let factor = report.dimensions[0].factors.iter().find(|factor| factor.name == "registration").unwrap();
            assert_eq!(input.stale, factor.stale);
            (factor.bin.clone(), factor.stale)
        };
        assert_eq!(stale(world.assess("acme").await), ("active".to_owned(), false));
        world.clock.set(noon() + chrono::Duration::days(31));
        assert_eq!(stale(world.assess("acme").await), ("active".to_owned(), true));
    }

    async fn a_listed_dishonest_debtor_is_graded_d(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        world.with_facts("acme", vec![("dishonest_debtor", flag(true))]).await;
        let assessment = world.assess("acme").await;
        assert_eq!(assessment.grade(), Grade::D);
        assert_eq!(assessment.report.unwrap().knock_outs[0].code, "DISHONEST_DEBTOR");
    }

    async fn a_cross_border_account_needs_a_country_rating(db: Db) {
        let world = World::new(db).await;
        let abroad = pb::Profile { cross_border: true, country_code: "BR".to_owned(), ..profile("acme") };
        let request = pb::PutProfileRequest { profile: Some(abroad), ..Default::default() };
        world.profiles().put_profile(request).await.unwrap();
        let refused = world.assessments().assess_account(assess("acme")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "COUNTRY_RATING_MISSING"));
        world.with_facts("acme", vec![("country_rating", number("45"))]).await;
        world.assess("acme").await;
    }

    async fn an_unknown_account_is_not_found(db: Db) {
        let world = World::new(db).await;
        let refused = world.assessments().assess_account(assess("nobody")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ACCOUNT_UNKNOWN"));
        let request = pb::GetAssessmentRequest { assessment_id: "none".to_owned() };
        assert_eq!(world.assessments().get_assessment(request).await.unwrap_err().code(), Code::NotFound);
    }

    async fn the_same_request_id_assesses_once(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        world.with_profile("zeta").await;
        let request = pb::AssessAccountRequest { request_id: "r-1".to_owned(), ..assess("acme") };
        let first = world.assessments().assess_account(request.clone()).await.unwrap().into_inner();
        let again = world.assessments().assess_account(request).await.unwrap().into_inner();
        assert_eq!(again, first);
        let other = pb::AssessAccountRequest { request_id: "r-1".to_owned(), ..assess("zeta") };
        let refused = world.assessments().assess_account(other).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
    }

    async fn validating_keeps_nothing(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let request = pb::AssessAccountRequest { validate_only: true, ..assess("acme") };
        let answer = world.assessments().assess_account(request).await.unwrap().into_inner();
        assert_eq!(answer.token, None);
        let preview = answer.assessment.unwrap();
        assert_eq!(preview.assessment_id, "");
        assert_eq!(listed(&world, pb::ListAssessmentsRequest::default()).await, []);
        let made = world.assess("acme").await;
        assert_eq!(made.report, preview.report, "the same inputs give the same report");
    }

    async fn an_adjusted_assessment_waits_for_somebody_else(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let pending = world.assessments().assess_account(adjusted("acme")).await.unwrap().into_inner();
        let pending = pending.assessment.unwrap();
        assert_eq!((pending.state(), pending.grade()), (pb::AssessmentState::PendingApproval, Grade::B));
        let report = pending.report.unwrap();
        assert_eq!(report.model_grade(), Grade::D);
        assert_eq!(report.adjustment.unwrap().author, "chen");

        let approve = pb::ApproveAssessmentRequest { assessment_id: pending.assessment_id, ..Default::default() };
        let own = world.assessments_by("chen").approve_assessment(approve.clone()).await.unwrap_err();
        assert_eq!((own.code(), reason(&own).as_str()), (Code::FailedPrecondition, "SELF_APPROVAL"));
        let approved = world.assessments_by("wu").approve_assessment(approve.clone()).await.unwrap().into_inner();
        let approved = approved.assessment.unwrap();
        assert_eq!((approved.state(), approved.decided_by.as_str()), (pb::AssessmentState::Approved, "wu"));
        let again = world.assessments_by("wu").approve_assessment(approve).await.unwrap_err();
        assert_eq!((again.code(), reason(&again).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    }

    async fn a_rejected_assessment_stays_rejected(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let pending = world.assessments().assess_account(adjusted("acme")).await.unwrap().into_inner();
        let assessment_id = pending.assessment.unwrap().assessment_id;
        let reject =
            pb::RejectAssessmentRequest { assessment_id: assessment_id.clone(), ..Default::default() };
        let rejected = world.assessments().reject_assessment(reject).await.unwrap().into_inner().assessment.unwrap();
        assert_eq!(rejected.state(), pb::AssessmentState::Rejected);
        let approve = pb::ApproveAssessmentRequest { assessment_id, ..Default::default() };
        let refused = world.assessments_by("wu").approve_assessment(approve).await.unwrap_err();
        assert_eq!(reason(&refused), "WRONG_STATE");
    }

    async fn every_bad_field_of_an_assessment_is_named(db: Db) {
        let world = World::new(db).await;
        let points = |points: &str| Some(weir_wire::google::r#type::Decimal { value: points.to_owned() });
        let adjustment = pb::Adjustment {
            grade: 99,
            reason_code: "because".to_owned(),
            dimensions: vec![
                pb::DimensionAdjustment { dimension: "company".to_owned(), points: points("101") },
                pb::DimensionAdjustment { dimension: "Company!".to_owned(), points: None },
            ],
            ..Default::default()
        };
        let position = weir_wire::common::v1::FeedPosition { context: Context::Receivables.into(), position: -1 };
        let request = pb::AssessAccountRequest {
            as_of_date: Some(emit::date(date("2026-04-01"))),
            adjustment: Some(adjustment),
            at_least_as_fresh: Some(weir_wire::common::v1::Token { positions: vec![position] }),
            ..assess("")
        };
        let refused = world.assessments().assess_account(request).await.unwrap_err();
        assert_eq!(
            bad_fields(&refused),
            [
                "account_id",
                "as_of_date",
                "adjustment.grade",
                "adjustment.reason_code",
                "adjustment.dimensions[0].points",
                "adjustment.dimensions[1].dimension",
                "adjustment.dimensions[1].points",
                "at_least_as_fresh.positions[0].position",
            ]
        );
    }

    async fn an_adjustment_of_an_unknown_dimension_is_named(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let points = Some(weir_wire::google::r#type::Decimal { value: "90".to_owned() });
        let dimension = pb::DimensionAdjustment { dimension: "charm".to_owned(), points };
        let adjustment = pb::Adjustment {
            reason_code: "SITE_VISIT".to_owned(),
            dimensions: vec![dimension],
            ..Default::default()
        };
        let request = pb::AssessAccountRequest { adjustment: Some(adjustment), ..assess("acme") };
        let refused = world.assessments().assess_account(request).await.unwrap_err();
        assert_eq!(bad_fields(&refused), ["adjustment.dimensions[0].dimension"]);
    }

    async fn assessments_are_listed_newest_first_page_by_page(db: Db) {
        let world = World::new(db).await;
        for account_id in ["acme", "zeta"] {
            world.with_profile(account_id).await;
        }
        let mut made = Vec::new();
        for account_id in ["acme", "zeta", "acme"] {
            made.insert(0, world.assess(account_id).await.assessment_id);
        }
        let mut request = pb::ListAssessmentsRequest { page_size: 2, ..Default::default() };
        let first = world.assessments().list_assessments(request.clone()).await.unwrap().into_inner();
        let mut seen: Vec<String> = first.assessments.iter().map(|each| each.assessment_id.clone()).collect();
        assert!(first.assessments.iter().all(|each| each.report.is_none()));
        request.page_token = first.next_page_token.clone();
        let second = world.assessments().list_assessments(request).await.unwrap().into_inner();
        assert_eq!(second.next_page_token, "");
        seen.extend(second.assessments.into_iter().map(|each| each.assessment_id));
        assert_eq!(seen, made);

        let other =
            pb::ListAssessmentsRequest { account_id: "acme".to_owned(), page_token: first.next_page_token, ..Default::default() };
        let refused = world.assessments().list_assessments(other).await.unwrap_err();
        assert_eq!(bad_fields(&refused), ["page_token"], "a token is good for its own list alone");
    }

    async fn assessments_are_listed_by_account_state_and_grade(db: Db) {
        let world = World::new(db).await;
        for account_id in ["acme", "zeta"] {
            world.with_profile(account_id).await;
            world.assess(account_id).await;
        }
        world.assessments().assess_account(adjusted("zeta")).await.unwrap();
        let accounts = async |request| -> Vec<String> {
            listed(&world, request).await.into_iter().map(|each| each.account_id).collect()
        };
        let of_account = pb::ListAssessmentsRequest { account_id: "acme".to_owned(), ..Default::default() };
        assert_eq!(accounts(of_account).await, ["acme"]);
        let pending = pb::AssessmentState::PendingApproval.into();
        assert_eq!(accounts(pb::ListAssessmentsRequest { state: pending, ..Default::default() }).await, ["zeta"]);
        let graded = pb::ListAssessmentsRequest { grade: Grade::D.into(), ..Default::default() };
        assert_eq!(accounts(graded).await, ["zeta", "acme"]);
    }
}
