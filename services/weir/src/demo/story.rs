//! One order told step by step: a limit of 500,000, 480,000 open, and an order for 50,000 (rule 5.12).
//!
//! Plays on two accounts alike, since an order can only be one thing: held on the first, smaller on the second.

use std::io::Write;

use anyhow::Context as _;
use chrono::NaiveDate;
use weir_wire::{
    collections::v1::{ListNoticesRequest, NoticeKind},
    common::v1::Token,
    emit,
    order_gate::v1::{
        AuthorizeOrderRequest, Decision, DeliveredLine, GetHoldRequest, GetStandingRequest, GetStandingResponse, Hold,
        Order, OrderLine, RecordDeliveryRequest,
    },
    receivables::v1::{
        Invoice, InvoiceLine, PaymentAdvice, PaymentReference, PostInvoiceRequest, RecordPaymentRequest, invoice::Due,
    },
};

use super::{
    collecting::wait_for_notices,
    company::{self, Company},
    customer::Customer,
    office::{CURRENCY, Office, Who, money},
    report::words,
};
use crate::{
    print::{amount_of, decimal},
    suite::Suite,
};

/// The accounts, and what they are called.
const HELD: (&str, &str) = ("S-HARBOUR", "Harbour Instruments Ltd");
const SMALLER: (&str, &str) = ("S-MIRROR", "Harbour Instruments Ltd, asking for less");

/// The figures of the rule, in minor units.
const LIMIT: i64 = 50_000_000;
const OPEN: i64 = 48_000_000;
const ORDER: i64 = 5_000_000;
const PAYMENT: i64 = 3_000_000;
const SMALLER_ORDER: i64 = 2_000_000;

/// What happened, as the services told it.
#[derive(Debug)]
pub(super) struct Story {
    before: GetStandingResponse,
    decision: Decision,
    finance_notices: usize,
    sales_notices: usize,
    hold: Hold,
    after: GetStandingResponse,
    smaller: Decision,
}

/// The two accounts, to be assessed with the others.
pub(super) fn customers(seed: u64) -> Vec<Customer> {
    let flawless = |(account, name): (&str, &str)| -> Company { company::flawless(account, name, LIMIT) };
    [HELD, SMALLER].into_iter().map(|who| Customer::new(flawless(who), company::generator(seed, u32::MAX))).collect()
}

/// Plays it.
pub(super) async fn play(office: &Office, suite: &Suite, day: NaiveDate) -> anyhow::Result<Story> {
    for (account, _) in [HELD, SMALLER] {
        owe(office, account, day).await?;
    }
    suite.settle().await?;
    let before = standing(office, HELD.0, None).await?;

    let (decision, _) = order(office, HELD.0, "ORDER-50", ORDER).await?;
    suite.settle().await?;
    wait_for_notices(office).await?;
    let finance_notices = notices(office, &decision.hold_id, NoticeKind::HoldFinanceManager).await?;
    let sales_notices = notices(office, &decision.hold_id, NoticeKind::HoldSalesHead).await?;

    let token = pay(office, HELD.0, day).await?;
    // the gate counts the payment before it answers, and what the payment let pass with it
    let after = standing(office, HELD.0, Some(token)).await?;
    let request = GetHoldRequest { hold_id: decision.hold_id.clone() };
    let hold = office.gate(Who::Manager).get_hold(request).await?.into_inner().hold.context("no hold")?;

    let (smaller, _) = order(office, SMALLER.0, "ORDER-20", SMALLER_ORDER).await?;
    Ok(Story { before, decision, finance_notices, sales_notices, hold, after, smaller })
}

/// Brings 480,000 onto an account the long way: ordered, delivered, invoiced.
async fn owe(office: &Office, account: &str, day: NaiveDate) -> anyhow::Result<()> {
    order(office, account, "ORDER-480", OPEN).await?;
    let order_id = format!("{account}-ORDER-480");
    let delivered = RecordDeliveryRequest {
        order_id: order_id.clone(),
        delivery_id: format!("DN-{order_id}"),
        lines: vec![DeliveredLine { line_id: "1".to_owned(), delivered_amount: Some(money(OPEN)) }],
        request_id: String::new(),
    };
    office.gate(Who::Pipeline).record_delivery(delivered).await?;
    let invoice = Invoice {
        account_id: account.to_owned(),
        document_number: format!("INV-{account}"),
        document_date: Some(emit::date(day)),
        due: Some(Due::NetDays(60)),
        amount: Some(money(OPEN)),
        lines: vec![InvoiceLine { order_id, line_id: "1".to_owned(), amount: Some(money(OPEN)) }],
        ..Invoice::default()
    };
    let request = PostInvoiceRequest { request_id: String::new(), invoice: Some(invoice) };
    office.receivables(Who::Finance).post_invoice(request).await?;
    Ok(())
}

