//! The collection desk's work: alerts, runs, the worklist, promises.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use rand::RngExt as _;
use rust_decimal::Decimal;
use weir_wire::{
    collections::v1::{
        BlockAccountRequest, Case, CaseItem, CaseState, CompleteTaskRequest, ContactChannel, ContactOutcome,
        GetCaseRequest, GetWorklistRequest, ListCasesRequest, ListNoticesRequest, NextAction, NoticeState,
        RecordContactRequest, RecordPromiseRequest, RunCollectionsRequest, Suppression, WorklistEntry,
    },
    emit,
    receivables::v1::RunAlertsRequest,
};

use super::{
    customer::Customer,
    diary::{business_day, later},
    office::{Office, Who, minor, money},
};

/// Cases worked in a week.
const CASES_A_WEEK: usize = 12;
/// Days a promise runs.
const PROMISE_DAYS: i64 = 6;
/// Days past due after which an account is blocked.
const BLOCK_AFTER_DAYS: i32 = 60;
/// Most entries of a page.
const PAGE_SIZE: i32 = 1000;
/// How often it is looked whether all notices have left, and how long between.
const LOOKS: u32 = 2_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(3);

/// What the desk did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Efforts {
    pub(super) alerts: i64,
    pub(super) cases_opened: i64,
    pub(super) notices: i64,
    pub(super) promises: i64,
    pub(super) blocks: i64,
}

/// Fires the alerts of a day.
pub(super) async fn alerts(office: &Office, day: NaiveDate, efforts: &mut Efforts) -> anyhow::Result<()> {
    let request = RunAlertsRequest { business_date: Some(emit::date(day)) };
    efforts.alerts += office.receivables(Who::Finance).run_alerts(request).await?.into_inner().fired_count;
    Ok(())
}

/// Works every account for a day.
pub(super) async fn run(office: &Office, day: NaiveDate, efforts: &mut Efforts) -> anyhow::Result<()> {
    let request = RunCollectionsRequest {
        request_id: format!("run-{day}"),
        business_date: Some(emit::date(day)),
        at_least_as_fresh: None,
    };
    let done = office.collections(Who::Collector).run_collections(request).await?.into_inner();
    efforts.cases_opened += done.opened_case_count;
    efforts.notices += done.queued_notice_count;
    Ok(())
}

/// Waits until nothing is queued: a notice that has not left would be replaced by the next run.
pub(super) async fn wait_for_notices(office: &Office) -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        let mut queued = 0;
        for state in [NoticeState::Queued, NoticeState::Sending] {
            let request = ListNoticesRequest { state: state.into(), page_size: 1, ..ListNoticesRequest::default() };
            queued += office.collections(Who::Collector).list_notices(request).await?.into_inner().notices.len();
        }
        if queued == 0 {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    bail!("notices do not leave")
}

