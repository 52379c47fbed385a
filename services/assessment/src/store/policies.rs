//! Versions of the grade policy.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{Call, PolicyId, SubjectId};
use weir_store::{Db, Id, Instant, Json, Result, Runner, Tx};

use crate::grade::GradePolicy;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        GET = "
            select policy_id, version, effective_date, content, created_at, created_by
            from grade_policies where policy_id = $1";
        AT = "
            select policy_id, version, effective_date, content, created_at, created_by
            from grade_policies where effective_date <= $1
            order by effective_date desc, sequence desc limit 1";
        NEXT_VERSION = "select coalesce(max(version), 0) + 1 from grade_policies";
        INSERT = "
            insert into grade_policies (policy_id, version, effective_date, content, created_at, created_by)
            values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
    }
}

/// A version of the grade policy with its record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PolicyRecord {
    /// Its id; none when only validated.
    pub policy_id: Option<PolicyId>,
    /// Which version.
    pub version: i64,
    /// Date from which it is used.
    pub effective_date: NaiveDate,
    /// The table.
    pub content: GradePolicy,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: SubjectId,
}

#[derive(sqlx::FromRow)]
struct Row {
    policy_id: Id<PolicyId>,
    version: i64,
    effective_date: NaiveDate,
    content: Json<GradePolicy>,
    created_at: Instant,
    created_by: Id<SubjectId>,
}

impl Row {
    fn read(self) -> PolicyRecord {
        PolicyRecord {
            policy_id: Some(self.policy_id.0),
            version: self.version,
            effective_date: self.effective_date,
            content: self.content.0,
            created_at: self.created_at.0,
            created_by: self.created_by.0,
        }
    }
}

/// A version.
pub(crate) async fn policy(db: &Db, id: &PolicyId) -> Result<Option<PolicyRecord>> {
    Ok(db.query(sql::GET).bind(id.as_str()).optional::<Row>().await?.map(Row::read))
}

/// The version in use at a date.
pub(crate) async fn policy_at<'c>(on: impl Runner<'c>, date: NaiveDate) -> Result<Option<PolicyRecord>> {
    Ok(on.query(sql::AT).bind(date).optional::<Row>().await?.map(Row::read))
}

/// The version the next policy gets.
pub(crate) async fn next_policy_version<'c>(on: impl Runner<'c>) -> Result<i64> {
    on.query(sql::NEXT_VERSION).scalar().await
}

/// Adds a version; whether it was new.
pub(crate) async fn insert_policy_in(
    tx: &mut Tx,
    id: &PolicyId,
    version: i64,
    effective_date: NaiveDate,
    content: &GradePolicy,
    call: &Call,
) -> Result<bool> {
    let inserted = tx
        .query(sql::INSERT)
        .bind(id.as_str())
        .bind(version)
        .bind(effective_date)
        .bind(Json(content))
        .bind(Instant::from(call.at))
        .bind(call.principal.subject.as_str())
        .execute()
        .await?;
    Ok(inserted == 1)
}
