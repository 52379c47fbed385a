//! The feed of grades.

use weir_store::{Db, on_both_databases, testing};
use weir_wire::{assessment::v1 as pb, common::v1::Grade, emit};

use crate::tests::world::*;

async fn snapshot(world: &World) -> (Vec<pb::GradeChange>, i64) {
    let mut steps = world.feed().snapshot(pb::SnapshotRequest {}).await.unwrap().into_inner();
    let mut grades = Vec::new();
    loop {
        match steps.message().await.unwrap().unwrap().step.unwrap() {
            pb::snapshot_response::Step::Change(change) => {
                let pb::change::Change::Grade(grade) = change.change.unwrap();
                grades.push(grade);
            }
            pb::snapshot_response::Step::End(end) => return (grades, end.position),
        }
    }
}

/// The grades told after a position until the line is quiet.
async fn watched(world: &World, after_position: i64) -> Vec<pb::GradeChange> {
    let mut steps = world.feed().watch(pb::WatchRequest { after_position }).await.unwrap().into_inner();
    let mut grades = Vec::new();
    let mut expected = after_position;
    loop {
        let step = testing::soon("a step", steps.message()).await.unwrap().unwrap().step.unwrap();
        let pb::watch_response::Step::Entry(entry) = step else { return grades };
        expected += 1;
        assert_eq!(entry.header.unwrap().position, expected);
        if let Some(pb::change::Change::Grade(grade)) = entry.change.and_then(|change| change.change) {
            grades.push(grade);
        }
    }
}

on_both_databases! {
    async fn a_grade_is_told_to_whoever_watches(db: Db) {
        let world = World::new(db).await;
        let (grades, position) = snapshot(&world).await;
        assert_eq!(grades, []);
        world.with_profile("acme").await;
        let assessment = world.assess("acme").await;
        let told = watched(&world, position).await;
        let expected = pb::GradeChange {
            account_id: "acme".to_owned(),
            version: 1,
            assessment_id: assessment.assessment_id,
            grade: Grade::D.into(),
            score: assessment.score,
            recommended_limit: Some(emit::money(yuan(0))),
            recommended_terms_days: 0,
            effective_date: Some(emit::date(date("2026-03-31"))),
            // 91 days later
            review_date: Some(emit::date(date("2026-06-30"))),
            country_code: "CN".to_owned(),
        };
        assert_eq!(told, std::slice::from_ref(&expected));
        assert_eq!(snapshot(&world).await.0, [expected]);
    }

    async fn a_pending_assessment_changes_no_grade_until_it_is_approved(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let adjustment =
            pb::Adjustment { grade: Grade::C.into(), reason_code: "SITE_VISIT".to_owned(), ..Default::default() };
        let request = pb::AssessAccountRequest {
            account_id: "acme".to_owned(),
            adjustment: Some(adjustment),
            ..Default::default()
        };
        let pending = world.assessments().assess_account(request).await.unwrap().into_inner().assessment.unwrap();
        assert_eq!(snapshot(&world).await.0, []);
        let approve = pb::ApproveAssessmentRequest { assessment_id: pending.assessment_id, ..Default::default() };
        world.assessments_by("wu").approve_assessment(approve).await.unwrap();
        let (grades, _) = snapshot(&world).await;
        assert_eq!((grades.len(), grades[0].grade()), (1, Grade::C));
    }

    async fn an_assessment_for_an_earlier_date_does_not_replace_a_newer_grade(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let newest = world.assess("acme").await;
        let earlier = pb::AssessAccountRequest {
            account_id: "acme".to_owned(),
            as_of_date: Some(emit::date(date("2026-01-31"))),
            ..Default::default()
        };
        world.assessments().assess_account(earlier).await.unwrap();
        let (grades, _) = snapshot(&world).await;
        assert_eq!((grades[0].version, &grades[0].assessment_id), (1, &newest.assessment_id));
    }

    async fn the_feed_does_what_every_feed_must(db: Db) {
        let world = World::new(db.clone()).await;
        testing::feed::all(&db, async |n| {
            world.with_profile(&format!("account-{n}")).await;
        })
        .await;
    }

    async fn a_negative_position_is_refused(db: Db) {
        let world = World::new(db).await;
        let refused = world.feed().watch(pb::WatchRequest { after_position: -1 }).await.unwrap_err();
        assert_eq!(bad_fields(&refused), ["after_position"]);
    }

    async fn a_pending_assessment_approved_late_does_not_undo_a_newer_grade_of_the_same_date(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let adjustment =
            pb::Adjustment { grade: Grade::B.into(), reason_code: "SITE_VISIT".to_owned(), ..Default::default() };
        let request = pb::AssessAccountRequest {
            account_id: "acme".to_owned(),
            adjustment: Some(adjustment),
            ..Default::default()
        };
        let pending = world.assessments().assess_account(request).await.unwrap().into_inner().assessment.unwrap();
        world.clock.set(noon() + chrono::Duration::minutes(5));
        world.with_facts("acme", vec![("insolvency", flag(true))]).await;
        let newer = world.assess("acme").await;
        let (_, position) = snapshot(&world).await;
        let approve =
            pb::ApproveAssessmentRequest { assessment_id: pending.assessment_id, ..Default::default() };
        world.assessments_by("wu").approve_assessment(approve).await.unwrap();
        assert_eq!(watched(&world, position).await, []);
        let (grades, _) = snapshot(&world).await;
        assert_eq!((grades[0].grade(), grades[0].assessment_id.as_str()), (Grade::D, newer.assessment_id.as_str()));
    }
}
