//! Pauses.

use chrono::NaiveDate;
use weir_model::{AccountId, ItemId, SubjectId};
use weir_store::{Db, Id, Instant, Runner, Tx};

use super::{Page, known};
use crate::{
    Error,
    pause::{Pause, PauseKind},
    record::PauseRecord,
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "
            insert into pauses (account_id, item_id, kind, from_date, to_date, note, set_by, set_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8) returning number";
        GET = "
            select number, account_id, item_id, kind, from_date, to_date, note, set_by, set_at, lifted_date, lifted_by
            from pauses where number = $1" pg(" for update");
        OF = "
            select number, account_id, item_id, kind, from_date, to_date, note, set_by, set_at, lifted_date, lifted_by
            from pauses where account_id >= $1 and account_id <= $2 order by account_id, number";
        LIFT = "update pauses set lifted_date = $2, lifted_by = $3 where number = $1";
        LIST = "
            select number, account_id, item_id, kind, from_date, to_date, note, set_by, set_at, lifted_date, lifted_by
            from pauses where account_id = $1 and number > $2 order by number limit $3";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    account_id: Id<AccountId>,
    item_id: Option<Id<ItemId>>,
    kind: String,
    from_date: NaiveDate,
    to_date: NaiveDate,
    note: String,
    set_by: Id<SubjectId>,
    set_at: Instant,
    lifted_date: Option<NaiveDate>,
    lifted_by: Option<Id<SubjectId>>,
}

impl Row {
    fn record(self) -> Result<PauseRecord, Error> {
        let item_id = self.item_id.map(|id| id.0);
        Ok(PauseRecord {
            number: self.number,
            account_id: self.account_id.0,
            pause: Pause { item_id, from: self.from_date, to: self.to_date, lifted: self.lifted_date },
            kind: known("pause kind", PauseKind::from_name(&self.kind))?,
            note: self.note,
            set_by: self.set_by.0,
            set_at: self.set_at.get(),
            lifted_by: self.lifted_by.map(|id| id.0),
        })
    }
}

/// Adds a pause; answers its number, whatever the record says.
pub(crate) async fn insert_in(tx: &mut Tx, record: &PauseRecord) -> Result<i64, Error> {
    let number = tx
        .query(sql::INSERT)
        .bind(record.account_id.as_str())
        .bind(record.pause.item_id.as_ref().map(ItemId::as_str))
        .bind(record.kind.as_str())
        .bind(record.pause.from)
        .bind(record.pause.to)
        .bind(record.note.as_str())
        .bind(record.set_by.as_str())
        .bind(Instant::from(record.set_at))
        .scalar()
        .await?;
    Ok(number)
}

/// Reads a pause and keeps others from lifting it.
pub(crate) async fn get_in(tx: &mut Tx, number: i64) -> Result<Option<PauseRecord>, Error> {
    tx.query(sql::GET).bind(number).optional::<Row>().await?.map(Row::record).transpose()
}

/// Notes from which day a pause holds no more.
pub(crate) async fn lift_in(tx: &mut Tx, number: i64, day: NaiveDate, by: &SubjectId) -> Result<(), Error> {
    tx.query(sql::LIFT).bind(number).bind(day).bind(by.as_str()).execute().await?;
    Ok(())
}

/// All pauses of a range of accounts, those that are over too: they count for the clock.
pub(crate) async fn of<'c>(
    runner: impl Runner<'c>,
    first: &AccountId,
    last: &AccountId,
) -> Result<Vec<PauseRecord>, Error> {
    let rows = runner.query(sql::OF).bind(first.as_str()).bind(last.as_str()).all::<Row>().await?;
    rows.into_iter().map(Row::record).collect()
}

/// Pauses of an account by number.
pub(crate) async fn list(db: &Db, account_id: &AccountId, page: &Page<i64>) -> Result<Vec<PauseRecord>, Error> {
    let query = db.query(sql::LIST).bind(account_id.as_str()).bind(page.after.unwrap_or(0)).bind(page.size);
    query.all::<Row>().await?.into_iter().map(Row::record).collect()
}
