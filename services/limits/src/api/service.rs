//! `LimitsService`: which function answers which rpc.

use tonic::{Request, Response, Status, async_trait};
use weir_wire::limits::v1::{limits_service_server::LimitsService, *};

use super::Edge;

type Answer<T> = Result<Response<T>, Status>;

#[async_trait]
impl LimitsService for Edge {
    async fn open_credit_account(&self, r: Request<OpenCreditAccountRequest>) -> Answer<OpenCreditAccountResponse> {
        self.open(r).await.map(Response::new)
    }

    async fn get_credit_account(&self, r: Request<GetCreditAccountRequest>) -> Answer<GetCreditAccountResponse> {
        self.get_account(r).await.map(Response::new)
    }

    async fn list_credit_accounts(&self, r: Request<ListCreditAccountsRequest>) -> Answer<ListCreditAccountsResponse> {
        self.list_accounts(r).await.map(Response::new)
    }

    async fn create_limit_request(&self, r: Request<CreateLimitRequestRequest>) -> Answer<CreateLimitRequestResponse> {
        self.create_request(r).await.map(Response::new)
    }

    async fn submit_limit_request(&self, r: Request<SubmitLimitRequestRequest>) -> Answer<SubmitLimitRequestResponse> {
        self.submit_request(r).await.map(Response::new)
    }

    async fn approve_limit_request(
        &self,
        r: Request<ApproveLimitRequestRequest>,
    ) -> Answer<ApproveLimitRequestResponse> {
        self.approve_request(r).await.map(Response::new)
    }

    async fn reject_limit_request(&self, r: Request<RejectLimitRequestRequest>) -> Answer<RejectLimitRequestResponse> {
        self.reject_request(r).await.map(Response::new)
    }

    async fn withdraw_limit_request(
        &self,
        r: Request<WithdrawLimitRequestRequest>,
    ) -> Answer<WithdrawLimitRequestResponse> {
        self.withdraw_request(r).await.map(Response::new)
    }

    async fn get_limit_request(&self, r: Request<GetLimitRequestRequest>) -> Answer<GetLimitRequestResponse> {
        self.get_request(r).await.map(Response::new)
    }

    async fn list_limit_requests(&self, r: Request<ListLimitRequestsRequest>) -> Answer<ListLimitRequestsResponse> {
        self.list_requests(r).await.map(Response::new)
    }

    async fn revoke_temporary_limit(
        &self,
        r: Request<RevokeTemporaryLimitRequest>,
    ) -> Answer<RevokeTemporaryLimitResponse> {
        self.revoke_temporary(r).await.map(Response::new)
    }

    async fn freeze_account(&self, r: Request<FreezeAccountRequest>) -> Answer<FreezeAccountResponse> {
        self.freeze(r).await.map(Response::new)
    }

    async fn unfreeze_account(&self, r: Request<UnfreezeAccountRequest>) -> Answer<UnfreezeAccountResponse> {
        self.unfreeze(r).await.map(Response::new)
    }

    async fn set_credit_insurance(&self, r: Request<SetCreditInsuranceRequest>) -> Answer<SetCreditInsuranceResponse> {
        self.set_insurance(r).await.map(Response::new)
    }

    async fn end_credit_insurance(&self, r: Request<EndCreditInsuranceRequest>) -> Answer<EndCreditInsuranceResponse> {
        self.end_insurance(r).await.map(Response::new)
    }
}
