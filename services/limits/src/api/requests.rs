//! Limit requests at the edge.

use tonic::{Request, Status};
use weir_model::{AccountId, Fields, LimitRequestId, RequestId};
use weir_wire::{limits::v1::*, parse, status};

use super::{Edge, emit, read, refused, token};
use crate::{facade::Vote, policy::LEVELS_MAX, store::RequestFilter};

type Answer<T> = Result<T, Status>;
type Ids = Option<(RequestId, LimitRequestId)>;

impl Edge {
    pub(super) async fn create_request(
        &self,
        request: Request<CreateLimitRequestRequest>,
    ) -> Answer<CreateLimitRequestResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/CreateLimitRequest")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let ids: Option<(RequestId, AccountId)> =
            read::step(&mut fields, &message.request_id, ("account_id", &message.account_id), "");
        let wish = read::wish(&mut fields, message, call.today);
        let ((request_id, account_id), wish) = fields.finish_with(ids.zip(wish)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.create_request(&call, &account_id, &wish).await.map_err(refused)?;
        Ok(CreateLimitRequestResponse { limit_request: Some(emit::request(&done.value)), token: token(&done) })
    }

    pub(super) async fn submit_request(
        &self,
        request: Request<SubmitLimitRequestRequest>,
    ) -> Answer<SubmitLimitRequestResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/SubmitLimitRequest")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let subject = ("limit_request_id", message.limit_request_id.as_str());
        let ids: Ids = read::step(&mut fields, &message.request_id, subject, &message.etag);
        let (request_id, id) = fields.finish_with(ids).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.submit_request(&call, &id, &message.etag).await.map_err(refused)?;
        Ok(SubmitLimitRequestResponse { limit_request: Some(emit::request(&done.value)), token: token(&done) })
    }

    pub(super) async fn approve_request(
        &self,
        request: Request<ApproveLimitRequestRequest>,
    ) -> Answer<ApproveLimitRequestResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/ApproveLimitRequest")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let f = &mut fields;
        let subject = ("limit_request_id", message.limit_request_id.as_str());
        let ids: Ids = read::step(f, &message.request_id, subject, &message.etag);
        let level = parse::whole(f, "level", message.level.into(), (0, LEVELS_MAX));
        let comment = parse::optional_text(f, "comment", &message.comment, read::TEXT_LENGTH_MAX);
        let vote = (|| Some(Vote { level: Some(level?).filter(|level| *level != 0), comment: comment? }))();
        let ((request_id, id), vote) = fields.finish_with(ids.zip(vote)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.approve_request(&call, &id, &message.etag, &vote).await.map_err(refused)?;
        Ok(ApproveLimitRequestResponse { limit_request: Some(emit::request(&done.value)), token: token(&done) })
    }

    pub(super) async fn reject_request(
        &self,
        request: Request<RejectLimitRequestRequest>,
    ) -> Answer<RejectLimitRequestResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/RejectLimitRequest")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let subject = ("limit_request_id", message.limit_request_id.as_str());
        let ids: Ids = read::step(&mut fields, &message.request_id, subject, &message.etag);
        let reason = parse::text(&mut fields, "reason", &message.reason, read::TEXT_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(ids.zip(reason)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.reject_request(&call, &id, &message.etag, &reason).await.map_err(refused)?;
        Ok(RejectLimitRequestResponse { limit_request: Some(emit::request(&done.value)), token: token(&done) })
    }

    pub(super) async fn withdraw_request(
        &self,
        request: Request<WithdrawLimitRequestRequest>,
    ) -> Answer<WithdrawLimitRequestResponse> {
        let call = self.call(&request, "weir.limits.v1.LimitsService/WithdrawLimitRequest")?;
        let message = request.get_ref();
        let mut fields = Fields::default();
        let subject = ("limit_request_id", message.limit_request_id.as_str());
        let ids: Ids = read::step(&mut fields, &message.request_id, subject, &message.etag);
        let reason = parse::optional_text(&mut fields, "reason", &message.reason, read::TEXT_LENGTH_MAX);
        let ((request_id, id), reason) = fields.finish_with(ids.zip(reason)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let done = self.context.withdraw_request(&call, &id, &message.etag, &reason).await.map_err(refused)?;
        Ok(WithdrawLimitRequestResponse { limit_request: Some(emit::request(&done.value)), token: token(&done) })
    }

    pub(super) async fn get_request(
        &self,
        request: Request<GetLimitRequestRequest>,
    ) -> Answer<GetLimitRequestResponse> {
        let mut fields = Fields::default();
        let id: Option<LimitRequestId> =
            parse::id(&mut fields, "limit_request_id", &request.get_ref().limit_request_id);
        let id = fields.finish_with(id).map_err(status)?;
        let found = self.context.request(&id).await.map_err(refused)?;
        Ok(GetLimitRequestResponse { limit_request: Some(emit::request(&found)) })
    }

    pub(super) async fn list_requests(
        &self,
        request: Request<ListLimitRequestsRequest>,
    ) -> Answer<ListLimitRequestsResponse> {
        let message = request.get_ref();
        let mut fields = Fields::default();
        let f = &mut fields;
        let size = read::page_size(f, message.page_size);
        let account_id = parse::optional_id(f, "account_id", &message.account_id);
        let state = parse::optional_one_of(f, "state", message.state);
        let parsed =
            (|| Some((size?, RequestFilter { account_id: account_id?, state: state?.and_then(read::state) })))();
        let (size, filter) = fields.finish_with(parsed).map_err(status)?;
        let arguments = ["limit_requests", message.account_id.as_str(), &message.state.to_string()];
        let after: Option<LimitRequestId> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        let mut found = self.context.requests(&filter, after.as_ref(), size + 1).await.map_err(refused)?;
        let next_page_token = self.page(&arguments, size, &mut found, |request| request.limit_request_id.to_string());
        Ok(ListLimitRequestsResponse { limit_requests: found.iter().map(emit::request).collect(), next_page_token })
    }
}
