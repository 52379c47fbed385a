//! Documents and disputes: read from messages, posted, answered.

use chrono::NaiveDate;
use tonic::Request;
use weir_model::{CorrelationId, Currency, Fault, Fields, ItemId, Money, OrderId, add_days};
use weir_wire::{google::r#type as g, parse, receivables::v1 as pb};

use super::{
    CANCEL_DOCUMENT, Edge, POST_CHARGE, POST_CREDIT_NOTE, POST_DEBIT_NOTE, POST_INVOICE, SET_DISPUTE, TEXT_LENGTH_MAX,
    request_id, token, write,
};
use crate::{
    document::{Document, DocumentNumber, DueRow, Line},
    intake::{DisputeOrder, Extent},
    item::{Attributes, ItemKind},
    schedule,
};

/// Most lines of one invoice.
const LINES_MAX: usize = 1_000;

/// Longest word a document is grouped by, in characters.
const ATTRIBUTE_LENGTH_MAX: usize = 64;

/// Longest time to pay, in days: ten years.
const NET_DAYS_MAX: i64 = 3_650;

/// The last date the databases can keep in order.
const LAST_DATE: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date");

impl Edge {
    pub(super) async fn post_invoice(
        &self,
        request: Request<pb::PostInvoiceRequest>,
    ) -> Result<pb::PostInvoiceResponse, Fault> {
        let call = self.call(&request, POST_INVOICE)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let document = invoice(&mut fields, "invoice", message.invoice.as_ref(), call.today);
        let (id, document) = fields.finish_with(id.zip(document))?;
        let call = correlated(call.with_request_id(id), document.correlation_id.as_ref());
        let done = self.context.post(&call, document, "invoice_posted").await?;
        let items = done.value.items.iter().map(write::item).collect();
        Ok(pb::PostInvoiceResponse { items, token: token(done.position) })
    }

    pub(super) async fn post_credit_note(
        &self,
        request: Request<pb::PostCreditNoteRequest>,
    ) -> Result<pb::PostCreditNoteResponse, Fault> {
        let call = self.call(&request, POST_CREDIT_NOTE)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let document = credit_note(&mut fields, "credit_note", message.credit_note.as_ref(), call.today);
        let (id, document) = fields.finish_with(id.zip(document))?;
        let call = correlated(call.with_request_id(id), document.correlation_id.as_ref());
        let done = self.context.post(&call, document, "credit_note_posted").await?;
        Ok(pb::PostCreditNoteResponse {
            item: done.value.items.first().map(write::item),
            allocations: done.value.allocations.iter().map(write::allocation).collect(),
            token: token(done.position),
        })
    }

    pub(super) async fn post_debit_note(
        &self,
        request: Request<pb::PostDebitNoteRequest>,
    ) -> Result<pb::PostDebitNoteResponse, Fault> {
        let call = self.call(&request, POST_DEBIT_NOTE)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let document = debit_note(&mut fields, "debit_note", message.debit_note.as_ref());
        let (id, document) = fields.finish_with(id.zip(document))?;
        let call = correlated(call.with_request_id(id), document.correlation_id.as_ref());
        let done = self.context.post(&call, document, "debit_note_posted").await?;
        Ok(pb::PostDebitNoteResponse { item: done.value.items.first().map(write::item), token: token(done.position) })
    }

    pub(super) async fn post_charge(
        &self,
        request: Request<pb::PostChargeRequest>,
    ) -> Result<pb::PostChargeResponse, Fault> {
        let call = self.call(&request, POST_CHARGE)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let document = charge(&mut fields, "charge", message.charge.as_ref());
        let (id, document) = fields.finish_with(id.zip(document))?;
        let call = correlated(call.with_request_id(id), document.correlation_id.as_ref());
        let done = self.context.post(&call, document, "charge_posted").await?;
        Ok(pb::PostChargeResponse { item: done.value.items.first().map(write::item), token: token(done.position) })
    }

    pub(super) async fn cancel_document(
        &self,
        request: Request<pb::CancelDocumentRequest>,
    ) -> Result<pb::CancelDocumentResponse, Fault> {
        let call = self.call(&request, CANCEL_DOCUMENT)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let number = parse::id::<DocumentNumber>(&mut fields, "document_number", &message.document_number);
        let reason = parse::text(&mut fields, "reason", &message.reason, TEXT_LENGTH_MAX);
        let on = past_date(&mut fields, "effective_date", message.effective_date.as_ref(), call.today);
        let (id, number, on, _reason) = fields.finish_with((|| Some((id?, number?, on?, reason?)))())?;
        let done = self.context.cancel(&call.with_request_id(id), number, on).await?;
        let items = done.value.iter().map(write::item).collect();
        Ok(pb::CancelDocumentResponse { items, token: token(done.position) })
    }

    pub(super) async fn set_dispute(
        &self,
        request: Request<pb::SetDisputeRequest>,
    ) -> Result<pb::SetDisputeResponse, Fault> {
        let call = self.call(&request, SET_DISPUTE)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let order = dispute(&mut fields, "dispute", message.dispute.as_ref(), call.today);
        let (id, order) = fields.finish_with(id.zip(order))?;
        let done = self.context.dispute(&call.with_request_id(id), order).await?;
        Ok(pb::SetDisputeResponse { item: Some(write::item(&done.value)), token: token(done.position) })
    }
}

/// The call as part of the story its content belongs to.
pub(super) fn correlated(call: weir_model::Call, id: Option<&CorrelationId>) -> weir_model::Call {
    match id {
        Some(id) => weir_model::Call { correlation_id: id.clone(), ..call },
        None => call,
    }
}

/// A date that may be left out and must not lie ahead.
pub(super) fn past_date(
    fields: &mut Fields,
    path: &str,
    value: Option<&g::Date>,
    today: NaiveDate,
) -> Option<Option<NaiveDate>> {
    let date = parse::optional_date(fields, path, value)?;
    if date.is_some_and(|date| date > today) {
        fields.add(path, format!("must not be after {today}"));
        return None;
    }
    Some(date)
}

fn required<'m, M>(fields: &mut Fields, path: &str, message: Option<&'m M>) -> Option<&'m M> {
    if message.is_none() {
        fields.add(path, "is required");
    }
    message
}

