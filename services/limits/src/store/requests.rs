//! Limit requests.

use chrono::NaiveDate;
use weir_model::{AccountId, LimitRequestId};
use weir_store::{Id, Json, Result, Tx, queries};

use super::Reader;
use crate::request::{LimitRequest, Origin, State};

queries! {
    REQUEST = "select request from limit_requests where limit_request_id = $1";
    LOCK_REQUEST = "select request from limit_requests where limit_request_id = $1" pg(" for update");
    INSERT_REQUEST = "
        insert into limit_requests (limit_request_id, account_id, version, state, origin, starts_on, request)
        values ($1, $2, $3, $4, $5, $6, $7)";
    SAVE_REQUEST = "
        update limit_requests set version = $2, state = $3, starts_on = $4, request = $5 where limit_request_id = $1";
    OPEN_REQUESTS = "
        select request from limit_requests
        where account_id = $1 and state in ('submitted', 'under_review', 'approved')
        order by limit_request_id" pg(" for update");
    DUE_REQUESTS = "
        select limit_request_id from limit_requests where state = 'approved' and starts_on <= $1
        order by limit_request_id limit $2";
}

/// Which requests a list holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestFilter {
    pub(crate) account_id: Option<AccountId>,
    pub(crate) state: Option<State>,
}

/// A request as it is.
pub(crate) async fn request(reader: Reader<'_>, id: &LimitRequestId) -> Result<Option<LimitRequest>> {
    let mut reader = reader;
    let row: Option<(Json<LimitRequest>,)> = reader.query(REQUEST).bind(id.as_str()).optional().await?;
    Ok(row.map(|row| row.0.0))
}

/// A request, locked until the transaction ends. Lock its account first.
pub(crate) async fn lock_request(tx: &mut Tx, id: &LimitRequestId) -> Result<Option<LimitRequest>> {
    let row: Option<(Json<LimitRequest>,)> = tx.query(LOCK_REQUEST).bind(id.as_str()).optional().await?;
    Ok(row.map(|row| row.0.0))
}

/// The requests of an account that are on their way or wait for their first day, locked.
pub(crate) async fn open_requests_of(tx: &mut Tx, account_id: &AccountId) -> Result<Vec<LimitRequest>> {
    let rows: Vec<(Json<LimitRequest>,)> = tx.query(OPEN_REQUESTS).bind(account_id.as_str()).all().await?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Approved requests whose first day has come.
pub(crate) async fn due_requests(reader: Reader<'_>, today: NaiveDate, limit: i64) -> Result<Vec<LimitRequestId>> {
    let mut reader = reader;
    let rows: Vec<(Id<LimitRequestId>,)> = reader.query(DUE_REQUESTS).bind(today).bind(limit).all().await?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Requests after an id, by id.
pub(crate) async fn requests(
    reader: Reader<'_>,
    filter: &RequestFilter,
    after: Option<&LimitRequestId>,
    limit: i64,
) -> Result<Vec<LimitRequest>> {
    let mut reader = reader;
    let rows: Vec<(Json<LimitRequest>,)> = reader
        .build("select request from limit_requests where limit_request_id > ")
        .value(after.map_or("", LimitRequestId::as_str))
        .push_if(" and account_id = ", filter.account_id.as_ref().map(AccountId::as_str))
        .push_if(" and state = ", filter.state.map(State::as_str))
        .push(" order by limit_request_id limit ")
        .value(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Adds a request.
pub(crate) async fn insert_request(tx: &mut Tx, request: &LimitRequest) -> Result<()> {
    tx.query(INSERT_REQUEST)
        .bind(request.limit_request_id.as_str())
        .bind(request.account_id.as_str())
        .bind(request.version)
        .bind(request.state.as_str())
        .bind(Origin::as_str(request.origin))
        .bind(request.granted.as_ref().map(|granted| granted.from))
        .bind(Json(request))
        .execute()
        .await?;
    Ok(())
}

/// Writes a request back.
pub(crate) async fn save_request(tx: &mut Tx, request: &LimitRequest) -> Result<()> {
    tx.query(SAVE_REQUEST)
        .bind(request.limit_request_id.as_str())
        .bind(request.version)
        .bind(request.state.as_str())
        .bind(request.granted.as_ref().map(|granted| granted.from))
        .bind(Json(request))
        .execute()
        .await?;
    Ok(())
}
