//! Payments and allocations: read from messages, recorded, answered.

use tonic::Request;
use weir_model::{AllocationId, Fault, Fields, ItemId, PaymentId};
use weir_wire::{parse, receivables::v1 as pb};

use super::{
    ALLOCATE_PAYMENT, Edge, RECORD_PAYMENT, REVERSE_ALLOCATION, REVERSE_PAYMENT, TEXT_LENGTH_MAX,
    document::{correlated, past_date},
    request_id, token, write,
};
use crate::{
    allocation::Source,
    payment::{Advice, AllocationMode, Reference},
};

/// Most documents one payment names.
const REFERENCES_MAX: usize = 200;

impl Edge {
    pub(super) async fn record_payment(
        &self,
        request: Request<pb::RecordPaymentRequest>,
    ) -> Result<pb::RecordPaymentResponse, Fault> {
        let call = self.call(&request, RECORD_PAYMENT)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let advice = payment(&mut fields, "payment", message.payment.as_ref());
        let numbered = message.payment.as_ref().is_some_and(|payment| !payment.payment_number.is_empty());
        if message.request_id.is_empty() && !numbered {
            fields.add("request_id", "is required unless the payment has a number");
        }
        let (id, advice) = fields.finish_with(id.zip(advice))?;
        let call = correlated(call.with_request_id(id), advice.correlation_id.as_ref());
        let done = self.context.record(&call, advice).await?;
        Ok(pb::RecordPaymentResponse {
            payment: Some(write::payment(&done.value.payment)),
            allocations: done.value.allocations.iter().map(write::allocation).collect(),
            unmatched_document_numbers: done.value.unmatched,
            token: token(done.position),
        })
    }

    pub(super) async fn allocate_payment(
        &self,
        request: Request<pb::AllocatePaymentRequest>,
    ) -> Result<pb::AllocatePaymentResponse, Fault> {
        let call = self.call(&request, ALLOCATE_PAYMENT)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "request_id", &message.request_id);
        let source = match &message.source {
            None => {
                fields.add("source", "is required: a payment or a credit note");
                None
            }
            Some(pb::allocate_payment_request::Source::PaymentId(id)) => {
                parse::id(&mut fields, "payment_id", id).map(Source::Payment)
            }
            Some(pb::allocate_payment_request::Source::CreditNoteItemId(id)) => {
                parse::id(&mut fields, "credit_note_item_id", id).map(Source::CreditNote)
            }
        };
        let item_id = parse::id::<ItemId>(&mut fields, "item_id", &message.item_id);
        let amount = parse::optional_money(&mut fields, "amount", message.amount.as_ref());
        if amount.flatten().is_some_and(|amount| !amount.is_positive()) {
            fields.add("amount", "must be positive");
        }
        let on = past_date(&mut fields, "effective_date", message.effective_date.as_ref(), call.today);
        let (id, source, item_id, amount, on) =
            fields.finish_with((|| Some((id?, source?, item_id?, amount?, on?)))())?;
        let call = call.with_request_id(Some(id));
        let done = self.context.allocate(&call, source, item_id, amount, on).await?;
        Ok(pb::AllocatePaymentResponse {
            allocation: Some(write::allocation(&done.value.allocation)),
            item: Some(write::item(&done.value.item)),
            token: token(done.position),
        })
    }

    pub(super) async fn reverse_allocation(
        &self,
        request: Request<pb::ReverseAllocationRequest>,
    ) -> Result<pb::ReverseAllocationResponse, Fault> {
        let call = self.call(&request, REVERSE_ALLOCATION)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let allocation_id = parse::id::<AllocationId>(&mut fields, "allocation_id", &message.allocation_id);
        let on = past_date(&mut fields, "effective_date", message.effective_date.as_ref(), call.today);
        let (id, allocation_id, on) = fields.finish_with((|| Some((id?, allocation_id?, on?)))())?;
        let done = self.context.reverse_allocation(&call.with_request_id(id), allocation_id, on).await?;
        Ok(pb::ReverseAllocationResponse {
            reversal: Some(write::allocation(&done.value.allocation)),
            item: Some(write::item(&done.value.item)),
            token: token(done.position),
        })
    }

    pub(super) async fn reverse_payment(
        &self,
        request: Request<pb::ReversePaymentRequest>,
    ) -> Result<pb::ReversePaymentResponse, Fault> {
        let call = self.call(&request, REVERSE_PAYMENT)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = request_id(&mut fields, &message.request_id);
        let payment_id = parse::id::<PaymentId>(&mut fields, "payment_id", &message.payment_id);
        let reason = parse::text(&mut fields, "reason", &message.reason, TEXT_LENGTH_MAX);
        let on = past_date(&mut fields, "effective_date", message.effective_date.as_ref(), call.today);
        let (id, payment_id, reason, on) = fields.finish_with((|| Some((id?, payment_id?, reason?, on?)))())?;
        let done = self.context.reverse_payment(&call.with_request_id(id), payment_id, reason, on).await?;
        Ok(pb::ReversePaymentResponse {
            payment: Some(write::payment(&done.value.payment)),
            reversals: done.value.reversals.iter().map(write::allocation).collect(),
            items: done.value.items.iter().map(write::item).collect(),
            token: token(done.position),
        })
    }
}

/// A payment.
pub(super) fn payment(fields: &mut Fields, at: &str, message: Option<&pb::PaymentAdvice>) -> Option<Advice> {
    let Some(message) = message else {
        fields.add(at, "is required");
        return None;
    };
    let path = |name: &str| format!("{at}.{name}");
    let account_id = parse::id(fields, &path("account_id"), &message.account_id);
    let number = parse::optional_id(fields, &path("payment_number"), &message.payment_number);
    let amount = parse::positive_money(fields, &path("amount"), message.amount.as_ref());
    let effective_date = parse::optional_date(fields, &path("effective_date"), message.effective_date.as_ref());
    let mode = parse::optional_one_of::<pb::AllocationMode>(fields, &path("allocation_mode"), message.allocation_mode);
    let note = parse::optional_text(fields, &path("note"), &message.note, TEXT_LENGTH_MAX);
    let correlation_id = parse::optional_id(fields, &path("correlation_id"), &message.correlation_id);
    parse::at_most(fields, &path("references"), &message.references, REFERENCES_MAX);
    let mut references = Vec::new();
    for (index, reference) in message.references.iter().enumerate().take(REFERENCES_MAX) {
        let path = |name: &str| format!("{at}.references[{index}].{name}");
        let name = parse::id::<ItemId>(fields, &path("document_number"), &reference.document_number);
        let part = parse::optional_money(fields, &path("amount"), reference.amount.as_ref());
        if let Some(Some(part)) = part {
            if !part.is_positive() {
                fields.add(path("amount"), "must be positive");
            }
            if amount.is_some_and(|amount| amount.currency() != part.currency()) {
                fields.add(path("amount"), "must be in the payment's currency");
            }
        }
        if let Some((name, amount)) = name.zip(part) {
            references.push(Reference { name: name.as_str().to_owned(), amount });
        }
    }
    Some(Advice {
        number: number?,
        account_id: account_id?,
        amount: amount?,
        effective_date: effective_date?,
        references,
        mode: match mode? {
            None | Some(pb::AllocationMode::Unspecified | pb::AllocationMode::Automatic) => AllocationMode::Automatic,
            Some(pb::AllocationMode::NamedOnly) => AllocationMode::NamedOnly,
            Some(pb::AllocationMode::None) => AllocationMode::Nothing,
        },
        note: note?,
        correlation_id: correlation_id?,
    })
}
