//! Heads of groups: a head is a member of its group or of a group below it.

use tonic::{Code, Status};
use weir_store::{Db, on_both_databases};
use weir_wire::limits::v1::*;

use super::{
    groups::{account, add, create, group},
    world::{World, manager, reason_of},
};

async fn set_head(world: &World, group_id: &str, head: &str) -> Result<String, Status> {
    let request = SetGroupHeadRequest {
        request_id: world.id(),
        group_id: group_id.to_owned(),
        head_account_id: head.to_owned(),
        etag: String::new(),
    };
    Ok(world.groups(manager("mo")).set_group_head(request).await?.into_inner().group.unwrap().head_account_id)
}

async fn remove(world: &World, group_id: &str, member: group_member::Member) -> Result<Group, Status> {
    use remove_member_request::Member;
    let member = match member {
        group_member::Member::AccountId(id) => Member::MemberAccountId(id),
        group_member::Member::GroupId(id) => Member::MemberGroupId(id),
    };
    let request = RemoveMemberRequest {
        request_id: world.id(),
        group_id: group_id.to_owned(),
        member: Some(member),
        etag: String::new(),
    };
    Ok(world.groups(manager("mo")).remove_member(request).await?.into_inner().group.unwrap())
}

async fn move_to(world: &World, group_id: &str, member: group_member::Member) -> Result<Group, Status> {
    let request = MoveMemberRequest {
        request_id: world.id(),
        group_id: group_id.to_owned(),
        member: Some(GroupMember { member: Some(member), shares_exposure: true, inherits_block: false }),
        etag: String::new(),
    };
    Ok(world.groups(manager("mo")).move_member(request).await?.into_inner().group.unwrap())
}

/// Group `mid` below `top`, `low` below `mid`, `acme` a member of `low`; group `other` apart.
async fn three_levels(db: Db) -> World {
    let world = World::new(db).await;
    for id in ["top", "mid", "low", "other"] {
        create(&world, id).await;
    }
    add(&world, "top", group("mid")).await.unwrap();
    add(&world, "mid", group("low")).await.unwrap();
    world.open("acme").await;
    add(&world, "low", account("acme")).await.unwrap();
    world
}

/// Fails unless it was refused because an account heads a group.
fn assert_heads(refused: Result<Group, Status>, head: &str, group_id: &str) {
    let status = refused.unwrap_err();
    assert_eq!((status.code(), reason_of(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    let message = format!("account {head} is the head of group {group_id}; name another head first");
    assert_eq!(status.message(), message);
}

on_both_databases! {
    async fn a_head_is_an_open_account(db: Db) {
        let world = World::new(db).await;
        create(&world, "parent").await;
        assert_eq!(reason_of(&set_head(&world, "parent", "holding").await.unwrap_err()), "ACCOUNT_UNKNOWN");
    }

    async fn an_account_heads_its_group_and_every_group_above_until_another_is_named_or_none(db: Db) {
        let world = three_levels(db).await;
        for id in ["low", "mid", "top"] {
            assert_eq!(set_head(&world, id, "acme").await.unwrap(), "acme");
        }
        assert_eq!(set_head(&world, "top", "").await.unwrap(), "");
    }

    async fn no_account_heads_a_group_it_is_not_below(db: Db) {
        let world = three_levels(db).await;
        world.open("alone").await;
        world.open("above").await;
        add(&world, "top", account("above")).await.unwrap();
        for (group_id, head) in [("low", "above"), ("mid", "above"), ("other", "acme"), ("top", "alone")] {
            let refused = set_head(&world, group_id, head).await.unwrap_err();
            assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
            let message = format!("account {head} is not a member of group {group_id} or of a group below it");
            assert_eq!(refused.message(), message);
        }
    }

    async fn the_head_of_a_group_neither_leaves_it_nor_moves_out_of_it(db: Db) {
        let world = three_levels(db).await;
        set_head(&world, "top", "acme").await.unwrap();
        assert_heads(remove(&world, "low", account("acme")).await, "acme", "top");
        assert_heads(move_to(&world, "other", account("acme")).await, "acme", "top");
        let acme = world.account("acme").await;
        assert_eq!((acme.group_id.as_str(), acme.version), ("low", 2), "opened, joined");
        set_head(&world, "top", "").await.unwrap();
        move_to(&world, "other", account("acme")).await.unwrap();
    }

    async fn the_head_of_a_group_moves_within_it(db: Db) {
        let world = three_levels(db).await;
        set_head(&world, "mid", "acme").await.unwrap();
        move_to(&world, "mid", account("acme")).await.unwrap();
        move_to(&world, "low", account("acme")).await.unwrap();
        assert_heads(move_to(&world, "top", account("acme")).await, "acme", "mid");
    }

    async fn a_group_takes_no_head_of_a_group_above_along(db: Db) {
        let world = three_levels(db).await;
        set_head(&world, "top", "acme").await.unwrap();
        assert_heads(remove(&world, "mid", group("low")).await, "acme", "top");
        assert_heads(remove(&world, "top", group("mid")).await, "acme", "top");
        assert_heads(move_to(&world, "other", group("mid")).await, "acme", "top");
        move_to(&world, "top", group("low")).await.unwrap();
    }

    async fn a_group_moves_with_its_own_head(db: Db) {
        let world = three_levels(db).await;
        set_head(&world, "low", "acme").await.unwrap();
        set_head(&world, "mid", "acme").await.unwrap();
        move_to(&world, "other", group("mid")).await.unwrap();
        assert_heads(remove(&world, "mid", group("low")).await, "acme", "mid");
    }

    async fn members_that_head_no_group_come_and_go(db: Db) {
        let world = three_levels(db).await;
        world.open("branch").await;
        add(&world, "low", account("branch")).await.unwrap();
        set_head(&world, "low", "acme").await.unwrap();
        remove(&world, "low", account("branch")).await.unwrap();
    }

    async fn an_account_that_becomes_head_and_leaves_at_the_same_moment_does_one_of_both(db: Db) {
        let world = three_levels(db).await;
        for _ in 0..8 {
            let (named, gone) =
                tokio::join!(set_head(&world, "top", "acme"), remove(&world, "low", account("acme")));
            assert_ne!(named.is_ok(), gone.is_ok());
            set_head(&world, "top", "").await.unwrap();
            move_to(&world, "low", account("acme")).await.unwrap();
        }
    }

    async fn an_account_that_becomes_head_while_its_group_moves_away_does_one_of_both(db: Db) {
        let world = three_levels(db).await;
        for _ in 0..8 {
            let (named, gone) = tokio::join!(set_head(&world, "top", "acme"), remove(&world, "mid", group("low")));
            assert_ne!(named.is_ok(), gone.is_ok());
            set_head(&world, "top", "").await.unwrap();
            move_to(&world, "mid", group("low")).await.unwrap();
        }
    }
}
