//! Runs, one a business date and policy version, and what each request for one was answered.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{RequestId, SubjectId};
use weir_store::{Db, Instant, Json, Tx};

use crate::{
    Error,
    record::{RunCounts, RunReport},
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        NEWEST = "select business_date from runs order by business_date desc limit 1";
        FIND = "
            select run_id, counts, version from runs
            where business_date = $1 and policy_version = $2" pg(" for update");
        START = "
            insert into runs (run_id, business_date, policy_version, state, counts, started_by, started_at, version)
            values ($1, $2, $3, 'running', $4, $5, $6, 1)";
        SAVE = "
            update runs set state = $2, counts = $3, finished_at = $4, version = version + 1
            where run_id = $1 returning version";
        COUNTS = "select counts from runs where run_id = $1";
        ANSWER = "
            insert into run_answers (subject, request_id, answer) values ($1, $2, $3)
            on conflict (subject, request_id) do nothing";
        ANSWERED = "select answer from run_answers where subject = $1 and request_id = $2";
    }
}

/// The newest business date that was run.
pub(crate) async fn newest(db: &Db) -> Result<Option<NaiveDate>, Error> {
    Ok(db.query(sql::NEWEST).optional::<(NaiveDate,)>().await?.map(|row| row.0))
}

/// The newest business date that was run, within a transaction.
pub(crate) async fn newest_in(tx: &mut Tx) -> Result<Option<NaiveDate>, Error> {
    Ok(tx.query(sql::NEWEST).optional::<(NaiveDate,)>().await?.map(|row| row.0))
}

/// The run of a date and policy.
pub(crate) async fn find_in(tx: &mut Tx, date: NaiveDate, policy_version: i64) -> Result<Option<String>, Error> {
    let row = tx.query(sql::FIND).bind(date).bind(policy_version);
    Ok(row.optional::<(String, Json<RunCounts>, i64)>().await?.map(|row| row.0))
}

/// Adds a run.
pub(crate) async fn start_in(
    tx: &mut Tx,
    run_id: &str,
    (date, policy_version): (NaiveDate, i64),
    by: &SubjectId,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    tx.query(sql::START)
        .bind(run_id)
        .bind(date)
        .bind(policy_version)
        .bind(Json(RunCounts::default()))
        .bind(by.as_str())
        .bind(Instant::from(at))
        .execute()
        .await?;
    Ok(())
}

/// What a run did so far.
pub(crate) async fn counts_in(tx: &mut Tx, run_id: &str) -> Result<RunCounts, Error> {
    Ok(tx.query(sql::COUNTS).bind(run_id).scalar::<Json<RunCounts>>().await?.0)
}

/// Notes what a run did so far, and its end where it came; answers its version.
pub(crate) async fn save_in(
    tx: &mut Tx,
    run_id: &str,
    counts: &RunCounts,
    finished: Option<DateTime<Utc>>,
) -> Result<i64, Error> {
    let state = if finished.is_some() { "finished" } else { "running" };
    let query = tx.query(sql::SAVE).bind(run_id).bind(state).bind(Json(counts)).bind(finished.map(Instant::from));
    Ok(query.scalar().await?)
}

/// Keeps what a request was answered.
pub(crate) async fn answer_in(
    tx: &mut Tx,
    subject: &SubjectId,
    request_id: &RequestId,
    report: &RunReport,
) -> Result<(), Error> {
    tx.query(sql::ANSWER).bind(subject.as_str()).bind(request_id.as_str()).bind(Json(report)).execute().await?;
    Ok(())
}

/// What a request was answered; none while it was not.
pub(crate) async fn answered(db: &Db, subject: &SubjectId, request_id: &RequestId) -> Result<Option<RunReport>, Error> {
    let query = db.query(sql::ANSWERED).bind(subject.as_str()).bind(request_id.as_str());
    Ok(query.optional::<(Json<RunReport>,)>().await?.map(|row| row.0.0))
}