async fn order(office: &Office, account: &str, name: &str, amount: i64) -> anyhow::Result<(Decision, Token)> {
    let order = Order {
        order_id: format!("{account}-{name}"),
        revision: 1,
        account_id: account.to_owned(),
        currency_code: CURRENCY.to_owned(),
        lines: vec![OrderLine { line_id: "1".to_owned(), amount: Some(money(amount)) }],
        requested_by: Who::Sales.name().to_owned(),
        ..Order::default()
    };
    let request = AuthorizeOrderRequest { order: Some(order), ..AuthorizeOrderRequest::default() };
    let answer = office.gate(Who::Pipeline).authorize_order(request).await?.into_inner();
    Ok((answer.decision.context("no decision")?, answer.token.unwrap_or_default()))
}

async fn pay(office: &Office, account: &str, day: NaiveDate) -> anyhow::Result<Token> {
    let payment = PaymentAdvice {
        account_id: account.to_owned(),
        payment_number: format!("BANK-{account}"),
        amount: Some(money(PAYMENT)),
        effective_date: Some(emit::date(day)),
        references: vec![PaymentReference { document_number: format!("INV-{account}"), amount: None }],
        ..PaymentAdvice::default()
    };
    let request = RecordPaymentRequest { request_id: String::new(), payment: Some(payment) };
    let answer = office.receivables(Who::Finance).record_payment(request).await?.into_inner();
    answer.token.context("a write without token")
}

async fn standing(office: &Office, account: &str, token: Option<Token>) -> anyhow::Result<GetStandingResponse> {
    let request = GetStandingRequest { account_id: account.to_owned(), business_date: None, at_least_as_fresh: token };
    Ok(office.gate(Who::Manager).get_standing(request).await?.into_inner())
}

async fn notices(office: &Office, hold_id: &str, kind: NoticeKind) -> anyhow::Result<usize> {
    let request =
        ListNoticesRequest { hold_id: hold_id.to_owned(), kind: kind.into(), ..ListNoticesRequest::default() };
    Ok(office.collections(Who::Collector).list_notices(request).await?.into_inner().notices.len())
}

impl Story {
    /// Tells it.
    pub(super) fn tell(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let exposure = |standing: &GetStandingResponse| {
            let net = standing.exposure.as_ref().and_then(|exposure| exposure.net.as_ref()).cloned();
            format!(
                "exposure {} of {}, {} %",
                amount_of(net.as_ref()),
                amount_of(standing.limit.as_ref()),
                decimal(standing.utilisation_percent.as_ref(), 2)
            )
        };
        writeln!(out, "  {} ({}), grade {}", HELD.1, HELD.0, words::grade(self.before.grade()))?;
        writeln!(out, "  1. What it owes:      {}", exposure(&self.before))?;
        writeln!(out, "  2. It orders {}:", amount_of(Some(&money(ORDER))))?;
        tell_decision(out, &self.decision)?;
        writeln!(
            out,
            "     told, once each:  finance manager ({}), head of sales ({})",
            self.finance_notices, self.sales_notices
        )?;
        writeln!(out, "  3. It pays {}:", amount_of(Some(&money(PAYMENT))))?;
        writeln!(out, "     the held order:   {}, by itself", words::hold_state(self.hold.state()))?;
        writeln!(out, "     what counts now:  {}", exposure(&self.after))?;
        writeln!(out, "  4. Had it ordered {} instead:", amount_of(Some(&money(SMALLER_ORDER))))?;
        tell_decision(out, &self.smaller)
    }
}

fn tell_decision(out: &mut dyn Write, decision: &Decision) -> std::io::Result<()> {
    writeln!(out, "     the gate says:    {}", words::outcome(decision.outcome()))?;
    writeln!(
        out,
        "     utilisation:      {} % before, {} % after",
        decimal(decision.utilisation_before_percent.as_ref(), 2),
        decimal(decision.utilisation_after_percent.as_ref(), 2)
    )?;
    for failure in &decision.failures {
        writeln!(out, "     because of:       {}", words::failure(failure))?;
    }
    for way in &decision.ways_out {
        writeln!(out, "     way out:          {}", words::way_out(way))?;
    }
    Ok(())
}
