//! What people do, one call each.

use chrono::{Duration, NaiveDate};
use weir_store::testing::eventually;
use weir_tests::{cny, date, order, request_id};
use weir_wire::{
    assessment::v1::{
        AssessAccountRequest, AssessAccountResponse, AssessmentReport, Fact, FactValue, InputOrigin, Profile,
        PutProfileRequest, RecordFactsRequest, fact_value,
    },
    collections::v1::{
        CaseState, ListCasesRequest, ListNoticesRequest, Notice, RunCollectionsRequest, RunCollectionsResponse,
    },
    common::v1::Token,
    google::r#type::Decimal,
    limits::v1::{
        ApproveLimitRequestRequest, CreateLimitRequestRequest, CreditAccount, GetCreditAccountRequest, Limit,
        LimitRequestState, SubmitLimitRequestRequest, create_limit_request_request::Requested, limit,
    },
    order_gate::v1::{
        AuthorizeOrderRequest, AuthorizeOrderResponse, CancelOrderRequest, DeliveredLine, GetHoldRequest,
        GetStandingRequest, GetStandingResponse, HoldState, Outcome, RecordDeliveryRequest, Rule,
    },
    receivables::v1::{
        Invoice, InvoiceLine, PaymentAdvice, PaymentReference, PostInvoiceRequest, PostInvoiceResponse,
        RecordPaymentRequest, RecordPaymentResponse, invoice,
    },
};

use crate::people::People;

/// The days before a date.
pub(crate) fn days_before(date: NaiveDate, days: i64) -> NaiveDate {
    date - Duration::days(days)
}

/// The outcome of an authorisation.
pub(crate) fn outcome(answer: &AuthorizeOrderResponse) -> Outcome {
    answer.decision.as_ref().unwrap().outcome()
}

/// Whether a rule is among those that did not hold.
pub(crate) fn failed(answer: &AuthorizeOrderResponse, rule: Rule) -> bool {
    answer.decision.as_ref().unwrap().failures.iter().any(|failure| failure.rule() == rule)
}

/// A percentage without trailing zeros.
pub(crate) fn percent(value: &Option<Decimal>) -> String {
    let value: rust_decimal::Decimal = value.as_ref().unwrap().value.parse().unwrap();
    value.normalize().to_string()
}

/// An order asked for.
pub(crate) async fn authorize(people: &People, order_id: &str, account: &str, yuan: i64) -> AuthorizeOrderResponse {
    authorize_with(people, order_id, account, yuan, None).await
}

/// An order asked for, counting what a token stands for.
pub(crate) async fn authorize_fresh(
    people: &People,
    order_id: &str,
    account: &str,
    yuan: i64,
    token: Option<Token>,
) -> AuthorizeOrderResponse {
    authorize_with(people, order_id, account, yuan, token).await
}

async fn authorize_with(
    people: &People,
    order_id: &str,
    account: &str,
    yuan: i64,
    at_least_as_fresh: Option<Token>,
) -> AuthorizeOrderResponse {
    let order = Some(order(order_id, account, yuan));
    let request = AuthorizeOrderRequest { order, at_least_as_fresh, ..Default::default() };
    people.pipeline.gate().authorize_order(request).await.unwrap().into_inner()
}

/// Profile and facts of a sound company, then an assessment that counts what a token stands for.
pub(crate) async fn assess(people: &People, account: &str, token: Option<Token>) -> AssessAccountResponse {
    let profile = Profile {
        account_id: account.to_owned(),
        legal_name: "晨光电力有限公司".to_owned(),
        country_code: "CN".to_owned(),
        industry_code: "D".to_owned(),
        currency_code: "CNY".to_owned(),
        requested_limit: Some(cny(500_000)),
        daily_sales_amount: Some(cny(20_000)),
        ..Default::default()
    };
    let put =
        PutProfileRequest { profile: Some(profile), request_id: request_id(account, "profile"), ..Default::default() };
    people.sales.profiles().put_profile(put).await.unwrap();
    let facts = sound_company().into_iter().map(|(name, period_end, kind)| Fact {
        account_id: account.to_owned(),
        name: name.to_owned(),
        value: Some(FactValue { kind: Some(kind) }),
        period_end_date: period_end.map(|end| date(end.parse().unwrap())),
        source: "registry".to_owned(),
        source_document_id: format!("{account}-{}", period_end.unwrap_or("extract")),
        retrieved_time: Some(weir_wire::emit::timestamp("2026-01-05T08:00:00Z".parse().unwrap())),
        ..Default::default()
    });
    let record = RecordFactsRequest { facts: facts.collect(), request_id: request_id(account, "facts") };
    people.sales.profiles().record_facts(record).await.unwrap();
    let request =
        AssessAccountRequest { account_id: account.to_owned(), at_least_as_fresh: token, ..Default::default() };
    people.manager.assessments().assess_account(request).await.unwrap().into_inner()
}

