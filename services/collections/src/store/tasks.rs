//! Tasks.

use chrono::NaiveDate;
use weir_model::{AccountId, CaseId, Currency, ItemId, StrategyId, SubjectId, TaskId};
use weir_store::{Db, Id, Instant, Tx};

use super::{Page, known};
use crate::{
    Error,
    record::TaskRecord,
    strategy::{Owner, TaskKind},
    task::{Task, TaskState},
    worklist::DueTask,
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "
            insert into tasks (task_id, case_id, account_id, kind, stage, item_id, owner, assignee, due_date,
                strategy_id, stage_name, stage_day, state, note, version)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', '', 1)";
        GET = "
            select task_id, case_id, account_id, kind, stage, strategy_id, stage_name, stage_day, item_id, owner,
                assignee, due_date, state, note, done_by, ended_at, version
            from tasks where task_id = $1" pg(" for update");
        SAVE = "
            update tasks set assignee = $2, state = $3, note = $4, done_by = $5, ended_at = $6, version = $7
            where task_id = $1";
        OF_OPEN_CASES = "
            select tasks.account_id, cases.currency, tasks.task_id, tasks.kind, tasks.stage_day, tasks.item_id,
                tasks.state
            from tasks join cases on cases.case_id = tasks.case_id
            where cases.state = 'open' and cases.account_id >= $1 and cases.account_id <= $2
            order by tasks.task_id";
        DUE = "
            select case_id, task_id, kind, due_date from tasks
            where state = 'open' and account_id >= $1 and account_id <= $2 order by due_date, task_id";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    task_id: Id<TaskId>,
    case_id: Id<CaseId>,
    account_id: Id<AccountId>,
    kind: String,
    stage: i64,
    strategy_id: Option<Id<StrategyId>>,
    stage_name: Option<String>,
    stage_day: Option<i64>,
    item_id: Id<ItemId>,
    owner: String,
    assignee: Option<Id<SubjectId>>,
    due_date: NaiveDate,
    state: String,
    note: String,
    done_by: Option<Id<SubjectId>>,
    ended_at: Option<Instant>,
    version: i64,
}

impl Row {
    fn record(self) -> Result<TaskRecord, Error> {
        Ok(TaskRecord {
            task_id: self.task_id.0,
            case_id: self.case_id.0,
            account_id: self.account_id.0,
            kind: known("task kind", TaskKind::from_name(&self.kind))?,
            stage: self.stage,
            strategy_id: self.strategy_id.map(|id| id.0),
            stage_name: self.stage_name.unwrap_or_default(),
            stage_day: self.stage_day,
            item_id: self.item_id.0,
            owner: known("owner", Owner::from_name(&self.owner))?,
            assignee: self.assignee.map(|id| id.0),
            due_date: self.due_date,
            state: known("task state", TaskState::from_name(&self.state))?,
            note: self.note,
            done_by: self.done_by.map(|id| id.0),
            ended_at: self.ended_at.map(Instant::get),
            version: self.version,
        })
    }
}

pub(crate) async fn insert_in(tx: &mut Tx, task: &TaskRecord) -> Result<(), Error> {
    tx.query(sql::INSERT)
        .bind(task.task_id.as_str())
        .bind(task.case_id.as_str())
        .bind(task.account_id.as_str())
        .bind(task.kind.as_str())
        .bind(task.stage)
        .bind(task.item_id.as_str())
        .bind(task.owner.as_str())
        .bind(task.assignee.as_ref().map(SubjectId::as_str))
        .bind(task.due_date)
        .bind(task.strategy_id.as_ref().map(StrategyId::as_str))
        .bind(task.stage_name.as_str())
        .bind(task.stage_day)
        .execute()
        .await?;
    Ok(())
}

/// Reads a task and keeps others from changing it.
pub(crate) async fn get_in(tx: &mut Tx, task_id: &TaskId) -> Result<Option<TaskRecord>, Error> {
    tx.query(sql::GET).bind(task_id.as_str()).optional::<Row>().await?.map(Row::record).transpose()
}

