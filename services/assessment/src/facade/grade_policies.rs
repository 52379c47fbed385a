//! Versions of the grade policy, each used from a date on.

use chrono::NaiveDate;
use weir_model::{Call, Fields, PolicyId};
use weir_store::{Change, Done, Error as StoreError, Tx, journal};

use super::scorecards::not_past;
use crate::{
    Assessment, defaults,
    error::*,
    grade::GradePolicy,
    store::{self, PolicyRecord},
};

impl Assessment {
    /// Makes a new version of the grade policy, used from a date on, which is not before today.
    pub async fn put_grade_policy(
        &self,
        call: &Call,
        content: &GradePolicy,
        effective_date: NaiveDate,
    ) -> Result<Done<PolicyRecord>> {
        check(content)?;
        let id: PolicyId = self.env.ids.next();
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                not_past(call, effective_date)?;
                let version = store::next_policy_version(&mut *tx).await?;
                put_in(tx, call, &id, version, effective_date, content).await
            })
            .await
    }

    /// What [`put_grade_policy`](Self::put_grade_policy) would answer, without an id; keeps nothing.
    pub async fn validate_grade_policy(
        &self,
        call: &Call,
        content: &GradePolicy,
        effective_date: NaiveDate,
    ) -> Result<PolicyRecord> {
        check(content)?;
        not_past(call, effective_date)?;
        let version = store::next_policy_version(&self.env.db).await?;
        Ok(record(call, None, version, effective_date, content))
    }

    /// A version of the grade policy.
    pub async fn grade_policy(&self, id: &PolicyId) -> Result<PolicyRecord> {
        store::policy(&self.env.db, id).await?.ok_or_else(|| Error::PolicyUnknown(id.clone()))
    }

    /// The grade policy in use at a date.
    pub async fn grade_policy_at(&self, date: NaiveDate) -> Result<PolicyRecord> {
        store::policy_at(&self.env.db, date).await?.ok_or(Error::NoActivePolicy(date))
    }
}

fn check(content: &GradePolicy) -> Result<()> {
    let mut fields = Fields::default();
    content.check(&mut fields, "content");
    Ok(fields.finish()?)
}

fn record(
    call: &Call,
    id: Option<PolicyId>,
    version: i64,
    effective_date: NaiveDate,
    content: &GradePolicy,
) -> PolicyRecord {
    PolicyRecord {
        policy_id: id,
        version,
        effective_date,
        content: content.clone(),
        created_at: call.at,
        created_by: call.principal.subject.clone(),
    }
}

async fn put_in(
    tx: &mut Tx,
    call: &Call,
    id: &PolicyId,
    version: i64,
    effective_date: NaiveDate,
    content: &GradePolicy,
) -> Result<PolicyRecord> {
    if !store::insert_policy_in(tx, id, version, effective_date, content, call).await? {
        return Err(StoreError::Retry("another call made this version first".to_owned()).into());
    }
    let after = serde_json::json!({ "effective_date": effective_date, "content": content });
    let change = Change { kind: "grade_policy_put", subject: id.as_str(), version, before: None, after };
    journal::append_in(tx, call, &change).await?;
    Ok(record(call, Some(id.clone()), version, effective_date, content))
}

/// Puts the shipped policy there where none is; changes nothing otherwise.
pub(crate) async fn install_in(tx: &mut Tx, call: &Call) -> Result<()> {
    if store::next_policy_version(&mut *tx).await? > 1 {
        return Ok(());
    }
    put_in(tx, call, &defaults::policy_id(), 1, defaults::EFFECTIVE_DATE, &defaults::grade_policy()).await?;
    Ok(())
}
