//! What companies bought before the year begins, carried over from the books of before through the bulk intake.

use anyhow::{Context as _, ensure};
use chrono::{Datelike as _, Months, NaiveDate};
use futures::stream;
use rand::RngExt as _;
use weir_wire::{
    emit,
    receivables::v1::{
        Attributes, ImportOutcome, ImportReceivablesRequest, ImportRow, Invoice, PaymentAdvice, PaymentReference,
        import_row::Fact, invoice::Due,
    },
};

use super::{
    customer::Customer,
    diary::{Debt, Deed, business_day, later},
    office::{Office, Who, money},
};

/// Terms of the books of before.
const TERMS_DAYS: i64 = 30;
/// Most rows in a message.
const ROWS_A_MESSAGE: usize = 500;
/// Months that are carried over in full; before them, only the first purchase.
const MONTHS_IN_FULL: u32 = 12;

/// Posts everything bought before `begins`, and notes in the diaries what is still to be paid.
pub(super) async fn carry_over(office: &Office, customers: &mut [Customer], begins: NaiveDate) -> anyhow::Result<()> {
    let rows: Vec<ImportRow> = customers.iter_mut().flat_map(|customer| purchases(customer, begins)).collect();
    let messages: Vec<ImportReceivablesRequest> =
        rows.chunks(ROWS_A_MESSAGE).map(|rows| ImportReceivablesRequest { rows: rows.to_vec() }).collect();
    let mut answers = office.receivables(Who::Finance).import_receivables(stream::iter(messages)).await?.into_inner();
    while let Some(answer) = answers.message().await.context("carrying history over")? {
        for result in answer.results {
            ensure!(
                result.outcome() == ImportOutcome::Posted,
                "row {} of the history: {:?} {}",
                result.row_number,
                result.reason(),
                result.message
            );
        }
    }
    Ok(())
}

fn purchases(customer: &mut Customer, begins: NaiveDate) -> Vec<ImportRow> {
    let months = customer.company.history_months;
    let full = months.min(MONTHS_IN_FULL);
    let first = (months > full).then_some(months);
    let ago = first.into_iter().chain((1..=full).rev());
    let mut rows = Vec::new();
    for (number, months_ago) in (1_i64..).zip(ago) {
        let Some(month) = begins.checked_sub_months(Months::new(months_ago)) else { continue };
        rows.extend(purchase(customer, number, month, begins));
    }
    rows
}

/// An invoice of a month, and its payment when that came before the year begins.
fn purchase(customer: &mut Customer, number: i64, month: NaiveDate, begins: NaiveDate) -> Vec<ImportRow> {
    let rng = &mut customer.rng;
    let day = business_day(later(month, rng.random_range(0..=24)).min(later(begins, -3)));
    let due_date = later(day, TERMS_DAYS);
    let amount = rng.random_range(200..=600) * 10_000;
    let paid = customer.company.payer.lateness(rng, due_date, begins.year());
    let debt = Debt { document: format!("OLD-{}-{number:02}", customer.company.account), amount };

    let mut facts = vec![Fact::Invoice(Invoice {
        account_id: customer.company.account.to_string(),
        document_number: debt.document.clone(),
        document_date: Some(emit::date(day)),
        due: Some(Due::DueDate(emit::date(due_date))),
        amount: Some(money(amount)),
        attributes: Some(attributes(customer)),
        ..Invoice::default()
    })];
    match paid.map(|days| later(due_date, days)) {
        Some(paid) if paid < begins => facts.push(Fact::Payment(payment(customer, &debt, paid))),
        Some(paid) => customer.diary.note(business_day(paid), Deed::Pay(debt)),
        None => {}
    }
    facts.into_iter().map(|fact| ImportRow { row_number: number, fact: Some(fact) }).collect()
}

/// What a company's documents are grouped by.
pub(super) fn attributes(customer: &Customer) -> Attributes {
    Attributes {
        salesperson: customer.company.salesperson.to_owned(),
        region: customer.company.region.to_owned(),
        industry: customer.company.industry.to_owned(),
    }
}

/// The payment of a debt, numbered after it.
pub(super) fn payment(customer: &Customer, debt: &Debt, day: NaiveDate) -> PaymentAdvice {
    PaymentAdvice {
        account_id: customer.company.account.to_string(),
        payment_number: format!("BANK-{}", debt.document),
        amount: Some(money(debt.amount)),
        effective_date: Some(emit::date(day)),
        references: vec![PaymentReference { document_number: debt.document.clone(), amount: None }],
        ..PaymentAdvice::default()
    }
}
