//! Invoices read from messages: lines, due dates, payment schedules, and what contradicts itself in them.

use chrono::NaiveDate;
use weir_model::{Fields, Money, OrderId, add_days};
use weir_wire::{parse, receivables::v1 as pb};

use super::document::{attributes, past_date, required};
use crate::{
    document::{Document, DueRow, Line},
    item::ItemKind,
    schedule,
};

/// Most lines of one invoice.
const LINES_MAX: usize = 1_000;

/// Longest time to pay, in days: ten years.
const NET_DAYS_MAX: i64 = 3_650;

/// The last date the databases can keep in order.
const LAST_DATE: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date");

/// An invoice.
pub(super) fn read(fields: &mut Fields, at: &str, message: Option<&pb::Invoice>, today: NaiveDate) -> Option<Document> {
    let message = required(fields, at, message)?;
    let path = |name: &str| format!("{at}.{name}");
    let account_id = parse::id(fields, &path("account_id"), &message.account_id);
    let number = parse::id(fields, &path("document_number"), &message.document_number);
    let document_date = parse::date(fields, &path("document_date"), message.document_date.as_ref());
    let posting_date = past_date(fields, &path("posting_date"), message.posting_date.as_ref(), today);
    let order_id = parse::optional_id::<OrderId>(fields, &path("order_id"), &message.order_id);
    let attributes = attributes(fields, at, message.attributes.as_ref());
    let correlation_id = parse::optional_id(fields, &path("correlation_id"), &message.correlation_id);
    let lines = lines(fields, at, &message.lines);
    let amount = match (&message.amount, &lines) {
        (None, Some(lines)) => sum_of_lines(fields, &path("amount"), lines),
        (None, None) => None,
        (some, _) => parse::positive_money(fields, &path("amount"), some.as_ref()),
    };
    if let (Some(amount), Some(lines)) = (amount, &lines) {
        within(fields, at, lines, amount);
    }
    let due_date = due_date(fields, at, message, document_date);
    let rows = if message.instalments.is_empty() {
        amount.zip(due_date).map(|(amount, due_date)| vec![DueRow { due_date, amount }])
    } else {
        instalments(fields, at, message, amount, document_date)
    };
    Some(Document {
        kind: ItemKind::Invoice,
        number: number?,
        account_id: account_id?,
        document_date: document_date?,
        posting_date: posting_date?,
        amount: amount?,
        rows: rows?,
        lines: lines?,
        order_id: order_id?,
        corrects: None,
        attributes: attributes?,
        correlation_id: correlation_id?,
    })
}

fn lines(fields: &mut Fields, at: &str, messages: &[pb::InvoiceLine]) -> Option<Vec<Line>> {
    parse::at_most(fields, &format!("{at}.lines"), messages, LINES_MAX);
    let mut lines: Vec<Line> = Vec::new();
    for (index, message) in messages.iter().enumerate().take(LINES_MAX) {
        let path = |name: &str| format!("{at}.lines[{index}].{name}");
        let order_id = parse::id(fields, &path("order_id"), &message.order_id);
        let line_id = parse::id(fields, &path("line_id"), &message.line_id);
        let amount = parse::positive_money(fields, &path("amount"), message.amount.as_ref());
        let Some(line) = (|| Some(Line { order_id: order_id?, line_id: line_id?, amount: amount? }))() else {
            continue;
        };
        let same = |other: &&Line| (&other.order_id, &other.line_id) == (&line.order_id, &line.line_id);
        if lines.iter().any(|other| same(&other)) {
            fields.add(path("line_id"), "is named twice");
        }
        lines.push(line);
    }
    (lines.len() == messages.len()).then_some(lines)
}

fn sum_of_lines(fields: &mut Fields, path: &str, lines: &[Line]) -> Option<Money> {
    let Some(first) = lines.first() else {
        fields.add(path, "is required where there are no lines");
        return None;
    };
    let sum = Money::checked_sum(first.amount.currency(), lines.iter().map(|line| line.amount));
    fields.check(path, sum)
}

/// Notes lines in another currency, or summing to more than the amount.
fn within(fields: &mut Fields, at: &str, lines: &[Line], amount: Money) {
    let currency = amount.currency();
    let mut alike = true;
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| line.amount.currency() != currency) {
        fields.add(format!("{at}.lines[{index}].amount"), format!("must be in {currency}"));
        alike = false;
    }
    let sum = Money::checked_sum(currency, lines.iter().map(|line| line.amount));
    if alike && sum.is_ok_and(|sum| sum.minor() > amount.minor()) {
        fields.add(format!("{at}.lines"), "must not sum to more than the amount");
    }
}

fn due_date(
    fields: &mut Fields,
    at: &str,
    message: &pb::Invoice,
    document_date: Option<NaiveDate>,
) -> Option<NaiveDate> {
    let due = match &message.due {
        None => return document_date,
        Some(_) if !message.instalments.is_empty() => {
            fields.add(format!("{at}.due"), "must be unset where there are instalments");
            return None;
        }
        Some(due) => due,
    };
    match due {
        pb::invoice::Due::DueDate(date) => {
            let path = format!("{at}.due_date");
            let due_date = parse::date(fields, &path, Some(date))?;
            parse::in_order(fields, &path, document_date, Some(due_date));
            Some(due_date)
        }
        pb::invoice::Due::NetDays(days) => {
            let path = format!("{at}.net_days");
            let days = parse::whole(fields, &path, i64::from(*days), (0, NET_DAYS_MAX))?;
            let due_date = add_days(document_date?, days).filter(|date| *date <= LAST_DATE);
            if due_date.is_none() {
                fields.add(path, "leads beyond the year 9999");
            }
            due_date
        }
    }
}

fn instalments(
    fields: &mut Fields,
    at: &str,
    message: &pb::Invoice,
    total: Option<Money>,
    document_date: Option<NaiveDate>,
) -> Option<Vec<DueRow>> {
    let messages = &message.instalments;
    let whole = format!("{at}.instalments");
    parse::at_most(fields, &whole, messages, schedule::INSTALMENTS_MAX);
    if messages.len() > schedule::INSTALMENTS_MAX {
        return None;
    }
    let mut dates: Vec<NaiveDate> = Vec::new();
    let mut amounts = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let path = |name: &str| format!("{whole}[{index}].{name}");
        let date = parse::date(fields, &path("due_date"), message.due_date.as_ref());
        let earliest = dates.last().copied().and_then(|last| last.succ_opt()).or(document_date);
        parse::in_order(fields, &path("due_date"), earliest, date);
        dates.extend(date);
        let amount = parse::optional_money(fields, &path("amount"), message.amount.as_ref());
        if amount.flatten().is_some_and(|amount| !amount.is_positive()) {
            fields.add(path("amount"), "must be positive");
        }
        amounts.push(amount?);
    }
    let total = total?;
    let amounts = match amounts.iter().flatten().count() {
        0 => schedule::equal_parts(total, amounts.len()),
        given if given == amounts.len() => Some(amounts.into_iter().flatten().collect::<Vec<_>>())
            .filter(|amounts| schedule::sums_to(amounts, total).unwrap_or(false)),
        _ => None,
    };
    let Some(amounts) = amounts else {
        fields.add(whole, "must all have an amount and sum to the total exactly, or all have none and share it");
        return None;
    };
    if dates.len() != amounts.len() {
        return None;
    }
    Some(dates.into_iter().zip(amounts).map(|(due_date, amount)| DueRow { due_date, amount }).collect())
}
