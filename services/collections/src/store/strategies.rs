//! Strategies and the policy's version.

use std::collections::BTreeMap;

use weir_model::{StrategyId, SubjectId};
use weir_store::{Db, Id, Instant, Json, Tx};

use super::{Page, known};
use crate::{
    Error,
    policy::Policy,
    record::StrategyRecord,
    strategy::{Grade, Strategy, StrategyState},
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "
            insert into strategies
                (strategy_id, grade, state, content, created_by, created_at, activated_by, activated_at, version)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (strategy_id) do nothing";
        GET = "
            select strategy_id, state, content, created_by, created_at, activated_by, activated_at, version
            from strategies where strategy_id = $1";
        ACTIVE = "
            select strategy_id, state, content, created_by, created_at, activated_by, activated_at, version
            from strategies where state = 'active' order by strategy_id";
        MARK = "
            update strategies set state = $2, activated_by = $3, activated_at = $4, version = version + 1
            where strategy_id = $1";
        RETIRE = "
            update strategies set state = 'retired', version = version + 1
            where state = 'active' and grade = $1 returning strategy_id";
        VERSION = "select version from policy where one = 1";
        LOCK = "select version from policy where one = 1" pg(" for update");
        SHARE = "select version from policy where one = 1" pg(" for share");
        ADVANCE = "update policy set version = version + 1 where one = 1";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    strategy_id: Id<StrategyId>,
    state: String,
    content: Json<Strategy>,
    created_by: Id<SubjectId>,
    created_at: Instant,
    activated_by: Option<Id<SubjectId>>,
    activated_at: Option<Instant>,
    version: i64,
}

impl Row {
    fn record(self) -> Result<StrategyRecord, Error> {
        Ok(StrategyRecord {
            strategy_id: Some(self.strategy_id.0),
            strategy: self.content.0,
            state: known("strategy state", StrategyState::from_name(&self.state))?,
            created_by: self.created_by.0,
            created_at: self.created_at.get(),
            activated: self.activated_by.map(|id| id.0).zip(self.activated_at.map(Instant::get)),
            version: self.version,
        })
    }
}

/// What `grade` holds for the strategy of accounts without one of their grade.
const EVERY_GRADE: &str = "";

fn grade_name(grade: Option<Grade>) -> &'static str {
    grade.map_or(EVERY_GRADE, Grade::as_str)
}

/// Adds a strategy; nothing happens when its id is there already.
pub(crate) async fn insert_in(tx: &mut Tx, id: &StrategyId, record: &StrategyRecord) -> Result<bool, Error> {
    let (by, at) = match &record.activated {
        Some((by, at)) => (Some(by.as_str()), Some(Instant::from(*at))),
        None => (None, None),
    };
    let inserted = tx
        .query(sql::INSERT)
        .bind(id.as_str())
        .bind(grade_name(record.strategy.grade))
        .bind(record.state.as_str())
        .bind(Json(&record.strategy))
        .bind(record.created_by.as_str())
        .bind(Instant::from(record.created_at))
        .bind(by)
        .bind(at)
        .bind(record.version)
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Adds the first strategy unless there is an active one for everybody.
pub(crate) async fn insert_first_in(tx: &mut Tx, id: &StrategyId, record: &StrategyRecord) -> Result<(), Error> {
    lock_policy_in(tx).await?;
    let active = tx.query(sql::ACTIVE).all::<Row>().await?;
    if !active.iter().any(|row| row.content.0.grade.is_none()) {
        insert_in(tx, id, record).await?;
    }
    Ok(())
}

pub(crate) async fn get(db: &Db, id: &StrategyId) -> Result<Option<StrategyRecord>, Error> {
    db.query(sql::GET).bind(id.as_str()).optional::<Row>().await?.map(Row::record).transpose()
}

/// Keeps everybody else from changing which strategies are in force.
pub(crate) async fn lock_policy_in(tx: &mut Tx) -> Result<(), Error> {
    tx.query(sql::LOCK).scalar::<i64>().await?;
    Ok(())
}

pub(crate) async fn get_in(tx: &mut Tx, id: &StrategyId) -> Result<Option<StrategyRecord>, Error> {
    tx.query(sql::GET).bind(id.as_str()).optional::<Row>().await?.map(Row::record).transpose()
}

/// Retires the active strategy of a grade; answers its id.
pub(crate) async fn retire_in(tx: &mut Tx, grade: Option<Grade>) -> Result<Vec<StrategyId>, Error> {
    let retired = tx.query(sql::RETIRE).bind(grade_name(grade)).scalars::<Id<StrategyId>>().await?;
    Ok(retired.into_iter().map(|id| id.0).collect())
}

/// Writes where a strategy stands, and moves the policy on.
pub(crate) async fn activate_in(tx: &mut Tx, id: &StrategyId, record: &StrategyRecord) -> Result<(), Error> {
    let (by, at) = match &record.activated {
        Some((by, at)) => (Some(by.as_str()), Some(Instant::from(*at))),
        None => (None, None),
    };
    tx.query(sql::MARK).bind(id.as_str()).bind(record.state.as_str()).bind(by).bind(at).execute().await?;
    tx.query(sql::ADVANCE).execute().await?;
    Ok(())
}

/// The strategies in force; they stay in force until the transaction ends.
pub(crate) async fn policy_in(tx: &mut Tx) -> Result<Policy, Error> {
    let version = tx.query(sql::SHARE).scalar::<i64>().await?;
    made(version, tx.query(sql::ACTIVE).all::<Row>().await?)
}

/// The strategies in force.
pub(crate) async fn policy(db: &Db) -> Result<Policy, Error> {
    let version = db.query(sql::VERSION).scalar::<i64>().await?;
    made(version, db.query(sql::ACTIVE).all::<Row>().await?)
}

fn made(version: i64, rows: Vec<Row>) -> Result<Policy, Error> {
    let (mut default, mut by_grade) = (None, BTreeMap::new());
    for row in rows {
        let (id, strategy) = (row.strategy_id.0, row.content.0);
        match strategy.grade {
            None => default = Some((id, strategy)),
            Some(grade) => drop(by_grade.insert(grade, (id, strategy))),
        }
    }
    Ok(Policy { version, default: known("policy", default)?, by_grade })
}

/// Where a list of strategies goes on.
pub(crate) type Key = (chrono::DateTime<chrono::Utc>, StrategyId);

/// Strategies, newest first.
pub(crate) async fn list(
    db: &Db,
    state: Option<StrategyState>,
    page: &Page<Key>,
) -> Result<Vec<StrategyRecord>, Error> {
    let mut query = db
        .build(
            "select strategy_id, state, content, created_by, created_at, activated_by, activated_at, version
            from strategies where 1 = 1",
        )
        .push_if(" and state = ", state.map(StrategyState::as_str));
    if let Some((at, id)) = &page.after {
        query = query.push(" and (created_at, strategy_id) < (").value(Instant::from(*at)).push(", ");
        query = query.value(id.as_str()).push(")");
    }
    let query = query.push(" order by created_at desc, strategy_id desc limit ").value(page.size);
    query.all::<Row>().await?.into_iter().map(Row::record).collect()
}
