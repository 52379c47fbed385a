//! The credit department's work: assessing, approving limits, deciding on held orders.

use std::collections::BTreeSet;

use anyhow::Context as _;
use chrono::NaiveDate;
use weir_wire::{
    assessment::v1::{AssessAccountRequest, Profile, PutProfileRequest, RecordFactsRequest},
    collections::v1::{Debtor, Language, PutDebtorRequest},
    limits::v1::{
        ApproveLimitRequestRequest, CreateLimitRequestRequest, GetCreditAccountRequest, LimitRequest,
        LimitRequestState, ListLimitRequestsRequest, SubmitLimitRequestRequest,
        create_limit_request_request::Requested, limit::Kind,
    },
    order_gate::v1::{Hold, HoldState, ListHoldsRequest, RejectHoldRequest, ReleaseHoldRequest, Rule, RuleAction},
};

use super::{
    company::Company,
    customer::Customer,
    diary::later,
    office::{CURRENCY, MANAGER_AUTHORITY, Office, Who, minor, money},
};

/// Most entries of a page.
const PAGE_SIZE: i32 = 1000;
/// Days a held order may wait for money before it is rejected.
const WAITS_DAYS: i64 = 21;
/// Days it may wait where there is nothing to wait for.
const WAITS_FOR_NOTHING_DAYS: i64 = 4;
/// Days of a temporary limit.
const TEMPORARY_DAYS: i64 = 30;

/// Brings a company in: who it is, what is known of it, how it is reached.
pub(super) async fn introduce(office: &Office, customer: &mut Customer, now: super::Instant) -> anyhow::Result<()> {
    let company = &customer.company;
    let account_id = company.account.to_string();
    let facts = super::facts::facts(company, &mut customer.rng, now);
    let profile = PutProfileRequest { profile: Some(profile(company)), ..PutProfileRequest::default() };
    office.profiles(Who::Sales).put_profile(profile).await.with_context(|| format!("profile of {account_id}"))?;
    let request = RecordFactsRequest { request_id: String::new(), facts };
    office.profiles(Who::Manager).record_facts(request).await.with_context(|| format!("facts of {account_id}"))?;
    let debtor = Debtor {
        account_id: account_id.clone(),
        name: company.name.clone(),
        language: if company.is_chinese { Language::ZhCn } else { Language::En }.into(),
        emails: vec![format!("accounts@{}.example", account_id.to_lowercase())],
        phone: String::new(),
        salesperson: company.salesperson.to_owned(),
        version: 0,
    };
    let request = PutDebtorRequest { request_id: format!("debtor-{account_id}"), debtor: Some(debtor) };
    office.collections(Who::Collector).put_debtor(request).await?;
    Ok(())
}

fn profile(company: &Company) -> Profile {
    Profile {
        account_id: company.account.to_string(),
        legal_name: company.name.clone(),
        country_code: "CN".to_owned(),
        industry_code: company.industry.to_owned(),
        cross_border: false,
        currency_code: CURRENCY.to_owned(),
        requested_limit: company.requested_limit.map(money),
        daily_sales_amount: None,
        etag: String::new(),
    }
}

/// Assesses an account as it stands today.
pub(super) async fn assess(office: &Office, customer: &Customer) -> anyhow::Result<()> {
    let account_id = customer.company.account.to_string();
    let request = AssessAccountRequest { account_id: account_id.clone(), ..AssessAccountRequest::default() };
    let answer = office.assessment(Who::Manager).assess_account(request).await;
    answer.with_context(|| format!("assessment of {account_id}"))?;
    Ok(())
}

/// Approves what assessments asked for and no rule approved, level by level.
pub(super) async fn approve_limits(office: &Office) -> anyhow::Result<()> {
    for state in [LimitRequestState::Submitted, LimitRequestState::UnderReview] {
        let request = ListLimitRequestsRequest { page_size: PAGE_SIZE, state: state.into(), ..Default::default() };
        let answer = office.limits(Who::Manager).list_limit_requests(request).await?.into_inner();
        let mut requests = answer.limit_requests;
        requests.sort_by(|one, other| one.account_id.cmp(&other.account_id));
        for request in requests {
            approve(office, &request, "as recommended")
                .await
                .with_context(|| format!("limit of {}", request.account_id))?;
        }
    }
    Ok(())
}

