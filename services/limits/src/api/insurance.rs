//! Credit insurance at the edge.

use rust_decimal::Decimal;
use tonic::{Request, Status};
use weir_model::{AccountId, Fault, Fields, InsuranceId, RequestId};
use weir_wire::{limits::v1::*, parse, status};

use super::{Edge, accounts::account, read, refused, token};
use crate::insurance::Cover;

/// Longest reference to an insurer's policy, in characters.
const REFERENCE_LENGTH_MAX: usize = 100;
/// Most decimals of a share in percent.
const PERCENT_SCALE: u32 = 2;

impl Edge {
    pub(super) async fn set_insurance(
        &self,
        request: Request<SetCreditInsuranceRequest>,
    ) -> Result<SetCreditInsuranceResponse, Status> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/SetCreditInsurance")?;
        let (request_id, account_id, cover) = cover(request.get_ref()).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.set_insurance(&call, &account_id, &cover).await.map_err(refused)?;
        Ok(SetCreditInsuranceResponse { credit_account: account(&done.value, call.today), token: token(&done) })
    }

    pub(super) async fn end_insurance(
        &self,
        request: Request<EndCreditInsuranceRequest>,
    ) -> Result<EndCreditInsuranceResponse, Status> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/EndCreditInsurance")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let f = &mut fields;
        let ids: Option<(RequestId, AccountId)> =
            read::step(f, &message.request_id, ("account_id", &message.account_id), "");
        let insurance_id: Option<InsuranceId> = parse::id(f, "insurance_id", &message.insurance_id);
        let reason = parse::text(f, "reason", &message.reason, read::TEXT_LENGTH_MAX);
        let read = (|| Some((ids?, insurance_id?, reason?)))();
        let ((request_id, account_id), insurance_id, reason) = fields.finish_with(read).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.end_insurance(&call, (&account_id, &insurance_id), &reason).await.map_err(refused)?;
        Ok(EndCreditInsuranceResponse { credit_account: account(&done.value, call.today), token: token(&done) })
    }
}

fn cover(message: &SetCreditInsuranceRequest) -> Result<(RequestId, AccountId, Cover), Fault> {
    let mut fields = Fields::default();
    let f = &mut fields;
    let ids = read::step(f, &message.request_id, ("account_id", &message.account_id), "");
    let policy_reference = parse::text(f, "policy_reference", &message.policy_reference, REFERENCE_LENGTH_MAX);
    let insured = parse::positive_money(f, "insured_amount", message.insured_amount.as_ref());
    // a share of nothing covers nothing
    let bounds = (Decimal::new(1, PERCENT_SCALE), Decimal::ONE_HUNDRED);
    let percent = parse::decimal(f, "cover_percent", message.cover_percent.as_ref(), bounds, PERCENT_SCALE);
    let from = parse::date(f, "valid_from_date", message.valid_from_date.as_ref());
    let to = parse::date(f, "valid_to_date", message.valid_to_date.as_ref());
    parse::in_order(f, "valid_to_date", from, to);
    let reason = parse::text(f, "reason", &message.reason, read::TEXT_LENGTH_MAX);
    let read = (|| {
        let (request_id, account_id) = ids?;
        let cover = Cover {
            policy_reference: policy_reference?,
            insured: insured?,
            percent: percent?.normalize(),
            from: from?,
            to: to?,
            reason: reason?,
        };
        Some((request_id, account_id, cover))
    })();
    fields.finish_with(read)
}
