//! The facade: one function a command or query. Loads, lets the rules decide, saves, appends to the journal, in one
//! transaction.

mod accounts;
mod grades;
mod grants;
mod groups;
mod heads;
mod insurance;
mod policies;
mod requests;
mod temporary;

pub(crate) use accounts::Opening;
pub(crate) use requests::Vote;

use chrono::NaiveDate;
use serde_json::Value;
use tokio::time::Instant;
use weir_model::{AccountId, Call, LimitRequestId, Reason};
use weir_store::{Change, Env, Journal, Tx, bookmark, journal};

use crate::{
    Error,
    account::CreditAccount,
    event::Event,
    follow::ASSESSMENT_FEED,
    policy::{Policy, in_use_on},
    request::{LimitRequest, State},
    store::{self, Reader},
};

/// The limits context.
#[derive(Debug)]
pub struct Limits {
    pub(crate) env: Env,
    pub(crate) journal: Journal,
}

impl Limits {
    /// Opens the context on a migrated database; puts the shipped policy there when it has none.
    pub async fn open(env: Env) -> Result<Self, Error> {
        policies::seed(&env).await?;
        let journal = Journal::start(&env.db).await?;
        Ok(Limits { env, journal })
    }

    /// Does background work that is due: starts approved limits whose day has come, puts a new policy into effect. Answers
    /// how much it did; nothing left to do when 0.
    pub async fn step(&self) -> Result<usize, Error> {
        Ok(self.activate_due().await? + self.apply_new_policy().await?)
    }

    /// Waits until the journal has reached a position, and grades up to a position of assessment's feed have taken effect.
    pub(crate) async fn reached(
        &self,
        own: Option<i64>,
        assessment: Option<i64>,
        deadline: Instant,
    ) -> Result<(), Error> {
        if let Some(position) = own {
            self.journal.reached(position, deadline).await?;
        }
        if let Some(position) = assessment {
            bookmark::reached(&self.env.db, ASSESSMENT_FEED, position, deadline).await?;
        }
        Ok(())
    }
}

/// The account, locked; refused when it has no credit account.
async fn require_account_in(tx: &mut Tx, account_id: &AccountId) -> Result<CreditAccount, Error> {
    store::account_in(tx, account_id).await?.ok_or_else(|| Error::AccountUnknown(account_id.clone()))
}

/// The account and the request, both locked, in the order everybody locks them.
async fn require_request_in(tx: &mut Tx, id: &LimitRequestId) -> Result<(CreditAccount, LimitRequest), Error> {
    let missing = || Error::not_found("limit request", id);
    let request = store::request(Reader::Tx(tx), id).await?.ok_or_else(missing)?;
    let account = require_account_in(tx, &request.account_id).await?;
    let request = store::lock_request(tx, id).await?.ok_or_else(missing)?;
    Ok((account, request))
}

/// The policy in use on a day.
async fn require_policy_in(tx: &mut Tx, today: NaiveDate) -> Result<Policy, Error> {
    let policies = store::policies(Reader::Tx(tx)).await?;
    in_use_on(&policies, today).cloned().ok_or_else(|| no_policy("no policy is in use"))
}

fn no_policy(message: impl Into<String>) -> Error {
    Error::refused(Reason::NoPolicy, message)
}

/// Refuses an etag that is not the present version's.
fn check_etag(etag: &str, version: i64) -> Result<(), Error> {
    if etag.is_empty() || etag == version.to_string() { Ok(()) } else { Err(Error::EtagMismatch) }
}

/// Writes a changed account back as its next version and tells the journal.
async fn save_account_in(
    tx: &mut Tx,
    call: &Call,
    before: &CreditAccount,
    account: &mut CreditAccount,
    kind: &str,
) -> Result<(), Error> {
    account.version = before.version + 1;
    store::save_account(tx, account).await?;
    append_account_in(tx, call, Some(before), account, kind).await
}

async fn append_account_in(
    tx: &mut Tx,
    call: &Call,
    before: Option<&CreditAccount>,
    account: &CreditAccount,
    kind: &str,
) -> Result<(), Error> {
    let told = |account: &CreditAccount| Event::Account(Box::new(account.clone().without_past(call.today)));
    let before = before.map(told);
    append_in(tx, call, (kind, account.account_id.as_str(), account.version), before, &told(account)).await
}

/// Writes a changed request back as its next version and tells the journal.
async fn save_request_in(
    tx: &mut Tx,
    call: &Call,
    before: &LimitRequest,
    request: &mut LimitRequest,
) -> Result<(), Error> {
    request.version = before.version + 1;
    store::save_request(tx, request).await?;
    append_request_in(tx, call, Some(before), request).await
}

async fn append_request_in(
    tx: &mut Tx,
    call: &Call,
    before: Option<&LimitRequest>,
    request: &LimitRequest,
) -> Result<(), Error> {
    let told = |request: &LimitRequest| Event::Request(Box::new(request.clone()));
    let subject = (kind_of(request), request.limit_request_id.as_str(), request.version);
    append_in(tx, call, subject, before.map(told), &told(request)).await
}

async fn append_in(
    tx: &mut Tx,
    call: &Call,
    (kind, subject, version): (&str, &str, i64),
    before: Option<Event>,
    after: &Event,
) -> Result<(), Error> {
    let before: Option<Value> = before.map(serde_json::to_value).transpose().map_err(weir_store::Error::from)?;
    let after = serde_json::to_value(after).map_err(weir_store::Error::from)?;
    journal::append_in(tx, call, &Change { kind, subject, version, before, after }).await?;
    Ok(())
}

/// The kind of journal entry that tells of a request's new state.
fn kind_of(request: &LimitRequest) -> &'static str {
    match request.state {
        State::Active if request.revoked.is_some() => "limit_request_revoked",
        State::Draft => "limit_request_drafted",
        State::Submitted => "limit_request_submitted",
        State::UnderReview => "limit_request_reviewed",
        State::Approved => "limit_request_approved",
        State::Active => "limit_request_activated",
        State::Rejected => "limit_request_rejected",
        State::Withdrawn => "limit_request_withdrawn",
    }
}
