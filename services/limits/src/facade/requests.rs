//! Limit requests from draft to limit.

use chrono::NaiveDate;
use weir_model::{AccountId, Call, LimitRequestId, Reason, Role};
use weir_store::{Done, Tx};

use super::{
    Limits, append_request_in, check_etag, no_policy, require_account_in, require_policy_in, require_request_in,
    save_request_in,
};
use crate::{
    Error,
    account::CreditAccount,
    auto_approval::approving,
    grade::GradeRecord,
    limit::{Limit, Period},
    policy::{GradeRow, Policy},
    recommendation::recommend,
    request::{Act, Asked, Candidate, Closure, LimitRequest, Origin, StandingWish, State, Step, Wish, transition},
    route::{Progress, Reach, Refusal, approve, route},
    store::{self, Reader, RequestFilter},
    temporary::overlapping,
    terms,
};

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
                let mut amounts = wish.amount().into_iter().chain(wish.daily_sales());
                if amounts.any(|amount| amount.currency() != account.currency) {
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
            revoked: None,
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

    /// Submits a draft: recommends a limit and lets a rule approve it, or lays out the route. Temporary limits are
    /// exceptions, which people approve and no rule.
    pub(super) async fn submit_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        request: &mut LimitRequest,
    ) -> Result<(), Error> {
        take(request, Step::Submit)?;
        let policy = require_policy_in(tx, call.today).await?;
        let (record, row) = graded(account, &policy)?;
        check_allowed(request, account, row, call.today)?;
        request.submitted = Some(act(call));
        request.policy_id = Some(policy.policy_id.clone());
        let levels = policy.rules.levels(account.currency);
        let wish = match &request.wish.asked {
            Asked::Standing(wish) => wish.clone(),
            Asked::Temporary(wish) => {
                request.route = route(Limit::Amount(wish.overlay.amount()), &levels, Reach::ByAmount);
                return Ok(());
            }
        };
        let standing = account.outlook(call.today).in_force;
        request.recommendation = Some(recommend(&policy.rules, row, record, &wish, standing)?);
        let candidate = Candidate { limit: wish.limit, standing, record, frozen: account.freeze().is_some() };
        if let Some(rule) = approving(&policy.rules, &candidate)
            && account.can_carry(wish.limit, call.today)
        {
            let terms_days = terms::granted(rule.terms_days.min(wish.terms_days), row);
            let by_rule = (terms_days, Some(rule.rule_id.clone()));
            return self.grant_standing_in(tx, call, account, request, &wish, by_rule).await;
        }
        let reach = if row.covers(wish.limit) { Reach::ByAmount } else { Reach::Everybody };
        request.route = route(wish.limit, &levels, reach);
        Ok(())
    }

    /// Approves the level that is due; the last one grants what is asked for.
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
                let policy = require_policy_in(tx, call.today).await?;
                let (_, row) = graded(&account, &policy)?;
                check_allowed(&request, &account, row, call.today)?;
                let given = (call.at, vote.comment.as_str());
                let progress = approve(&mut request.route, vote.level, &before.askers(), &call.principal, given)
                    .map_err(refusal)?;
                if progress == Progress::Complete {
                    match request.wish.asked.clone() {
                        Asked::Standing(wish) => {
                            let by_people = (terms::granted(wish.terms_days, row), None);
                            self.grant_standing_in(tx, call, &mut account, &mut request, &wish, by_people).await?;
                        }
                        Asked::Temporary(wish) => {
                            self.grant_temporary_in(tx, call, &mut account, &mut request, &wish).await?;
                        }
                    }
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

/// Refuses what may not be granted today: more than the grade allows, a period that is over, days that belong to another
/// temporary limit. Asked at each step, for grade, policy and days change between them.
fn check_allowed(
    request: &LimitRequest,
    account: &CreditAccount,
    row: &GradeRow,
    today: NaiveDate,
) -> Result<(), Error> {
    if let Some(last) = request.wish.valid_to().filter(|last| *last < today) {
        return Err(Error::refused(Reason::WrongState, format!("the period asked for ended on {last}")));
    }
    match &request.wish.asked {
        Asked::Standing(wish) => check_standing(wish, row),
        Asked::Temporary(_) if row.gives_no_credit() => Err(outside_range(row, "no credit")),
        Asked::Temporary(wish) => {
            let period = Period { from: request.start(today), to: Some(wish.valid_to) };
            match overlapping(&account.temporary_limits, period) {
                Some(other) => {
                    let message = format!("temporary limit {} shares days with it", other.temporary_limit_id);
                    Err(Error::refused(Reason::PeriodOverlap, message))
                }
                None => Ok(()),
            }
        }
    }
}

fn check_standing(wish: &StandingWish, row: &GradeRow) -> Result<(), Error> {
    if wish.terms_days > row.terms_days_max {
        return Err(outside_range(row, &format!("terms of {} days", row.terms_days_max)));
    }
    if row.allows(wish.limit) { Ok(()) } else { Err(outside_range(row, &format!("up to {}", row.limit_max))) }
}

fn outside_range(row: &GradeRow, allowed: &str) -> Error {
    Error::refused(Reason::OutsideGradeRange, format!("grade {} allows {allowed}", row.grade.as_str()))
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
