//! Cases.

use chrono::NaiveDate;
use weir_model::{AccountId, CaseId, Currency, ItemId, StrategyId};
use weir_store::{Db, Id, Tx};

use super::{Page, known};
use crate::{
    Error,
    case::{CaseState, Course},
    record::CaseRecord,
    strategy::Owner,
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "
            insert into cases (case_id, account_id, currency, state, strategy_id, anchor_item_id, stage, level, owner,
                opened_date, version)
            values ($1, $2, $3, 'open', $4, $5, $6, $7, $8, $9, 1)";
        STEER = "
            update cases set strategy_id = $2, anchor_item_id = $3, stage = $4, level = $5, owner = $6,
                version = version + 1
            where case_id = $1 returning version";
        CLOSE = "
            update cases set state = 'closed', closed_date = $2, anchor_item_id = null, stage = 0, level = 0,
                version = version + 1
            where case_id = $1 returning version";
        NOTIFIED = "update cases set last_notice_date = $2, version = version + 1 where case_id = $1";
        GET = "
            select case_id, account_id, currency, state, strategy_id, anchor_item_id, stage, level, owner, opened_date,
                closed_date, last_notice_date, version
            from cases where case_id = $1";
        OPEN = "
            select case_id, account_id, currency, state, strategy_id, anchor_item_id, stage, level, owner, opened_date,
                closed_date, last_notice_date, version
            from cases where state = 'open' and account_id >= $1 and account_id <= $2";
        BY_STAGE = "
            select strategy_id, stage, count(*) as n from cases where state = 'open'
            group by strategy_id, stage order by strategy_id, stage";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    case_id: Id<CaseId>,
    account_id: Id<AccountId>,
    currency: String,
    state: String,
    strategy_id: Id<StrategyId>,
    anchor_item_id: Option<Id<ItemId>>,
    stage: i64,
    level: i64,
    owner: String,
    opened_date: NaiveDate,
    closed_date: Option<NaiveDate>,
    last_notice_date: Option<NaiveDate>,
    version: i64,
}

impl Row {
    fn record(self) -> Result<CaseRecord, Error> {
        Ok(CaseRecord {
            case_id: self.case_id.0,
            account_id: self.account_id.0,
            currency: Currency::from_code(&self.currency)?,
            state: known("case state", CaseState::from_name(&self.state))?,
            course: Course {
                strategy_id: self.strategy_id.0,
                anchor_item_id: self.anchor_item_id.map(|id| id.0),
                stage: self.stage,
                level: self.level,
                owner: known("owner", Owner::from_name(&self.owner))?,
            },
            opened_date: self.opened_date,
            closed_date: self.closed_date,
            last_notice_date: self.last_notice_date,
            version: self.version,
        })
    }
}

pub(crate) async fn insert_in(tx: &mut Tx, case: &CaseRecord) -> Result<(), Error> {
    tx.query(sql::INSERT)
        .bind(case.case_id.as_str())
        .bind(case.account_id.as_str())
        .bind(case.currency.code())
        .bind(case.course.strategy_id.as_str())
        .bind(case.course.anchor_item_id.as_ref().map(ItemId::as_str))
        .bind(case.course.stage)
        .bind(case.course.level)
        .bind(case.course.owner.as_str())
        .bind(case.opened_date)
        .execute()
        .await?;
    Ok(())
}

/// Puts a case on another course; answers its version.
pub(crate) async fn steer_in(tx: &mut Tx, case_id: &CaseId, course: &Course) -> Result<i64, Error> {
    let query = tx
        .query(sql::STEER)
        .bind(case_id.as_str())
        .bind(course.strategy_id.as_str())
        .bind(course.anchor_item_id.as_ref().map(ItemId::as_str))
        .bind(course.stage)
        .bind(course.level)
        .bind(course.owner.as_str());
    Ok(query.scalar().await?)
}

/// Closes a case; answers its version.
pub(crate) async fn close_in(tx: &mut Tx, case_id: &CaseId, date: NaiveDate) -> Result<i64, Error> {
    Ok(tx.query(sql::CLOSE).bind(case_id.as_str()).bind(date).scalar().await?)
}

/// Notes the business date of a notice that was sent.
pub(crate) async fn notified_in(tx: &mut Tx, case_id: &CaseId, date: NaiveDate) -> Result<(), Error> {
    tx.query(sql::NOTIFIED).bind(case_id.as_str()).bind(date).execute().await?;
    Ok(())
}

pub(crate) async fn get(db: &Db, case_id: &CaseId) -> Result<Option<CaseRecord>, Error> {
    db.query(sql::GET).bind(case_id.as_str()).optional::<Row>().await?.map(Row::record).transpose()
}

pub(crate) async fn get_in(tx: &mut Tx, case_id: &CaseId) -> Result<Option<CaseRecord>, Error> {
    tx.query(sql::GET).bind(case_id.as_str()).optional::<Row>().await?.map(Row::record).transpose()
}

/// The open cases of a range of accounts.
pub(crate) async fn open_in(tx: &mut Tx, first: &AccountId, last: &AccountId) -> Result<Vec<CaseRecord>, Error> {
    let rows = tx.query(sql::OPEN).bind(first.as_str()).bind(last.as_str()).all::<Row>().await?;
    rows.into_iter().map(Row::record).collect()
}

/// How many open cases are in each stage of each strategy.
pub(crate) async fn by_stage_in(tx: &mut Tx) -> Result<Vec<(StrategyId, i64, i64)>, Error> {
    let rows = tx.query(sql::BY_STAGE).all::<(Id<StrategyId>, i64, i64)>().await?;
    Ok(rows.into_iter().map(|(id, stage, count)| (id.0, stage, count)).collect())
}

/// Which cases to list.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    /// Only those of this account.
    pub account_id: Option<AccountId>,
    /// Only those in this state.
    pub state: Option<CaseState>,
    /// Only those worked by this department.
    pub owner: Option<Owner>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
}

/// Cases by id.
pub(crate) async fn list(db: &Db, filter: &CaseFilter, page: &Page<CaseId>) -> Result<Vec<CaseRecord>, Error> {
    let rows = db
        .build(
            "select case_id, account_id, currency, state, strategy_id, anchor_item_id, stage, level, owner,
                opened_date, closed_date, last_notice_date, version
            from cases where 1 = 1",
        )
        .push_if(" and account_id = ", filter.account_id.as_ref().map(AccountId::as_str))
        .push_if(" and state = ", filter.state.map(CaseState::as_str))
        .push_if(" and owner = ", filter.owner.map(Owner::as_str))
        .push_if(" and currency = ", filter.currency.map(Currency::code))
        .push_if(" and case_id > ", page.after.as_ref().map(CaseId::as_str))
        .push(" order by case_id limit ")
        .value(page.size)
        .all::<Row>()
        .await?;
    rows.into_iter().map(Row::record).collect()
}
