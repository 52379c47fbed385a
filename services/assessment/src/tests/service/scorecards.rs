//! Scorecards and the grade policy are kept.

use tonic::Code;
use tonic_types::StatusExt as _;
use weir_store::{Db, on_both_databases};
use weir_wire::{assessment::v1 as pb, common::v1::Grade, emit, google::r#type::Decimal};

use crate::tests::world::*;

fn decimal(value: &str) -> Option<Decimal> {
    Some(Decimal { value: value.to_owned() })
}

/// A scorecard of one dimension with one factor.
fn content(weight: &str, bins: Vec<pb::NumberBin>) -> pb::ScorecardContent {
    let factor = pb::ScorecardFactor {
        name: "litigation".to_owned(),
        input: "litigation_count".to_owned(),
        weight_percent: decimal("100"),
        bins,
        missing_points: decimal("40"),
        reason_code: "LITIGATION".to_owned(),
        ..Default::default()
    };
    let dimension = pb::ScorecardDimension {
        name: "reputation".to_owned(),
        weight_percent: decimal(weight),
        factors: vec![factor],
        ..Default::default()
    };
    pb::ScorecardContent { name: "short".to_owned(), dimensions: vec![dimension], ..Default::default() }
}

fn bin(low: Option<&str>, high: Option<&str>, points: &str) -> pb::NumberBin {
    pb::NumberBin { low: low.and_then(decimal), high: high.and_then(decimal), points: decimal(points) }
}

fn two_bins() -> Vec<pb::NumberBin> {
    vec![bin(None, Some("1"), "95"), bin(Some("1"), None, "10")]
}

fn create(content: pb::ScorecardContent) -> pb::CreateScorecardRequest {
    pb::CreateScorecardRequest { content: Some(content), ..Default::default() }
}

async fn created(world: &World, content: pb::ScorecardContent) -> pb::Scorecard {
    world.scorecards().create_scorecard(create(content)).await.unwrap().into_inner().scorecard.unwrap()
}

fn activate(scorecard_id: &str, effective: Option<&str>) -> pb::ActivateScorecardRequest {
    pb::ActivateScorecardRequest {
        scorecard_id: scorecard_id.to_owned(),
        effective_date: effective.map(|on| emit::date(date(on))),
        ..Default::default()
    }
}

on_both_databases! {
    async fn a_new_installation_has_the_shipped_scorecard_in_use(db: Db) {
        let world = World::new(db).await;
        let found = world.scorecards().get_scorecard(pb::GetScorecardRequest::default()).await.unwrap().into_inner();
        let scorecard = found.scorecard.unwrap();
        assert_eq!((scorecard.scorecard_id.as_str(), scorecard.version), ("standard-1", 1));
        assert_eq!(scorecard.activation_problems, Vec::<String>::new());
        assert_eq!(scorecard.content.unwrap().dimensions.len(), 5);
    }

    async fn opening_again_installs_nothing_again(db: Db) {
        let first = World::new(db.clone()).await;
        let made = created(&first, content("100", two_bins())).await;
        first.scorecards().activate_scorecard(activate(&made.scorecard_id, None)).await.unwrap();
        let again = World::new(db).await;
        let request = pb::ListScorecardsRequest::default();
        let found = again.scorecards().list_scorecards(request).await.unwrap().into_inner().scorecards;
        let dates: Vec<(&str, usize)> =
            found.iter().map(|each| (each.scorecard_id.as_str(), each.effective_dates.len())).collect();
        assert_eq!(dates, [(made.scorecard_id.as_str(), 1), ("standard-1", 1)]);
    }

    async fn a_scorecard_comes_back_as_it_was_made(db: Db) {
        let world = World::new(db).await;
        let made = created(&world, content("100", two_bins())).await;
        let request = pb::GetScorecardRequest { scorecard_id: made.scorecard_id.clone(), as_of_date: None };
        let found = world.scorecards().get_scorecard(request).await.unwrap().into_inner().scorecard.unwrap();
        assert_eq!(found, made);
        assert_eq!(found.content.unwrap(), content("100", two_bins()));
    }

    async fn versions_of_a_name_count_up(db: Db) {
        let world = World::new(db).await;
        assert_eq!(created(&world, content("100", two_bins())).await.version, 1);
        assert_eq!(created(&world, content("100", two_bins())).await.version, 2);
        let request = pb::ListScorecardsRequest { name: "short".to_owned(), page_size: 1, ..Default::default() };
        let first = world.scorecards().list_scorecards(request.clone()).await.unwrap().into_inner();
        assert_eq!(first.scorecards[0].version, 2);
        let next = pb::ListScorecardsRequest { page_token: first.next_page_token, ..request };
        let second = world.scorecards().list_scorecards(next).await.unwrap().into_inner();
        assert_eq!((second.scorecards[0].version, second.next_page_token.as_str()), (1, ""));
    }

    async fn a_draft_may_be_off_balance_but_never_be_activated(db: Db) {
        let world = World::new(db).await;
        let draft = created(&world, content("99.5", two_bins())).await;
        assert_eq!(draft.activation_problems, ["weights of the dimensions sum to 99.5 %, not 100 %"]);
        let refused = world.scorecards().activate_scorecard(activate(&draft.scorecard_id, None)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "WEIGHTS_NOT_HUNDRED"));
        assert_eq!(refused.get_details_error_info().unwrap().metadata["sum"], "99.5");
    }

    async fn bins_with_a_gap_are_refused_naming_the_factor(db: Db) {
        let world = World::new(db).await;
        let gap = vec![bin(None, Some("1"), "95"), bin(Some("2"), None, "10")];
        let refused = world.scorecards().create_scorecard(create(content("100", gap))).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "BINS_INVALID"));
        assert_eq!(refused.message(), "bins of factor litigation: gap between 1 and 2");
    }

    async fn of_very_many_bad_fields_the_first_are_named_and_the_rest_counted(db: Db) {
        let world = World::new(db).await;
        let request = create(content("100", vec![bin(None, None, "x"); 5_000]));
        let refused = world.scorecards().create_scorecard(request).await.unwrap_err();
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "content.dimensions[0].factors[0].bins[0].points");
        let rest = 5_000 - (violations.len() - 1);
        assert_eq!(violations.last().unwrap().description, format!("{rest} more fields are invalid"));
        // what clients take of trailers, details and message together
        assert!(refused.details().len() * 4 / 3 + refused.message().len() < 16 * 1_024);
    }

    async fn validating_a_scorecard_keeps_nothing(db: Db) {
        let world = World::new(db).await;
        let request = pb::CreateScorecardRequest { validate_only: true, ..create(content("100", two_bins())) };
        let answer = world.scorecards().create_scorecard(request).await.unwrap().into_inner();
        assert_eq!((answer.scorecard.unwrap().scorecard_id.as_str(), answer.token), ("", None));
        let request = pb::ListScorecardsRequest { name: "short".to_owned(), ..Default::default() };
        assert_eq!(world.scorecards().list_scorecards(request).await.unwrap().into_inner().scorecards, []);
    }

    async fn a_scorecard_is_used_from_its_effective_date_and_old_assessments_keep_theirs(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        world.with_facts("acme", vec![("litigation_count", number("0"))]).await;
        let before = world.assess("acme").await;
        let made = created(&world, content("100", two_bins())).await;
        world.scorecards().activate_scorecard(activate(&made.scorecard_id, Some("2026-04-01"))).await.unwrap();
        let today = world.assess("acme").await;
        assert_eq!(today.report.unwrap().scorecard_id, "standard-1");

        world.clock.set(noon() + chrono::Duration::days(1));
        let tomorrow = world.assess("acme").await;
        assert_eq!((tomorrow.grade(), tomorrow.score.unwrap().value.as_str()), (Grade::A, "95.00"));
        assert_eq!(tomorrow.report.unwrap().scorecard_id, made.scorecard_id);
        let request = pb::GetAssessmentRequest { assessment_id: before.assessment_id.clone() };
        let kept = world.assessments().get_assessment(request).await.unwrap().into_inner().assessment.unwrap();
        assert_eq!(kept, before);
    }

    async fn nothing_is_activated_for_the_past(db: Db) {
        let world = World::new(db).await;
        let request = activate("standard-1", Some("2026-03-30"));
        let refused = world.scorecards().activate_scorecard(request).await.unwrap_err();
        assert_eq!(bad_fields(&refused), ["effective_date"]);
        let unknown = world.scorecards().activate_scorecard(activate("none", None)).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
    }

    async fn before_the_first_scorecard_nothing_can_be_assessed(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let request = pb::AssessAccountRequest {
            account_id: "acme".to_owned(),
            as_of_date: Some(emit::date(date("1999-12-31"))),
            ..Default::default()
        };
        let refused = world.assessments().assess_account(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NO_ACTIVE_SCORECARD"));
    }

    async fn a_new_grade_policy_counts_from_its_date(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let found =
            world.scorecards().get_grade_policy(pb::GetGradePolicyRequest::default()).await.unwrap().into_inner();
        let mut policy = found.grade_policy.unwrap().content.unwrap();
        for (rule, score_min) in policy.rules.iter_mut().zip(["30", "20", "10", "0"]) {
            rule.score_min = decimal(score_min);
        }
        let request = pb::PutGradePolicyRequest { content: Some(policy), ..Default::default() };
        let put = world.scorecards().put_grade_policy(request).await.unwrap().into_inner().grade_policy.unwrap();
        assert_eq!((put.version, put.effective_date), (2, Some(emit::date(date("2026-03-31")))));
        let assessment = world.assess("acme").await;
        assert_eq!(assessment.grade(), Grade::A);
        assert_eq!(assessment.report.unwrap().grade_policy_id, put.policy_id);
    }

    async fn every_bad_field_of_a_grade_policy_is_named(db: Db) {
        let world = World::new(db).await;
        let rule = pb::GradeRule { score_min: decimal("NaN"), ..Default::default() };
        let policy = pb::GradePolicyContent { rules: vec![rule], ..Default::default() };
        let request = pb::PutGradePolicyRequest { content: Some(policy), ..Default::default() };
        let refused = world.scorecards().put_grade_policy(request).await.unwrap_err();
        assert_eq!(
            bad_fields(&refused),
            [
                "content.rules[0].grade",
                "content.rules[0].score_min",
                "content.country_rating_min",
                "content.country_grade_cap",
            ]
        );
    }
}
