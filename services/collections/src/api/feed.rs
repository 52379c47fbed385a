//! The feed: standings for the gate; everything else in the journal is this context's own business and comes empty.

use std::sync::Arc;

use futures::{StreamExt as _, stream::BoxStream};
use tonic::{Request, Response, Status};
use weir_model::{Fault, Fields};
use weir_store::{Entry, Step};
use weir_wire::{
    collections::v1::{
        self as pb, Change, SnapshotRequest, SnapshotResponse, StandingChange, WatchRequest, WatchResponse,
        feed_service_server::FeedService, snapshot_response, watch_response,
    },
    common::v1::{EntryHeader, Heartbeat, SnapshotEnd},
    emit, parse, status,
};

use crate::{Collections, Error, standing::Standing};

/// Standings read at once for a snapshot.
const PIECES: i64 = 500;

pub(super) struct Feed {
    pub(super) context: Arc<Collections>,
}

#[tonic::async_trait]
impl FeedService for Feed {
    type SnapshotStream = BoxStream<'static, Result<SnapshotResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let context = Arc::clone(&self.context);
        // before the state is read: the state then holds everything up to here
        let position = context.journal().head().await.map_err(|error| status(error.into()))?;
        let stream = async_stream::try_stream! {
            let mut after = String::new();
            loop {
                let pieces = context.standings(&after, PIECES).await.map_err(failed)?;
                let Some(last) = pieces.last() else { break };
                last.account_id.as_str().clone_into(&mut after);
                for standing in &pieces {
                    let step = snapshot_response::Step::Change(change(standing));
                    yield SnapshotResponse { step: Some(step) };
                }
            }
            let step = snapshot_response::Step::End(SnapshotEnd { position });
            yield SnapshotResponse { step: Some(step) };
        };
        Ok(Response::new(stream.boxed()))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let mut fields = Fields::default();
        let after = parse::whole(&mut fields, "after_position", request.get_ref().after_position, (0, i64::MAX));
        let after = fields.finish_with(after).map_err(status)?;
        let steps = self.context.journal().watch(after);
        let steps = steps.map(|step| match step {
            Ok(Step::Entry(entry)) => answer(&entry).map_err(failed),
            Ok(Step::Heartbeat { position }) => {
                Ok(WatchResponse { step: Some(watch_response::Step::Heartbeat(Heartbeat { position })) })
            }
            Err(error) => Err(status(error.into())),
        });
        Ok(Response::new(steps.boxed()))
    }
}

fn answer(entry: &Entry) -> Result<WatchResponse, Error> {
    let header = EntryHeader {
        position: entry.position,
        recorded_time: Some(emit::timestamp(entry.recorded_at)),
        kind: entry.kind.clone(),
        subject: entry.subject.clone(),
        version: entry.version,
        correlation_id: entry.correlation_id.clone(),
        trace: entry.trace.clone().unwrap_or_default(),
    };
    let change = match entry.kind.as_str() {
        "standing_changed" | "account_blocked" | "account_unblocked" => Some(change(&entry.after_as::<Standing>()?)),
        _ => None,
    };
    let entry = pb::Entry { header: Some(header), change };
    Ok(WatchResponse { step: Some(watch_response::Step::Entry(entry)) })
}

fn change(standing: &Standing) -> Change {
    let block = standing.block.as_ref();
    let change = StandingChange {
        account_id: standing.account_id.to_string(),
        version: standing.version,
        blocked: block.is_some(),
        block_reason: block.map_or_else(String::new, |block| block.reason.clone()),
        blocked_by: block.map_or_else(String::new, |block| block.by.to_string()),
        dunning_level: i32::try_from(standing.dunning_level).unwrap_or(i32::MAX),
    };
    Change { change: Some(pb::change::Change::Standing(change)) }
}

fn failed(error: Error) -> Status {
    status(Fault::from(error))
}
