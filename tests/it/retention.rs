//! Journals forget what is old, and whoever had not read it loses nothing.

use chrono::Duration;
use tonic::Code;
use tonic_types::StatusExt as _;
use weir::roles::Role;
use weir_model::Principal;
use weir_store::testing::{eventually, soon};
use weir_tests::{Way, World, cny};
use weir_wire::receivables::v1::{WatchRequest, feed_service_client::FeedServiceClient};

use crate::{
    people::People,
    steps::{post_invoice, standing_fresh},
};

/// Longer than journals are kept by default.
const LONG_DAYS: i64 = 600;

/// Whether receivables' feed has forgotten what comes after a position.
async fn has_forgotten(world: &World, position: i64) -> bool {
    let peer = world.desk(Principal::service("reader")).peer(Role::Receivables);
    let request = WatchRequest { after_position: position };
    let mut steps = FeedServiceClient::new(peer).watch(request).await.unwrap().into_inner();
    match soon("a step or a refusal", steps.message()).await {
        Ok(_) => false,
        Err(status) => {
            assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
            status.get_details_error_info().is_some_and(|info| info.reason == "POSITION_COMPACTED")
        }
    }
}

async fn a_follower_that_fell_behind_what_is_kept_catches_up(way: Way) {
    let Some(world) = World::open(way).await else { return };
    let today = world.clock().today();
    let first = post_invoice(&People::at(&world), "INV-1", "A-1", 100, today, 30).await;
    let known = first.token.as_ref().unwrap().positions[0].position;
    let standing = standing_fresh(&People::at(&world), "A-1", first.token).await;
    assert_eq!(standing.exposure.unwrap().net, Some(cny(100)));

    let world = world.restarted_as(&[Role::Receivables]).await;
    let second = post_invoice(&People::at(&world), "INV-2", "A-1", 200, today, 30).await;
    world.clock().advance(Duration::days(LONG_DAYS));
    // a process looks for what is too old when it starts
    let world = world.restarted_as(&[Role::Receivables]).await;
    eventually("the journal forgets", async || has_forgotten(&world, known).await).await;

    let world = soon("followers that are level", world.restarted_as(&Role::ALL)).await;
    let standing = standing_fresh(&People::at(&world), "A-1", second.token).await;
    assert_eq!(standing.exposure.unwrap().net, Some(cny(300)));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_fell_behind_what_is_kept_catches_up_on_sqlite() {
    a_follower_that_fell_behind_what_is_kept_catches_up(Way::NearOnSqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_fell_behind_what_is_kept_catches_up_on_postgres() {
    a_follower_that_fell_behind_what_is_kept_catches_up(Way::NearOnPostgres).await;
}
