//! Versions of the policy.

use weir_model::PolicyId;
use weir_store::{Json, Result, Tx, queries};

use super::Reader;
use crate::policy::Policy;

queries! {
    POLICY = "select policy from policies where policy_id = $1";
    LOCK_POLICY = "select policy from policies where policy_id = $1" pg(" for update");
    ACTIVE = "select policy from policies where effective_date is not null order by effective_date";
    PAGE = "select policy from policies where policy_id > $1 order by policy_id limit $2";
    INSERT_POLICY = "
        insert into policies (policy_id, effective_date, policy) values ($1, $2, $3) on conflict (policy_id) do nothing";
    SAVE_POLICY = "update policies set effective_date = $2, policy = $3 where policy_id = $1";
}

/// One version; in a transaction locked until it ends.
pub(crate) async fn policy(reader: Reader<'_>, id: &PolicyId) -> Result<Option<Policy>> {
    let sql = if matches!(reader, Reader::Tx(_)) { LOCK_POLICY } else { POLICY };
    let mut reader = reader;
    let row: Option<(Json<Policy>,)> = reader.query(sql).bind(id.as_str()).optional().await?;
    Ok(row.map(|row| row.0.0))
}

/// Every version that was activated.
pub(crate) async fn policies(reader: Reader<'_>) -> Result<Vec<Policy>> {
    let mut reader = reader;
    let rows: Vec<(Json<Policy>,)> = reader.query(ACTIVE).all().await?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Versions after an id, by id.
pub(crate) async fn policies_page(reader: Reader<'_>, after: Option<&PolicyId>, limit: i64) -> Result<Vec<Policy>> {
    let mut reader = reader;
    let after = after.map_or("", PolicyId::as_str);
    let rows: Vec<(Json<Policy>,)> = reader.query(PAGE).bind(after).bind(limit).all().await?;
    Ok(rows.into_iter().map(|row| row.0.0).collect())
}

/// Adds a version; whether it was not there yet.
pub(crate) async fn insert_policy(tx: &mut Tx, policy: &Policy) -> Result<bool> {
    let effective_date = policy.activation.as_ref().map(|activation| activation.effective_date);
    let inserted = tx
        .query(INSERT_POLICY)
        .bind(policy.policy_id.as_str())
        .bind(effective_date)
        .bind(Json(policy))
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Writes a version back.
pub(crate) async fn save_policy(tx: &mut Tx, policy: &Policy) -> Result<()> {
    let effective_date = policy.activation.as_ref().map(|activation| activation.effective_date);
    tx.query(SAVE_POLICY).bind(policy.policy_id.as_str()).bind(effective_date).bind(Json(policy)).execute().await?;
    Ok(())
}
