//! The gRPC edge: reads messages, asks the context, writes answers. Knows no rule and no database.

mod accounts;
mod emit;
mod feed;
mod groups;
mod insurance;
mod policies;
mod read;
mod requests;
mod service;

pub(crate) use read::{grade, score};

use std::sync::Arc;

use tonic::{Status, service::RoutesBuilder};
use weir_model::{Call, Fault, Role};
use weir_store::Done;
use weir_wire::{
    PageTokens,
    common::v1::{Context, Token},
    limits::v1::{
        feed_service_server::FeedServiceServer, group_service_server::GroupServiceServer,
        limits_service_server::LimitsServiceServer, policy_service_server::PolicyServiceServer,
    },
    status,
};

use crate::{Error, Limits};

/// Who may read.
const READERS: &[Role] = &Role::ALL;
/// Who may ask for limits.
const ASKERS: &[Role] = &[Role::Sales, Role::CreditManager, Role::Admin];
/// Who may decide on limits and groups.
const DECIDERS: &[Role] = &[Role::CreditManager, Role::Admin];
/// Who may stop an account.
const FREEZERS: &[Role] = &[Role::CreditManager, Role::Finance, Role::Service, Role::Admin];
/// Who may change the rules.
const ADMINS: &[Role] = &[Role::Admin];
/// Who may read the feed: other contexts, and whoever reads everything.
const FOLLOWERS: &[Role] = &[Role::Service, Role::Viewer, Role::Admin];

/// Which roles each rpc lets in.
pub const ACCESS: &[(&str, &[Role])] = &[
    ("/weir.limits.v1.LimitsService/OpenCreditAccount", ASKERS),
    ("/weir.limits.v1.LimitsService/GetCreditAccount", READERS),
    ("/weir.limits.v1.LimitsService/ListCreditAccounts", READERS),
    ("/weir.limits.v1.LimitsService/CreateLimitRequest", ASKERS),
    ("/weir.limits.v1.LimitsService/SubmitLimitRequest", ASKERS),
    ("/weir.limits.v1.LimitsService/ApproveLimitRequest", DECIDERS),
    ("/weir.limits.v1.LimitsService/RejectLimitRequest", DECIDERS),
    ("/weir.limits.v1.LimitsService/WithdrawLimitRequest", ASKERS),
    ("/weir.limits.v1.LimitsService/GetLimitRequest", READERS),
    ("/weir.limits.v1.LimitsService/ListLimitRequests", READERS),
    ("/weir.limits.v1.LimitsService/RevokeTemporaryLimit", DECIDERS),
    ("/weir.limits.v1.LimitsService/FreezeAccount", FREEZERS),
    ("/weir.limits.v1.LimitsService/UnfreezeAccount", DECIDERS),
    ("/weir.limits.v1.LimitsService/SetCreditInsurance", DECIDERS),
    ("/weir.limits.v1.LimitsService/EndCreditInsurance", DECIDERS),
    ("/weir.limits.v1.GroupService/CreateGroup", DECIDERS),
    ("/weir.limits.v1.GroupService/AddMember", DECIDERS),
    ("/weir.limits.v1.GroupService/RemoveMember", DECIDERS),
    ("/weir.limits.v1.GroupService/MoveMember", DECIDERS),
    ("/weir.limits.v1.GroupService/SetGroupLimit", DECIDERS),
    ("/weir.limits.v1.GroupService/SetGroupHead", DECIDERS),
    ("/weir.limits.v1.GroupService/ListGroups", READERS),
    ("/weir.limits.v1.PolicyService/CreatePolicy", ADMINS),
    ("/weir.limits.v1.PolicyService/ActivatePolicy", ADMINS),
    ("/weir.limits.v1.PolicyService/GetPolicy", READERS),
    ("/weir.limits.v1.PolicyService/ListPolicies", READERS),
    ("/weir.limits.v1.FeedService/Snapshot", FOLLOWERS),
    ("/weir.limits.v1.FeedService/Watch", FOLLOWERS),
];

/// Adds the context's services.
pub fn routes(context: &Arc<Limits>, pages: &PageTokens, routes: &mut RoutesBuilder) {
    let edge = Edge { context: context.clone(), pages: pages.clone() };
    routes
        .add_service(LimitsServiceServer::new(edge.clone()))
        .add_service(GroupServiceServer::new(edge.clone()))
        .add_service(PolicyServiceServer::new(edge.clone()))
        .add_service(FeedServiceServer::new(edge));
}

/// What the services share.
#[derive(Debug, Clone)]
struct Edge {
    context: Arc<Limits>,
    pages: PageTokens,
}

impl Edge {
    fn call<T: prost::Message>(&self, request: &tonic::Request<T>, rpc: &'static str) -> Result<Call, Status> {
        weir_wire::call(request, rpc, &self.context.env.clock).map_err(status)
    }

    /// One entry more than asked for tells whether there is a next page: cuts it off and makes the token.
    fn page<T>(&self, arguments: &[&str], size: i64, entries: &mut Vec<T>, id: impl Fn(&T) -> String) -> String {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if entries.len() <= size {
            return String::new();
        }
        entries.truncate(size);
        entries.last().map(|last| self.pages.encode(arguments, &id(last))).unwrap_or_default()
    }
}

fn refused(error: Error) -> Status {
    status(Fault::from(error))
}

/// The position of a write.
fn token<T>(done: &Done<T>) -> Option<Token> {
    Some(weir_wire::emit::token(Context::Limits, done.position))
}
