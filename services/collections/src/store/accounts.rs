//! Standings, debtors, and what receivables told of debts and items.

use chrono::NaiveDate;
use weir_model::{AccountId, Currency, ItemId, Money, SubjectId};
use weir_store::{Db, Id, Instant, Json, Tx};

use super::known;
use crate::{
    Error,
    debtor::Debtor,
    item::Item,
    notice::Language,
    standing::{Block, Standing},
    strategy::Grade,
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        ENSURE = "
            insert into standings
                (account_id, version, blocked, block_reason, blocked_by, dunning_level, grade, grade_version)
            values ($1, 0, $2, '', '', 0, '', 0) on conflict (account_id) do nothing";
        LOCK = "
            select account_id, version, blocked, block_reason, blocked_by, blocked_at, dunning_level, grade
            from standings where account_id >= $1 and account_id <= $2 order by account_id"
            pg(" for update");
        NEXT = "select account_id from standings where account_id > $1 order by account_id limit $2";
        STANDING = "
            select account_id, version, blocked, block_reason, blocked_by, blocked_at, dunning_level, grade
            from standings where account_id = $1";
        STANDINGS = "
            select account_id, version, blocked, block_reason, blocked_by, blocked_at, dunning_level, grade
            from standings where account_id > $1 and version > 0 order by account_id limit $2";
        SAVE = "
            update standings set version = $2, blocked = $3, block_reason = $4, blocked_by = $5, blocked_at = $6,
                dunning_level = $7
            where account_id = $1";
        GRADE = "
            update standings set grade = $2, grade_version = $3 where account_id = $1 and grade_version < $3";
        DEBTOR = "
            select account_id, version, name, language, emails, phone, salesperson from debtors
            where account_id = $1";
        DEBTORS = "
            select account_id, version, name, language, emails, phone, salesperson from debtors
            where account_id >= $1 and account_id <= $2";
        GRADES = "
            select account_id, grade from standings where account_id >= $1 and account_id <= $2 and grade <> ''";
        PUT_DEBTOR = "
            insert into debtors (account_id, version, name, language, emails, phone, salesperson)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (account_id) do update set version = excluded.version, name = excluded.name,
                language = excluded.language, emails = excluded.emails, phone = excluded.phone,
                salesperson = excluded.salesperson";
        DEBT = "
            insert into debts (account_id, currency, version, credit) values ($1, $2, $3, $4)
            on conflict (account_id, currency) do update set version = excluded.version, credit = excluded.credit
                where debts.version <= excluded.version";
        NOTIFIED = "
            update debts set last_notice_date = $3 where account_id = $1 and currency = $2
                and (last_notice_date is null or last_notice_date < $3)";
        ITEM = "
            insert into items (account_id, item_id, currency, document_number, document_date, due_date, amount, open,
                disputed, settled_date, order_id, correlation_id, version, stage_reached)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)
            on conflict (account_id, item_id) do update set currency = excluded.currency,
                document_number = excluded.document_number, document_date = excluded.document_date,
                due_date = excluded.due_date, amount = excluded.amount, open = excluded.open,
                disputed = excluded.disputed, settled_date = excluded.settled_date, order_id = excluded.order_id,
                correlation_id = excluded.correlation_id, version = excluded.version
                where items.version < excluded.version";
        REACHED = "
            update items set reached_day = $3
            where account_id = $1 and item_id = $2 and (reached_day is null or reached_day < $3)";
        GET_ITEM = "
            select account_id, item_id, currency, document_number, document_date, due_date, amount, open, disputed,
                settled_date, order_id, correlation_id, version, reached_day
            from items where account_id = $1 and item_id = $2";
    }
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    account_id: Id<AccountId>,
    version: i64,
    blocked: bool,
    block_reason: String,
    blocked_by: String,
    blocked_at: Option<Instant>,
    dunning_level: i64,
    grade: String,
}

impl StandingRow {
    fn standing(self) -> Result<(Standing, Option<Grade>), Error> {
        let block = match (self.blocked, self.blocked_at) {
            (true, Some(at)) => {
                Some(Block { reason: self.block_reason, by: SubjectId::parse(&self.blocked_by)?, at: at.get() })
            }
            _ => None,
        };
        let standing =
            Standing { account_id: self.account_id.0, version: self.version, block, dunning_level: self.dunning_level };
        Ok((standing, Grade::from_name(&self.grade)))
    }
}

