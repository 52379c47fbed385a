//! The feed: the suite every context's passes, and what this one tells.

use futures::StreamExt;
use weir_model::{FeedStep, SnapshotStep};
use weir_store::{Db, on_both_databases, testing};
use weir_wire::{common::v1::Grade as WireGrade, emit, feed, limits::v1::*};

use super::world::{World, amount, manager, record, yuan};
use crate::grade::Grade;

/// What the feed says of every position up to the first heartbeat; none where it concerns nobody else.
async fn told(world: &World) -> Vec<Option<CreditAccountChange>> {
    let steps = feed::limits::watch(&world.service(), 0, |_, change| Ok(account_of(change))).await.unwrap();
    let mut steps = steps.map(Result::unwrap);
    let mut changes = Vec::new();
    while let Some(FeedStep::Entry { change, position }) = testing::soon("a step", steps.next()).await {
        changes.push(change);
        assert_eq!(position, i64::try_from(changes.len()).unwrap());
    }
    changes
}

fn account_of(change: Change) -> Option<CreditAccountChange> {
    match change.change {
        Some(change::Change::CreditAccount(account)) => Some(account),
        Some(change::Change::Group(_)) | None => None,
    }
}

fn group_of(change: Change) -> Option<GroupChange> {
    match change.change {
        Some(change::Change::Group(group)) if group.group_id == "group" => Some(group),
        _ => None,
    }
}

on_both_databases! {
    async fn the_journal_passes_the_suite_of_feeds(db: Db) {
        let world = World::new(db.clone()).await;
        testing::feed::all(&db, async |n| drop(world.open(&format!("account-{n}")).await)).await;
    }

    async fn the_feed_tells_the_whole_account_at_every_change(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let id = world.submitted("acme", yuan(200_000)).await.limit_request_id;
        let approved = world.approve(&id, manager("mo"), 0).await.unwrap();
        let position = world.context.journal.head().await.unwrap();
        world.context.journal.reached(position, tokio::time::Instant::now() + testing::DEADLINE).await.unwrap();
        let changes: Vec<CreditAccountChange> = told(&world).await.into_iter().flatten().collect();
        let versions: Vec<i64> = changes.iter().map(|change| change.version).collect();
        assert_eq!(versions, [1, 2, 3]);
        let last = changes.last().unwrap();
        assert_eq!((last.grade(), last.terms_days, last.currency_code.as_str()), (WireGrade::B, 30, "CNY"));
        assert_eq!(last.review_date, Some(emit::date("2026-06-01".parse().unwrap())));
        assert_eq!(last.limits, [EffectiveLimit {
            limit_id: approved.limit_id,
            limit: amount(yuan(200_000)),
            valid_from_date: Some(emit::date(world.clock.today())),
            valid_to_date: None,
            limit_request_id: id,
        }]);
        assert_eq!(last.order_policy.clone().unwrap().review, Some(order_policy::Review::Above(emit::money(yuan(100_000)))));
    }

    async fn requests_are_nobody_elses_business(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        world.draft(world.wish("acme", yuan(1))).await;
        let changes = told(&world).await;
        assert_eq!(changes.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    }

    async fn a_snapshot_holds_every_account_as_it_is(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("graded", 1, Grade::A, "95", 500_000)).await;
        world.open("plain").await;
        let freeze = FreezeAccountRequest {
            request_id: world.id(),
            account_id: "plain".to_owned(),
            reason: "rumours".to_owned(),
        };
        world.limits(manager("mo")).freeze_account(freeze).await.unwrap();
        let steps = feed::limits::snapshot(&world.service(), |_, change| Ok(account_of(change))).await.unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect().await;
        let states: Vec<&CreditAccountChange> = steps
            .iter()
            .filter_map(|step| if let SnapshotStep::State(account) = step { Some(account) } else { None })
            .collect();
        let ids: Vec<&str> = states.iter().map(|account| account.account_id.as_str()).collect();
        assert_eq!(ids, ["graded", "plain"]);
        assert_eq!(states[0].limits.len(), 1);
        assert_eq!((states[1].frozen, states[1].freeze_reason.as_str()), (true, "rumours"));
        let head = world.context.journal.head().await.unwrap();
        assert!(matches!(steps.last(), Some(SnapshotStep::End { position }) if *position == head));
    }

    async fn the_feed_tells_of_a_group_what_others_act_on(db: Db) {
        let world = World::new(db).await;
        for id in ["group", "parent"] {
            let request = CreateGroupRequest { request_id: world.id(), group_id: id.to_owned(), name: "Group".to_owned() };
            world.groups(manager("mo")).create_group(request).await.unwrap();
        }
        let member = GroupMember {
            member: Some(group_member::Member::GroupId("group".to_owned())),
            shares_exposure: true,
            inherits_block: false,
        };
        let (group_id, etag) = ("parent".to_owned(), String::new());
        let request = AddMemberRequest { request_id: world.id(), group_id, member: Some(member), etag };
        world.groups(manager("mo")).add_member(request).await.unwrap();
        let pool_limit = Some(emit::money(yuan(1_000)));
        let (group_id, etag) = ("group".to_owned(), String::new());
        let request = SetGroupLimitRequest { request_id: world.id(), group_id, pool_limit: pool_limit.clone(), etag };
        world.groups(manager("mo")).set_group_limit(request).await.unwrap();
        let expected = GroupChange {
            group_id: "group".to_owned(),
            version: 3,
            parent_group_id: "parent".to_owned(),
            shares_exposure: true,
            inherits_block: false,
            pool_limit,
            head_account_id: String::new(),
        };
        let snapshot = feed::limits::snapshot(&world.service(), |_, change| Ok(group_of(change))).await.unwrap();
        let told: Vec<_> = snapshot.map(Result::unwrap).collect().await;
        assert!(matches!(told.first(), Some(SnapshotStep::State(group)) if *group == expected));
        let mut watch = feed::limits::watch(&world.service(), 0, |_, change| Ok(group_of(change))).await.unwrap();
        let mut last = None;
        while let Some(Ok(FeedStep::Entry { change, .. })) = testing::soon("a step", watch.next()).await {
            last = change.or(last);
        }
        assert_eq!(last, Some(expected));
    }

    async fn an_expired_limit_stays_in_the_feed_when_no_other_is_left(db: Db) {
        let world = World::new(db).await;
        world.graded_b("acme").await;
        let last_day = Some(emit::date(world.clock.today()));
        let wish = CreateLimitRequestRequest { valid_to_date: last_day, ..world.wish("acme", yuan(1_000)) };
        let id = world.draft(wish).await.limit_request_id;
        world.submit(&id).await.unwrap();
        world.approve(&id, manager("mo"), 0).await.unwrap();
        world.set_today("2026-04-01");
        let freeze = FreezeAccountRequest {
            request_id: world.id(),
            account_id: "acme".to_owned(),
            reason: "rumours".to_owned(),
        };
        world.limits(manager("mo")).freeze_account(freeze).await.unwrap();
        let last = told(&world).await.into_iter().flatten().next_back().unwrap();
        assert_eq!(last.limits.len(), 1);
        assert_eq!(last.limits[0].valid_to_date, last_day);
    }
}
