//! Answered requests: a mutation that comes again under the same request id gets the same answer and changes nothing.
//!
//! A request id belongs to its caller. The row is inserted first in the transaction, so a twin under way waits for its
//! outcome; request, effect and answer become durable together or not at all.
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_model::{Call, RequestId};

use crate::db::Attempt;
use crate::work::Work;
use crate::{Db, Error, Instant, Result, Retryable, Tx, journal};

mod sql {
    crate::queries! {
        CLAIM = "
            insert into requests (subject, request_id, rpc, fingerprint, recorded_at) values ($1, $2, $3, $4, $5)
            on conflict (subject, request_id) do nothing";
        FIND = "select rpc, fingerprint, answer, journal_id from requests where subject = $1 and request_id = $2";
        ANSWER = "update requests set answer = $3, journal_id = $4 where subject = $1 and request_id = $2";
        FORGET = "
            delete from requests where (subject, request_id) in
                (select subject, request_id from requests where recorded_at < $1 order by recorded_at limit $2)";
    }
}

/// The outcome of [`Db::once`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<T> {
    /// The answer, of this call or of the one before with the same request id.
    pub value: T,
    /// The journal's position that holds what was done, for the token handed to the caller. 0, which promises nothing,
    /// when the write is durable but the database went away before its position was known.
    pub position: i64,
    /// Whether this is the answer of an earlier call.
    pub replayed: bool,
}

impl<T> Done<T> {
    /// The same outcome with another shape of value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Done<U> {
        Done { value: f(self.value), position: self.position, replayed: self.replayed }
    }
}

#[derive(sqlx::FromRow)]
struct Answered {
    rpc: String,
    fingerprint: Vec<u8>,
    answer: Option<String>,
    journal_id: Option<i64>,
}

impl Db {
    /// Runs a mutation: `work` in a transaction, tried again on [`Error::Retry`], committed, its journal entries
    /// numbered. Under a request id answered before, nothing runs and the answer comes again; with another content that
    /// is [`Error::IdempotencyMismatch`]. Errors are not remembered: a failed request may come again.
    ///
    /// `work` must have no effect but through its transaction, and must call nobody.
    #[expect(clippy::manual_async_fn, reason = "the future says it is Send: handlers cannot find out by themselves")]
    pub fn once<T, E>(
        &self,
        call: &Call,
        work: impl for<'t> Work<'t, T, E>,
    ) -> impl Future<Output = Result<Done<T>, E>> + Send
    where
        T: Serialize + DeserializeOwned + Send,
        E: From<Error> + Retryable + Send,
    {
        async move {
            let mut attempt = Attempt::default();
            loop {
                let tried = async {
                    let mut tx = self.begin().await?;
                    if let Some(answered) = claim_in(&mut tx, call).await? {
                        drop(tx);
                        return Ok(self.replay(call, answered).await?);
                    }
                    let value = work.run(&mut tx).await?;
                    let answer = serde_json::to_string(&value).map_err(Error::from)?;
                    answer_in(&mut tx, call, answer).await?;
                    let position = tx.commit_at(self).await?;
                    Ok::<_, E>(Done { value, position, replayed: false })
                };
                let done = tried.await;
                let retry = done.as_ref().is_err_and(Retryable::retryable);
                if !retry || !attempt.again().await {
                    return done;
                }
            }
        }
    }

    /// Forgets at most `limit` requests recorded before an instant; returns how many. From then on their ids are new.
    pub async fn forget_requests(&self, before: DateTime<Utc>, limit: i64) -> Result<u64> {
        let mut tx = self.begin().await?;
        let forgotten = tx.query(sql::FORGET).bind(Instant::from(before)).bind(limit).execute().await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn replay<T: DeserializeOwned>(&self, call: &Call, answered: Answered) -> Result<Done<T>> {
        if answered.rpc != call.rpc || answered.fingerprint != call.fingerprint.0 {
            return Err(Error::IdempotencyMismatch);
        }
        let value = serde_json::from_str(answered.answer.as_deref().unwrap_or("null"))?;
        let position = match answered.journal_id {
            Some(id) => journal::position_of(self, id).await?,
            None => journal::head_position(self).await?,
        };
        Ok(Done { value, position, replayed: true })
    }
}

/// Takes the request id; the earlier row if it is taken. Waits for a twin under way.
async fn claim_in(tx: &mut Tx, call: &Call) -> Result<Option<Answered>> {
    let Some(id) = &call.request_id else { return Ok(None) };
    let subject = call.principal.subject.as_str();
    let claimed = tx
        .query(sql::CLAIM)
        .bind(subject)
        .bind(id.as_str())
        .bind(call.rpc)
        .bind(call.fingerprint.0.as_slice())
        .bind(Instant::from(call.at))
        .execute()
        .await?;
    if claimed == 1 {
        return Ok(None);
    }
    match tx.query(sql::FIND).bind(subject).bind(id.as_str()).optional().await? {
        Some(answered) => Ok(Some(answered)),
        None => Err(Error::Retry("the earlier request with this id was just forgotten".to_owned())),
    }
}

async fn answer_in(tx: &mut Tx, call: &Call, answer: String) -> Result<()> {
    let Some(id) = call.request_id.as_ref().map(RequestId::as_str) else { return Ok(()) };
    let row = tx.last_row();
    let subject = call.principal.subject.as_str();
    tx.query(sql::ANSWER).bind(subject).bind(id).bind(answer).bind(row).execute().await?;
    Ok(())
}

/// The answer the call's request id was given before; none for a new one and for a call without. With another content
/// that is [`Error::IdempotencyMismatch`]. For a context whose one writer asks this before it decides, and remembers the
/// answer with the effect ([`remember_in`]); all others use [`Db::once`].
pub async fn answered<T: DeserializeOwned>(db: &Db, call: &Call) -> Result<Option<T>> {
    let Some(id) = &call.request_id else { return Ok(None) };
    let query = db.query(sql::FIND).bind(call.principal.subject.as_str()).bind(id.as_str());
    let Some(answered) = query.optional::<Answered>().await? else { return Ok(None) };
    if answered.rpc != call.rpc || answered.fingerprint != call.fingerprint.0 {
        return Err(Error::IdempotencyMismatch);
    }
    Ok(answered.answer.as_deref().map(serde_json::from_str).transpose()?)
}

/// Remembers the answer of a call with a request id, in the transaction of its effect.
pub async fn remember_in<T: Serialize>(tx: &mut Tx, call: &Call, answer: &T) -> Result<()> {
    if claim_in(tx, call).await?.is_some() {
        return Err(Error::Duplicate("the request id was answered meanwhile".to_owned()));
    }
    answer_in(tx, call, serde_json::to_string(answer)?).await
}

#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, crate::Sql)> {
    sql::ALL.to_vec()
}
