//! What is followed from receivables: how accounts pay.

use std::pin::Pin;

use futures::{Stream, StreamExt as _, stream};
use tonic::{Code, Request, Response, Status};
use weir_store::{Db, on_both_databases, testing};
use weir_wire::{
    Peer,
    assessment::v1 as pb,
    common::v1::{Context, EntryHeader, FeedPosition, Heartbeat, SnapshotEnd, Token},
    emit,
    receivables::v1 as receivables,
};

use crate::{follow, tests::world::*};

on_both_databases! {
    async fn how_an_account_pays_is_followed_and_scored(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let payments = vec![settled(0, 30, 600_000)];
        let source = Receivables { snapshot: vec![position(3, Some(payments))], ..Receivables::default() };
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
            ..Receivables::default()
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

    async fn a_message_that_continues_another_changes_nothing(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let first = overdue(position(3, Some(vec![settled(0, 30, 600_000)])));
        let further = receivables::PositionChange { continues: true, ..position(3, None) };
        let source = Receivables { snapshot: vec![first, further], ..Receivables::default() };
        let mut follower = follow::receivables(&world.context, source.peer());
        testing::soon("the snapshot", follower.step()).await.unwrap();
        let report = world.assess("acme").await.report.unwrap();
        let figure = |name: &str| {
            let input = report.inputs.iter().find(|input| input.name == name).unwrap();
            input.value.clone().unwrap().kind.unwrap()
        };
        assert_eq!((figure("overdue_amount"), figure("on_time_percent")), (number("200000"), number("75")));
    }

    async fn an_older_change_changes_nothing(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let source = Receivables {
            snapshot: vec![position(3, Some(vec![settled(0, 30, 600_000)]))],
            entries: vec![(8, Some(overdue(position(2, None))))],
            ..Receivables::default()
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

        let source = Receivables { snapshot: vec![position(3, None)], ..Receivables::default() };
        let mut follower = follow::receivables(&world.context, source.peer());
        testing::soon("the snapshot", follower.step()).await.unwrap();
        let assessed = world.assessments().assess_account(fresh(7)).await.unwrap().into_inner();
        assert_eq!(assessed.assessment.unwrap().report.unwrap().receivables_position, 7);
    }

    async fn an_assessment_as_of_a_day_knows_nothing_that_was_recorded_later(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let source = Receivables {
            entries: vec![
                (8, Some(overdue(position(1, Some(vec![settled(0, 3, 60_000)]))))),
                (9, Some(overdue(position(2, None)))),
                // paid on the last of March, thirty days late
                (10, Some(position(3, Some(vec![settled(0, 3, 60_000), settled(30, 1, 200_000)])))),
            ],
            recorded_on: vec![(8, "2026-03-10"), (9, "2026-03-20"), (10, "2026-03-31")],
            ..Receivables::default()
        };
        let mut follower = follow::receivables(&world.context, source.peer());
        let status = follower.status();
        while status.borrow().position != Some(10) {
            testing::soon("the entries", follower.step()).await.unwrap();
        }
        let figures = async |as_of: &str| -> Vec<Option<pb::fact_value::Kind>> {
            let request = pb::AssessAccountRequest {
                account_id: "acme".to_owned(),
                as_of_date: Some(emit::date(date(as_of))),
                ..Default::default()
            };
            let assessed = world.assessments().assess_account(request).await.unwrap().into_inner();
            let report = assessed.assessment.unwrap().report.unwrap();
            let figure = |name| {
                let input = report.inputs.iter().find(|input| input.name == name)?;
                input.value.clone()?.kind
            };
            ["overdue_amount", "days_past_due_max", "on_time_percent"].map(figure).to_vec()
        };
        let known = |overdue, days, on_time| vec![Some(number(overdue)), Some(number(days)), Some(number(on_time))];
        // before anything was known, what was known first speaks
        assert_eq!(figures("2026-03-09").await, known("200000", "8", "23.08"));
        // 60,000 of 260,000; due on the first
        assert_eq!(figures("2026-03-10").await, known("200000", "9", "23.08"));
        assert_eq!(figures("2026-03-30").await, known("200000", "29", "23.08"));
        assert_eq!(figures("2026-03-31").await, known("0", "0", "23.08"));
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

/// Receivables' feed with a snapshot that ends at position 7 and entries after it, recorded at noon in Shanghai on the
/// days named.
#[derive(Clone, Default)]
struct Receivables {
    snapshot: Vec<receivables::PositionChange>,
    entries: Vec<(i64, Option<receivables::PositionChange>)>,
    recorded_on: Vec<(i64, &'static str)>,
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
        let recorded_on = self.recorded_on.clone();
        let steps = entries.map(|(position, changed)| {
            let day = recorded_on.iter().find(|(recorded, _)| *recorded == position).map(|(_, day)| date(day));
            let recorded_time = day.map(|day| emit::timestamp(day.and_hms_opt(4, 0, 0).unwrap().and_utc()));
            let header = Some(EntryHeader { position, recorded_time, ..Default::default() });
            Step::Entry(receivables::Entry { header, change: changed.map(change) })
        });
        let steps = steps.chain([Step::Heartbeat(Heartbeat { position: last })]);
        let steps: Vec<_> = steps.map(|step| Ok(receivables::WatchResponse { step: Some(step) })).collect();
        Ok(Response::new(stream::iter(steps).chain(stream::pending()).boxed()))
    }
}
