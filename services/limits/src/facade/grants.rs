//! What an approved request grants, and its first day.

use weir_model::{Call, LimitRequestId};
use weir_store::{Instant, Tx};

use super::{
    Limits,
    requests::{graded, take},
    require_policy_in, require_request_in, save_account_in, save_request_in,
};
use crate::{
    Error,
    account::CreditAccount,
    limit::{Period, StandingLimit, Supersedes, supersede, taken_over_on},
    request::{Granted, LimitRequest, StandingWish, Step, TemporaryWish},
    store::{self, Reader},
    temporary::TemporaryLimit,
    terms,
};

/// Most requests activated in one step.
const ACTIVATED_MAX: i64 = 100;

impl Limits {
    /// Grants a limit on terms, by people or by a rule. Saves the account, not the request.
    pub(super) async fn grant_standing_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        request: &mut LimitRequest,
        wish: &StandingWish,
        (terms_days, rule_id): (i64, Option<String>),
    ) -> Result<(), Error> {
        let from = request.start(call.today);
        let limit = StandingLimit {
            limit_id: self.env.ids.next(),
            limit_request_id: request.limit_request_id.clone(),
            limit: wish.limit,
            period: Period { from, to: wish.valid_to },
            superseded_from: None,
        };
        let terms = Some(terms_days);
        grant(
            request,
            call,
            Granted { limit_id: limit.limit_id.clone(), terms_days: terms, from, at: call.at, rule_id },
        )?;
        let before = account.clone();
        replace_in(tx, call, account, limit, Supersedes::UpToItsStart).await?;
        if from <= call.today {
            account.terms_days = terms_days;
        }
        save_account_in(tx, call, &before, account, "limit_granted").await
    }

    /// Grants a temporary limit. Saves the account, not the request.
    pub(super) async fn grant_temporary_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        request: &mut LimitRequest,
        wish: &TemporaryWish,
    ) -> Result<(), Error> {
        let from = request.start(call.today);
        let limit = TemporaryLimit {
            temporary_limit_id: self.env.ids.next(),
            overlay: wish.overlay,
            from,
            to: wish.valid_to,
            limit_request_id: request.limit_request_id.clone(),
            reason: request.wish.justification.clone(),
            requested_by: request.requested.by.clone(),
            granted_by: call.principal.subject.clone(),
            granted_at: call.at,
            revocation: None,
        };
        let limit_id = limit.temporary_limit_id.clone();
        grant(request, call, Granted { limit_id, terms_days: None, from, at: call.at, rule_id: None })?;
        let before = account.clone();
        store::insert_temporary(tx, account, &limit).await?;
        account.temporary_limits.push(limit);
        account.check_amounts(call.today)?;
        save_account_in(tx, call, &before, account, "temporary_limit_granted").await
    }

    /// Starts approved limits whose first day has come: state and terms; the limit itself counts by date alone.
    pub(super) async fn activate_due(&self) -> Result<usize, Error> {
        let today = self.env.clock.today();
        let due = store::due_requests(Reader::Db(&self.env.db), today, ACTIVATED_MAX).await?;
        for id in &due {
            let call = self.internal_call("weir.limits/activate", id.as_str());
            self.env.db.once(&call, async |tx: &mut Tx| activate_in(tx, &call, id).await).await?;
        }
        Ok(due.len())
    }
}

/// Notes what a request grants, and starts it when its first day is here.
fn grant(request: &mut LimitRequest, call: &Call, granted: Granted) -> Result<(), Error> {
    take(request, Step::Approve)?;
    if granted.from <= call.today {
        take(request, Step::Activate)?;
    }
    request.granted = Some(granted);
    Ok(())
}

/// Puts a limit in the place of others.
pub(super) async fn replace_in(
    tx: &mut Tx,
    call: &Call,
    account: &mut CreditAccount,
    mut limit: StandingLimit,
    supersedes: Supersedes,
) -> Result<(), Error> {
    let from = limit.period.from;
    let superseded = supersede(&mut account.limits, from, supersedes);
    store::supersede(tx, &superseded, from).await?;
    limit.superseded_from = taken_over_on(&account.limits, from);
    store::insert_limit(tx, account, &limit, Instant::from(call.at)).await?;
    account.limits.push(limit);
    account.check_amounts(call.today)?;
    Ok(())
}

/// Starts one. Only the limit that holds sets the terms: one that starts on the same day or later may have taken its
/// place since.
async fn activate_in(tx: &mut Tx, call: &Call, id: &LimitRequestId) -> Result<(), Error> {
    let (before, request_before) = require_request_in(tx, id).await?;
    let mut request = request_before.clone();
    // another replica was faster
    if take(&mut request, Step::Activate).is_err() {
        return Ok(());
    }
    if let Some(Granted { limit_id, terms_days: Some(terms_days), .. }) = &request.granted
        && before.holds(limit_id, call.today)
    {
        let policy = require_policy_in(tx, call.today).await?;
        let mut account = before.clone();
        if let Ok((_, row)) = graded(&before, &policy) {
            account.terms_days = terms::granted(*terms_days, row);
        }
        save_account_in(tx, call, &before, &mut account, "limit_started").await?;
    }
    save_request_in(tx, call, &request_before, &mut request).await
}
