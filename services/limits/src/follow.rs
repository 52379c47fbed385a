//! What limits learns from others: grades, from assessment's feed.

use std::sync::Arc;

use chrono::NaiveDate;
use weir_model::{AccountId, AssessmentId, CorrelationId, Fault, FeedStep, Fields, SnapshotStep, SourceError};
use weir_store::{
    Tx,
    follow::{Follower, Source},
};
use weir_wire::{
    Peer,
    assessment::v1::{Change, GradeChange, change},
    common::v1::EntryHeader,
    feed, parse,
};

use crate::{Error, Limits, api, grade::GradeRecord, terms};

/// Name of assessment's feed, and of the bookmark in it.
pub(crate) const ASSESSMENT_FEED: &str = "assessment";

/// Assessment's feed, and the effect of a grade here.
#[derive(Debug)]
pub struct AssessmentSource {
    context: Arc<Limits>,
    peer: Peer,
}

/// A grade, and what it belongs to.
#[derive(Debug, Clone)]
pub struct Graded {
    record: GradeRecord,
    correlation_id: Option<CorrelationId>,
    trace: Option<String>,
}

/// Follows assessment: every grade takes effect once.
pub fn assessment(context: &Arc<Limits>, peer: Peer) -> Follower<AssessmentSource> {
    let source = AssessmentSource { context: context.clone(), peer };
    Follower::new(context.env.db.clone(), ASSESSMENT_FEED, source)
}

impl Source for AssessmentSource {
    type Change = Graded;
    type Error = Error;

    async fn snapshot(
        &self,
    ) -> Result<futures::stream::BoxStream<'static, Result<SnapshotStep<Graded>, SourceError>>, SourceError> {
        feed::assessment::snapshot(&self.peer, understand).await
    }

    async fn watch(
        &self,
        after: i64,
    ) -> Result<futures::stream::BoxStream<'static, Result<FeedStep<Graded>, SourceError>>, SourceError> {
        feed::assessment::watch(&self.peer, after, understand).await
    }

    async fn apply_in(&self, tx: &mut Tx, change: &Graded) -> Result<(), Error> {
        let about = change.record.assessment_id.as_str();
        let mut call = self.context.internal_call("weir.limits/follow_assessment", about);
        if let Some(correlation_id) = &change.correlation_id {
            call.correlation_id = correlation_id.clone();
        }
        call.trace.clone_from(&change.trace);
        self.context.apply_grade_in(tx, &call, &change.record).await
    }
}

fn understand(header: Option<EntryHeader>, change: Change) -> Result<Option<Graded>, SourceError> {
    match change.change {
        Some(change::Change::Grade(grade)) => {
            let record = read(&grade).map_err(SourceError::failed)?;
            let correlation_id = header.as_ref().and_then(|header| CorrelationId::parse(&header.correlation_id).ok());
            let trace = header.map(|header| header.trace).filter(|trace| !trace.is_empty());
            Ok(Some(Graded { record, correlation_id, trace }))
        }
        // whatever else assessment may come to tell
        _ => Ok(None),
    }
}

fn read(change: &GradeChange) -> Result<GradeRecord, Fault> {
    let mut fields = Fields::default();
    let f = &mut fields;
    let account_id: Option<AccountId> = parse::id(f, "account_id", &change.account_id);
    let version = parse::whole(f, "version", change.version, (1, i64::MAX));
    let assessment_id: Option<AssessmentId> = parse::id(f, "assessment_id", &change.assessment_id);
    let grade = parse::one_of(f, "grade", change.grade).and_then(api::grade);
    let score = api::score(f, "score", change.score.as_ref());
    let recommended_limit = parse::non_negative_money(f, "recommended_limit", change.recommended_limit.as_ref());
    let days = i64::from(change.recommended_terms_days);
    let recommended_terms_days = parse::whole(f, "recommended_terms_days", days, (0, terms::DAYS_MAX));
    let effective_date: Option<NaiveDate> = parse::date(f, "effective_date", change.effective_date.as_ref());
    let review_date = parse::optional_date(f, "review_date", change.review_date.as_ref());
    let country = parse::optional_country(f, "country_code", &change.country_code);
    let record = (|| {
        Some(GradeRecord {
            account_id: account_id?,
            version: version?,
            assessment_id: assessment_id?,
            grade: grade?,
            score: score?,
            recommended_limit: recommended_limit?,
            recommended_terms_days: recommended_terms_days?,
            effective_date: effective_date?,
            review_date: review_date?,
            country: country?,
        })
    })();
    fields.finish_with(record)
}
