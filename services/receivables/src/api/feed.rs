//! The feed: positions as they change, read from the journal; as they are, in a snapshot.

use futures::{StreamExt as _, stream::BoxStream};
use tonic::{Request, Response, Status};
use weir_model::Fault;
use weir_store::{Entry, Step};
use weir_wire::{
    common::v1::{EntryHeader, Heartbeat, SnapshotEnd},
    emit,
    receivables::v1::{self as pb, change, feed_service_server::FeedService, snapshot_response, watch_response},
};

use super::{Answer, Edge, write};
use crate::{error::Error, position::Position};

/// Positions looked up at once for a snapshot.
const SNAPSHOT_PAGE: i64 = 500;

/// Kind of the entries that concern this context alone.
const ALERTS_FIRED: &str = "alerts_fired";

#[tonic::async_trait]
impl FeedService for Edge {
    type SnapshotStream = BoxStream<'static, Result<pb::SnapshotResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<pb::WatchResponse, Status>>;

    async fn snapshot(&self, _: Request<pb::SnapshotRequest>) -> Answer<Self::SnapshotStream> {
        let context = self.context.clone();
        let steps = async_stream::try_stream! {
            // before the state is read: what comes after it comes again in the watch, with a version already known
            let head = context.journal().head().await.map_err(status)?;
            let mut after = (String::new(), String::new());
            loop {
                let page = context.positions_after((&after.0, &after.1), SNAPSHOT_PAGE).await.map_err(status)?;
                let Some((account_id, currency)) = page.last() else { break };
                after = (account_id.to_string(), currency.code().to_owned());
                for (account_id, currency) in &page {
                    let mut part = context.first_part(account_id, *currency).await.map_err(status)?;
                    while let Some(told) = part {
                        yield snapshot_response::Step::Change(changed(&told));
                        part = context.next_part(told).await.map_err(status)?;
                    }
                }
            }
            yield snapshot_response::Step::End(SnapshotEnd { position: head });
        };
        let messages = steps.map(|step| step.map(|step| pb::SnapshotResponse { step: Some(step) }));
        Ok(Response::new(messages.boxed()))
    }

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Answer<Self::WatchStream> {
        let after = request.into_inner().after_position;
        if after < 0 {
            return Err(weir_wire::status(Fault::invalid("after_position", "must not be negative")));
        }
        let messages = self.context.journal().watch(after).map(|step| {
            let step = match step.map_err(status)? {
                Step::Entry(found) => watch_response::Step::Entry(entry(&found).map_err(status)?),
                Step::Heartbeat { position } => watch_response::Step::Heartbeat(Heartbeat { position }),
            };
            Ok(pb::WatchResponse { step: Some(step) })
        });
        Ok(Response::new(messages.boxed()))
    }
}

fn status(error: impl Into<Error>) -> Status {
    weir_wire::status(error.into().into())
}

fn changed(position: &Position) -> pb::Change {
    pb::Change { change: Some(change::Change::Position(write::position(position))) }
}

fn entry(entry: &Entry) -> Result<pb::Entry, Error> {
    let change =
        if entry.kind == ALERTS_FIRED { pb::Change { change: None } } else { changed(&entry.after_as::<Position>()?) };
    let header = EntryHeader {
        position: entry.position,
        recorded_time: Some(emit::timestamp(entry.recorded_at)),
        kind: entry.kind.clone(),
        subject: entry.subject.clone(),
        version: entry.version,
        correlation_id: entry.correlation_id.clone(),
        trace: entry.trace.clone().unwrap_or_default(),
    };
    Ok(pb::Entry { header: Some(header), change: Some(change) })
}
