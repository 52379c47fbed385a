//! The feed over gRPC: a snapshot, then entries with heartbeats in between.

use futures::{StreamExt, stream::BoxStream};
use tonic::{Request, Response, Status};
use weir_model::Fields;
use weir_store::{Entry as JournalEntry, Step};
use weir_wire::{
    assessment::v1::{
        Change, Entry, GradeChange, SnapshotRequest, SnapshotResponse, WatchRequest, WatchResponse, change,
        feed_service_server::FeedService, snapshot_response, watch_response,
    },
    common::v1::{EntryHeader, Heartbeat, SnapshotEnd},
    emit, parse,
};

use super::{Api, status, write};
use crate::{Piece, error::Error, facade::grade_of, record::GradeRecord};

#[tonic::async_trait]
impl FeedService for Api {
    type SnapshotStream = BoxStream<'static, Result<SnapshotResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn snapshot(&self, _: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        let pieces = self.context.snapshot().map(|piece| {
            let step = match piece.map_err(status)? {
                Piece::Grade(grade) => snapshot_response::Step::Change(grade_change(&grade)),
                Piece::End(position) => snapshot_response::Step::End(SnapshotEnd { position }),
            };
            Ok(SnapshotResponse { step: Some(step) })
        });
        Ok(Response::new(pieces.boxed()))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let mut fields = Fields::default();
        let after = parse::whole(&mut fields, "after_position", request.get_ref().after_position, (0, i64::MAX));
        let after = fields.finish_with(after).map_err(status)?;
        let steps = self.context.watch(after).map(|step| {
            let step = match step.map_err(status)? {
                Step::Entry(entry) => watch_response::Step::Entry(entry_of(&entry).map_err(status)?),
                Step::Heartbeat { position } => watch_response::Step::Heartbeat(Heartbeat { position }),
            };
            Ok(WatchResponse { step: Some(step) })
        });
        Ok(Response::new(steps.boxed()))
    }
}

fn entry_of(entry: &JournalEntry) -> Result<Entry, Error> {
    let header = EntryHeader {
        position: entry.position,
        recorded_time: Some(emit::timestamp(entry.recorded_at)),
        kind: entry.kind.clone(),
        subject: entry.subject.clone(),
        version: entry.version,
        correlation_id: entry.correlation_id.clone(),
        trace: entry.trace.clone().unwrap_or_default(),
    };
    Ok(Entry { header: Some(header), change: grade_of(entry)?.as_ref().map(grade_change) })
}

fn grade_change(grade: &GradeRecord) -> Change {
    let grade = GradeChange {
        account_id: grade.account_id.to_string(),
        version: grade.version,
        assessment_id: grade.assessment_id.to_string(),
        grade: write::grade(grade.grade).into(),
        score: Some(emit::decimal(grade.score)),
        recommended_limit: Some(emit::money(grade.limit)),
        recommended_terms_days: grade.terms_days,
        effective_date: Some(emit::date(grade.effective_date)),
        review_date: Some(emit::date(grade.review_date)),
        country_code: grade.country.clone(),
    };
    Change { change: Some(change::Change::Grade(grade)) }
}
