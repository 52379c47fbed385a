//! The gRPC edge: reads requests, calls the facade, writes answers. No rules and no SQL.

mod ask;
mod emit;
mod feed;
mod pause;
mod read;
mod service;
mod tell;

use std::sync::Arc;

use tonic::service::RoutesBuilder;
use weir_model::Role;
use weir_wire::{
    PageTokens,
    collections::v1::{collections_service_server::CollectionsServiceServer, feed_service_server::FeedServiceServer},
};

use crate::Collections;

/// Adds this context's services.
pub fn routes(context: &Arc<Collections>, pages: &PageTokens, routes: &mut RoutesBuilder) {
    let service = service::Service { context: Arc::clone(context), pages: pages.clone() };
    routes.add_service(CollectionsServiceServer::new(service));
    routes.add_service(FeedServiceServer::new(feed::Feed { context: Arc::clone(context) }));
}

/// Everybody who may look.
const READERS: &[Role] =
    &[Role::Sales, Role::CreditManager, Role::Finance, Role::Collector, Role::Viewer, Role::Service, Role::Admin];
/// Who works cases. Salespeople work the first stages.
const WORKERS: &[Role] = &[Role::Sales, Role::Finance, Role::Collector, Role::Admin];
/// Who stops an account, and lets it go on.
const BLOCKERS: &[Role] = &[Role::CreditManager, Role::Finance, Role::Admin];
/// Who says how dunning works.
const RULERS: &[Role] = &[Role::Admin];
/// Who keeps contact data.
const KEEPERS: &[Role] = &[Role::Sales, Role::Finance, Role::Collector, Role::Service, Role::Admin];
/// Who starts runs: people of the desk, and the schedule.
const RUNNERS: &[Role] = &[Role::Finance, Role::Collector, Role::Service, Role::Admin];
/// Who reads feeds.
const FOLLOWERS: &[Role] = &[Role::Service, Role::Admin];

/// Who may call what.
pub const ACCESS: &[(&str, &[Role])] = &[
    ("/weir.collections.v1.CollectionsService/CreateStrategy", RULERS),
    ("/weir.collections.v1.CollectionsService/ActivateStrategy", RULERS),
    ("/weir.collections.v1.CollectionsService/GetStrategy", READERS),
    ("/weir.collections.v1.CollectionsService/ListStrategies", READERS),
    ("/weir.collections.v1.CollectionsService/PutDebtor", KEEPERS),
    ("/weir.collections.v1.CollectionsService/GetDebtor", READERS),
    ("/weir.collections.v1.CollectionsService/GetCase", READERS),
    ("/weir.collections.v1.CollectionsService/ListCases", READERS),
    ("/weir.collections.v1.CollectionsService/ListTasks", READERS),
    ("/weir.collections.v1.CollectionsService/CompleteTask", WORKERS),
    ("/weir.collections.v1.CollectionsService/ReassignTask", WORKERS),
    ("/weir.collections.v1.CollectionsService/RecordContact", WORKERS),
    ("/weir.collections.v1.CollectionsService/ListContacts", READERS),
    ("/weir.collections.v1.CollectionsService/RecordPromise", WORKERS),
    ("/weir.collections.v1.CollectionsService/CancelPromise", WORKERS),
    ("/weir.collections.v1.CollectionsService/ListPromises", READERS),
    ("/weir.collections.v1.CollectionsService/SetPause", WORKERS),
    ("/weir.collections.v1.CollectionsService/LiftPause", WORKERS),
    ("/weir.collections.v1.CollectionsService/ListPauses", READERS),
    ("/weir.collections.v1.CollectionsService/RecordOptOut", KEEPERS),
    ("/weir.collections.v1.CollectionsService/LiftOptOut", KEEPERS),
    ("/weir.collections.v1.CollectionsService/RunCollections", RUNNERS),
    ("/weir.collections.v1.CollectionsService/GetWorklist", READERS),
    ("/weir.collections.v1.CollectionsService/ListNotices", READERS),
    ("/weir.collections.v1.CollectionsService/BlockAccount", BLOCKERS),
    ("/weir.collections.v1.CollectionsService/UnblockAccount", BLOCKERS),
    ("/weir.collections.v1.CollectionsService/GetStanding", READERS),
    ("/weir.collections.v1.FeedService/Snapshot", FOLLOWERS),
    ("/weir.collections.v1.FeedService/Watch", FOLLOWERS),
];