/// How many cases are open.
pub(super) async fn cases_open(office: &Office) -> anyhow::Result<i64> {
    let mut found = 0;
    let mut page_token = String::new();
    loop {
        let request = ListCasesRequest {
            state: CaseState::Open.into(),
            page_size: PAGE_SIZE,
            page_token,
            ..ListCasesRequest::default()
        };
        let page = office.collections(Who::Collector).list_cases(request).await?.into_inner();
        found += i64::try_from(page.cases.len())?;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

/// The worklist, the most valuable first; equals by account.
pub(super) async fn worklist(office: &Office, day: NaiveDate, size: i32) -> anyhow::Result<Vec<WorklistEntry>> {
    let request = GetWorklistRequest { as_of_date: Some(emit::date(day)), page_size: size, ..Default::default() };
    let mut entries = office.collections(Who::Collector).get_worklist(request).await?.into_inner().entries;
    let priority = |entry: &WorklistEntry| -> Decimal {
        entry.priority.as_ref().and_then(|priority| priority.value.parse().ok()).unwrap_or_default()
    };
    let account = |entry: &WorklistEntry| entry.case.as_ref().map(|case| case.account_id.clone());
    entries.sort_by(|one, other| priority(other).cmp(&priority(one)).then(account(one).cmp(&account(other))));
    Ok(entries)
}

/// Calls the debtors at the top of the worklist.
pub(super) async fn call_debtors(
    office: &Office,
    day: NaiveDate,
    customers: &mut [Customer],
    efforts: &mut Efforts,
) -> anyhow::Result<()> {
    let places: BTreeMap<String, usize> =
        customers.iter().enumerate().map(|(place, customer)| (customer.company.account.to_string(), place)).collect();
    // read deep enough that ties at the cut cannot fall out differently
    let entries = worklist(office, day, 200).await?;
    for case in entries.iter().filter_map(|entry| entry.case.as_ref()) {
        let customer = places.get(&case.account_id).and_then(|place| customers.get_mut(*place));
        if let Some(customer) = customer.filter(|_| case.days_past_due > BLOCK_AFTER_DAYS) {
            block(office, case, customer, efforts).await?;
        }
    }
    let is_work = |entry: &&WorklistEntry| entry.next_action() != NextAction::Wait;
    for entry in entries.iter().filter(is_work).take(CASES_A_WEEK) {
        let case = entry.case.as_ref().context("an entry without case")?;
        let customer = places.get(&case.account_id).and_then(|place| customers.get_mut(*place));
        let Some(customer) = customer else { continue };
        call(office, day, (entry, case), customer, efforts)
            .await
            .with_context(|| format!("case of {}", case.account_id))?;
    }
    Ok(())
}

async fn call(
    office: &Office,
    day: NaiveDate,
    (entry, case): (&WorklistEntry, &Case),
    customer: &mut Customer,
    efforts: &mut Efforts,
) -> anyhow::Result<()> {
    let request =
        GetCaseRequest { case_id: case.case_id.clone(), as_of_date: Some(emit::date(day)), at_least_as_fresh: None };
    let full = office.collections(Who::Collector).get_case(request).await?.into_inner().case.context("no case")?;
    let is_due = |item: &&CaseItem| item.suppression() == Suppression::Unspecified && item.days_past_due > 0;
    let oldest = full.items.iter().find(is_due);
    let promises = customer.rng.random_range(0..100_u32) < customer.company.payer.promises_kept_percent().max(10);
    let outcome = match oldest {
        Some(_) if promises => ContactOutcome::Promised,
        Some(_) => ContactOutcome::NotReached,
        None => ContactOutcome::Reached,
    };
    contact(office, day, case, outcome).await?;
    if let Some(item) = oldest.filter(|_| promises) {
        promise(office, day, customer, item).await?;
        efforts.promises += 1;
    }
    if !entry.task_id.is_empty() {
        let request = CompleteTaskRequest {
            request_id: format!("done-{}", entry.task_id),
            task_id: entry.task_id.clone(),
            note: "called".to_owned(),
        };
        match office.collections(Who::Collector).complete_task(request).await {
            // the promise just noted has closed it
            Err(status) if status.code() == tonic::Code::FailedPrecondition => {}
            done => drop(done?),
        }
    }
    Ok(())
}

/// Stops an account that has not paid for too long, once.
async fn block(office: &Office, case: &Case, customer: &mut Customer, efforts: &mut Efforts) -> anyhow::Result<()> {
    if customer.is_blocked {
        return Ok(());
    }
    let request = BlockAccountRequest {
        request_id: format!("block-{}", case.account_id),
        account_id: case.account_id.clone(),
        reason: format!("owes for more than {BLOCK_AFTER_DAYS} days"),
    };
    office.collections(Who::Manager).block_account(request).await?;
    customer.is_blocked = true;
    efforts.blocks += 1;
    Ok(())
}

async fn contact(office: &Office, day: NaiveDate, case: &Case, outcome: ContactOutcome) -> anyhow::Result<()> {
    let request = RecordContactRequest {
        request_id: format!("contact-{day}-{}", case.case_id),
        case_id: case.case_id.clone(),
        channel: ContactChannel::Phone.into(),
        outcome: outcome.into(),
        contact_person: "accounts payable".to_owned(),
        note: String::new(),
        contact_time: None,
    };
    office.collections(Who::Collector).record_contact(request).await?;
    Ok(())
}

/// Notes a promise; a debtor who means it pays by then.
async fn promise(office: &Office, day: NaiveDate, customer: &mut Customer, item: &CaseItem) -> anyhow::Result<()> {
    let owed = minor(item.open_amount.as_ref()) - minor(item.disputed_amount.as_ref());
    let promised = business_day(later(day, PROMISE_DAYS));
    let request = RecordPromiseRequest {
        request_id: format!("promise-{day}-{}", item.item_id),
        account_id: customer.company.account.to_string(),
        item_id: item.item_id.clone(),
        promised_amount: Some(money(owed)),
        promised_date: Some(emit::date(promised)),
        grace_days: 1,
        note: "by telephone".to_owned(),
    };
    office.collections(Who::Collector).record_promise(request).await?;
    if customer.rng.random_range(0..100_u32) < customer.company.payer.promises_kept_percent() {
        customer.diary.pay_by(&item.document_number, promised);
    }
    Ok(())
}
