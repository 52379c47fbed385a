//! Limit requests from draft to limit.

use weir_model::{AccountId, Call, LimitId, LimitRequestId, Reason, Role};
use weir_store::{Done, Instant, Tx};

use super::{
    Limits, append_request_in, check_etag, no_policy, require_account_in, require_policy_in, require_request_in,
    save_account_in, save_request_in,
};
use crate::{
    Error,
    account::CreditAccount,
    auto_approval::approving,
    grade::GradeRecord,
    limit::{Limit, Period, StandingLimit, Supersedes, supersede, taken_over_on},
    policy::{GradeRow, Policy},
    recommendation::recommend,
    request::{Act, Candidate, Closure, Granted, LimitRequest, Origin, Range, State, Step, Wish, range, transition},
    route::{Progress, Reach, Refusal, approve, route},
    store::{self, Reader, RequestFilter},
    terms,
};

/// Most requests activated in one step.
const ACTIVATED_MAX: i64 = 100;

/// An approval about to be given.
#[derive(Debug, Clone)]
pub(crate) struct Vote {
    /// The level meant; none for whichever is due.
    pub(crate) level: Option<i64>,
    pub(crate) comment: String,
}

impl Limits {
    /// Drafts a request.
    pub(crate) async fn create_request(
        &self,
        call: &Call,
        account_id: &AccountId,
        wish: &Wish,
    ) -> Result<Done<LimitRequest>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let account = require_account_in(tx, account_id).await?;
                let asked = if let Limit::Amount(amount) = wish.limit { Some(amount) } else { None };
                if asked.into_iter().chain(wish.daily_sales).any(|amount| amount.currency() != account.currency) {
                    let message = format!("limits of account {account_id} are in {}", account.currency);
                    return Err(Error::refused(Reason::CurrencyMismatch, message));
                }
                let request = self.draft(call, account_id, wish.clone(), Origin::Person);
                store::insert_request(tx, &request).await?;
                append_request_in(tx, call, None, &request).await?;
                Ok(request)
            })
            .await
    }

    pub(super) fn draft(&self, call: &Call, account_id: &AccountId, wish: Wish, origin: Origin) -> LimitRequest {
        LimitRequest {
            limit_request_id: self.env.ids.next(),
            account_id: account_id.clone(),
            version: 1,
            state: State::Draft,
            origin,
            wish,
            requested: act(call),
            submitted: None,
            policy_id: None,
            route: Vec::new(),
            recommendation: None,
            granted: None,
            closed: None,
        }
    }

    /// Sends a draft on its way; a rule may approve it at once.
    pub(crate) async fn submit_request(
        &self,
        call: &Call,
        id: &LimitRequestId,
        etag: &str,
    ) -> Result<Done<LimitRequest>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let (mut account, before) = require_request_in(tx, id).await?;
                check_etag(etag, before.version)?;
                let mut request = before.clone();
                self.submit_in(tx, call, &mut account, &mut request).await?;
                save_request_in(tx, call, &before, &mut request).await?;
                Ok(request)
            })
            .await
    }

    /// Submits a draft: recommends, then lets a rule approve it or lays out the route.
    pub(super) async fn submit_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        request: &mut LimitRequest,
    ) -> Result<(), Error> {
        take(request, Step::Submit)?;
        check_not_over(request, call)?;
        let policy = require_policy_in(tx, call.today).await?;
        let (record, row) = graded(account, &policy)?;
        let reach = reach(request, row)?;
        request.submitted = Some(act(call));
        request.policy_id = Some(policy.policy_id.clone());
        request.recommendation = Some(recommend(&policy.rules, row, record, &request.wish)?);
        let candidate = Candidate { limit: request.wish.limit, record, frozen: account.freeze().is_some() };
        if let Some(rule) = approving(&policy.rules, &candidate)
            && account.can_carry(request.wish.limit, call.today)
        {
            let terms_days = terms::granted(rule.terms_days.min(request.wish.terms_days), row);
            return self.grant_in(tx, call, account, request, (terms_days, Some(rule.rule_id.clone()))).await;
        }
        request.route = route(request.wish.limit, &policy.rules.levels(account.currency), reach);
        Ok(())
    }

    /// Approves the level that is due; the last one grants the limit.
    pub(crate) async fn approve_request(
        &self,
        call: &Call,
        id: &LimitRequestId,
        etag: &str,
        vote: &Vote,
    ) -> Result<Done<LimitRequest>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let (mut account, before) = require_request_in(tx, id).await?;
                check_etag(etag, before.version)?;
                let mut request = before.clone();
                // refused here unless it is on its way
                take(&mut request, Step::Review)?;
                check_not_over(&request, call)?;
                let policy = require_policy_in(tx, call.today).await?;
                let (_, row) = graded(&account, &policy)?;
                reach(&request, row)?;
                let terms_days = terms::granted(request.wish.terms_days, row);
                let given = (call.at, vote.comment.as_str());
                let progress = approve(&mut request.route, vote.level, &before.askers(), &call.principal, given)
                    .map_err(refusal)?;
                if progress == Progress::Complete {
                    self.grant_in(tx, call, &mut account, &mut request, (terms_days, None)).await?;
                }
                save_request_in(tx, call, &before, &mut request).await?;
                Ok(request)
            })
            .await
    }

    /// Refuses a request on its way.
    pub(crate) async fn reject_request(
        &self,
        call: &Call,
        id: &LimitRequestId,
        etag: &str,
        reason: &str,
    ) -> Result<Done<LimitRequest>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let (_, before) = require_request_in(tx, id).await?;
                check_etag(etag, before.version)?;
                self.close_in(tx, call, &before, Step::Reject, reason).await
            })
            .await
    }

    /// Takes a request back; only who made it, or an admin.
    pub(crate) async fn withdraw_request(
        &self,
        call: &Call,
        id: &LimitRequestId,
        etag: &str,
        reason: &str,
    ) -> Result<Done<LimitRequest>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let (_, before) = require_request_in(tx, id).await?;
                if before.requested.by != call.principal.subject && !call.principal.has(Role::Admin) {
                    return Err(Error::Forbidden("a request is withdrawn by who made it"));
                }
                check_etag(etag, before.version)?;
                self.close_in(tx, call, &before, Step::Withdraw, reason).await
            })
            .await
    }

    /// Ends a request without a limit.
    pub(super) async fn close_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        before: &LimitRequest,
        step: Step,
        reason: &str,
    ) -> Result<LimitRequest, Error> {
        let mut request = before.clone();
        take(&mut request, step)?;
        request.closed = Some(Closure { act: act(call), reason: reason.to_owned() });
        save_request_in(tx, call, before, &mut request).await?;
        Ok(request)
    }

    /// A request.
    pub(crate) async fn request(&self, id: &LimitRequestId) -> Result<LimitRequest, Error> {
        let request = store::request(Reader::Db(&self.env.db), id).await?;
        request.ok_or_else(|| Error::not_found("limit request", id))
    }

    /// Requests after an id, by id.
    pub(crate) async fn requests(
        &self,
        filter: &RequestFilter,
        after: Option<&LimitRequestId>,
        limit: i64,
    ) -> Result<Vec<LimitRequest>, Error> {
        Ok(store::requests(Reader::Db(&self.env.db), filter, after, limit).await?)
    }

    /// Grants what a request asks for, on terms, by people or by a rule. Saves the account, not the request.
    async fn grant_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        request: &mut LimitRequest,
        (terms_days, rule_id): (i64, Option<String>),
    ) -> Result<(), Error> {
        take(request, Step::Approve)?;
        let from = request.start(call.today);
        let before = account.clone();
        let limit = self.replace_in(tx, call, account, request, Supersedes::UpToItsStart).await?;
        request.granted = Some(Granted { limit_id: limit, terms_days, from, at: call.at, rule_id });
        if from <= call.today {
            take(request, Step::Activate)?;
            account.terms_days = terms_days;
        }
        save_account_in(tx, call, &before, account, "limit_granted").await
    }

    /// Puts the limit a request asks for in the place of others.
    pub(super) async fn replace_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        request: &LimitRequest,
        supersedes: Supersedes,
    ) -> Result<LimitId, Error> {
        let from = request.start(call.today);
        let superseded = supersede(&mut account.limits, from, supersedes);
        store::supersede(tx, &superseded, from).await?;
        let limit = StandingLimit {
            limit_id: self.env.ids.next(),
            limit_request_id: request.limit_request_id.clone(),
            limit: request.wish.limit,
            period: Period { from, to: request.wish.valid_to },
            superseded_from: taken_over_on(&account.limits, from),
        };
        store::insert_limit(tx, account, &limit, Instant::from(call.at)).await?;
        let limit_id = limit.limit_id.clone();
        account.limits.push(limit);
        account.check_amounts(call.today)?;
        Ok(limit_id)
    }

    /// Starts approved limits whose first day has come: state and terms; the limit itself counts by date alone.
    pub(super) async fn activate_due(&self) -> Result<usize, Error> {
        let today = self.env.clock.today();
        let due = store::due_requests(Reader::Db(&self.env.db), today, ACTIVATED_MAX).await?;
        for id in &due {
            let call = self.internal_call("weir.limits/activate", id.as_str());
            self.env.db.once(&call, async |tx: &mut Tx| self.activate_in(tx, &call, id).await).await?;
        }
        Ok(due.len())
    }

    async fn activate_in(&self, tx: &mut Tx, call: &Call, id: &LimitRequestId) -> Result<(), Error> {
        let (before, request_before) = require_request_in(tx, id).await?;
        let (mut account, mut request) = (before.clone(), request_before.clone());
        let Some(granted) = request.granted.clone() else { return Ok(()) };
        // another replica was faster
        if take(&mut request, Step::Activate).is_err() {
            return Ok(());
        }
        let policy = require_policy_in(tx, call.today).await?;
        if let Ok((_, row)) = graded(&account, &policy) {
            account.terms_days = terms::granted(granted.terms_days, row);
        }
        save_account_in(tx, call, &before, &mut account, "limit_started").await?;
        save_request_in(tx, call, &request_before, &mut request).await
    }
}