async fn approve(office: &Office, request: &LimitRequest, comment: &str) -> anyhow::Result<()> {
    let mut voted: BTreeSet<&str> = request.route.iter().map(|step| step.approved_by.as_str()).collect();
    for step in request.route.iter().filter(|step| step.approved_by.is_empty()) {
        let needed = minor(step.authority_required.as_ref());
        let covers = |who: &Who| *who != Who::Manager || needed <= MANAGER_AUTHORITY;
        let fits = |who: &Who| covers(who) && !voted.contains(who.name());
        let who = [Who::Manager, Who::Head, Who::Officer].into_iter().find(fits);
        let who = who.context("nobody may approve it")?;
        voted.insert(who.name());
        let vote = ApproveLimitRequestRequest {
            request_id: format!("approve-{}-{}", request.limit_request_id, step.level),
            limit_request_id: request.limit_request_id.clone(),
            etag: String::new(),
            level: step.level,
            comment: comment.to_owned(),
        };
        office.limits(who).approve_limit_request(vote).await?;
    }
    Ok(())
}

/// Looks up what a company has been granted.
pub(super) async fn look_up(office: &Office, customer: &mut Customer) -> anyhow::Result<()> {
    let account_id = customer.company.account.to_string();
    let request = GetCreditAccountRequest { account_id, ..GetCreditAccountRequest::default() };
    let answer = match office.limits(Who::Sales).get_credit_account(request).await {
        Ok(answer) => answer.into_inner(),
        // not assessed yet
        Err(status) if status.code() == tonic::Code::NotFound => return Ok(()),
        Err(status) => return Err(status.into()),
    };
    let limit = answer.limit_in_force.and_then(|in_force| in_force.limit).and_then(|limit| limit.kind);
    customer.limit = match limit {
        Some(Kind::Amount(amount)) => minor(Some(&amount)),
        _ => 0,
    };
    if let Some(account) = answer.credit_account {
        customer.terms_days = account.terms_days;
        customer.grade = account.grade.map_or(customer.grade, |grade| grade.grade());
    }
    Ok(())
}

/// Every order that waits, by account and order.
pub(super) async fn waiting(office: &Office) -> anyhow::Result<Vec<Hold>> {
    let mut holds = Vec::new();
    let mut page_token = String::new();
    loop {
        let states = vec![HoldState::Held.into()];
        let request = ListHoldsRequest { account_id: String::new(), states, page_size: PAGE_SIZE, page_token };
        let page = office.gate(Who::Manager).list_holds(request).await?.into_inner();
        holds.extend(page.holds);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    holds.sort_by(|one, other| (&one.account_id, &one.order_id).cmp(&(&other.account_id, &other.order_id)));
    Ok(holds)
}

/// What the department did about held orders.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rulings {
    pub(super) released: i64,
    pub(super) rejected: i64,
    pub(super) temporary_limits: i64,
}

/// Goes through the orders that wait: lets pass what was only to be looked at, finds room where little is missing, and
/// rejects what has waited long enough.
pub(super) async fn rule(office: &Office, day: NaiveDate, rulings: &mut Rulings) -> anyhow::Result<()> {
    for hold in waiting(office).await? {
        let stops: BTreeSet<Rule> = hold
            .failures
            .iter()
            .filter(|failure| failure.action() == RuleAction::Block)
            .map(weir_wire::order_gate::v1::RuleFailure::rule)
            .collect();
        let is_only = |rules: &[Rule]| stops.iter().all(|rule| rules.contains(rule));
        let waited = (day - held_on(&hold)).num_days();
        let limit_missing = shortfall(&hold, Rule::LimitExceeded);
        let is_little = limit_missing * 4 <= minor(hold.required_amount.as_ref());
        if is_only(&[Rule::GradeReview]) {
            release(office, &hold, "looked at: pays as agreed").await?;
            rulings.released += 1;
        } else if is_only(&[Rule::LimitExceeded, Rule::GradeReview]) && is_little && stops.contains(&Rule::GradeReview)
        {
            release(office, &hold, "slightly over its limit, pays as agreed").await?;
            rulings.released += 1;
        } else if is_only(&[Rule::LimitExceeded]) && is_little && waited == 0 {
            rulings.temporary_limits += i64::from(grant_temporary(office, &hold, limit_missing, day).await?);
        } else if waited >= patience(&stops) {
            reject(office, &hold).await?;
            rulings.rejected += 1;
        }
    }
    Ok(())
}

