//! Scorecards: made as drafts, used from a date on.

use chrono::NaiveDate;
use weir_model::{Call, Fault, Fields, ScorecardId};
use weir_store::{Change, Done, Error as StoreError, Tx, journal};

use super::profiles::json;
use crate::{
    Assessment, defaults,
    error::*,
    scorecard::Scorecard,
    store::{self, ListedScorecards, ScorecardRecord},
};

impl Assessment {
    /// Makes a new version of a scorecard. Its weights may still be off; its shape and bins may not.
    pub async fn create_scorecard(&self, call: &Call, content: &Scorecard) -> Result<Done<ScorecardRecord>> {
        check(content)?;
        let id: ScorecardId = self.env.ids.next();
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let version = store::next_scorecard_version(&mut *tx, &content.name).await?;
                create_in(tx, call, &id, version, content).await
            })
            .await
    }

    /// What [`create_scorecard`](Self::create_scorecard) would answer, without an id; keeps nothing.
    pub async fn validate_scorecard(&self, call: &Call, content: &Scorecard) -> Result<ScorecardRecord> {
        check(content)?;
        let version = store::next_scorecard_version(&self.env.db, &content.name).await?;
        Ok(record(call, None, version, content))
    }

    /// Has a scorecard used from a date on, which is not before today.
    pub async fn activate_scorecard(
        &self,
        call: &Call,
        id: &ScorecardId,
        effective_date: NaiveDate,
    ) -> Result<Done<ScorecardRecord>> {
        let done = self
            .env
            .db
            .once(call, async |tx: &mut Tx| {
                not_past(call, effective_date)?;
                activate_in(tx, call, id, effective_date).await
            })
            .await?;
        let now = self.scorecard(id).await?;
        Ok(done.map(|()| now))
    }

    /// A version of a scorecard.
    pub async fn scorecard(&self, id: &ScorecardId) -> Result<ScorecardRecord> {
        store::scorecard(&self.env.db, id).await?.ok_or_else(|| Error::ScorecardUnknown(id.clone()))
    }

    /// The scorecard in use at a date.
    pub async fn scorecard_at(&self, date: NaiveDate) -> Result<ScorecardRecord> {
        let found = store::scorecard_at(&self.env.db, date).await?.ok_or(Error::NoActiveScorecard(date))?;
        match &found.scorecard_id {
            Some(id) => self.scorecard(id).await,
            None => Ok(found),
        }
    }

    /// Versions of scorecards, newest first, before a sequence.
    pub async fn scorecards(
        &self,
        name: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ScorecardRecord>> {
        Ok(store::scorecards(&self.env.db, ListedScorecards { name, before, limit }).await?)
    }
}

fn check(content: &Scorecard) -> Result<()> {
    let mut fields = Fields::default();
    content.check(&mut fields, "content");
    fields.finish()?;
    Ok(content.check_bins()?)
}

/// What was assessed stays as it was: data in use change from today on.
pub(super) fn not_past(call: &Call, effective_date: NaiveDate) -> Result<()> {
    if effective_date < call.today {
        let today = call.today;
        return Err(Fault::invalid("effective_date", format!("must not be before today, {today}")).into());
    }
    Ok(())
}

fn record(call: &Call, id: Option<ScorecardId>, version: i64, content: &Scorecard) -> ScorecardRecord {
    ScorecardRecord {
        sequence: 0,
        scorecard_id: id,
        version,
        content: content.clone(),
        created_at: call.at,
        created_by: call.principal.subject.clone(),
        effective_dates: Vec::new(),
    }
}

async fn create_in(
    tx: &mut Tx,
    call: &Call,
    id: &ScorecardId,
    version: i64,
    content: &Scorecard,
) -> Result<ScorecardRecord> {
    if !store::insert_scorecard_in(tx, id, version, content, call).await? {
        return Err(StoreError::Retry("another call made this version first".to_owned()).into());
    }
    let change =
        Change { kind: "scorecard_created", subject: id.as_str(), version: 1, before: None, after: json(content)? };
    journal::append_in(tx, call, &change).await?;
    Ok(record(call, Some(id.clone()), version, content))
}

async fn activate_in(tx: &mut Tx, call: &Call, id: &ScorecardId, effective_date: NaiveDate) -> Result<()> {
    let content = store::scorecard_content(&mut *tx, id).await?.ok_or_else(|| Error::ScorecardUnknown(id.clone()))?;
    if let Some(problem) = content.weights_problems().into_iter().next() {
        return Err(problem.into());
    }
    let sequence = store::activate_in(tx, id, effective_date, call).await?;
    let after = serde_json::json!({ "scorecard_id": id, "effective_date": effective_date });
    let change = Change { kind: "scorecard_activated", subject: id.as_str(), version: sequence, before: None, after };
    Ok(journal::append_in(tx, call, &change).await?)
}

/// Puts the shipped scorecard there where it is not, in use from long ago on; changes nothing otherwise.
pub(crate) async fn install_in(tx: &mut Tx, call: &Call) -> Result<()> {
    let (id, content) = (defaults::scorecard_id(), defaults::scorecard());
    if store::scorecard_content(&mut *tx, &id).await?.is_some() {
        return Ok(());
    }
    create_in(tx, call, &id, 1, &content).await?;
    activate_in(tx, call, &id, defaults::EFFECTIVE_DATE).await
}
