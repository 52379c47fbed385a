//! Assessments over gRPC.

use std::time::Duration;

use tonic::{Request, Response, Status};
use weir_model::{AccountId, AssessmentId, Fields};
use weir_runtime::Deadline;
use weir_wire::{
    assessment::v1::{
        ApproveAssessmentRequest, ApproveAssessmentResponse, AssessAccountRequest, AssessAccountResponse,
        AssessmentState, GetAssessmentRequest, GetAssessmentResponse, ListAssessmentsRequest, ListAssessmentsResponse,
        RejectAssessmentRequest, RejectAssessmentResponse, assessment_service_server::AssessmentService,
    },
    common::v1::{Context, Grade},
    emit, parse,
};

use super::{Api, read, status, under, write};
use crate::{AssessRequest, report::Followed};

/// What of a call's time is kept back for the answer that freshness was not reached.
const ANSWER_TIME: Duration = Duration::from_millis(100);

#[tonic::async_trait]
impl AssessmentService for Api {
    async fn assess_account(
        &self,
        request: Request<AssessAccountRequest>,
    ) -> Result<Response<AssessAccountResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.AssessmentService/AssessAccount").map_err(status)?;
        let deadline = request.extensions().get::<Deadline>().map(|deadline| deadline.at());
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let account_id = parse::id(&mut fields, "account_id", &message.account_id);
        let as_of = parse::optional_date(&mut fields, "as_of_date", message.as_of_date.as_ref())
            .map(|date| date.unwrap_or(call.today));
        if as_of.is_some_and(|as_of| as_of > call.today) {
            fields.add("as_of_date", "must not be after today");
        }
        let adjustment =
            read::adjustment(&mut fields, "adjustment", message.adjustment.as_ref(), &call.principal.subject);
        let fresh = message.at_least_as_fresh.as_ref();
        let receivables = parse::fresh(&mut fields, "at_least_as_fresh", fresh, Context::Receivables);
        let order_gate = parse::fresh(&mut Fields::default(), "at_least_as_fresh", fresh, Context::OrderGate);
        let read = (|| {
            Some(AssessRequest {
                account_id: account_id?,
                as_of: as_of?,
                adjustment: adjustment?,
                at_least: Followed {
                    receivables: receivables?.unwrap_or(0),
                    order_gate: order_gate.flatten().unwrap_or(0),
                },
                deadline: deadline.and_then(|deadline| deadline.checked_sub(ANSWER_TIME)),
            })
        })();
        let request = fields.finish_with(read).map_err(status)?;
        if message.validate_only {
            let record = self.context.preview(&call, &request).await.map_err(status)?;
            let assessment = Some(write::assessment(&record));
            return Ok(Response::new(AssessAccountResponse { assessment, token: None }));
        }
        let done = self.context.assess(&call, &request).await.map_err(status)?;
        Ok(Response::new(AssessAccountResponse {
            assessment: Some(write::assessment(&done.value)),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }

    async fn get_assessment(
        &self,
        request: Request<GetAssessmentRequest>,
    ) -> Result<Response<GetAssessmentResponse>, Status> {
        let mut fields = Fields::default();
        let id = parse::id(&mut fields, "assessment_id", &request.get_ref().assessment_id);
        let id: AssessmentId = fields.finish_with(id).map_err(status)?;
        let record = self.context.assessment(&id).await.map_err(status)?;
        Ok(Response::new(GetAssessmentResponse { assessment: Some(write::assessment(&record)) }))
    }

    async fn list_assessments(
        &self,
        request: Request<ListAssessmentsRequest>,
    ) -> Result<Response<ListAssessmentsResponse>, Status> {
        let message = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::optional_id::<AccountId>(&mut fields, "account_id", &message.account_id);
        let state = parse::optional_one_of::<AssessmentState>(&mut fields, "state", message.state);
        let grade = parse::optional_one_of::<Grade>(&mut fields, "grade", message.grade);
        let size = parse::page_size(&mut fields, "page_size", message.page_size);
        let read = (|| Some((account_id?, state?, grade?, size?)))();
        let (account_id, state, grade, size) = fields.finish_with(read).map_err(status)?;
        let (state, grade) = (state.and_then(read::state), grade.and_then(read::grade));
        let arguments = ["assessments", &message.account_id, &message.state.to_string(), &message.grade.to_string()];
        let before: Option<i64> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        let page = self.context.assessments(account_id.as_ref(), state, grade, before, size + 1).await;
        let mut page = page.map_err(status)?;
        let next = write::cut(&mut page, size).map(|(sequence, _)| self.pages.encode(&arguments, sequence));
        Ok(Response::new(ListAssessmentsResponse {
            assessments: page.iter().map(|(_, summary)| write::summary(summary)).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn approve_assessment(
        &self,
        request: Request<ApproveAssessmentRequest>,
    ) -> Result<Response<ApproveAssessmentResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.AssessmentService/ApproveAssessment").map_err(status)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let id = parse::id(&mut fields, "assessment_id", &message.assessment_id);
        let id: AssessmentId = fields.finish_with(id).map_err(status)?;
        let done = self.context.approve(&call, &id).await.map_err(status)?;
        Ok(Response::new(ApproveAssessmentResponse {
            assessment: Some(write::assessment(&done.value)),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }

    async fn reject_assessment(
        &self,
        request: Request<RejectAssessmentRequest>,
    ) -> Result<Response<RejectAssessmentResponse>, Status> {
        let call = self.call(&request, "weir.assessment.v1.AssessmentService/RejectAssessment").map_err(status)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let call = under(call, &mut fields, &message.request_id);
        let id = parse::id(&mut fields, "assessment_id", &message.assessment_id);
        let id: AssessmentId = fields.finish_with(id).map_err(status)?;
        let done = self.context.reject(&call, &id).await.map_err(status)?;
        Ok(Response::new(RejectAssessmentResponse {
            assessment: Some(write::assessment(&done.value)),
            token: Some(emit::token(Context::Assessment, done.position)),
        }))
    }
}