/// How long money or a payment can be waited for.
fn patience(stops: &BTreeSet<Rule>) -> i64 {
    let hopeless = [Rule::NoCreditGrade, Rule::AccountBlocked, Rule::LimitMissing];
    if stops.iter().any(|rule| hopeless.contains(rule)) { WAITS_FOR_NOTHING_DAYS } else { WAITS_DAYS }
}

fn shortfall(hold: &Hold, rule: Rule) -> i64 {
    let failure = hold.failures.iter().find(|failure| failure.rule() == rule);
    failure.map_or(0, |failure| minor(failure.shortfall.as_ref()))
}

/// The day an order stopped, in China, where nobody puts the clock forward.
fn held_on(hold: &Hold) -> NaiveDate {
    const EAST_SECONDS: i64 = 8 * 3600;
    let seconds = hold.held_time.as_ref().map_or(0, |held| held.seconds + EAST_SECONDS);
    chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default().date_naive()
}

async fn release(office: &Office, hold: &Hold, reason: &str) -> anyhow::Result<()> {
    let who = if minor(hold.excess_amount.as_ref()) <= MANAGER_AUTHORITY { Who::Manager } else { Who::Head };
    let request = ReleaseHoldRequest {
        hold_id: hold.hold_id.clone(),
        reason: reason.to_owned(),
        request_id: format!("release-{}", hold.hold_id),
        ..ReleaseHoldRequest::default()
    };
    let answer = office.gate(who).release_hold(request).await;
    answer.with_context(|| format!("release of {}", hold.order_id))?;
    Ok(())
}

async fn reject(office: &Office, hold: &Hold) -> anyhow::Result<()> {
    let request = RejectHoldRequest {
        hold_id: hold.hold_id.clone(),
        reason: "nothing has changed for too long".to_owned(),
        hold_version: 0,
        request_id: format!("reject-{}", hold.hold_id),
    };
    let answer = office.gate(Who::Manager).reject_hold(request).await;
    answer.with_context(|| format!("rejection of {}", hold.order_id))?;
    Ok(())
}

/// Asks for what is missing for a month, and has it approved; answers whether it could, for one temporary limit at a
/// time is enough.
async fn grant_temporary(office: &Office, hold: &Hold, missing: i64, day: NaiveDate) -> anyhow::Result<bool> {
    let create = CreateLimitRequestRequest {
        request_id: format!("temporary-{day}-{}", hold.hold_id),
        account_id: hold.account_id.clone(),
        requested: Some(Requested::TemporaryDelta(money(missing))),
        valid_to_date: Some(weir_wire::emit::date(later(day, TEMPORARY_DAYS))),
        justification: "a good customer's busy month".to_owned(),
        ..Default::default()
    };
    let drafted = office.limits(Who::Sales).create_limit_request(create).await?.into_inner().limit_request;
    let drafted = drafted.context("a draft")?;
    let submit = SubmitLimitRequestRequest {
        request_id: format!("submit-{}", drafted.limit_request_id),
        limit_request_id: drafted.limit_request_id,
        etag: drafted.etag,
    };
    match office.limits(Who::Sales).submit_limit_request(submit).await {
        Ok(answer) => {
            let submitted = answer.into_inner().limit_request.context("a request")?;
            approve(office, &submitted, "a busy month").await?;
            Ok(true)
        }
        Err(status) if status.code() == tonic::Code::FailedPrecondition => Ok(false),
        Err(status) => Err(anyhow::Error::from(status).context(format!("temporary limit of {}", hold.account_id))),
    }
}
