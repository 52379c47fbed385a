//! Reading another context's feed: five generated clients, one shape.

use futures::{Stream, StreamExt, stream::BoxStream};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use weir_model::{FeedStep, Reason, SnapshotStep, SourceError};

use crate::{Peer, common::v1::EntryHeader};

/// The largest message a reader takes: what every context keeps its feed's messages below, and what the edge lets out.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a reader makes of a change: its own words, or none where the change does not concern it.
///
/// The header is missing in a snapshot, whose pieces are states and no entries.
pub trait Understand<Change, T>: Fn(Option<EntryHeader>, Change) -> Result<Option<T>, SourceError> {}

impl<F, Change, T> Understand<Change, T> for F where F: Fn(Option<EntryHeader>, Change) -> Result<Option<T>, SourceError>
{}

/// The steps of a snapshot, as a follower takes them.
pub type Snapshot<T> = BoxStream<'static, Result<SnapshotStep<T>, SourceError>>;

/// The steps of a watched feed, as a follower takes them.
pub type Watch<T> = BoxStream<'static, Result<FeedStep<T>, SourceError>>;

macro_rules! feeds {
    ($($(#[$doc:meta])* $context:ident;)+) => {$(
        $(#[$doc])*
        pub mod $context {
            use super::*;
            use crate::$context::v1::{
                Change, SnapshotRequest, WatchRequest, feed_service_client::FeedServiceClient, snapshot_response,
                watch_response,
            };

            fn client(peer: &Peer) -> FeedServiceClient<Peer> {
                FeedServiceClient::new(peer.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
            }

            /// Asks for the present state of everything.
            pub async fn snapshot<T: Send + 'static>(
                peer: &Peer,
                understand: impl Understand<Change, T> + Send + 'static,
            ) -> Result<Snapshot<T>, SourceError> {
                let mut client = client(peer);
                let steps = client.snapshot(SnapshotRequest {}).await.map_err(refused)?.into_inner();
                Ok(understood(steps, move |response| match response.step.ok_or_else(empty)? {
                    snapshot_response::Step::Change(change) => Ok(understand(None, change)?.map(SnapshotStep::State)),
                    snapshot_response::Step::End(end) => Ok(Some(SnapshotStep::End { position: end.position })),
                }))
            }

            /// Asks for every entry after a position, and those that come.
            pub async fn watch<T: Send + 'static>(
                peer: &Peer,
                after_position: i64,
                understand: impl Understand<Change, T> + Send + 'static,
            ) -> Result<Watch<T>, SourceError> {
                let mut client = client(peer);
                let steps = client.watch(WatchRequest { after_position }).await.map_err(refused)?.into_inner();
                Ok(understood(steps, move |response| match response.step.ok_or_else(empty)? {
                    watch_response::Step::Entry(entry) => {
                        let header = entry.header.ok_or_else(empty)?;
                        let position = header.position;
                        let change = entry.change.filter(|change| change.change.is_some());
                        let change = change.map(|change| understand(Some(header), change)).transpose()?.flatten();
                        Ok(Some(FeedStep::Entry { position, change }))
                    }
                    watch_response::Step::Heartbeat(beat) => {
                        Ok(Some(FeedStep::Heartbeat { position: beat.position }))
                    }
                }))
            }
        }
    )+};
}

feeds! {
    /// Grades.
    assessment;
    /// Credit accounts.
    limits;
    /// Decisions, commitments, holds.
    order_gate;
    /// What is owed.
    receivables;
    /// Blocks and dunning levels.
    collections;
}

/// Messages as steps; what does not concern the reader is left out.
fn understood<M, S: Send + 'static>(
    messages: impl Stream<Item = Result<M, Status>> + Send + 'static,
    read: impl Fn(M) -> Result<Option<S>, SourceError> + Send + 'static,
) -> BoxStream<'static, Result<S, SourceError>>
where
    M: Send + 'static,
{
    let steps = messages.map(move |message| message.map_err(refused).and_then(&read).transpose());
    steps.filter_map(std::future::ready).boxed()
}

fn empty() -> SourceError {
    SourceError::failed("a feed sent a step without content")
}

fn refused(status: Status) -> SourceError {
    let compacted = status.code() == Code::FailedPrecondition
        && status.get_details_error_info().is_some_and(|info| info.reason == Reason::PositionCompacted.as_str());
    if compacted { SourceError::Compacted } else { SourceError::failed(status) }
}
