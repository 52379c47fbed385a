//! Assessing accounts: load what is known, let the rules judge, keep the report, tell the grade.

use std::time::Duration;

use chrono::NaiveDate;
use tokio::time::Instant;
use weir_model::{AccountId, AssessmentId, Call};
use weir_store::{Change, Done, Error as StoreError, Tx, bookmark, journal};

use super::profiles::json;
use crate::{
    Assessment,
    error::*,
    fulfilment::first_day,
    grade::Grade,
    record::{GradeRecord, Record, State, Summary},
    report::{Adjustment, Case, Followed, Report, assess},
    store::{self, ListedAssessments},
};

/// The feed whose bookmark tells how much of receivables is known.
pub(crate) const RECEIVABLES: &str = "receivables";
/// The feed whose bookmark tells how much of the order gate is known.
pub(crate) const ORDER_GATE: &str = "order_gate";
/// How long to wait for freshness where the call has no deadline.
const FRESH_WAIT: Duration = Duration::from_secs(5);

/// What to assess.
#[derive(Debug, Clone)]
pub struct AssessRequest {
    /// The account.
    pub account_id: AccountId,
    /// The date to assess for.
    pub as_of: NaiveDate,
    /// What an expert changes.
    pub adjustment: Option<Adjustment>,
    /// Count at least what the others knew at these positions; 0 for whatever is known.
    pub at_least: Followed,
    /// When to stop waiting for that; a few seconds from now where none is given.
    pub deadline: Option<Instant>,
}

impl Assessment {
    /// Assesses an account and keeps the report. It approves itself, unless an expert adjusted it.
    pub async fn assess(&self, call: &Call, request: &AssessRequest) -> Result<Done<Record>> {
        let known = self.fresh(request).await?;
        let id: AssessmentId = self.env.ids.next();
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let report = assess_in(tx, request, known).await?;
                let record = record(call, request, Some(id.clone()), report);
                keep_in(tx, call, &id, &record).await?;
                Ok(record)
            })
            .await
    }

    /// What [`assess`](Self::assess) would answer, without an id; keeps nothing.
    pub async fn preview(&self, call: &Call, request: &AssessRequest) -> Result<Record> {
        let known = self.fresh(request).await?;
        let mut tx = self.env.db.begin().await?;
        let report = assess_in(&mut tx, request, known).await;
        tx.rollback().await?;
        Ok(record(call, request, None, report?))
    }

    /// Approves an adjusted assessment: from now on it counts. Not for whoever adjusted it.
    pub async fn approve(&self, call: &Call, id: &AssessmentId) -> Result<Done<Record>> {
        self.env.db.once(call, async |tx: &mut Tx| decide_in(tx, call, id, State::Approved).await).await
    }

    /// Turns an adjusted assessment down.
    pub async fn reject(&self, call: &Call, id: &AssessmentId) -> Result<Done<Record>> {
        self.env.db.once(call, async |tx: &mut Tx| decide_in(tx, call, id, State::Rejected).await).await
    }

    /// An assessment with its report.
    pub async fn assessment(&self, id: &AssessmentId) -> Result<Record> {
        store::assessment(&self.env.db, id).await?.ok_or_else(|| Error::AssessmentUnknown(id.clone()))
    }

    /// Assessments newest first, before a sequence, each with its own.
    pub async fn assessments(
        &self,
        account_id: Option<&AccountId>,
        state: Option<State>,
        grade: Option<Grade>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<(i64, Summary)>> {
        let list = ListedAssessments { account_id, state, grade, before, limit };
        Ok(store::assessments(&self.env.db, list).await?)
    }

    /// Waits until as much of the others is known as the request wants; answers how much is.
    async fn fresh(&self, request: &AssessRequest) -> Result<Followed> {
        let deadline = request.deadline.unwrap_or_else(|| Instant::now() + FRESH_WAIT);
        Ok(Followed {
            receivables: self.reached(RECEIVABLES, request.at_least.receivables, deadline).await?,
            order_gate: self.reached(ORDER_GATE, request.at_least.order_gate, deadline).await?,
        })
    }

    /// Waits until a feed is known up to a position; answers how far it is.
    async fn reached(&self, feed: &'static str, position: i64, deadline: Instant) -> Result<i64> {
        if position > 0 {
            bookmark::reached(&self.env.db, feed, position, deadline).await.map_err(|error| match error {
                StoreError::DeadlinePassed => Error::NotFresh { feed, position },
                other => other.into(),
            })?;
        }
        Ok(bookmark::get(&self.env.db, feed).await?.unwrap_or(0))
    }
}

