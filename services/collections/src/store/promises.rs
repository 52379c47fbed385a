//! Promises.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{AccountId, CaseId, Currency, ItemId, PromiseId, SubjectId};
use weir_store::{Db, Id, Instant, Runner, Tx};

use super::{Page, known, money};
use crate::{
    Error,
    promise::{Promise, PromiseState},
    record::PromiseRecord,
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "
            insert into promises (promise_id, case_id, account_id, item_id, currency, amount, date, grace_days,
                open_before, received, state, judged_date, note, recorded_by, recorded_at, version)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
        GET = "
            select promise_id, case_id, account_id, item_id, currency, amount, date, grace_days, open_before, received,
                state, judged_date, note, recorded_by, recorded_at, version
            from promises where promise_id = $1" pg(" for update");
        OPEN = "
            select promise_id, case_id, account_id, item_id, currency, amount, date, grace_days, open_before, received,
                state, judged_date, note, recorded_by, recorded_at, version
            from promises where state = 'open' and account_id >= $1 and account_id <= $2
            order by promise_id";
        SAVE = "
            update promises set received = $2, state = $3, judged_date = $4, note = $5, version = version + 1
            where promise_id = $1 returning version";
        UNKEPT = "
            select account_id, currency, count(*) as n from promises
            where account_id >= $1 and account_id <= $2 and state in ('broken', 'partly_kept')
            group by account_id, currency order by account_id, currency";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    promise_id: Id<PromiseId>,
    case_id: Option<Id<CaseId>>,
    account_id: Id<AccountId>,
    item_id: Id<ItemId>,
    currency: String,
    amount: i64,
    date: NaiveDate,
    grace_days: i64,
    open_before: i64,
    received: i64,
    state: String,
    judged_date: Option<NaiveDate>,
    note: String,
    recorded_by: Id<SubjectId>,
    recorded_at: Instant,
    version: i64,
}

impl Row {
    fn record(self) -> Result<PromiseRecord, Error> {
        let promise = Promise {
            promise_id: self.promise_id.0,
            item_id: self.item_id.0,
            amount: money(self.amount, &self.currency)?,
            date: self.date,
            grace_days: self.grace_days,
            open_before: money(self.open_before, &self.currency)?,
            received: money(self.received, &self.currency)?,
        };
        Ok(PromiseRecord {
            promise,
            account_id: self.account_id.0,
            case_id: self.case_id.map(|id| id.0),
            state: known("promise state", PromiseState::from_name(&self.state))?,
            judged_date: self.judged_date,
            note: self.note,
            recorded_by: self.recorded_by.0,
            recorded_at: self.recorded_at.get(),
            version: self.version,
        })
    }
}

/// Adds a promise; a duplicate when the item has an open one.
pub(crate) async fn insert_in(tx: &mut Tx, record: &PromiseRecord) -> Result<(), weir_store::Error> {
    let promise = &record.promise;
    tx.query(sql::INSERT)
        .bind(promise.promise_id.as_str())
        .bind(record.case_id.as_ref().map(CaseId::as_str))
        .bind(record.account_id.as_str())
        .bind(promise.item_id.as_str())
        .bind(promise.amount.currency().code())
        .bind(promise.amount.minor())
        .bind(promise.date)
        .bind(promise.grace_days)
        .bind(promise.open_before.minor())
        .bind(promise.received.minor())
        .bind(record.state.as_str())
        .bind(record.judged_date)
        .bind(record.note.as_str())
        .bind(record.recorded_by.as_str())
        .bind(Instant::from(record.recorded_at))
        .bind(record.version)
        .execute()
        .await?;
    Ok(())
}

/// Reads a promise and keeps others from changing it.
pub(crate) async fn get_in(tx: &mut Tx, promise_id: &PromiseId) -> Result<Option<PromiseRecord>, Error> {
    tx.query(sql::GET).bind(promise_id.as_str()).optional::<Row>().await?.map(Row::record).transpose()
}

/// The open promises of a range of accounts.
pub(crate) async fn open_in(tx: &mut Tx, first: &AccountId, last: &AccountId) -> Result<Vec<PromiseRecord>, Error> {
    let rows = tx.query(sql::OPEN).bind(first.as_str()).bind(last.as_str()).all::<Row>().await?;
    rows.into_iter().map(Row::record).collect()
}

/// The open promises of a range of accounts, to read.
pub(crate) async fn open(db: &Db, first: &AccountId, last: &AccountId) -> Result<Vec<PromiseRecord>, Error> {
    let query = Runner::query(db, sql::OPEN).bind(first.as_str()).bind(last.as_str());
    query.all::<Row>().await?.into_iter().map(Row::record).collect()
}

/// Writes what changes of a promise; answers its version.
pub(crate) async fn save_in(tx: &mut Tx, record: &PromiseRecord) -> Result<i64, Error> {
    let query = tx
        .query(sql::SAVE)
        .bind(record.promise.promise_id.as_str())
        .bind(record.promise.received.minor())
        .bind(record.state.as_str())
        .bind(record.judged_date)
        .bind(record.note.as_str());
    Ok(query.scalar().await?)
}

/// How many promises were not kept, by account and currency.
pub(crate) async fn unkept(
    db: &Db,
    first: &AccountId,
    last: &AccountId,
) -> Result<Vec<(AccountId, Currency, i64)>, Error> {
    let query = Runner::query(db, sql::UNKEPT).bind(first.as_str()).bind(last.as_str());
    let rows = query.all::<(Id<AccountId>, String, i64)>().await?;
    rows.into_iter().map(|(id, currency, count)| Ok((id.0, Currency::from_code(&currency)?, count))).collect()
}

/// Which promises to list.
#[derive(Debug, Clone, Default)]
pub struct PromiseFilter {
    /// Only those of this account.
    pub account_id: Option<AccountId>,
    /// Only those in this state.
    pub state: Option<PromiseState>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
}

/// Where a list of promises goes on.
pub(crate) type Key = (DateTime<Utc>, PromiseId);

/// Promises, newest first.
pub(crate) async fn list(db: &Db, filter: &PromiseFilter, page: &Page<Key>) -> Result<Vec<PromiseRecord>, Error> {
    let mut query = db
        .build(
            "select promise_id, case_id, account_id, item_id, currency, amount, date, grace_days, open_before,
                received, state, judged_date, note, recorded_by, recorded_at, version
            from promises where 1 = 1",
        )
        .push_if(" and account_id = ", filter.account_id.as_ref().map(AccountId::as_str))
        .push_if(" and state = ", filter.state.map(PromiseState::as_str))
        .push_if(" and currency = ", filter.currency.map(Currency::code));
    if let Some((at, id)) = &page.after {
        query = query.push(" and (recorded_at, promise_id) < (").value(Instant::from(*at)).push(", ");
        query = query.value(id.as_str()).push(")");
    }
    let query = query.push(" order by recorded_at desc, promise_id desc limit ").value(page.size);
    query.all::<Row>().await?.into_iter().map(Row::record).collect()
}
