//! Scorecards and when each is used.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{Call, ScorecardId, SubjectId};
use weir_store::{Db, Id, Instant, Json, Result, Runner, Tx};

use crate::scorecard::Scorecard;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        GET = "
            select sequence, scorecard_id, name, version, content, created_at, created_by
            from scorecards where scorecard_id = $1";
        AT = "
            select s.sequence, s.scorecard_id, s.name, s.version, s.content, s.created_at, s.created_by
            from scorecard_activations a join scorecards s on s.scorecard_id = a.scorecard_id
            where a.effective_date <= $1
            order by a.effective_date desc, a.sequence desc limit 1";
        ACTIVATIONS = "
            select distinct effective_date from scorecard_activations where scorecard_id = $1 order by effective_date";
        NEXT_VERSION = "select coalesce(max(version), 0) + 1 from scorecards where name = $1";
        INSERT = "
            insert into scorecards (scorecard_id, name, version, content, created_at, created_by)
            values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
        ACTIVATE = "
            insert into scorecard_activations (scorecard_id, effective_date, activated_at, activated_by)
            values ($1, $2, $3, $4) returning sequence";
        CONTENT = "select content from scorecards where scorecard_id = $1";
    }
}

/// A version of a scorecard with its record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScorecardRecord {
    /// Its place in the order of making; 0 when only validated.
    pub sequence: i64,
    /// Its id; none when only validated.
    pub scorecard_id: Option<ScorecardId>,
    /// Which version of its name.
    pub version: i64,
    /// What it holds.
    pub content: Scorecard,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: SubjectId,
    /// Dates from which it is used.
    pub effective_dates: Vec<NaiveDate>,
}

#[derive(sqlx::FromRow)]
struct Row {
    sequence: i64,
    scorecard_id: Id<ScorecardId>,
    version: i64,
    content: Json<Scorecard>,
    created_at: Instant,
    created_by: Id<SubjectId>,
}

impl Row {
    fn read(self) -> ScorecardRecord {
        ScorecardRecord {
            sequence: self.sequence,
            scorecard_id: Some(self.scorecard_id.0),
            version: self.version,
            content: self.content.0,
            created_at: self.created_at.0,
            created_by: self.created_by.0,
            effective_dates: Vec::new(),
        }
    }
}

/// Which scorecards to list, newest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedScorecards<'a> {
    /// Only versions of this name.
    pub(crate) name: Option<&'a str>,
    /// Only before this sequence.
    pub(crate) before: Option<i64>,
    /// At most so many.
    pub(crate) limit: i64,
}

/// A version with its dates.
pub(crate) async fn scorecard(db: &Db, id: &ScorecardId) -> Result<Option<ScorecardRecord>> {
    let row: Option<Row> = db.query(sql::GET).bind(id.as_str()).optional().await?;
    match row {
        None => Ok(None),
        Some(row) => with_dates(db, row).await.map(Some),
    }
}

async fn with_dates(db: &Db, row: Row) -> Result<ScorecardRecord> {
    let effective_dates = db.query(sql::ACTIVATIONS).bind(row.scorecard_id.0.as_str()).scalars().await?;
    Ok(ScorecardRecord { effective_dates, ..row.read() })
}

/// The version in use at a date, without its dates.
pub(crate) async fn scorecard_at<'c>(on: impl Runner<'c>, date: NaiveDate) -> Result<Option<ScorecardRecord>> {
    Ok(on.query(sql::AT).bind(date).optional::<Row>().await?.map(Row::read))
}

/// A page of versions with their dates.
pub(crate) async fn scorecards(db: &Db, list: ListedScorecards<'_>) -> Result<Vec<ScorecardRecord>> {
    let rows: Vec<Row> = db
        .build(
            "select sequence, scorecard_id, name, version, content, created_at, created_by
             from scorecards where sequence < ",
        )
        .value(list.before.unwrap_or(i64::MAX))
        .push_if(" and name = ", list.name)
        .push(" order by sequence desc limit ")
        .value(list.limit)
        .all()
        .await?;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        records.push(with_dates(db, row).await?);
    }
    Ok(records)
}

/// The version the next scorecard of a name gets.
pub(crate) async fn next_scorecard_version<'c>(on: impl Runner<'c>, name: &str) -> Result<i64> {
    on.query(sql::NEXT_VERSION).bind(name).scalar().await
}

/// Adds a version; whether it was new. Another with the same id, or the same name and version, leaves it out.
pub(crate) async fn insert_scorecard_in(
    tx: &mut Tx,
    id: &ScorecardId,
    version: i64,
    content: &Scorecard,
    call: &Call,
) -> Result<bool> {
    let inserted = tx
        .query(sql::INSERT)
        .bind(id.as_str())
        .bind(content.name.as_str())
        .bind(version)
        .bind(Json(content))
        .bind(Instant::from(call.at))
        .bind(call.principal.subject.as_str())
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// What a version holds.
pub(crate) async fn scorecard_content<'c>(on: impl Runner<'c>, id: &ScorecardId) -> Result<Option<Scorecard>> {
    let row: Option<(Json<Scorecard>,)> = on.query(sql::CONTENT).bind(id.as_str()).optional().await?;
    Ok(row.map(|row| row.0.0))
}

/// Has a version used from a date on; answers the place of this in the order of activations.
pub(crate) async fn activate_in(tx: &mut Tx, id: &ScorecardId, date: NaiveDate, call: &Call) -> Result<i64> {
    tx.query(sql::ACTIVATE)
        .bind(id.as_str())
        .bind(date)
        .bind(Instant::from(call.at))
        .bind(call.principal.subject.as_str())
        .scalar()
        .await
}