/// What is known of a company that is sound in every respect but its history with us.
fn sound_company() -> Vec<(&'static str, Option<&'static str>, fact_value::Kind)> {
    let text = |text: &str| fact_value::Kind::Text(text.to_owned());
    let number = |text: &str| fact_value::Kind::Number(Decimal { value: text.to_owned() });
    let mut facts = vec![
        ("registration_status", None, text("active")),
        ("registration_verified", None, fact_value::Kind::Flag(true)),
        ("registered_capital", None, number("50000000")),
        ("established_date", None, fact_value::Kind::Date(date("2001-05-01".parse().unwrap()))),
        ("ownership_type", None, text("state_owned")),
        ("qualification_count", None, number("5")),
        ("related_party_risk", None, text("low")),
        ("bureau_rating", None, text("AAA")),
        ("country_rating", None, number("90")),
        ("litigation_count", None, number("0")),
        ("penalty_count", None, number("0")),
        ("dishonest_debtor", None, fact_value::Kind::Flag(false)),
        ("insolvency", None, fact_value::Kind::Flag(false)),
    ];
    let statements = [
        ("total_assets", "100000000", "100000000"),
        ("current_assets", "55000000", "60000000"),
        ("total_liabilities", "35000000", "30000000"),
        ("current_liabilities", "25000000", "20000000"),
        ("retained_earnings", "35000000", "40000000"),
        ("total_equity", "65000000", "70000000"),
        ("revenue", "100000000", "120000000"),
        ("gross_profit", "38000000", "48000000"),
        ("ebit", "15000000", "20000000"),
        ("net_profit", "11000000", "15000000"),
        ("operating_cash_flow", "12000000", "18000000"),
    ];
    for (name, before, last) in statements {
        facts.push((name, Some("2024-12-31"), number(before)));
        facts.push((name, Some("2025-12-31"), number(last)));
    }
    facts
}

