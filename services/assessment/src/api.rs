//! The gRPC edge: parse, call, answer. No rules, no SQL.

mod assessments;
mod feed;
mod profiles;
mod read;
mod scorecards;
mod write;

use std::sync::Arc;

use tonic::{Request, Status};
use weir_model::{Call, Fault, Fields, Role};
use weir_wire::{
    PageTokens,
    assessment::v1::{
        assessment_service_server::AssessmentServiceServer, feed_service_server::FeedServiceServer,
        profile_service_server::ProfileServiceServer, scorecard_service_server::ScorecardServiceServer,
    },
    parse,
};

use crate::{Assessment, error::Error};

/// Who may read what is known of accounts.
const READERS: &[Role] =
    &[Role::Sales, Role::CreditManager, Role::Finance, Role::Collector, Role::Viewer, Role::Service, Role::Admin];
/// Who brings in profiles and facts.
const INTAKE: &[Role] = &[Role::Sales, Role::CreditManager, Role::Service, Role::Admin];
/// Who judges.
const ASSESSORS: &[Role] = &[Role::CreditManager, Role::Service, Role::Admin];
/// Who decides on a colleague's adjustment.
const DECIDERS: &[Role] = &[Role::CreditManager, Role::Admin];
/// Who changes what everybody is judged by.
const KEEPERS: &[Role] = &[Role::Admin];
/// Who may follow the feed.
const FOLLOWERS: &[Role] = &[Role::Viewer, Role::Service, Role::Admin];

/// Every rpc with the roles it lets in.
pub const ACCESS: &[(&str, &[Role])] = &[
    ("/weir.assessment.v1.ProfileService/PutProfile", INTAKE),
    ("/weir.assessment.v1.ProfileService/GetProfile", READERS),
    ("/weir.assessment.v1.ProfileService/RecordFacts", INTAKE),
    ("/weir.assessment.v1.ProfileService/ListFacts", READERS),
    ("/weir.assessment.v1.ScorecardService/CreateScorecard", KEEPERS),
    ("/weir.assessment.v1.ScorecardService/ActivateScorecard", KEEPERS),
    ("/weir.assessment.v1.ScorecardService/GetScorecard", READERS),
    ("/weir.assessment.v1.ScorecardService/ListScorecards", READERS),
    ("/weir.assessment.v1.ScorecardService/PutGradePolicy", KEEPERS),
    ("/weir.assessment.v1.ScorecardService/GetGradePolicy", READERS),
    ("/weir.assessment.v1.AssessmentService/AssessAccount", ASSESSORS),
    ("/weir.assessment.v1.AssessmentService/GetAssessment", READERS),
    ("/weir.assessment.v1.AssessmentService/ListAssessments", READERS),
    ("/weir.assessment.v1.AssessmentService/ApproveAssessment", DECIDERS),
    ("/weir.assessment.v1.AssessmentService/RejectAssessment", DECIDERS),
    ("/weir.assessment.v1.FeedService/Snapshot", FOLLOWERS),
    ("/weir.assessment.v1.FeedService/Watch", FOLLOWERS),
];

/// Adds the context's services to a process's routes.
pub fn routes(context: &Arc<Assessment>, pages: &PageTokens, routes: &mut tonic::service::RoutesBuilder) {
    let api = Api { context: context.clone(), pages: pages.clone() };
    routes
        .add_service(ProfileServiceServer::new(api.clone()))
        .add_service(ScorecardServiceServer::new(api.clone()))
        .add_service(AssessmentServiceServer::new(api.clone()))
        .add_service(FeedServiceServer::new(api));
}

/// The services of the context.
#[derive(Debug, Clone)]
struct Api {
    context: Arc<Assessment>,
    pages: PageTokens,
}

impl Api {
    /// Who calls, with the client's request id once it is read.
    fn call<T: prost::Message>(&self, request: &Request<T>, rpc: &'static str) -> Result<Call, Fault> {
        weir_wire::call(request, rpc, &self.context.env.clock)
    }
}

/// The call under the request id a message names; a bad id is noted.
fn under(call: Call, fields: &mut Fields, request_id: &str) -> Call {
    let request_id = parse::optional_id(fields, "request_id", request_id).flatten();
    call.with_request_id(request_id)
}

/// The status of an error.
fn status(error: impl Into<Error>) -> Status {
    weir_wire::status(error.into().into())
}
