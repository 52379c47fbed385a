//! Documents and disputes: read from messages, posted, answered.

use chrono::NaiveDate;
use tonic::Request;
use weir_model::{CorrelationId, Currency, Fault, Fields, ItemId};
use weir_wire::{google::r#type as g, parse, receivables::v1 as pb};

use super::{
    CANCEL_DOCUMENT, Edge, POST_CHARGE, POST_CREDIT_NOTE, POST_DEBIT_NOTE, POST_INVOICE, SET_DISPUTE, TEXT_LENGTH_MAX,
    invoice, request_id, token, write,
};
use crate::{
    document::{Document, DocumentNumber, DueRow},
    intake::{DisputeOrder, Extent},
    item::{Attributes, ItemKind},
};

/// Longest word a document is grouped by, in characters.
const ATTRIBUTE_LENGTH_MAX: usize = 64;

impl Edge {
    pub(super) async fn post_invoice(
        &self,
        request: Request<pb::PostInvoiceRequest>,
    ) -> Result<pb::PostInvoiceResponse, Fault> {
        let call = self.call(&request, POST_INVOICE)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let document = invoice::read(&mut fields, "invoice", message.invoice.as_ref(), call.today);
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
        let (id, number, on, reason) = fields.finish_with((|| Some((id?, number?, on?, reason?)))())?;
        let done = self.context.cancel(&call.with_request_id(id), number, reason, on).await?;
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

pub(super) fn required<'m, M>(fields: &mut Fields, path: &str, message: Option<&'m M>) -> Option<&'m M> {
    if message.is_none() {
        fields.add(path, "is required");
    }
    message
}

pub(super) fn attributes(fields: &mut Fields, at: &str, message: Option<&pb::Attributes>) -> Option<Attributes> {
    let Some(message) = message else { return Some(Attributes::default()) };
    let mut word = |name: &str, text: &str| {
        parse::optional_text(fields, &format!("{at}.attributes.{name}"), text, ATTRIBUTE_LENGTH_MAX)
    };
    let salesperson = word("salesperson", &message.salesperson);
    let region = word("region", &message.region);
    let industry = word("industry", &message.industry);
    Some(Attributes { salesperson: salesperson?, region: region?, industry: industry? })
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