/// Writes what changes of a task: person, state, note.
pub(crate) async fn save_in(tx: &mut Tx, task: &TaskRecord) -> Result<(), Error> {
    tx.query(sql::SAVE)
        .bind(task.task_id.as_str())
        .bind(task.assignee.as_ref().map(SubjectId::as_str))
        .bind(task.state.as_str())
        .bind(task.note.as_str())
        .bind(task.done_by.as_ref().map(SubjectId::as_str))
        .bind(task.ended_at.map(Instant::from))
        .bind(task.version)
        .execute()
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct OpenRow {
    account_id: Id<AccountId>,
    currency: String,
    task_id: Id<TaskId>,
    kind: String,
    stage_day: Option<i64>,
    item_id: Id<ItemId>,
    state: String,
}

/// All tasks of the open cases of a range of accounts.
pub(crate) async fn of_open_cases_in(
    tx: &mut Tx,
    first: &AccountId,
    last: &AccountId,
) -> Result<Vec<(AccountId, Currency, Task)>, Error> {
    let rows = tx.query(sql::OF_OPEN_CASES).bind(first.as_str()).bind(last.as_str()).all::<OpenRow>().await?;
    let task = |row: OpenRow| {
        let task = Task {
            task_id: row.task_id.0,
            kind: known("task kind", TaskKind::from_name(&row.kind))?,
            stage_day: row.stage_day,
            item_id: row.item_id.0,
            state: known("task state", TaskState::from_name(&row.state))?,
        };
        Ok((row.account_id.0, Currency::from_code(&row.currency)?, task))
    };
    rows.into_iter().map(task).collect()
}

/// The open tasks of a range of accounts.
pub(crate) async fn due(db: &Db, first: &AccountId, last: &AccountId) -> Result<Vec<(CaseId, DueTask)>, Error> {
    type Row = (Id<CaseId>, Id<TaskId>, String, NaiveDate);
    let rows = db.query(sql::DUE).bind(first.as_str()).bind(last.as_str()).all::<Row>().await?;
    let due = |(case_id, task_id, kind, due_date): Row| {
        let kind = known("task kind", TaskKind::from_name(&kind))?;
        Ok((case_id.0, DueTask { task_id: task_id.0, kind, due_date }))
    };
    rows.into_iter().map(due).collect()
}

/// Which tasks to list.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only those of this case.
    pub case_id: Option<CaseId>,
    /// Only those of this department.
    pub owner: Option<Owner>,
    /// Only those of this person.
    pub assignee: Option<SubjectId>,
    /// Only those in this state.
    pub state: Option<TaskState>,
}

/// Where a list of tasks goes on.
pub(crate) type Key = (NaiveDate, TaskId);

/// Tasks by due date.
pub(crate) async fn list(db: &Db, filter: &TaskFilter, page: &Page<Key>) -> Result<Vec<TaskRecord>, Error> {
    let mut query = db
        .build(
            "select task_id, case_id, account_id, kind, stage, strategy_id, stage_name, stage_day, item_id, owner,
                assignee, due_date, state, note, done_by, ended_at, version
            from tasks where 1 = 1",
        )
        .push_if(" and case_id = ", filter.case_id.as_ref().map(CaseId::as_str))
        .push_if(" and owner = ", filter.owner.map(Owner::as_str))
        .push_if(" and assignee = ", filter.assignee.as_ref().map(SubjectId::as_str))
        .push_if(" and state = ", filter.state.map(TaskState::as_str));
    if let Some((date, id)) = &page.after {
        query = query.push(" and (due_date, task_id) > (").value(*date).push(", ").value(id.as_str()).push(")");
    }
    let query = query.push(" order by due_date, task_id limit ").value(page.size);
    query.all::<Row>().await?.into_iter().map(Row::record).collect()
}