async fn assess_in(tx: &mut Tx, request: &AssessRequest, followed: Followed) -> Result<Report> {
    let (account_id, as_of) = (&request.account_id, request.as_of);
    let unknown = || Error::AccountUnknown(account_id.clone());
    let (profile, _) = store::profile(&mut *tx, account_id).await?.ok_or_else(unknown)?;
    let facts = store::facts_of(&mut *tx, account_id).await?;
    let behaviour = store::behaviour(&mut *tx, account_id, profile.currency, as_of).await?;
    let closed = (first_day(as_of), as_of);
    let fulfilment = store::closed_orders(&mut *tx, account_id, profile.currency, closed).await?;
    let scorecard = store::scorecard_at(&mut *tx, as_of).await?.ok_or(Error::NoActiveScorecard(as_of))?;
    let scorecard_id = scorecard.scorecard_id.ok_or(Error::NoActiveScorecard(as_of))?;
    let policy = store::policy_at(&mut *tx, as_of).await?.ok_or(Error::NoActivePolicy(as_of))?;
    let policy_id = policy.policy_id.ok_or(Error::NoActivePolicy(as_of))?;
    Ok(assess(&Case {
        profile: &profile,
        facts: &facts,
        behaviour: behaviour.as_ref(),
        fulfilment: fulfilment.as_ref(),
        followed,
        scorecard: (&scorecard_id, &scorecard.content),
        policy: (&policy_id, &policy.content),
        adjustment: request.adjustment.as_ref(),
        as_of,
    })?)
}

fn record(call: &Call, request: &AssessRequest, id: Option<AssessmentId>, report: Report) -> Record {
    let state = if request.adjustment.is_some() { State::PendingApproval } else { State::Approved };
    let summary = Summary {
        assessment_id: id,
        account_id: request.account_id.clone(),
        as_of: request.as_of,
        state,
        grade: report.grade,
        score: report.score,
        limit: report.recommendation.limit,
        terms_days: report.recommendation.terms_days,
        review_date: report.review_date,
        created_at: call.at,
        created_by: call.principal.subject.clone(),
        decided_at: None,
        decided_by: None,
    };
    Record { summary, report }
}

async fn keep_in(tx: &mut Tx, call: &Call, id: &AssessmentId, record: &Record) -> Result<()> {
    store::insert_in(tx, id, record).await?;
    let change =
        Change { kind: "assessment_made", subject: id.as_str(), version: 1, before: None, after: json(&record)? };
    journal::append_in(tx, call, &change).await?;
    if record.summary.state == State::Approved {
        grade_in(tx, call, id, &record.summary).await?;
    }
    Ok(())
}

async fn decide_in(tx: &mut Tx, call: &Call, id: &AssessmentId, state: State) -> Result<Record> {
    let found = store::assessment_for_update(tx, id).await?;
    let mut record = found.ok_or_else(|| Error::AssessmentUnknown(id.clone()))?;
    if record.summary.state != State::PendingApproval {
        return Err(Error::WrongState(record.summary.state));
    }
    let decider = &call.principal.subject;
    if state == State::Approved && record.summary.created_by == *decider {
        return Err(Error::SelfApproval);
    }
    store::decide_in(tx, id, state, call).await?;
    let before = json(&record.summary)?;
    record.summary.state = state;
    record.summary.decided_at = Some(call.at);
    record.summary.decided_by = Some(decider.clone());
    let change = Change {
        kind: "assessment_decided",
        subject: id.as_str(),
        version: 2,
        before: Some(before),
        after: json(&record.summary)?,
    };
    journal::append_in(tx, call, &change).await?;
    if state == State::Approved {
        grade_in(tx, call, id, &record.summary).await?;
    }
    Ok(record)
}

/// Makes an approved assessment the account's present grade, unless one for a later date counts already, or one for the
/// same date that was made later: it knows more, however late the older one is approved.
async fn grade_in(tx: &mut Tx, call: &Call, id: &AssessmentId, summary: &Summary) -> Result<()> {
    let before = store::grade_in(tx, &summary.account_id).await?;
    if let Some(before) = &before {
        let made_at = store::made_at_in(tx, &before.assessment_id).await?;
        if (before.effective_date, made_at) > (summary.as_of, summary.created_at) {
            return Ok(());
        }
    }
    let profile = store::profile(&mut *tx, &summary.account_id).await?;
    let grade = GradeRecord {
        account_id: summary.account_id.clone(),
        version: before.as_ref().map_or(0, |before| before.version) + 1,
        assessment_id: id.clone(),
        grade: summary.grade,
        score: summary.score,
        limit: summary.limit,
        terms_days: summary.terms_days,
        effective_date: summary.as_of,
        review_date: summary.review_date,
        country: profile.map(|(profile, _)| profile.country).unwrap_or_default(),
    };
    store::save_grade_in(tx, &grade).await?;
    let change = Change {
        kind: GRADE_CHANGED,
        subject: summary.account_id.as_str(),
        version: grade.version,
        before: before.map(|before| json(&before)).transpose()?,
        after: json(&grade)?,
    };
    Ok(journal::append_in(tx, call, &change).await?)
}

/// Kind of the journal's entries that the feed tells others.
pub(crate) const GRADE_CHANGED: &str = "grade_changed";