fn attributes(fields: &mut Fields, at: &str, message: Option<&pb::Attributes>) -> Option<Attributes> {
    let Some(message) = message else { return Some(Attributes::default()) };
    let mut word = |name: &str, text: &str| {
        parse::optional_text(fields, &format!("{at}.attributes.{name}"), text, ATTRIBUTE_LENGTH_MAX)
    };
    let salesperson = word("salesperson", &message.salesperson);
    let region = word("region", &message.region);
    let industry = word("industry", &message.industry);
    Some(Attributes { salesperson: salesperson?, region: region?, industry: industry? })
}

/// An invoice.
pub(super) fn invoice(
    fields: &mut Fields,
    at: &str,
    message: Option<&pb::Invoice>,
    today: NaiveDate,
) -> Option<Document> {
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

/// What credit notes, debit notes and charges have in common.
struct Plain<'m> {
    kind: ItemKind,
    account_id: &'m str,
    document_number: &'m str,
    document_date: Option<&'m g::Date>,
    due_date: Option<&'m g::Date>,
    amount: Option<&'m g::Money>,
    attributes: Option<&'m pb::Attributes>,
    correlation_id: &'m str,
}

fn plain(fields: &mut Fields, at: &str, message: &Plain<'_>) -> Option<Document> {
    let path = |name: &str| format!("{at}.{name}");
    let account_id = parse::id(fields, &path("account_id"), message.account_id);
    let number = parse::id(fields, &path("document_number"), message.document_number);
    let document_date = parse::date(fields, &path("document_date"), message.document_date);
    let due_date = parse::optional_date(fields, &path("due_date"), message.due_date);
    parse::in_order(fields, &path("due_date"), document_date, due_date.flatten());
    let amount = parse::positive_money(fields, &path("amount"), message.amount);
    let attributes = attributes(fields, at, message.attributes);
    let correlation_id = parse::optional_id(fields, &path("correlation_id"), message.correlation_id);
    let (document_date, amount) = (document_date?, amount?);
    Some(Document {
        kind: message.kind,
        number: number?,
        account_id: account_id?,
        document_date,
        posting_date: None,
        amount,
        rows: vec![DueRow { due_date: due_date?.unwrap_or(document_date), amount }],
        lines: Vec::new(),
        order_id: None,
        corrects: None,
        attributes: attributes?,
        correlation_id: correlation_id?,
    })
}

