//! Accounts, freezes and temporary limits at the edge.

use std::time::Duration;

use chrono::NaiveDate;
use tokio::time::Instant;
use tonic::{Request, Status};
use weir_model::{AccountId, Fields, LimitId, RequestId};
use weir_wire::{common::v1::Context, limits::v1::*, parse, status};

use super::{Edge, emit, read, refused, token};
use crate::{account::CreditAccount, store::AccountFilter};

/// How long a read waits for the freshness it was asked for; the caller's own deadline may cut it shorter.
const FRESH_WITHIN: Duration = Duration::from_secs(10);

type Answer<T> = Result<T, Status>;

impl Edge {
    pub(super) async fn open(&self, request: Request<OpenCreditAccountRequest>) -> Answer<OpenCreditAccountResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/OpenCreditAccount")?;
        let (request_id, opening) = read::opening(request.get_ref()).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.open_account(&call, &opening).await.map_err(refused)?;
        Ok(OpenCreditAccountResponse { credit_account: account(&done.value, call.today), token: token(&done) })
    }

    pub(super) async fn get_account(
        &self,
        request: Request<GetCreditAccountRequest>,
    ) -> Answer<GetCreditAccountResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/GetCreditAccount")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let f = &mut fields;
        let account_id: Option<AccountId> = parse::id(f, "account_id", &message.account_id);
        let as_of = parse::optional_date(f, "as_of_date", message.as_of_date.as_ref());
        let fresh = message.at_least_as_fresh.as_ref();
        let own = parse::fresh(f, "at_least_as_fresh", fresh, Context::Limits);
        let assessment = parse::fresh(&mut Fields::default(), "at_least_as_fresh", fresh, Context::Assessment);
        let read = (|| Some((account_id?, as_of?.unwrap_or(call.today), own?, assessment?)))();
        let (account_id, as_of, own, assessment) = fields.finish_with(read).map_err(status)?;
        let deadline = Instant::now() + FRESH_WITHIN;
        self.context.reached(own, assessment, deadline).await.map_err(refused)?;
        let view = self.context.account(&account_id, as_of).await.map_err(refused)?;
        Ok(GetCreditAccountResponse {
            credit_account: account(&view.account, call.today),
            limit_in_force: Some(emit::in_force(&view.in_force)),
        })
    }

    pub(super) async fn list_accounts(
        &self,
        request: Request<ListCreditAccountsRequest>,
    ) -> Answer<ListCreditAccountsResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/ListCreditAccounts")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let f = &mut fields;
        let size = read::page_size(f, message.page_size);
        let group_id = parse::optional_id(f, "group_id", &message.group_id);
        let grade = parse::optional_one_of(f, "grade", message.grade);
        let parsed = (|| {
            let grade = grade?.and_then(read::grade);
            Some((size?, AccountFilter { group_id: group_id?, grade, frozen: message.frozen_only.then_some(true) }))
        })();
        let (size, filter) = fields.finish_with(parsed).map_err(status)?;
        let arguments =
            ["credit_accounts", &message.group_id, &message.grade.to_string(), &message.frozen_only.to_string()];
        let after: Option<AccountId> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        let mut found = self.context.accounts(&filter, after.as_ref(), size + 1).await.map_err(refused)?;
        let next_page_token = self.page(&arguments, size, &mut found, |account| account.account_id.to_string());
        let credit_accounts = found.iter().filter_map(|found| account(found, call.today)).collect();
        Ok(ListCreditAccountsResponse { credit_accounts, next_page_token })
    }

    pub(super) async fn revoke_temporary(
        &self,
        request: Request<RevokeTemporaryLimitRequest>,
    ) -> Answer<RevokeTemporaryLimitResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/RevokeTemporaryLimit")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Option<(RequestId, LimitId)> =
            read::step(&mut fields, &message.request_id, ("temporary_limit_id", &message.temporary_limit_id), "");
        let reason = parse::text(&mut fields, "reason", &message.reason, read::TEXT_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(ids.zip(reason)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.revoke_temporary(&call, &id, &reason).await.map_err(refused)?;
        Ok(RevokeTemporaryLimitResponse { credit_account: account(&done.value, call.today), token: token(&done) })
    }

    pub(super) async fn freeze(&self, request: Request<FreezeAccountRequest>) -> Answer<FreezeAccountResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/FreezeAccount")?;
        let message = request.get_ref();
        let (request_id, id, reason) = reasoned(&message.request_id, &message.account_id, &message.reason)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.freeze(&call, &id, &reason).await.map_err(refused)?;
        Ok(FreezeAccountResponse { credit_account: account(&done.value, call.today), token: token(&done) })
    }

    pub(super) async fn unfreeze(&self, request: Request<UnfreezeAccountRequest>) -> Answer<UnfreezeAccountResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/UnfreezeAccount")?;
        let message = request.get_ref();
        let (request_id, id, reason) = reasoned(&message.request_id, &message.account_id, &message.reason)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.unfreeze(&call, &id, &reason).await.map_err(refused)?;
        Ok(UnfreezeAccountResponse { credit_account: account(&done.value, call.today), token: token(&done) })
    }
}

/// An account without what is past.
pub(super) fn account(account: &CreditAccount, today: NaiveDate) -> Option<weir_wire::limits::v1::CreditAccount> {
    Some(emit::account(&account.clone().without_past(today)))
}

fn reasoned(request_id: &str, account_id: &str, reason: &str) -> Answer<(RequestId, AccountId, String)> {
    let mut fields = Fields::default();
    let ids = read::step(&mut fields, request_id, ("account_id", account_id), "");
    let reason = parse::text(&mut fields, "reason", reason, read::TEXT_LENGTH_MAX);
    let read = ids.zip(reason).map(|((request_id, account_id), reason)| (request_id, account_id, reason));
    fields.finish_with(read).map_err(status)
}