/// Makes sure there is a row to lock.
pub(crate) async fn ensure_in(tx: &mut Tx, account_id: &AccountId) -> Result<(), Error> {
    tx.query(sql::ENSURE).bind(account_id.as_str()).bind(false).execute().await?;
    Ok(())
}

/// Locks the accounts of a range, in order: nobody else works on them until the transaction ends.
pub(crate) async fn lock_in(
    tx: &mut Tx,
    first: &AccountId,
    last: &AccountId,
) -> Result<Vec<(Standing, Option<Grade>)>, Error> {
    let rows = tx.query(sql::LOCK).bind(first.as_str()).bind(last.as_str()).all::<StandingRow>().await?;
    rows.into_iter().map(StandingRow::standing).collect()
}

/// The accounts after one, in order.
pub(crate) async fn next(db: &Db, after: &str, limit: i64) -> Result<Vec<AccountId>, Error> {
    let ids = db.query(sql::NEXT).bind(after).bind(limit).scalars::<Id<AccountId>>().await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

pub(crate) async fn standing(db: &Db, account_id: &AccountId) -> Result<Option<Standing>, Error> {
    let row = db.query(sql::STANDING).bind(account_id.as_str()).optional::<StandingRow>().await?;
    Ok(row.map(StandingRow::standing).transpose()?.map(|(standing, _)| standing))
}

/// Standings of which something was told, after an account, in order.
pub(crate) async fn standings(db: &Db, after: &str, limit: i64) -> Result<Vec<Standing>, Error> {
    let rows = db.query(sql::STANDINGS).bind(after).bind(limit).all::<StandingRow>().await?;
    rows.into_iter().map(|row| Ok(row.standing()?.0)).collect()
}

pub(crate) async fn save_standing_in(tx: &mut Tx, standing: &Standing) -> Result<(), Error> {
    let block = standing.block.as_ref();
    tx.query(sql::SAVE)
        .bind(standing.account_id.as_str())
        .bind(standing.version)
        .bind(block.is_some())
        .bind(block.map_or("", |block| block.reason.as_str()))
        .bind(block.map_or("", |block| block.by.as_str()))
        .bind(block.map(|block| Instant::from(block.at)))
        .bind(standing.dunning_level)
        .execute()
        .await?;
    Ok(())
}

/// Notes an account's grade unless a newer one is known; answers whether it did.
pub(crate) async fn save_grade_in(
    tx: &mut Tx,
    account_id: &AccountId,
    grade: Option<Grade>,
    version: i64,
) -> Result<bool, Error> {
    let name = grade.map_or("", Grade::as_str);
    Ok(tx.query(sql::GRADE).bind(account_id.as_str()).bind(name).bind(version).execute().await? == 1)
}

/// The grades of a range of accounts, as far as they are known.
pub(crate) async fn grades(db: &Db, first: &AccountId, last: &AccountId) -> Result<Vec<(AccountId, Grade)>, Error> {
    let rows = db.query(sql::GRADES).bind(first.as_str()).bind(last.as_str()).all::<(Id<AccountId>, String)>().await?;
    rows.into_iter().map(|(id, name)| Ok((id.0, known("grade", Grade::from_name(&name))?))).collect()
}

/// The grade of an account, if it is known.
pub(crate) async fn grade(db: &Db, account_id: &AccountId) -> Result<Option<Grade>, Error> {
    Ok(grades(db, account_id, account_id).await?.pop().map(|(_, grade)| grade))
}

#[derive(sqlx::FromRow)]
struct DebtorRow {
    account_id: Id<AccountId>,
    version: i64,
    name: String,
    language: String,
    emails: Json<Vec<String>>,
    phone: String,
    salesperson: Option<Id<SubjectId>>,
}

impl DebtorRow {
    fn debtor(self) -> Result<Debtor, Error> {
        Ok(Debtor {
            account_id: self.account_id.0,
            name: self.name,
            language: known("language", Language::from_name(&self.language))?,
            emails: self.emails.0,
            phone: self.phone,
            salesperson: self.salesperson.map(|id| id.0),
            version: self.version,
        })
    }
}

pub(crate) async fn debtor(db: &Db, account_id: &AccountId) -> Result<Option<Debtor>, Error> {
    let row = db.query(sql::DEBTOR).bind(account_id.as_str()).optional::<DebtorRow>().await?;
    row.map(DebtorRow::debtor).transpose()
}

/// The debtors of a range of accounts, to read.
pub(crate) async fn debtors(db: &Db, first: &AccountId, last: &AccountId) -> Result<Vec<Debtor>, Error> {
    let rows = db.query(sql::DEBTORS).bind(first.as_str()).bind(last.as_str()).all::<DebtorRow>().await?;
    rows.into_iter().map(DebtorRow::debtor).collect()
}

/// The debtors of a range of accounts.
pub(crate) async fn debtors_in(tx: &mut Tx, first: &AccountId, last: &AccountId) -> Result<Vec<Debtor>, Error> {
    let rows = tx.query(sql::DEBTORS).bind(first.as_str()).bind(last.as_str()).all::<DebtorRow>().await?;
    rows.into_iter().map(DebtorRow::debtor).collect()
}

pub(crate) async fn put_debtor_in(tx: &mut Tx, debtor: &Debtor) -> Result<(), Error> {
    tx.query(sql::PUT_DEBTOR)
        .bind(debtor.account_id.as_str())
        .bind(debtor.version)
        .bind(debtor.name.as_str())
        .bind(debtor.language.as_str())
        .bind(Json(&debtor.emails))
        .bind(debtor.phone.as_str())
        .bind(debtor.salesperson.as_ref().map(SubjectId::as_str))
        .execute()
        .await?;
    Ok(())
}

/// Notes version and credit of a debt; answers whether it may be news. What many items are told of comes in several pieces of
/// the same version.
pub(crate) async fn save_debt_in(
    tx: &mut Tx,
    account_id: &AccountId,
    version: i64,
    credit: Money,
) -> Result<bool, Error> {
    let query = tx.query(sql::DEBT).bind(account_id.as_str()).bind(credit.currency().code()).bind(version);
    Ok(query.bind(credit.minor()).execute().await? == 1)
}

/// Notes the business date of a notice that was sent.
pub(crate) async fn notified_in(
    tx: &mut Tx,
    account_id: &AccountId,
    currency: Currency,
    date: NaiveDate,
) -> Result<(), Error> {
    tx.query(sql::NOTIFIED).bind(account_id.as_str()).bind(currency.code()).bind(date).execute().await?;
    Ok(())
}

/// Notes the state of an item unless a newer one is known; how far dunning has come stays.
pub(crate) async fn save_item_in(tx: &mut Tx, account_id: &AccountId, item: &Item) -> Result<bool, Error> {
    let saved = tx
        .query(sql::ITEM)
        .bind(account_id.as_str())
        .bind(item.item_id.as_str())
        .bind(item.amount.currency().code())
        .bind(item.document_number.as_str())
        .bind(item.document_date)
        .bind(item.due_date)
        .bind(item.amount.minor())
        .bind(item.open.minor())
        .bind(item.disputed.minor())
        .bind(item.settled_date)
        .bind(item.order_id.as_ref().map(weir_model::OrderId::as_str))
        .bind(item.correlation_id.as_ref().map(weir_model::CorrelationId::as_str))
        .bind(item.version)
        .execute()
        .await?;
    Ok(saved == 1)
}

/// Notes that an item was dunned at the stage that begins on a day.
pub(crate) async fn reached_in(tx: &mut Tx, account_id: &AccountId, item_id: &ItemId, day: i64) -> Result<(), Error> {
    tx.query(sql::REACHED).bind(account_id.as_str()).bind(item_id.as_str()).bind(day).execute().await?;
    Ok(())
}

pub(crate) async fn item_in(tx: &mut Tx, account_id: &AccountId, item_id: &ItemId) -> Result<Option<Item>, Error> {
    let query = tx.query(sql::GET_ITEM).bind(account_id.as_str()).bind(item_id.as_str());
    Ok(query
        .optional::<super::dossiers::ItemRow>()
        .await?
        .map(super::dossiers::ItemRow::item)
        .transpose()?
        .map(|(_, item)| item))
}
