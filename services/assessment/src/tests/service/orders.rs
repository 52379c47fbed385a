//! What is followed from the order gate: what became of orders.

use std::pin::Pin;

use futures::{Stream, StreamExt as _, stream};
use tonic::{Code, Request, Response, Status};
use weir_store::{Db, on_both_databases, testing};
use weir_wire::{
    Peer,
    assessment::v1 as pb,
    common::v1::{Context, EntryHeader, FeedPosition, Heartbeat, SnapshotEnd, Token},
    emit,
    order_gate::v1::{self as gate, CommitmentState},
};

use crate::{follow, tests::world::*};

/// The order gate's feed: commitments, each an entry recorded at noon in Shanghai on its day. Its snapshot is empty.
#[derive(Clone)]
struct Gate(Vec<(&'static str, gate::Commitment)>);

/// An order of one line in whole yuan, after so many changes.
fn order(
    order_id: &str,
    version: i64,
    state: CommitmentState,
    [ordered, delivered, invoiced]: [i64; 3],
) -> gate::Commitment {
    let amount = |units| Some(emit::money(yuan(units)));
    let line = gate::CommitmentLine {
        line_id: "1".to_owned(),
        ordered_amount: amount(ordered),
        cancelled_amount: amount(0),
        delivered_amount: amount(delivered),
        invoiced_amount: amount(invoiced),
    };
    gate::Commitment {
        order_id: order_id.to_owned(),
        account_id: "acme".to_owned(),
        version,
        state: state.into(),
        lines: vec![line],
        ordered_amount: amount(0),
        ..Default::default()
    }
}

/// A world that has followed what a gate told.
async fn following(db: Db, told: Vec<(&'static str, gate::Commitment)>) -> World {
    let world = World::new(db).await;
    world.with_profile("acme").await;
    let last = i64::try_from(told.len()).unwrap();
    let mut follower = follow::order_gate(&world.context, Gate(told).peer());
    let status = follower.status();
    while status.borrow().position != Some(last) {
        testing::soon("the entries", follower.step()).await.unwrap();
    }
    world
}

/// The rate as it was known on a day.
async fn rate(world: &World, as_of: &str) -> Option<pb::fact_value::Kind> {
    let request = pb::AssessAccountRequest {
        account_id: "acme".to_owned(),
        as_of_date: Some(emit::date(date(as_of))),
        ..Default::default()
    };
    let assessed = world.assessments().assess_account(request).await.unwrap().into_inner();
    let inputs = assessed.assessment.unwrap().report.unwrap().inputs;
    inputs.into_iter().find(|input| input.name == "fulfilment_rate_percent")?.value?.kind
}

on_both_databases! {
    async fn what_becomes_of_orders_is_followed_and_scored(db: Db) {
        let world = following(db, vec![
            ("2026-03-02", order("one", 1, CommitmentState::Converted, [300, 300, 300])),
            ("2026-03-03", order("two", 1, CommitmentState::Cancelled, [100, 0, 0])),
            ("2026-03-04", order("three", 1, CommitmentState::Live, [500, 100, 0])),
        ]).await;
        let report = world.assess("acme").await.report.unwrap();
        assert_eq!(report.order_gate_position, 3);
        let input = report.inputs.iter().find(|input| input.name == "fulfilment_rate_percent").unwrap();
        // 300 of 400; the third is not closed
        assert_eq!(input.value.clone().unwrap().kind.unwrap(), number("75"));
        assert_eq!((input.origin(), input.source.as_str()), (pb::InputOrigin::OrderGate, "order_gate"));
        let trading = report.dimensions.iter().find(|dimension| dimension.name == "trading_history").unwrap();
        let factor = trading.factors.iter().find(|factor| factor.name == "fulfilment").unwrap();
        assert!(!factor.missing);
    }

    async fn without_a_closed_order_there_is_no_rate(db: Db) {
        let world = following(db, vec![("2026-03-04", order("one", 1, CommitmentState::Live, [500, 100, 0]))]).await;
        assert_eq!(rate(&world, "2026-03-31").await, None);
    }

    async fn an_order_counts_from_the_day_it_was_closed_for_twelve_calendar_months(db: Db) {
        let world = following(db, vec![
            ("2025-04-01", order("one", 1, CommitmentState::Converted, [100, 100, 100])),
            ("2026-03-10", order("two", 1, CommitmentState::Live, [100, 50, 50])),
            ("2026-03-20", order("two", 2, CommitmentState::Cancelled, [100, 50, 50])),
        ]).await;
        assert_eq!(rate(&world, "2026-03-19").await, Some(number("100")));
        assert_eq!(rate(&world, "2026-03-20").await, Some(number("75")));
        world.clock.set(noon() + chrono::Duration::days(1));
        assert_eq!(rate(&world, "2026-04-01").await, Some(number("50")));
    }

    async fn an_order_that_is_opened_again_does_not_count(db: Db) {
        let world = following(db, vec![
            ("2026-03-02", order("one", 1, CommitmentState::Converted, [300, 300, 300])),
            ("2026-03-03", order("one", 2, CommitmentState::Live, [300, 300, 0])),
        ]).await;
        assert_eq!(rate(&world, "2026-03-31").await, None);
    }

    async fn an_older_change_of_an_order_changes_nothing(db: Db) {
        let world = following(db, vec![
            ("2026-03-02", order("one", 2, CommitmentState::Converted, [300, 300, 300])),
            ("2026-03-03", order("one", 1, CommitmentState::Cancelled, [300, 0, 0])),
        ]).await;
        assert_eq!(rate(&world, "2026-03-31").await, Some(number("100")));
    }

    async fn an_assessment_counts_the_orders_it_is_asked_to_count_or_says_it_cannot(db: Db) {
        let told = vec![("2026-03-02", order("one", 1, CommitmentState::Converted, [300, 300, 300]))];
        let world = following(db, told).await;
        let fresh = |position: i64| pb::AssessAccountRequest {
            account_id: "acme".to_owned(),
            at_least_as_fresh: Some(Token {
                positions: vec![FeedPosition { context: Context::OrderGate.into(), position }],
            }),
            ..Default::default()
        };
        world.assessments().assess_account(fresh(1)).await.unwrap();
        let mut hurried = Request::new(fresh(2));
        hurried.extensions_mut().insert(weir_runtime::Deadline::after(std::time::Duration::from_millis(200)));
        let refused = world.assessments().assess_account(hurried).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::DeadlineExceeded, "NOT_FRESH"));
    }
}

impl Gate {
    fn peer(&self) -> Peer {
        let service = gate::feed_service_server::FeedServiceServer::new(self.clone());
        let routes = tonic::service::Routes::new(service).prepare();
        Peer::new(routes, std::sync::Arc::new(|_| {}))
    }
}

type Line<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl gate::feed_service_server::FeedService for Gate {
    type SnapshotStream = Line<gate::SnapshotResponse>;
    type WatchStream = Line<gate::WatchResponse>;

    async fn snapshot(&self, _: Request<gate::SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let end = gate::snapshot_response::Step::End(SnapshotEnd { position: 0 });
        let response = gate::SnapshotResponse { step: Some(end) };
        Ok(Response::new(stream::iter([Ok(response)]).boxed()))
    }

    async fn watch(&self, request: Request<gate::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        use gate::watch_response::Step;
        let after = request.into_inner().after_position;
        let entries = (1_i64..).zip(self.0.clone()).filter(move |(position, _)| *position > after);
        let steps = entries.map(|(position, (day, commitment))| {
            let noon = date(day).and_hms_opt(4, 0, 0).unwrap().and_utc();
            let header =
                Some(EntryHeader { position, recorded_time: Some(emit::timestamp(noon)), ..Default::default() });
            let change = gate::Change { change: Some(gate::change::Change::Commitment(commitment)) };
            Step::Entry(gate::Entry { header, change: Some(change) })
        });
        let last = i64::try_from(self.0.len()).unwrap();
        let steps = steps.chain([Step::Heartbeat(Heartbeat { position: last })]);
        let steps: Vec<_> = steps.map(|step| Ok(gate::WatchResponse { step: Some(step) })).collect();
        Ok(Response::new(stream::iter(steps).chain(stream::pending()).boxed()))
    }
}
