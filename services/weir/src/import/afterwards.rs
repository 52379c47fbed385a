//! What was imported, looked at: its aging as of any date, and what it says of each customer.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use anyhow::Context as _;
use chrono::NaiveDate;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tonic::Code;
use weir_model::Currency;
use weir_wire::{
    Peer,
    assessment::v1::{
        AssessAccountRequest, Assessment, GetProfileRequest, Profile, PutProfileRequest,
        assessment_service_client::AssessmentServiceClient, profile_service_client::ProfileServiceClient,
    },
    common::v1::{Grade, Token},
    emit,
    receivables::v1::{GetAgingRequest, receivables_service_client::ReceivablesServiceClient},
};

use super::patience::patiently;
use crate::print::{Align, Table, amount_of, bar, count, decimal, heading, print_aging};

/// Accounts assessed at a time.
const AT_A_TIME: usize = 8;
/// Accounts shown one by one.
const SHOWN: usize = 10;
/// Width of the bars.
const BAR_WIDTH: usize = 36;

/// Prints the aging as of a date.
pub(super) async fn aging(peer: &Peer, date: NaiveDate, out: &mut dyn Write) -> anyhow::Result<()> {
    let request = GetAgingRequest { as_of_date: Some(emit::date(date)), page_size: 1, ..GetAgingRequest::default() };
    let aging = ReceivablesServiceClient::new(peer.clone()).get_aging(request).await?.into_inner();
    heading(out, &format!("Aging as of {date}"))?;
    print_aging(out, &aging)?;
    Ok(())
}

/// Whom to assess, and how.
pub(super) struct Assess<'a> {
    /// For which date.
    pub date: NaiveDate,
    /// Currency of profiles that have to be made.
    pub currency: Currency,
    /// Country of profiles that have to be made.
    pub country: &'a str,
    /// What has to be known by then.
    pub token: Token,
}

/// Assesses every account, and prints how the grades are spread.
pub(super) async fn assess(
    peer: &Peer,
    wish: &Assess<'_>,
    accounts: &BTreeSet<String>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut assessments: Vec<Assessment> = stream::iter(accounts)
        .map(|account| assess_one(peer, wish, account))
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    assessments.sort_by(|one, other| one.account_id.cmp(&other.account_id));

    heading(out, &format!("Assessment of {} accounts as of {}", assessments.len(), wish.date))?;
    print_grades(out, &assessments)?;
    writeln!(out)?;
    print_first(out, &assessments)?;
    Ok(())
}

async fn assess_one(peer: &Peer, wish: &Assess<'_>, account: &str) -> anyhow::Result<Assessment> {
    put_profile(peer, wish, account).await.with_context(|| format!("profile of {account}"))?;
    let request = AssessAccountRequest {
        account_id: account.to_owned(),
        as_of_date: Some(emit::date(wish.date)),
        at_least_as_fresh: Some(wish.token.clone()),
        ..AssessAccountRequest::default()
    };
    let client = AssessmentServiceClient::new(peer.clone());
    let answer = patiently(async || client.clone().assess_account(request.clone()).await).await;
    let answer = answer.with_context(|| format!("assessment of {account}"))?;
    answer.into_inner().assessment.context("an answer without assessment")
}

/// Makes a profile of what little is known, where there is none.
async fn put_profile(peer: &Peer, wish: &Assess<'_>, account: &str) -> anyhow::Result<()> {
    let mut client = ProfileServiceClient::new(peer.clone());
    match client.get_profile(GetProfileRequest { account_id: account.to_owned() }).await {
        Ok(_) => return Ok(()),
        Err(status) if status.code() == Code::NotFound => {}
        Err(status) => return Err(status.into()),
    }
    let profile = Profile {
        account_id: account.to_owned(),
        legal_name: account.to_owned(),
        country_code: wish.country.to_owned(),
        currency_code: wish.currency.code().to_owned(),
        ..Profile::default()
    };
    client.put_profile(PutProfileRequest { profile: Some(profile), ..PutProfileRequest::default() }).await?;
    Ok(())
}

fn print_grades(out: &mut dyn Write, assessments: &[Assessment]) -> std::io::Result<()> {
    let mut by_grade: BTreeMap<Grade, i64> =
        [Grade::A, Grade::B, Grade::C, Grade::D].into_iter().map(|grade| (grade, 0)).collect();
    for assessment in assessments {
        *by_grade.entry(assessment.grade()).or_default() += 1;
    }
    let most = by_grade.values().copied().max().unwrap_or(0);
    let mut table = Table::new(&[("Grade", Align::Left), ("Accounts", Align::Right), ("", Align::Left)]);
    for (grade, accounts) in by_grade {
        table.row([letter(grade), &count(accounts), &bar(accounts, most, BAR_WIDTH)]);
    }
    table.print(out)
}

fn print_first(out: &mut dyn Write, assessments: &[Assessment]) -> std::io::Result<()> {
    let mut table = Table::new(&[
        ("Account", Align::Left),
        ("Grade", Align::Left),
        ("Score", Align::Right),
        ("Limit", Align::Right),
        ("Terms", Align::Right),
        ("Most points lost by", Align::Left),
    ]);
    for assessment in assessments.iter().take(SHOWN) {
        let reasons = assessment.report.iter().flat_map(|report| &report.reasons);
        let reasons: Vec<&str> = reasons.take(2).map(|reason| reason.code.as_str()).collect();
        let terms = match assessment.recommended_terms_days {
            0 => "prepay".to_owned(),
            days => format!("{days} days"),
        };
        table.row([
            assessment.account_id.clone(),
            letter(assessment.grade()).to_owned(),
            decimal(assessment.score.as_ref(), 2),
            amount_of(assessment.recommended_limit.as_ref()),
            terms,
            reasons.join(", "),
        ]);
    }
    table.print(out)
}

/// A grade as people write it.
fn letter(grade: Grade) -> &'static str {
    match grade {
        Grade::Unspecified => "–",
        Grade::A => "A",
        Grade::B => "B",
        Grade::C => "C",
        Grade::D => "D",
    }
}