pub(super) fn act(call: &Call) -> Act {
    Act { by: call.principal.subject.clone(), at: call.at }
}

/// Takes a step of the life cycle, or says why not.
pub(super) fn take(request: &mut LimitRequest, step: Step) -> Result<(), Error> {
    let state = request.state;
    let next = transition(state, step).ok_or_else(|| {
        let message = format!("limit request {} is {}", request.limit_request_id, state.as_str());
        Error::refused(Reason::WrongState, message)
    })?;
    request.state = next;
    Ok(())
}

/// The grade of an account and what it allows.
pub(super) fn graded<'a>(
    account: &'a CreditAccount,
    policy: &'a Policy,
) -> Result<(&'a GradeRecord, &'a GradeRow), Error> {
    let record = account.grade.as_ref().ok_or_else(|| {
        let message = format!("no assessment of account {} was approved", account.account_id);
        Error::refused(Reason::NotAssessed, message)
    })?;
    let row = policy.rules.row(record.grade, account.currency);
    let row = row.ok_or_else(|| {
        no_policy(format!(
            "policy {} has no row for {} in {}",
            policy.policy_id,
            record.grade.as_str(),
            account.currency
        ))
    })?;
    Ok((record, row))
}

/// How many levels a request takes, or that its grade does not allow it.
fn reach(request: &LimitRequest, row: &GradeRow) -> Result<Reach, Error> {
    let outside = |what: String| Err(Error::refused(Reason::OutsideGradeRange, what));
    if request.wish.terms_days > row.terms_days_max {
        return outside(format!("grade {} allows terms of {} days", row.grade.as_str(), row.terms_days_max));
    }
    match range(request.wish.limit, row) {
        Range::Within => Ok(Reach::ByAmount),
        Range::AboveByApproval => Ok(Reach::Everybody),
        Range::Outside => outside(format!("grade {} allows up to {}", row.grade.as_str(), row.limit_max)),
    }
}

/// Refuses a request whose last day has passed.
fn check_not_over(request: &LimitRequest, call: &Call) -> Result<(), Error> {
    match request.wish.valid_to {
        Some(last) if last < call.today => {
            Err(Error::refused(Reason::WrongState, format!("the period asked for ended on {last}")))
        }
        _ => Ok(()),
    }
}

fn refusal(refusal: Refusal) -> Error {
    match refusal {
        Refusal::NotDue { due: Some(due) } => {
            Error::refused(Reason::WrongState, format!("level {due} is due; levels cannot be skipped"))
        }
        Refusal::NotDue { due: None } => Error::refused(Reason::WrongState, "every level has approved"),
        Refusal::SelfApproval => Error::refused(Reason::SelfApproval, "who asks for a limit does not approve it"),
        Refusal::AlreadyVoted => Error::refused(Reason::AlreadyVoted, "one person gives one level"),
        Refusal::Authority { needed, has } => {
            let message = format!("an authority of {has} does not cover {needed}");
            Error::refused(Reason::AuthorityExceeded, message)
        }
        Refusal::AdminNeeded => Error::refused(Reason::AuthorityExceeded, "an unlimited limit takes an admin"),
    }
}
