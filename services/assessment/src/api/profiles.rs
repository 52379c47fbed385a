//! Profiles and facts over gRPC.

use tonic::{Request, Response, Status};
use weir_model::{AccountId, Fields};
use weir_wire::{
    assessment::v1::{
        GetProfileRequest, GetProfileResponse, ListFactsRequest, ListFactsResponse, PutProfileRequest,
        PutProfileResponse, RecordFactsRequest, RecordFactsResponse, profile_service_server::ProfileService,
    },
    common::v1::Context,
    emit, parse,
};

use super::{Api, read, status, under, write};
use crate::catalogue::is_name;

#[tonic::async_trait]
impl ProfileService for Api {
    async fn put_profile(&self, request: Request<PutProfileRequest>) -> Result<Response<PutProfileResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.ProfileService/PutProfile").map_err(status)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let etag = parse::optional_text(&mut fields, "etag", &message.etag, 64);
        let profile = read::profile(&mut fields, "profile", message.profile.as_ref());
        let profile = fields.finish_with(profile).map_err(status)?;
        let etag = etag.filter(|etag| !etag.is_empty());
        let done = self.context.put_profile(&call, &profile, etag.as_deref()).await.map_err(status)?;
        Ok(Response::new(PutProfileResponse {
            profile: Some(write::profile(&done.value)),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }

    async fn get_profile(&self, request: Request<GetProfileRequest>) -> Result<Response<GetProfileResponse>, Status> {
        let mut fields = Fields::default();
        let account_id = parse::id(&mut fields, "account_id", &request.get_ref().account_id);
        let account_id: AccountId = fields.finish_with(account_id).map_err(status)?;
        let profile = self.context.profile(&account_id).await.map_err(status)?;
        Ok(Response::new(GetProfileResponse { profile: Some(write::profile(&profile)) }))
    }

    async fn record_facts(
        &self,
        request: Request<RecordFactsRequest>,
    ) -> Result<Response<RecordFactsResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.ProfileService/RecordFacts").map_err(status)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let facts = read::facts(&mut fields, "facts", &message.facts, &self.context.env.clock);
        let facts = fields.finish_with(facts).map_err(status)?;
        let done = self.context.record_facts(&call, &facts).await.map_err(status)?;
        Ok(Response::new(RecordFactsResponse {
            recorded_count: write::count(done.value.recorded),
            unchanged_count: write::count(done.value.unchanged),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }

    async fn list_facts(&self, request: Request<ListFactsRequest>) -> Result<Response<ListFactsResponse>, Status> {
        let message = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::id(&mut fields, "account_id", &message.account_id);
        if !message.name.is_empty() && !is_name(&message.name) {
            fields.add("name", "is no name of a fact");
        }
        let size = parse::page_size(&mut fields, "page_size", message.page_size);
        let (account_id, size): (AccountId, i64) = fields.finish_with(account_id.zip(size)).map_err(status)?;
        let name = Some(message.name.as_str()).filter(|name| !name.is_empty());
        let arguments = ["facts", account_id.as_str(), &message.name];
        let after: Option<i64> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        let mut page = self.context.facts(&account_id, name, after.unwrap_or(0), size + 1).await.map_err(status)?;
        let next = write::cut(&mut page, size).map(|fact| self.pages.encode(&arguments, &fact.sequence));
        Ok(Response::new(ListFactsResponse {
            facts: page.iter().map(write::recorded_fact).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }
}