/// The value of an input that receivables told, as it is written.
pub(crate) fn computed(report: &AssessmentReport, name: &str) -> String {
    let input = report.inputs.iter().find(|input| input.name == name).unwrap_or_else(|| panic!("no input {name}"));
    assert_eq!(input.origin(), InputOrigin::Receivables);
    match input.value.as_ref().unwrap().kind.as_ref().unwrap() {
        fact_value::Kind::Number(number) => number.value.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

/// Waits until an assessment would count what became of the orders so far, as so many per hundred delivered or invoiced.
pub(crate) async fn assessed_fulfilment_becomes(people: &People, account: &str, rate: &str) {
    let number = Some(fact_value::Kind::Number(Decimal { value: rate.to_owned() }));
    eventually("the orders reach the assessment", async || {
        let request =
            AssessAccountRequest { account_id: account.to_owned(), validate_only: true, ..Default::default() };
        let answer = people.manager.assessments().assess_account(request).await.unwrap().into_inner();
        let inputs = answer.assessment.unwrap().report.unwrap().inputs;
        let input = inputs.into_iter().find(|input| input.name == "fulfilment_rate_percent");
        input.is_some_and(|input| input.value.unwrap().kind == number)
    })
    .await;
}

/// A credit account, counting what a token stands for.
pub(crate) async fn credit_account(people: &People, account: &str, token: Option<Token>) -> CreditAccount {
    let request =
        GetCreditAccountRequest { account_id: account.to_owned(), at_least_as_fresh: token, ..Default::default() };
    people.sales.limits().get_credit_account(request).await.unwrap().into_inner().credit_account.unwrap()
}

/// A limit asked for by sales and approved by as many others as the route asks.
pub(crate) async fn grant_limit(people: &People, account: &str, yuan: i64) -> Option<Token> {
    let limit = Limit { kind: Some(limit::Kind::Amount(cny(yuan))) };
    let create = CreateLimitRequestRequest {
        request_id: request_id(account, "limit"),
        account_id: account.to_owned(),
        requested: Some(Requested::RequestedLimit(limit)),
        requested_terms_days: 30,
        justification: "framework contract".to_owned(),
        ..Default::default()
    };
    let mut sales = people.sales.limits();
    let created = sales.create_limit_request(create).await.unwrap().into_inner().limit_request.unwrap();
    let submit = SubmitLimitRequestRequest {
        limit_request_id: created.limit_request_id,
        etag: created.etag,
        request_id: request_id(account, "submit"),
    };
    let submitted = sales.submit_limit_request(submit).await.unwrap().into_inner();
    let (mut request, mut token) = (submitted.limit_request.unwrap(), submitted.token);
    for (level, desk) in (1..).zip([&people.analyst, &people.manager]) {
        if request.state() == LimitRequestState::Active {
            break;
        }
        let approve = ApproveLimitRequestRequest {
            limit_request_id: request.limit_request_id.clone(),
            etag: request.etag.clone(),
            level,
            request_id: request_id(account, &format!("approve-{level}")),
            ..Default::default()
        };
        let approved = desk.limits().approve_limit_request(approve).await.unwrap().into_inner();
        (request, token) = (approved.limit_request.unwrap(), approved.token);
    }
    assert_eq!(request.state(), LimitRequestState::Active, "{request:?}");
    token
}

/// What the gate says of an account.
pub(crate) async fn standing(people: &People, account: &str, token: Option<Token>) -> GetStandingResponse {
    standing_fresh(people, account, token).await
}

/// What the gate says of an account, counting what a token stands for.
pub(crate) async fn standing_fresh(people: &People, account: &str, token: Option<Token>) -> GetStandingResponse {
    let request = GetStandingRequest { account_id: account.to_owned(), at_least_as_fresh: token, ..Default::default() };
    people.manager.gate().get_standing(request).await.unwrap().into_inner()
}

/// An invoice without an order.
pub(crate) async fn post_invoice(
    people: &People,
    number: &str,
    account: &str,
    yuan: i64,
    on: NaiveDate,
    net_days: i32,
) -> PostInvoiceResponse {
    let invoice = Invoice {
        account_id: account.to_owned(),
        document_number: number.to_owned(),
        document_date: Some(date(on)),
        due: Some(invoice::Due::NetDays(net_days)),
        amount: Some(cny(yuan)),
        ..Default::default()
    };
    post(people, invoice).await
}

/// The invoice of an order's one line.
pub(crate) async fn post_order_invoice(
    people: &People,
    number: &str,
    account: &str,
    order_id: &str,
    yuan: i64,
    on: NaiveDate,
) -> PostInvoiceResponse {
    let line = InvoiceLine { order_id: order_id.to_owned(), line_id: "1".to_owned(), amount: Some(cny(yuan)) };
    let invoice = Invoice {
        account_id: account.to_owned(),
        document_number: number.to_owned(),
        document_date: Some(date(on)),
        due: Some(invoice::Due::NetDays(30)),
        amount: Some(cny(yuan)),
        lines: vec![line],
        ..Default::default()
    };
    post(people, invoice).await
}

async fn post(people: &People, invoice: Invoice) -> PostInvoiceResponse {
    let request = PostInvoiceRequest { invoice: Some(invoice), ..Default::default() };
    people.finance.receivables().post_invoice(request).await.unwrap().into_inner()
}

/// A payment that finds its items by itself.
pub(crate) async fn record_payment(
    people: &People,
    number: &str,
    account: &str,
    yuan: i64,
    on: NaiveDate,
) -> RecordPaymentResponse {
    pay(people, number, account, yuan, on, Vec::new()).await
}

/// A payment of one document.
pub(crate) async fn record_payment_for(
    people: &People,
    number: &str,
    account: &str,
    document: &str,
    yuan: i64,
    on: NaiveDate,
) -> RecordPaymentResponse {
    let reference = PaymentReference { document_number: document.to_owned(), amount: None };
    pay(people, number, account, yuan, on, vec![reference]).await
}

async fn pay(
    people: &People,
    number: &str,
    account: &str,
    yuan: i64,
    on: NaiveDate,
    references: Vec<PaymentReference>,
) -> RecordPaymentResponse {
    let payment = PaymentAdvice {
        account_id: account.to_owned(),
        payment_number: number.to_owned(),
        amount: Some(cny(yuan)),
        effective_date: Some(date(on)),
        references,
        ..Default::default()
    };
    let request = RecordPaymentRequest { payment: Some(payment), ..Default::default() };
    people.finance.receivables().record_payment(request).await.unwrap().into_inner()
}

/// An order's one line leaves the warehouse.
pub(crate) async fn deliver(people: &People, order_id: &str, yuan: i64) {
    let line = DeliveredLine { line_id: "1".to_owned(), delivered_amount: Some(cny(yuan)) };
    let request = RecordDeliveryRequest {
        order_id: order_id.to_owned(),
        delivery_id: format!("{order_id}-D1"),
        lines: vec![line],
        request_id: request_id(order_id, "deliver"),
    };
    people.pipeline.gate().record_delivery(request).await.unwrap();
}

/// The whole of an order is cancelled.
pub(crate) async fn cancel(people: &People, order_id: &str) {
    let request = CancelOrderRequest {
        order_id: order_id.to_owned(),
        request_id: request_id(order_id, "cancel"),
        ..Default::default()
    };
    people.pipeline.gate().cancel_order(request).await.unwrap();
}

/// Waits until a hold stands where it should.
pub(crate) async fn hold_becomes(people: &People, hold_id: &str, state: HoldState) {
    let gate = people.manager.gate();
    eventually("the hold changes its state", async || {
        let request = GetHoldRequest { hold_id: hold_id.to_owned() };
        gate.clone().get_hold(request).await.unwrap().into_inner().hold.unwrap().state() == state
    })
    .await;
}

/// The notices about a hold.
pub(crate) async fn hold_notices(people: &People, hold_id: &str, token: Option<Token>) -> Vec<Notice> {
    let request = ListNoticesRequest { hold_id: hold_id.to_owned(), at_least_as_fresh: token, ..Default::default() };
    people.collector.collections().list_notices(request).await.unwrap().into_inner().notices
}

/// A token that stands for what two of different contexts stand for.
pub(crate) fn both(one: Option<Token>, other: Option<Token>) -> Option<Token> {
    let positions = [one, other].into_iter().flatten().flat_map(|token| token.positions).collect();
    Some(Token { positions })
}

/// The feed position a token of one context stands for.
fn position(token: Option<&Token>) -> i64 {
    token.unwrap().positions[0].position
}

/// The day's run, counting what a token stands for.
pub(crate) async fn run_collections(people: &People, on: NaiveDate, token: Option<Token>) -> RunCollectionsResponse {
    let request = RunCollectionsRequest {
        business_date: Some(date(on)),
        request_id: request_id(&on.to_string(), &format!("run-{}", position(token.as_ref()))),
        at_least_as_fresh: token,
    };
    people.collector.collections().run_collections(request).await.unwrap().into_inner()
}

/// Cases of an account closed before the run: a payment may close a case at once.
pub(crate) async fn closed_before(people: &People, account: &str) -> i64 {
    let request =
        ListCasesRequest { account_id: account.to_owned(), state: CaseState::Closed.into(), ..Default::default() };
    let cases = people.collector.collections().list_cases(request).await.unwrap().into_inner().cases;
    i64::try_from(cases.len()).unwrap()
}
