//! Scorecards and the grade policy over gRPC.

use tonic::{Request, Response, Status};
use weir_model::Fields;
use weir_wire::{
    assessment::v1::{
        ActivateScorecardRequest, ActivateScorecardResponse, CreateScorecardRequest, CreateScorecardResponse,
        GetGradePolicyRequest, GetGradePolicyResponse, GetScorecardRequest, GetScorecardResponse,
        ListScorecardsRequest, ListScorecardsResponse, PutGradePolicyRequest, PutGradePolicyResponse,
        scorecard_service_server::ScorecardService,
    },
    common::v1::Context,
    emit, parse,
};

use super::{Api, read, status, under, write};
use crate::catalogue::is_name;

#[tonic::async_trait]
impl ScorecardService for Api {
    async fn create_scorecard(
        &self,
        request: Request<CreateScorecardRequest>,
    ) -> Result<Response<CreateScorecardResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.ScorecardService/CreateScorecard").map_err(status)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let content = read::scorecard(&mut fields, "content", message.content.as_ref());
        let content = fields.finish_with(content).map_err(status)?;
        if message.validate_only {
            let record = self.context.validate_scorecard(&call, &content).await.map_err(status)?;
            let scorecard = Some(write::scorecard(&record));
            return Ok(Response::new(CreateScorecardResponse { scorecard, token: None }));
        }
        let done = self.context.create_scorecard(&call, &content).await.map_err(status)?;
        Ok(Response::new(CreateScorecardResponse {
            scorecard: Some(write::scorecard(&done.value)),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }

    async fn activate_scorecard(
        &self,
        request: Request<ActivateScorecardRequest>,
    ) -> Result<Response<ActivateScorecardResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.ScorecardService/ActivateScorecard").map_err(status)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let id = parse::id(&mut fields, "scorecard_id", &message.scorecard_id);
        let date = parse::optional_date(&mut fields, "effective_date", message.effective_date.as_ref());
        let (id, date) = fields.finish_with(id.zip(date)).map_err(status)?;
        let date = date.unwrap_or(call.today);
        let done = self.context.activate_scorecard(&call, &id, date).await.map_err(status)?;
        Ok(Response::new(ActivateScorecardResponse {
            scorecard: Some(write::scorecard(&done.value)),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }

    async fn get_scorecard(
        &self,
        request: Request<GetScorecardRequest>,
    ) -> Result<Response<GetScorecardResponse>, Status> {
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::optional_id(&mut fields, "scorecard_id", &message.scorecard_id);
        let date = parse::optional_date(&mut fields, "as_of_date", message.as_of_date.as_ref());
        let (id, date) = fields.finish_with(id.zip(date)).map_err(status)?;
        let record = match id {
            Some(id) => self.context.scorecard(&id).await,
            None => self.context.scorecard_at(date.unwrap_or_else(|| self.context.env.clock.today())).await,
        };
        let scorecard = Some(write::scorecard(&record.map_err(status)?));
        Ok(Response::new(GetScorecardResponse { scorecard }))
    }

    async fn list_scorecards(
        &self,
        request: Request<ListScorecardsRequest>,
    ) -> Result<Response<ListScorecardsResponse>, Status> {
        let message = request.into_inner();
        let mut fields = Fields::default();
        if !message.name.is_empty() && !is_name(&message.name) {
            fields.add("name", "is no name of a scorecard");
        }
        let size = parse::page_size(&mut fields, "page_size", message.page_size);
        let size = fields.finish_with(size).map_err(status)?;
        let name = Some(message.name.as_str()).filter(|name| !name.is_empty());
        let arguments = ["scorecards", &message.name];
        let before: Option<i64> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        let mut page = self.context.scorecards(name, before, size + 1).await.map_err(status)?;
        let next = write::cut(&mut page, size).map(|record| self.pages.encode(&arguments, &record.sequence));
        Ok(Response::new(ListScorecardsResponse {
            scorecards: page.iter().map(write::scorecard).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn put_grade_policy(
        &self,
        request: Request<PutGradePolicyRequest>,
    ) -> Result<Response<PutGradePolicyResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.ScorecardService/PutGradePolicy").map_err(status)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let content = read::grade_policy(&mut fields, "content", message.content.as_ref());
        let date = parse::optional_date(&mut fields, "effective_date", message.effective_date.as_ref());
        let (content, date) = fields.finish_with(content.zip(date)).map_err(status)?;
        let date = date.unwrap_or(call.today);
        if message.validate_only {
            let record = self.context.validate_grade_policy(&call, &content, date).await.map_err(status)?;
            let grade_policy = Some(write::grade_policy(&record));
            return Ok(Response::new(PutGradePolicyResponse { grade_policy, token: None }));
        }
        let done = self.context.put_grade_policy(&call, &content, date).await.map_err(status)?;
        Ok(Response::new(PutGradePolicyResponse {
            grade_policy: Some(write::grade_policy(&done.value)),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }

    async fn get_grade_policy(
        &self,
        request: Request<GetGradePolicyRequest>,
    ) -> Result<Response<GetGradePolicyResponse>, Status> {
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = parse::optional_id(&mut fields, "policy_id", &message.policy_id);
        let date = parse::optional_date(&mut fields, "as_of_date", message.as_of_date.as_ref());
        let (id, date) = fields.finish_with(id.zip(date)).map_err(status)?;
        let record = match id {
            Some(id) => self.context.grade_policy(&id).await,
            None => self.context.grade_policy_at(date.unwrap_or_else(|| self.context.env.clock.today())).await,
        };
        let grade_policy = Some(write::grade_policy(&record.map_err(status)?));
        Ok(Response::new(GetGradePolicyResponse { grade_policy }))
    }
}