/// A credit note.
pub(super) fn credit_note(
    fields: &mut Fields,
    at: &str,
    message: Option<&pb::CreditNote>,
    today: NaiveDate,
) -> Option<Document> {
    let message = required(fields, at, message)?;
    let path = format!("{at}.corrected_document_number");
    let corrects = parse::optional_id(fields, &path, &message.corrected_document_number);
    let common = Plain {
        kind: ItemKind::CreditNote,
        account_id: &message.account_id,
        document_number: &message.document_number,
        document_date: message.document_date.as_ref(),
        due_date: None,
        amount: message.amount.as_ref(),
        attributes: message.attributes.as_ref(),
        correlation_id: &message.correlation_id,
    };
    let document = plain(fields, at, &common);
    if document.as_ref().is_some_and(|document| document.document_date > today) {
        fields.add(format!("{at}.document_date"), format!("must not be after {today}"));
    }
    Some(Document { corrects: corrects?, ..document? })
}

/// A debit note.
pub(super) fn debit_note(fields: &mut Fields, at: &str, message: Option<&pb::DebitNote>) -> Option<Document> {
    let message = required(fields, at, message)?;
    let common = Plain {
        kind: ItemKind::DebitNote,
        account_id: &message.account_id,
        document_number: &message.document_number,
        document_date: message.document_date.as_ref(),
        due_date: message.due_date.as_ref(),
        amount: message.amount.as_ref(),
        attributes: message.attributes.as_ref(),
        correlation_id: &message.correlation_id,
    };
    plain(fields, at, &common)
}

/// A charge.
pub(super) fn charge(fields: &mut Fields, at: &str, message: Option<&pb::Charge>) -> Option<Document> {
    let message = required(fields, at, message)?;
    let common = Plain {
        kind: ItemKind::Charge,
        account_id: &message.account_id,
        document_number: &message.document_number,
        document_date: message.document_date.as_ref(),
        due_date: message.due_date.as_ref(),
        amount: message.amount.as_ref(),
        attributes: message.attributes.as_ref(),
        correlation_id: &message.correlation_id,
    };
    plain(fields, at, &common)
}

/// A dispute.
pub(super) fn dispute(
    fields: &mut Fields,
    at: &str,
    message: Option<&pb::Dispute>,
    today: NaiveDate,
) -> Option<DisputeOrder> {
    let message = required(fields, at, message)?;
    let path = |name: &str| format!("{at}.{name}");
    let account_id = parse::id(fields, &path("account_id"), &message.account_id);
    let item_id = parse::id(fields, &path("item_id"), &message.item_id);
    let extent = match &message.extent {
        None => {
            fields.add(path("extent"), "is required: an amount, or the whole");
            None
        }
        Some(pb::dispute::Extent::Whole(true)) => Some(Extent::Whole),
        Some(pb::dispute::Extent::Whole(false)) => {
            fields.add(path("whole"), "must be true");
            None
        }
        Some(pb::dispute::Extent::Amount(amount)) => {
            parse::non_negative_money(fields, &path("amount"), Some(amount)).map(Extent::Amount)
        }
    };
    let ends = matches!(extent, Some(Extent::Amount(amount)) if amount.is_zero());
    let reason = if ends {
        parse::optional_text(fields, &path("reason"), &message.reason, TEXT_LENGTH_MAX)
    } else {
        parse::text(fields, &path("reason"), &message.reason, TEXT_LENGTH_MAX)
    };
    let effective_date = past_date(fields, &path("effective_date"), message.effective_date.as_ref(), today);
    let key = parse::optional_id::<ItemId>(fields, &path("dispute_id"), &message.dispute_id);
    Some(DisputeOrder {
        account_id: account_id?,
        item_id: item_id?,
        extent: extent?,
        reason: reason?,
        effective_date: effective_date?,
        key: key?.map(|key| key.to_string()),
    })
}

/// A currency that may be left out.
pub(super) fn optional_currency(fields: &mut Fields, path: &str, code: &str) -> Option<Option<Currency>> {
    if code.is_empty() { Some(None) } else { parse::currency(fields, path, code).map(Some) }
}
