//! Assessments with their reports.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{AccountId, AssessmentId, Call, Money, SubjectId};
use weir_store::{Db, Id, Instant, Json, Rate, Result, Tx};

use super::{corrupt, currency, days, grade, score};
use crate::{
    grade::Grade,
    record::{Record, State, Summary},
    report::Report,
};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        GET = "
            select sequence, assessment_id, account_id, as_of_date, state, grade, score, currency, recommended_limit,
                   terms_days, review_date, created_at, created_by, decided_at, decided_by, report
            from assessments where assessment_id = $1";
        LOCK = "
            select sequence, assessment_id, account_id, as_of_date, state, grade, score, currency, recommended_limit,
                   terms_days, review_date, created_at, created_by, decided_at, decided_by, report
            from assessments where assessment_id = $1" pg(" for update");
        MADE_AT = "select created_at from assessments where assessment_id = $1";
        INSERT = "
            insert into assessments (assessment_id, account_id, version, as_of_date, state, grade, score, currency,
                                     recommended_limit, terms_days, review_date, report, created_at, created_by)
            values ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        DECIDE = "
            update assessments set state = $2, version = version + 1, decided_at = $3, decided_by = $4
            where assessment_id = $1";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    sequence: i64,
    assessment_id: Id<AssessmentId>,
    account_id: Id<AccountId>,
    as_of_date: NaiveDate,
    state: String,
    grade: String,
    score: Rate,
    currency: String,
    recommended_limit: i64,
    terms_days: i64,
    review_date: NaiveDate,
    created_at: Instant,
    created_by: Id<SubjectId>,
    decided_at: Option<Instant>,
    decided_by: Option<Id<SubjectId>>,
}

#[derive(sqlx::FromRow)]
struct FullRow {
    #[sqlx(flatten)]
    row: Row,
    report: Json<Report>,
}

impl Row {
    fn read(self) -> Result<Summary> {
        Ok(Summary {
            assessment_id: Some(self.assessment_id.0),
            account_id: self.account_id.0,
            as_of: self.as_of_date,
            state: State::from_name(&self.state).ok_or_else(|| corrupt("state", &self.state))?,
            grade: grade(&self.grade)?,
            score: score(self.score),
            limit: Money::new(self.recommended_limit, currency(&self.currency)?),
            terms_days: days(self.terms_days)?,
            review_date: self.review_date,
            created_at: self.created_at.0,
            created_by: self.created_by.0,
            decided_at: self.decided_at.map(Instant::get),
            decided_by: self.decided_by.map(|id| id.0),
        })
    }
}

impl FullRow {
    fn read(self) -> Result<Record> {
        Ok(Record { summary: self.row.read()?, report: self.report.0 })
    }
}

/// Which assessments to list, newest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedAssessments<'a> {
    /// Only of this account.
    pub(crate) account_id: Option<&'a AccountId>,
    /// Only in this state.
    pub(crate) state: Option<State>,
    /// Only of this grade.
    pub(crate) grade: Option<Grade>,
    /// Only before this sequence.
    pub(crate) before: Option<i64>,
    /// At most so many.
    pub(crate) limit: i64,
}

/// An assessment with its report.
pub(crate) async fn assessment(db: &Db, id: &AssessmentId) -> Result<Option<Record>> {
    db.query(sql::GET).bind(id.as_str()).optional::<FullRow>().await?.map(FullRow::read).transpose()
}

/// The same, locked until the transaction ends.
pub(crate) async fn assessment_for_update(tx: &mut Tx, id: &AssessmentId) -> Result<Option<Record>> {
    tx.query(sql::LOCK).bind(id.as_str()).optional::<FullRow>().await?.map(FullRow::read).transpose()
}

/// When an assessment was made.
pub(crate) async fn made_at_in(tx: &mut Tx, id: &AssessmentId) -> Result<DateTime<Utc>> {
    let (at,): (Instant,) = tx.query(sql::MADE_AT).bind(id.as_str()).one().await?;
    Ok(at.get())
}

/// A page of assessments, each with its sequence.
pub(crate) async fn assessments(db: &Db, list: ListedAssessments<'_>) -> Result<Vec<(i64, Summary)>> {
    let rows: Vec<Row> = db
        .build(
            "select sequence, assessment_id, account_id, as_of_date, state, grade, score, currency, recommended_limit,
                    terms_days, review_date, created_at, created_by, decided_at, decided_by
             from assessments where sequence < ",
        )
        .value(list.before.unwrap_or(i64::MAX))
        .push_if(" and account_id = ", list.account_id.map(AccountId::as_str))
        .push_if(" and state = ", list.state.map(State::as_str))
        .push_if(" and grade = ", list.grade.map(Grade::as_str))
        .push(" order by sequence desc limit ")
        .value(list.limit)
        .all()
        .await?;
    rows.into_iter().map(|row| Ok((row.sequence, row.read()?))).collect()
}

/// Adds an assessment.
pub(crate) async fn insert_in(tx: &mut Tx, id: &AssessmentId, record: &Record) -> Result<()> {
    let summary = &record.summary;
    tx.query(sql::INSERT)
        .bind(id.as_str())
        .bind(summary.account_id.as_str())
        .bind(summary.as_of)
        .bind(summary.state.as_str())
        .bind(summary.grade.as_str())
        .bind(Rate(summary.score))
        .bind(summary.limit.currency().code())
        .bind(summary.limit.minor())
        .bind(i64::from(summary.terms_days))
        .bind(summary.review_date)
        .bind(Json(&record.report))
        .bind(Instant::from(summary.created_at))
        .bind(summary.created_by.as_str())
        .execute()
        .await?;
    Ok(())
}

/// Approves or rejects an assessment locked before.
pub(crate) async fn decide_in(tx: &mut Tx, id: &AssessmentId, state: State, call: &Call) -> Result<()> {
    tx.query(sql::DECIDE)
        .bind(id.as_str())
        .bind(state.as_str())
        .bind(Instant::from(call.at))
        .bind(call.principal.subject.as_str())
        .execute()
        .await?;
    Ok(())
}
