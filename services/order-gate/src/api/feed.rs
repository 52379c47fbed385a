//! `FeedService`: the journal as others read it: decisions, commitments, holds.

use std::sync::Arc;

use futures::{StreamExt, stream::BoxStream};
use tonic::{Request, Response, Status, async_trait};
use weir_model::Fields;
use weir_store::{Entry as Line, Step};
use weir_wire::{
    common::v1::{EntryHeader, Heartbeat, SnapshotEnd},
    emit::timestamp,
    order_gate::v1::{feed_service_server::FeedService, *},
    parse, status,
};

use super::{Edge, emit, refused};
use crate::{Error, OrderGate};

#[async_trait]
impl FeedService for Edge {
    type SnapshotStream = BoxStream<'static, Result<SnapshotResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let pieces = snapshot(self.context.clone());
        Ok(Response::new(pieces.map(|piece| piece.map_err(refused)).boxed()))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let mut fields = Fields::default();
        let after = parse::whole(&mut fields, "after_position", request.get_ref().after_position, (0, i64::MAX));
        let after = fields.finish_with(after).map_err(status)?;
        let steps = self.context.journal.watch(after);
        Ok(Response::new(steps.map(|step| step.map_err(Error::from).and_then(told).map_err(refused)).boxed()))
    }
}

/// Every commitment and every hold as they are now. Decisions are events, not state: they come with the watch.
fn snapshot(context: Arc<OrderGate>) -> BoxStream<'static, Result<SnapshotResponse, Error>> {
    Box::pin(async_stream::try_stream! {
        // before the state is read: it then holds everything up to there, and perhaps more
        let position = context.journal.head().await?;
        let mut after = Some(String::new());
        while let Some(from) = after {
            let (commitments, last) = context.commitments_after(&from).await?;
            for commitment in &commitments {
                yield state(change::Change::Commitment(emit::commitment(commitment)));
            }
            after = last;
        }
        let mut after = None;
        loop {
            let holds = context.holds_after(after.take()).await?;
            let Some(last) = holds.last() else { break };
            after = Some((last.held_at, last.hold_id.clone()));
            for hold in &holds {
                yield state(change::Change::Hold(emit::hold(hold)));
            }
        }
        yield SnapshotResponse { step: Some(snapshot_response::Step::End(SnapshotEnd { position })) };
    })
}

fn state(change: change::Change) -> SnapshotResponse {
    SnapshotResponse { step: Some(snapshot_response::Step::Change(Change { change: Some(change) })) }
}

fn told(step: Step) -> Result<WatchResponse, Error> {
    let step = match step {
        Step::Entry(line) => watch_response::Step::Entry(entry(&line)?),
        Step::Heartbeat { position } => watch_response::Step::Heartbeat(Heartbeat { position }),
    };
    Ok(WatchResponse { step: Some(step) })
}

fn entry(line: &Line) -> Result<Entry, Error> {
    let change = match line.kind.as_str() {
        "decision_recorded" => Some(change::Change::Decision(emit::decision(&line.after_as()?))),
        "commitment_changed" => Some(change::Change::Commitment(emit::commitment(&line.after_as()?))),
        "hold_changed" => Some(change::Change::Hold(emit::hold(&line.after_as()?))),
        _ => None,
    };
    let header = EntryHeader {
        position: line.position,
        recorded_time: Some(timestamp(line.recorded_at)),
        kind: line.kind.clone(),
        subject: line.subject.clone(),
        version: line.version,
        correlation_id: line.correlation_id.clone(),
        trace: line.trace.clone().unwrap_or_default(),
    };
    Ok(Entry { header: Some(header), change: change.map(|change| Change { change: Some(change) }) })
}
