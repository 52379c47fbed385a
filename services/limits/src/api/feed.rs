//! `FeedService`: the journal as others read it. Groups and accounts are told; the rest is nobody else's business.

use std::sync::Arc;

use futures::{StreamExt, stream::BoxStream};
use tonic::{Request, Response, Status, async_trait};
use weir_model::{AccountId, Fields, GroupId};
use weir_store::{Entry as Line, Step};
use weir_wire::{
    common::v1::{EntryHeader, Heartbeat, SnapshotEnd},
    emit::timestamp,
    limits::v1::{feed_service_server::FeedService, *},
    parse, status,
};

use super::{Edge, emit, refused};
use crate::{Error, Limits, event::Event, store::AccountFilter};

/// Groups or accounts read from the database at once.
const PIECE: i64 = 200;

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

fn snapshot(context: Arc<Limits>) -> BoxStream<'static, Result<SnapshotResponse, Error>> {
    Box::pin(async_stream::try_stream! {
        // before the state is read: it then holds everything up to there, and perhaps more
        let position = context.journal.head().await?;
        let today = context.env.clock.today();
        let mut after: Option<GroupId> = None;
        loop {
            let groups = context.groups_alone(after.as_ref(), PIECE).await?;
            let Some(last) = groups.last() else { break };
            after = Some(last.group_id.clone());
            for group in groups {
                yield SnapshotResponse { step: Some(snapshot_response::Step::Change(emit::group_change(&group))) };
            }
        }
        let mut after: Option<AccountId> = None;
        loop {
            let accounts = context.accounts(&AccountFilter::default(), after.as_ref(), PIECE).await?;
            let Some(last) = accounts.last() else { break };
            after = Some(last.account_id.clone());
            for account in accounts {
                let change = emit::account_change(&account.without_past(today));
                yield SnapshotResponse { step: Some(snapshot_response::Step::Change(change)) };
            }
        }
        yield SnapshotResponse { step: Some(snapshot_response::Step::End(SnapshotEnd { position })) };
    })
}

fn told(step: Step) -> Result<WatchResponse, Error> {
    let step = match step {
        Step::Entry(line) => watch_response::Step::Entry(entry(&line)?),
        Step::Heartbeat { position } => watch_response::Step::Heartbeat(Heartbeat { position }),
    };
    Ok(WatchResponse { step: Some(step) })
}

fn entry(line: &Line) -> Result<Entry, Error> {
    let change = match line.after_as::<Event>()? {
        Event::Account(account) => Some(emit::account_change(&account)),
        Event::Group(group) => Some(emit::group_change(&group)),
        Event::Request(_) | Event::Policy(_) => None,
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
    Ok(Entry { header: Some(header), change })
}
