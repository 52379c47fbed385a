//! Every query prepares on both databases, and the two schemas are the same.

use weir_model::{AccountId, LimitId, LimitRequestId};
use weir_store::{
    Db, Error, Instant, Tx, on_both_databases,
    testing::{prepare_all, same_schema},
};

use super::world::{World, date, yuan};
use crate::{
    MIGRATIONS,
    limit::{Limit, Period, StandingLimit},
    store::{self, Reader},
};

on_both_databases! {
    async fn every_query_prepares(db: Db) {
        db.migrate(MIGRATIONS).await.unwrap();
        prepare_all(&db, &store::all()).await;
    }

    async fn of_limits_that_count_on_their_first_day_there_is_one(db: Db) {
        let world = World::new(db.clone()).await;
        world.open("acme").await;
        let account = store::account(Reader::Db(&db), &AccountId::parse("acme").unwrap()).await.unwrap().unwrap();
        let limit = |id| StandingLimit {
            limit_id: LimitId::parse(id).unwrap(),
            limit_request_id: LimitRequestId::parse("request").unwrap(),
            limit: Limit::Amount(yuan(1)),
            period: Period { from: date("2026-03-31"), to: None },
            superseded_from: None,
        };
        let at = Instant::from(world.clock.now());
        let insert = async |id| {
            let limit = limit(id);
            db.transact(async |tx: &mut Tx| store::insert_limit(tx, &account, &limit, at).await).await
        };
        insert("one").await.unwrap();
        assert!(matches!(insert("two").await, Err(Error::Duplicate(_))));
        let one = [LimitId::parse("one").unwrap()];
        db.transact(async |tx: &mut Tx| store::supersede(tx, &one, date("2026-03-31")).await).await.unwrap();
        insert("two").await.unwrap();
    }
}

#[tokio::test]
async fn both_databases_get_the_same_schema() {
    same_schema(MIGRATIONS).await;
}
