//! The store on both databases.

use futures::future::join_all;
use weir_store::{Db, on_both_databases, testing};
use weir_wire::assessment::v1 as pb;

use super::world::*;
use crate::{MIGRATIONS, store};

/// How many callers come at once; fewer than a transaction's attempts would not test that they queue.
const CALLERS: usize = 8;

on_both_databases! {
    async fn every_query_prepares(db: Db) {
        db.migrate(MIGRATIONS).await.unwrap();
        testing::prepare_all(&db, &store::queries()).await;
    }

    async fn assessments_at_once_each_give_the_grade_a_version_of_its_own(db: Db) {
        let world = World::new(db.clone()).await;
        world.with_profile("acme").await;
        join_all((0..CALLERS).map(|_| world.assess("acme"))).await;
        let grades = store::grades(&db, "", 10).await.unwrap();
        assert_eq!((grades.len(), grades[0].version), (1, 8));
    }

    async fn the_same_facts_at_once_are_recorded_once(db: Db) {
        let world = World::new(db).await;
        let facts = || vec![fact("acme", "insolvency", flag(false)), fact("zeta", "insolvency", flag(false))];
        let calls = (0..CALLERS).map(|caller| {
            let mut facts = facts();
            if caller % 2 == 1 {
                facts.reverse();
            }
            let (request, mut client) = (pb::RecordFactsRequest { facts, ..Default::default() }, world.profiles());
            async move { client.record_facts(request).await.unwrap().into_inner().recorded_count }
        });
        assert_eq!(join_all(calls).await.into_iter().sum::<i32>(), 2);
    }

    async fn a_profile_made_at_once_by_many_is_made_once(db: Db) {
        let world = World::new(db).await;
        join_all((0..CALLERS).map(|_| world.with_profile("acme"))).await;
        let request = pb::GetProfileRequest { account_id: "acme".to_owned() };
        let found = world.profiles().get_profile(request).await.unwrap().into_inner();
        assert_eq!(found.profile.unwrap().etag, "1");
    }

    async fn scorecards_made_at_once_get_versions_of_their_own(db: Db) {
        let world = World::new(db).await;
        let shipped = world.scorecards().get_scorecard(pb::GetScorecardRequest::default()).await.unwrap();
        let content = shipped.into_inner().scorecard.unwrap().content;
        let calls = (0..4).map(|_| {
            let request = pb::CreateScorecardRequest { content: content.clone(), ..Default::default() };
            let mut client = world.scorecards();
            async move { client.create_scorecard(request).await.unwrap().into_inner().scorecard.unwrap().version }
        });
        let mut versions = join_all(calls).await;
        versions.sort_unstable();
        assert_eq!(versions, [2, 3, 4, 5]);
    }
}

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    testing::same_schema(MIGRATIONS).await;
}
