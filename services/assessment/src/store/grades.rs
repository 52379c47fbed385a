//! The present grade of each account.

use chrono::NaiveDate;
use weir_model::{AccountId, AssessmentId, Money};
use weir_store::{Db, Error, Id, Rate, Result, Tx};

use super::{currency, days, grade, score};
use crate::record::GradeRecord;

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        LOCK = "
            select account_id, version, assessment_id, grade, score, currency, recommended_limit, terms_days,
                   effective_date, review_date, country
            from grades where account_id = $1" pg(" for update");
        PAGE = "
            select account_id, version, assessment_id, grade, score, currency, recommended_limit, terms_days,
                   effective_date, review_date, country
            from grades where account_id > $1 order by account_id limit $2";
        INSERT = "
            insert into grades (account_id, version, assessment_id, grade, score, currency, recommended_limit,
                                terms_days, effective_date, review_date, country)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            on conflict (account_id) do nothing";
        UPDATE = "
            update grades set version = $2, assessment_id = $3, grade = $4, score = $5, currency = $6,
                              recommended_limit = $7, terms_days = $8, effective_date = $9, review_date = $10,
                              country = $11
            where account_id = $1";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    account_id: Id<AccountId>,
    version: i64,
    assessment_id: Id<AssessmentId>,
    grade: String,
    score: Rate,
    currency: String,
    recommended_limit: i64,
    terms_days: i64,
    effective_date: NaiveDate,
    review_date: NaiveDate,
    country: String,
}

impl Row {
    fn read(self) -> Result<GradeRecord> {
        Ok(GradeRecord {
            account_id: self.account_id.0,
            version: self.version,
            assessment_id: self.assessment_id.0,
            grade: grade(&self.grade)?,
            score: score(self.score),
            limit: Money::new(self.recommended_limit, currency(&self.currency)?),
            terms_days: days(self.terms_days)?,
            effective_date: self.effective_date,
            review_date: self.review_date,
            country: self.country,
        })
    }
}

/// The grade of an account, locked until the transaction ends.
pub(crate) async fn grade_in(tx: &mut Tx, account_id: &AccountId) -> Result<Option<GradeRecord>> {
    tx.query(sql::LOCK).bind(account_id.as_str()).optional::<Row>().await?.map(Row::read).transpose()
}

/// Grades in the order of accounts, after one.
pub(crate) async fn grades(db: &Db, after: &str, limit: i64) -> Result<Vec<GradeRecord>> {
    let rows: Vec<Row> = db.query(sql::PAGE).bind(after).bind(limit).all().await?;
    rows.into_iter().map(Row::read).collect()
}

/// Writes a grade: version 1 is new, any other takes the place of the one locked before.
pub(crate) async fn save_grade_in(tx: &mut Tx, grade: &GradeRecord) -> Result<()> {
    let query = if grade.version == 1 { sql::INSERT } else { sql::UPDATE };
    let written = tx
        .query(query)
        .bind(grade.account_id.as_str())
        .bind(grade.version)
        .bind(grade.assessment_id.as_str())
        .bind(grade.grade.as_str())
        .bind(Rate(grade.score))
        .bind(grade.limit.currency().code())
        .bind(grade.limit.minor())
        .bind(i64::from(grade.terms_days))
        .bind(grade.effective_date)
        .bind(grade.review_date)
        .bind(grade.country.as_str())
        .execute()
        .await?;
    if written == 1 { Ok(()) } else { Err(Error::Retry("another call graded the account first".to_owned())) }
}
