//! Groups of accounts.

use tonic::{Code, Status};
use weir_model::Role;
use weir_store::{Db, on_both_databases};
use weir_wire::{emit, limits::v1::*};

use super::world::{World, manager, principal, reason_of, yuan};

pub(super) async fn create(world: &World, group_id: &str) -> Group {
    let request =
        CreateGroupRequest { request_id: world.id(), group_id: group_id.to_owned(), name: "Group".to_owned() };
    world.groups(manager("mo")).create_group(request).await.unwrap().into_inner().group.unwrap()
}

pub(super) async fn add(world: &World, group_id: &str, member: group_member::Member) -> Result<Group, Status> {
    let request = AddMemberRequest {
        request_id: world.id(),
        group_id: group_id.to_owned(),
        member: Some(GroupMember { member: Some(member), shares_exposure: true, inherits_block: false }),
        etag: String::new(),
    };
    Ok(world.groups(manager("mo")).add_member(request).await?.into_inner().group.unwrap())
}

pub(super) fn account(id: &str) -> group_member::Member {
    group_member::Member::AccountId(id.to_owned())
}

pub(super) fn group(id: &str) -> group_member::Member {
    group_member::Member::GroupId(id.to_owned())
}

on_both_databases! {
    async fn a_member_knows_its_group_and_flags(db: Db) {
        let world = World::new(db).await;
        create(&world, "parent").await;
        world.open("acme").await;
        let joined = add(&world, "parent", account("acme")).await.unwrap();
        assert_eq!((joined.version, joined.members.len()), (2, 1));
        let acme = world.account("acme").await;
        assert_eq!((acme.group_id.as_str(), acme.shares_exposure, acme.inherits_block), ("parent", true, false));
        assert_eq!(acme.version, 2);
    }

    async fn a_member_that_left_stands_alone(db: Db) {
        let world = World::new(db).await;
        create(&world, "parent").await;
        world.open("acme").await;
        add(&world, "parent", account("acme")).await.unwrap();
        let remove = || RemoveMemberRequest {
            request_id: world.id(),
            group_id: "parent".to_owned(),
            member: Some(remove_member_request::Member::MemberAccountId("acme".to_owned())),
            etag: String::new(),
        };
        let left = world.groups(manager("mo")).remove_member(remove()).await.unwrap().into_inner().group.unwrap();
        assert_eq!(left.members, []);
        assert_eq!(world.account("acme").await.group_id, "");
        assert_eq!(world.groups(manager("mo")).remove_member(remove()).await.unwrap_err().code(), Code::NotFound);
    }

    async fn an_account_belongs_to_one_group(db: Db) {
        let world = World::new(db).await;
        create(&world, "one").await;
        create(&world, "two").await;
        world.open("acme").await;
        add(&world, "one", account("acme")).await.unwrap();
        assert_eq!(reason_of(&add(&world, "two", account("acme")).await.unwrap_err()), "WRONG_STATE");
    }

    async fn an_account_can_be_opened_into_a_group(db: Db) {
        let world = World::new(db).await;
        create(&world, "parent").await;
        let open = OpenCreditAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            currency_code: "CNY".to_owned(),
            segment: String::new(),
            group_id: "parent".to_owned(),
            ..Default::default()
        };
        let opened = world.limits(manager("mo")).open_credit_account(open.clone()).await.unwrap().into_inner();
        assert_eq!(opened.credit_account.unwrap().group_id, "parent");
        let unknown = OpenCreditAccountRequest {
            request_id: world.id(),
            account_id: "other".to_owned(),
            group_id: "nowhere".to_owned(),
            ..open
        };
        assert_eq!(world.limits(manager("mo")).open_credit_account(unknown).await.unwrap_err().code(), Code::NotFound);
        let list = ListCreditAccountsRequest { group_id: "parent".to_owned(), ..Default::default() };
        let listed = world.limits(manager("mo")).list_credit_accounts(list).await.unwrap().into_inner();
        assert_eq!(listed.credit_accounts.len(), 1);
    }

    async fn no_group_contains_itself(db: Db) {
        let world = World::new(db).await;
        for id in ["a", "b", "c"] {
            create(&world, id).await;
        }
        add(&world, "a", group("b")).await.unwrap();
        add(&world, "b", group("c")).await.unwrap();
        for (parent, child) in [("a", "a"), ("c", "a")] {
            assert_eq!(reason_of(&add(&world, parent, group(child)).await.unwrap_err()), "GROUP_CYCLE");
        }
    }

    async fn two_groups_that_join_each_other_at_the_same_moment_make_no_cycle(db: Db) {
        let world = World::new(db).await;
        for id in ["a", "b"] {
            create(&world, id).await;
        }
        let (one, two) = tokio::join!(add(&world, "a", group("b")), add(&world, "b", group("a")));
        assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|joined| **joined).count(), 1);
    }

    async fn eight_levels_are_allowed_and_nine_are_not(db: Db) {
        let world = World::new(db).await;
        for level in 1..=9 {
            create(&world, &format!("level-{level}")).await;
        }
        // from below, so that the height of what joins counts too
        for level in (2..=8).rev() {
            add(&world, &format!("level-{}", level - 1), group(&format!("level-{level}"))).await.unwrap();
        }
        assert_eq!(reason_of(&add(&world, "level-9", group("level-1")).await.unwrap_err()), "GROUP_CYCLE");
        assert_eq!(reason_of(&add(&world, "level-8", group("level-9")).await.unwrap_err()), "GROUP_CYCLE");
        add(&world, "level-7", group("level-9")).await.unwrap();
    }

    async fn a_member_moves_to_another_group_in_one_change(db: Db) {
        let world = World::new(db).await;
        create(&world, "one").await;
        create(&world, "two").await;
        world.open("acme").await;
        add(&world, "one", account("acme")).await.unwrap();
        let request = MoveMemberRequest {
            request_id: world.id(),
            group_id: "two".to_owned(),
            member: Some(GroupMember { member: Some(account("acme")), shares_exposure: false, inherits_block: true }),
            etag: String::new(),
        };
        let moved = world.groups(manager("mo")).move_member(request).await.unwrap().into_inner().group.unwrap();
        assert_eq!((moved.group_id.as_str(), moved.members.len()), ("two", 1));
        let acme = world.account("acme").await;
        assert_eq!((acme.group_id.as_str(), acme.shares_exposure, acme.inherits_block), ("two", false, true));
        assert_eq!(acme.version, 3, "opened, joined, moved");
        let list = ListGroupsRequest::default();
        let groups = world.groups(manager("mo")).list_groups(list).await.unwrap().into_inner().groups;
        assert_eq!(groups[0].members, []);
    }

    async fn a_group_that_moves_below_itself_stays_where_it_is(db: Db) {
        let world = World::new(db).await;
        for id in ["a", "b", "c"] {
            create(&world, id).await;
        }
        add(&world, "a", group("b")).await.unwrap();
        add(&world, "b", group("c")).await.unwrap();
        let request = MoveMemberRequest {
            request_id: world.id(),
            group_id: "c".to_owned(),
            member: Some(GroupMember { member: Some(group("b")), shares_exposure: true, inherits_block: true }),
            etag: String::new(),
        };
        assert_eq!(reason_of(&world.groups(manager("mo")).move_member(request).await.unwrap_err()), "GROUP_CYCLE");
        let listed = world.groups(manager("mo")).list_groups(ListGroupsRequest::default()).await.unwrap().into_inner();
        assert_eq!(listed.groups[1].parent_group_id, "a");
    }

    async fn a_pool_takes_authority_over_what_there_is_and_what_is_asked_for(db: Db) {
        let world = World::new(db).await;
        create(&world, "parent").await;
        let set = async |authority, pool: Option<i64>| {
            let request = SetGroupLimitRequest {
                request_id: world.id(),
                group_id: "parent".to_owned(),
                pool_limit: pool.map(|units| emit::money(yuan(units))),
                etag: String::new(),
            };
            let response = world.groups(principal("mo", Role::CreditManager, authority)).set_group_limit(request).await;
            response.map(|response| response.into_inner().group.unwrap().pool_limit)
        };
        assert_eq!(reason_of(&set(999_999, Some(1_000_000)).await.unwrap_err()), "AUTHORITY_EXCEEDED");
        assert_eq!(set(1_000_000, Some(1_000_000)).await.unwrap(), Some(emit::money(yuan(1_000_000))));
        for pool in [Some(1), None] {
            assert_eq!(reason_of(&set(999_999, pool).await.unwrap_err()), "AUTHORITY_EXCEEDED");
        }
        assert_eq!(set(1_000_000, None).await.unwrap(), None);
    }

    async fn groups_are_listed_page_by_page(db: Db) {
        let world = World::new(db).await;
        for id in ["a", "b", "c"] {
            create(&world, id).await;
        }
        let first = ListGroupsRequest { page_size: 2, page_token: String::new() };
        let page = world.groups(manager("mo")).list_groups(first).await.unwrap().into_inner();
        assert_eq!(page.groups.len(), 2);
        let second = ListGroupsRequest { page_size: 2, page_token: page.next_page_token };
        let page = world.groups(manager("mo")).list_groups(second).await.unwrap().into_inner();
        assert_eq!((page.groups[0].group_id.as_str(), page.next_page_token.as_str()), ("c", ""));
    }

    async fn a_group_id_is_taken_once(db: Db) {
        let world = World::new(db).await;
        create(&world, "a").await;
        let again = CreateGroupRequest { request_id: world.id(), group_id: "a".to_owned(), name: "Other".to_owned() };
        let refused = world.groups(manager("mo")).create_group(again).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
    }
}
