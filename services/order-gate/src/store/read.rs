//! What is asked by key or by page, beside the book.

use chrono::{DateTime, Utc};
use hashbrown::HashMap;
use weir_model::{AccountId, DecisionId, HoldId, OrderId};
use weir_store::{Db, Id, Instant, Result};

use super::read;
use crate::decision::Decision;
use crate::dossier::{Commitment, Dossier};
use crate::hold::{Hold, HoldState};
use crate::policy::PolicyVersion;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        DECISION = "select after from journal where kind = 'decision_recorded' and subject = $1";
        HOLD = "select hold from holds where hold_id = $1";
        DOSSIER = "select dossier from orders where order_id = $1";
        POLICY = "select policy from policies where version = $1";
        ACCOUNT_OF = "select account_id from orders where order_id = $1";
        LIVE_AFTER = "
            select order_id, dossier from orders
            where live and partition = $1 and order_id > $2 order by order_id limit $3";
        ORDERS_AFTER = "select order_id, dossier from orders where order_id > $1 order by order_id limit $2";
    }
}

/// A recorded decision.
pub(crate) async fn decision(db: &Db, decision_id: &DecisionId) -> Result<Option<Decision>> {
    let found: Option<(String,)> = db.query(sql::DECISION).bind(decision_id.as_str()).optional().await?;
    found.map(|(text,)| read(&text)).transpose()
}

/// The recorded decisions among some ids.
pub(crate) async fn decisions(db: &Db, ids: &[DecisionId]) -> Result<HashMap<DecisionId, Decision>> {
    let query = db.build("select after from journal where kind = 'decision_recorded' and subject in (values");
    let query = query.values(ids, |row, decision_id| {
        row.value(decision_id.as_str());
    });
    let texts: Vec<String> = query.push(")").scalars().await?;
    let mut found = HashMap::with_capacity(texts.len());
    for text in &texts {
        let decision: Decision = read(text)?;
        found.extend(decision.decision_id.clone().map(|decision_id| (decision_id, decision)));
    }
    Ok(found)
}

/// A hold.
pub(crate) async fn hold(db: &Db, hold_id: &HoldId) -> Result<Option<Hold>> {
    let found: Option<(String,)> = db.query(sql::HOLD).bind(hold_id.as_str()).optional().await?;
    found.map(|(text,)| read(&text)).transpose()
}

/// All that is known of an order.
pub(crate) async fn dossier(db: &Db, order_id: &OrderId) -> Result<Option<Dossier>> {
    let found: Option<(String,)> = db.query(sql::DOSSIER).bind(order_id.as_str()).optional().await?;
    found.map(|(text,)| read(&text)).transpose()
}

/// A version of the policy.
pub(crate) async fn policy(db: &Db, version: i64) -> Result<Option<PolicyVersion>> {
    let found: Option<(String,)> = db.query(sql::POLICY).bind(version).optional().await?;
    found.map(|(text,)| read(&text)).transpose()
}

/// Which holds are listed.
#[derive(Debug, Clone)]
pub(crate) struct HoldFilter {
    pub(crate) account_id: Option<AccountId>,
    /// In one of these states; in any when empty.
    pub(crate) states: Vec<HoldState>,
    /// After this one.
    pub(crate) after: Option<(DateTime<Utc>, HoldId)>,
    pub(crate) limit: i64,
}

/// Holds, oldest first.
pub(crate) async fn holds(db: &Db, filter: &HoldFilter) -> Result<Vec<Hold>> {
    let mut query = db.build("select hold from holds where 1 = 1");
    query = query.push_if(" and account_id = ", filter.account_id.as_ref().map(AccountId::as_str));
    if !filter.states.is_empty() {
        query = query.push(" and state in (values").values(&filter.states, |row, state| {
            row.value(state.as_str());
        });
        query = query.push(")");
    }
    if let Some((held_at, hold_id)) = &filter.after {
        query = query.push(" and (held_at, hold_id) > (").value(Instant::from(*held_at));
        query = query.push(", ").value(hold_id.as_str()).push(")");
    }
    let texts: Vec<String> = query.push(" order by held_at, hold_id limit ").value(filter.limit).scalars().await?;
    texts.iter().map(|text| read(text)).collect()
}

/// The account of an order that is known at all; none where only deliveries or invoices are.
pub(crate) async fn account_of(db: &Db, order_id: &str) -> Result<Option<Option<AccountId>>> {
    let found: Option<(Option<Id<AccountId>>,)> = db.query(sql::ACCOUNT_OF).bind(order_id).optional().await?;
    Ok(found.map(|(account_id,)| account_id.map(|Id(account_id)| account_id)))
}

/// Orders of a partition that count or wait, by id, after one of them; and where to go on.
pub(crate) async fn live_after(
    db: &Db,
    (partition, order_id): (i64, &str),
    limit: i64,
) -> Result<(Vec<Dossier>, Option<String>)> {
    let query = db.query(sql::LIVE_AFTER).bind(partition).bind(order_id).bind(limit);
    let rows: Vec<(String, String)> = query.all().await?;
    let dossiers = rows.iter().map(|(_, text)| read(text)).collect::<Result<_>>()?;
    Ok((dossiers, rows.into_iter().next_back().map(|(order_id, _)| order_id)))
}

/// What counts or counted of the orders after one, in the order of their ids; and the last id looked at.
pub(crate) async fn commitments_after(db: &Db, after: &str, limit: i64) -> Result<(Vec<Commitment>, Option<String>)> {
    let rows: Vec<(String, String)> = db.query(sql::ORDERS_AFTER).bind(after).bind(limit).all().await?;
    let mut commitments = Vec::with_capacity(rows.len());
    for (_, text) in &rows {
        let dossier: Dossier = read(text)?;
        commitments.extend(dossier.commitment());
    }
    Ok((commitments, rows.into_iter().next_back().map(|(order_id, _)| order_id)))
}
