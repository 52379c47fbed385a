//! The feed of grades, and what is followed from receivables.

use std::pin::Pin;

use futures::{Stream, StreamExt as _, stream};
use tonic::{Code, Request, Response, Status};
use weir_store::{Db, on_both_databases, testing};
use weir_wire::{
    Peer,
    assessment::v1 as pb,
    common::v1::{Context, EntryHeader, FeedPosition, Grade, Heartbeat, SnapshotEnd, Token},
    emit,
    receivables::v1 as receivables,
};

use crate::{follow, tests::world::*};

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

    async fn how_an_account_pays_is_followed_and_scored(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let payments = vec![settled(0, 30, 600_000)];
        let source = Receivables { snapshot: vec![position(3, Some(payments))], entries: Vec::new() };
        let mut follower = follow::receivables(&world.context, source.peer());
        testing::soon("the snapshot", follower.step()).await.unwrap();

        let report = world.assess("acme").await.report.unwrap();
        assert_eq!(report.receivables_position, 7);
        let on_time = report.inputs.iter().find(|input| input.name == "on_time_percent").unwrap();
        assert_eq!((on_time.origin(), on_time.source.as_str()), (pb::InputOrigin::Receivables, "receivables"));
        let behaviour = report.dimensions.iter().find(|dimension| dimension.name == "payment_behaviour").unwrap();
        // on time, no days beyond terms, index 80, nothing ever overdue: every factor at its best
        assert_eq!(behaviour.points.as_ref().unwrap().value, "100");
    }

    async fn a_change_without_history_leaves_the_history_known(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let source = Receivables {
            snapshot: vec![position(3, Some(vec![settled(0, 30, 600_000)]))],
            entries: vec![(8, None), (9, Some(overdue(position(4, None))))],
        };
        let mut follower = follow::receivables(&world.context, source.peer());
        let status = follower.status();
        while status.borrow().position != Some(9) {
            testing::soon("the entries", follower.step()).await.unwrap();
        }
        let report = world.assess("acme").await.report.unwrap();
        let input = |name: &str| {
            let input = report.inputs.iter().find(|input| input.name == name).unwrap();
            input.value.clone().unwrap().kind.unwrap()
        };
        assert_eq!(input("overdue_amount"), number("200000"));
        // 600,000 of 800,000
        assert_eq!(input("on_time_percent"), number("75"));
    }

    async fn an_older_change_changes_nothing(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let source = Receivables {
            snapshot: vec![position(3, Some(vec![settled(0, 30, 600_000)]))],
            entries: vec![(8, Some(overdue(position(2, None))))],
        };
        let mut follower = follow::receivables(&world.context, source.peer());
        let status = follower.status();
        while status.borrow().position != Some(8) {
            testing::soon("the entry", follower.step()).await.unwrap();
        }
        let report = world.assess("acme").await.report.unwrap();
        assert!(report.inputs.iter().any(|input| input.name == "overdue_amount"
            && input.value.clone().unwrap().kind.unwrap() == number("0")));
    }

    async fn an_assessment_counts_the_payments_it_is_asked_to_count_or_says_it_cannot(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let fresh = |position: i64| pb::AssessAccountRequest {
            account_id: "acme".to_owned(),
            at_least_as_fresh: Some(Token {
                positions: vec![FeedPosition { context: Context::Receivables.into(), position }],
            }),
            ..Default::default()
        };
        let hurried = |position: i64| {
            let mut request = Request::new(fresh(position));
            request.extensions_mut().insert(weir_runtime::Deadline::after(std::time::Duration::from_millis(200)));
            request
        };
        let refused = world.assessments().assess_account(hurried(7)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::DeadlineExceeded, "NOT_FRESH"));

        let source = Receivables { snapshot: vec![position(3, None)], entries: Vec::new() };
        let mut follower = follow::receivables(&world.context, source.peer());
        testing::soon("the snapshot", follower.step()).await.unwrap();
        let assessed = world.assessments().assess_account(fresh(7)).await.unwrap().into_inner();
        assert_eq!(assessed.assessment.unwrap().report.unwrap().receivables_position, 7);
    }
}

fn settled(days_late: i32, item_count: i64, amount: i64) -> receivables::SettledByLateness {
    receivables::SettledByLateness { days_late, item_count, settled_amount: Some(emit::money(yuan(amount))) }
}

fn position(version: i64, settled: Option<Vec<receivables::SettledByLateness>>) -> receivables::PositionChange {
    let payment_behaviour = settled.map(|settled| receivables::PaymentBehaviour {
        settled,
        sales: vec![receivables::MonthlySales {
            month_date: Some(emit::date(date("2025-06-01"))),
            invoice_count: 30,
            invoiced_amount: Some(emit::money(yuan(600_000))),
        }],
        first_invoice_date: Some(emit::date(date("2025-06-03"))),
        ..Default::default()
    });
    receivables::PositionChange {
        account_id: "acme".to_owned(),
        currency_code: "CNY".to_owned(),
        version,
        payment_behaviour,
        ..Default::default()
    }
}

/// The same with 200,000 overdue since 2026-03-01.
fn overdue(position: receivables::PositionChange) -> receivables::PositionChange {
    let due = receivables::DueAmount {
        due_date: Some(emit::date(date("2026-03-01"))),
        open_amount: Some(emit::money(yuan(200_000))),
        disputed_amount: Some(emit::money(yuan(0))),
    };
    receivables::PositionChange { schedule: vec![due], ..position }
}

/// Receivables' feed with a snapshot that ends at position 7 and entries after it.
#[derive(Clone)]
struct Receivables {
    snapshot: Vec<receivables::PositionChange>,
    entries: Vec<(i64, Option<receivables::PositionChange>)>,
}

impl Receivables {
    fn peer(&self) -> Peer {
        let service = receivables::feed_service_server::FeedServiceServer::new(self.clone());
        let routes = tonic::service::Routes::new(service).prepare();
        Peer::new(routes, std::sync::Arc::new(|_| {}))
    }
}

fn change(position: receivables::PositionChange) -> receivables::Change {
    receivables::Change { change: Some(receivables::change::Change::Position(position)) }
}

type Line<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl receivables::feed_service_server::FeedService for Receivables {
    type SnapshotStream = Line<receivables::SnapshotResponse>;
    type WatchStream = Line<receivables::WatchResponse>;

    async fn snapshot(
        &self,
        _: Request<receivables::SnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        use receivables::snapshot_response::Step;
        let end = Step::End(SnapshotEnd { position: 7 });
        let steps = self.snapshot.clone().into_iter().map(|position| Step::Change(change(position))).chain([end]);
        let steps: Vec<_> = steps.map(|step| receivables::SnapshotResponse { step: Some(step) }).collect();
        Ok(Response::new(stream::iter(steps).map(Ok).boxed()))
    }

    async fn watch(&self, request: Request<receivables::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        use receivables::watch_response::Step;
        let after = request.into_inner().after_position;
        let entries = self.entries.clone().into_iter().filter(move |(position, _)| *position > after);
        let last = self.entries.last().map_or(7, |(position, _)| *position);
        let steps = entries.map(|(position, changed)| {
            let header = Some(EntryHeader { position, ..Default::default() });
            Step::Entry(receivables::Entry { header, change: changed.map(change) })
        });
        let steps = steps.chain([Step::Heartbeat(Heartbeat { position: last })]);
        let steps: Vec<_> = steps.map(|step| Ok(receivables::WatchResponse { step: Some(step) })).collect();
        Ok(Response::new(stream::iter(steps).chain(stream::pending()).boxed()))
    }
}
