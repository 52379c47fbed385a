//! What the gate is told: blocks and levels.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::{collections::v1 as pb, collections::v1::collections_service_client::CollectionsServiceClient};

use super::world::{World, day, item, money, reason};
use crate::item::Item;

fn block(world: &World, reason: &str) -> pb::BlockAccountRequest {
    let (request_id, reason) = (world.request(), reason.to_owned());
    pb::BlockAccountRequest { request_id, account_id: "a1".to_owned(), reason }
}

fn unblock(world: &World) -> pb::UnblockAccountRequest {
    let (request_id, reason) = (world.request(), "settled with the owner".to_owned());
    pb::UnblockAccountRequest { request_id, account_id: "a1".to_owned(), reason }
}

on_both_databases! {
    async fn a_block_says_who_and_why(db: Db) {
        let world = World::new(db).await;
        let standing = world.client().block_account(block(&world, "fraud suspected")).await.unwrap().into_inner();
        let standing = standing.standing.unwrap();
        assert_eq!((standing.blocked, standing.block_reason.as_str()), (true, "fraud suspected"));
        assert_eq!((standing.blocked_by.as_str(), standing.version), ("collector-1", 1));
    }

    async fn a_block_does_not_lift_itself(db: Db) {
        let world = World::new(db).await;
        let owed = item("inv-1", day(0), 500);
        world.learn("a1", vec![owed.clone()]).await;
        world.client().block_account(block(&world, "fraud suspected")).await.unwrap();
        world.learn("a1", vec![Item { open: money(0), settled_date: Some(day(0)), ..owed }]).await;
        world.run(day(1)).await;
        assert!(world.standing("a1").await.blocked);
    }

    async fn a_block_that_stands_keeps_who_set_it_and_why(db: Db) {
        let world = World::new(db).await;
        world.client().block_account(block(&world, "first")).await.unwrap();
        let mut other = CollectionsServiceClient::new(world.peer("manager-2"));
        let standing = other.block_account(block(&world, "second")).await.unwrap().into_inner().standing.unwrap();
        assert_eq!((standing.block_reason.as_str(), standing.blocked_by.as_str()), ("first", "collector-1"));
        assert_eq!(standing.version, 1);
    }

    async fn a_person_lifts_a_block_once(db: Db) {
        let world = World::new(db).await;
        world.client().block_account(block(&world, "fraud suspected")).await.unwrap();
        let lifted = world.client().unblock_account(unblock(&world)).await.unwrap().into_inner().standing.unwrap();
        assert_eq!((lifted.blocked, lifted.block_reason.as_str(), lifted.version), (false, "", 2));
        let status = world.client().unblock_account(unblock(&world)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    }

    async fn an_account_of_which_nothing_was_told_stands_well(db: Db) {
        let world = World::new(db).await;
        let standing = world.standing("nobody").await;
        assert_eq!((standing.blocked, standing.dunning_level, standing.version), (false, 0, 0));
    }

    async fn a_level_that_stays_is_told_once(db: Db) {
        let world = World::new(db).await;
        world.learn("a1", vec![item("inv-1", day(0), 500)]).await;
        world.run(day(1)).await;
        world.run(day(2)).await;
        assert_eq!(world.standing("a1").await.version, 1);
        world.run(day(16)).await;
        assert_eq!(world.standing("a1").await.version, 2);
    }
}
