//! Group pools (rule 3.4), and blocks that come from a group's head.

use std::sync::Arc;

use futures::future::join_all;
use weir_model::{GroupId, Money};
use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{self as wire, HoldState, Outcome, Rule, way_out::Way};

use super::world::{World, amount, cny, credit, order, owed, rules, units, yuan};
use crate::draft::News;
use crate::pool::Group;
use crate::standing::Credit;

pub(super) fn group_id(id: &str) -> GroupId {
    GroupId::parse(id).unwrap()
}

/// A group with a pool of so many yuan, of its first version.
pub(super) fn pool(limit: i64) -> Group {
    Group { version: 1, limit: Some(Money::new(yuan(limit), cny())), ..Group::default() }
}

/// A group below another that shares its exposure.
fn below(parent: &str, group: Group) -> Group {
    Group { parent: Some(group_id(parent)), shares_exposure: true, ..group }
}

/// A member that shares its exposure.
pub(super) fn member(group: &str, credit: Credit) -> Credit {
    Credit { group_id: Some(group_id(group)), shares_exposure: true, ..credit }
}

impl World {
    pub(super) async fn group(&self, id: &str, group: Group) {
        self.hear(vec![News::Group(group_id(id), Arc::new(group))]).await;
    }

    /// What the members of each group of an account owe, and their pools, in yuan.
    async fn pools(&self, account_id: &str) -> Vec<(String, i64, i64)> {
        let pools = self.standing(account_id).await.pools;
        let told = pools
            .into_iter()
            .map(|pool| (pool.group_id, units(pool.exposure_after.as_ref()), units(pool.pool_limit.as_ref())));
        told.collect()
    }
}

/// Eight members with limits of 1,000 each and a pool of 100 together.
async fn eight(db: Db) -> World {
    let world = World::new(db).await;
    world.group("holding", pool(100)).await;
    for n in 0..8 {
        world.credit(&format!("member-{n}"), member("holding", credit(1_000))).await;
    }
    world
}

fn told(pools: &[(&str, i64, i64)]) -> Vec<(String, i64, i64)> {
    pools.iter().map(|(id, owed, limit)| ((*id).to_owned(), *owed, *limit)).collect()
}

on_both_databases! {
    async fn of_eight_members_that_ask_for_the_last_units_exactly_those_pass_that_fit(db: Db) {
        let world = eight(db).await;
        let mut room = 100;
        for n in 0..40_i64 {
            let value = 3 + n % 5;
            let decision = world.authorize(order(&format!("o-{n}"), &format!("member-{}", n % 8), value)).await;
            let fits = value <= room;
            assert_eq!(decision.outcome() != Outcome::Hold, fits, "{value} into {room}");
            room -= if fits { value } else { 0 };
        }
        assert_eq!(world.pools("member-0").await, told(&[("holding", 100 - room, 100)]));
        assert!(room < 3, "nothing that was asked for would fit any more");
    }

    async fn of_eight_members_that_ask_at_once_exactly_those_pass_that_fit(db: Db) {
        let world = eight(db).await;
        // 64 orders of 9: 11 of them fit into 100
        let asked = (0..64).map(|n| world.authorize(order(&format!("o-{n}"), &format!("member-{}", n % 8), 9)));
        let decisions = join_all(asked).await;
        let passed = decisions.iter().filter(|decision| decision.outcome() != Outcome::Hold).count();
        assert_eq!(passed, 11);
        assert_eq!(world.pools("member-3").await, told(&[("holding", 99, 100)]));
        let again = world.reopened().await;
        assert_eq!(again.pools("member-3").await, told(&[("holding", 99, 100)]), "the book read anew says the same");
        let last = again.authorize(order("last", "member-0", 1)).await;
        assert_eq!(last.outcome(), Outcome::Approve, "equality passes");
        assert_eq!(rules(&again.authorize(order("more", "member-7", 1)).await), [Rule::GroupPoolExceeded]);
    }

    async fn the_lower_of_own_limit_and_pool_binds(db: Db) {
        let world = World::new(db).await;
        world.group("holding", pool(100)).await;
        world.credit("small", member("holding", credit(30))).await;
        world.credit("large", member("holding", credit(1_000))).await;
        assert_eq!(rules(&world.check(order("o-1", "small", 31)).await), [Rule::LimitExceeded]);
        world.authorize(order("o-2", "small", 30)).await;
        let decision = world.check(order("o-3", "large", 71)).await;
        let [failure] = &decision.failures[..] else { panic!("{:?}", decision.failures) };
        assert_eq!((failure.rule(), failure.group_id.as_str()), (Rule::GroupPoolExceeded, "holding"));
        let measured = |measure: &Option<wire::Measure>| match measure.as_ref().unwrap().measure.as_ref().unwrap() {
            wire::measure::Measure::Amount(amount) => units(Some(amount)),
            other => panic!("{other:?}"),
        };
        assert_eq!((measured(&failure.value), measured(&failure.threshold)), (101, 100));
        assert_eq!(units(failure.shortfall.as_ref()), 1);
        let [seen] = &decision.pools[..] else { panic!("{:?}", decision.pools) };
        let figures = [&seen.pool_limit, &seen.exposure_before, &seen.exposure_after, &seen.headroom];
        assert_eq!(figures.map(|figure| units(figure.as_ref())), [100, 30, 101, 70]);
        assert_eq!(world.check(order("o-3", "large", 70)).await.outcome(), Outcome::Approve);
    }

    async fn every_pool_on_the_way_up_binds(db: Db) {
        let world = World::new(db).await;
        world.group("top", pool(100)).await;
        // without a pool of its own, between two that have one
        world.group("middle", below("top", Group { limit: None, ..pool(0) })).await;
        world.group("low", below("middle", pool(60))).await;
        world.credit("acme", member("low", credit(1_000))).await;
        world.credit("beside", member("middle", credit(1_000))).await;
        world.authorize(order("o-1", "beside", 50)).await;
        assert_eq!(world.pools("acme").await, told(&[("low", 0, 60), ("top", 50, 100)]));
        let groups = |decision: &wire::Decision| {
            decision.failures.iter().map(|failure| failure.group_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(groups(&world.check(order("o-2", "acme", 61)).await), ["low", "top"]);
        assert_eq!(groups(&world.check(order("o-2", "acme", 51)).await), ["top"]);
        assert_eq!(world.check(order("o-2", "acme", 50)).await.outcome(), Outcome::Approve);
    }

    async fn who_does_not_share_neither_counts_nor_is_bound(db: Db) {
        let world = World::new(db).await;
        world.group("holding", pool(10)).await;
        world.credit("apart", Credit { shares_exposure: false, ..member("holding", credit(1_000)) }).await;
        world.credit("acme", member("holding", credit(1_000))).await;
        assert_eq!(world.authorize(order("o-1", "apart", 500)).await.outcome(), Outcome::Approve);
        assert_eq!(world.pools("acme").await, told(&[("holding", 0, 10)]));
        // nor does a group of which the one above hears nothing
        let apart = Group { shares_exposure: false, ..below("holding", pool(1_000)) };
        world.group("apart", apart).await;
        world.credit("below", member("apart", credit(1_000))).await;
        world.authorize(order("o-2", "below", 700)).await;
        assert_eq!(world.pools("below").await, told(&[("apart", 700, 1_000)]));
        assert_eq!(world.pools("acme").await, told(&[("holding", 0, 10)]));
    }

    async fn what_one_member_has_paid_too_much_covers_no_other(db: Db) {
        let world = eight(db).await;
        let credit = crate::standing::Position { unapplied_credit: yuan(50), ..owed(1, 0) };
        world.owes("member-0", credit).await;
        assert_eq!(rules(&world.check(order("o-1", "member-1", 101)).await), [Rule::GroupPoolExceeded]);
        assert_eq!(world.check(order("o-1", "member-0", 150)).await.outcome(), Outcome::Approve);
    }

    async fn a_member_that_moves_takes_its_exposure_along_in_one_step(db: Db) {
        let world = World::new(db).await;
        world.group("top", pool(1_000)).await;
        world.group("one", below("top", pool(100))).await;
        world.group("two", below("top", pool(100))).await;
        for id in ["acme", "beside"] {
            world.credit(id, member("one", credit(1_000))).await;
        }
        world.credit("other", member("two", credit(1_000))).await;
        world.owes("acme", owed(1, 40)).await;
        world.authorize(order("o-1", "acme", 30)).await;
        let before = (world.pools("beside").await, world.pools("other").await);
        assert_eq!(before.0, told(&[("one", 70, 100), ("top", 70, 1_000)]));
        assert_eq!(before.1, told(&[("two", 0, 100), ("top", 70, 1_000)]));
        world.credit("acme", Credit { version: 2, ..member("two", credit(1_000)) }).await;
        let after = (world.pools("beside").await, world.pools("other").await);
        assert_eq!(after.0, told(&[("one", 0, 100), ("top", 70, 1_000)]));
        assert_eq!(after.1, told(&[("two", 70, 100), ("top", 70, 1_000)]));
        let again = world.reopened().await;
        assert_eq!((again.pools("beside").await, again.pools("other").await), after);
    }

    async fn a_group_that_moves_takes_its_total_along(db: Db) {
        let world = World::new(db).await;
        for id in ["one", "two"] {
            world.group(id, pool(1_000)).await;
        }
        world.group("low", below("one", pool(500))).await;
        world.credit("acme", member("low", credit(1_000))).await;
        world.authorize(order("o-1", "acme", 30)).await;
        assert_eq!(world.pools("acme").await, told(&[("low", 30, 500), ("one", 30, 1_000)]));
        world.group("low", Group { version: 2, ..below("two", pool(500)) }).await;
        world.credit("left", member("one", credit(1_000))).await;
        assert_eq!(world.pools("left").await, told(&[("one", 0, 1_000)]));
        assert_eq!(world.pools("acme").await, told(&[("low", 30, 500), ("two", 30, 1_000)]));
    }

    async fn room_in_a_pool_goes_to_the_oldest_held_order_of_whichever_member(db: Db) {
        let world = eight(db).await;
        world.owes("member-0", owed(1, 100)).await;
        let mut holds = Vec::new();
        for (n, value) in [(1, 60), (2, 50), (3, 40)] {
            world.env.clock.advance(chrono::Duration::seconds(1));
            holds.push(world.authorize(order(&format!("o-{n}"), &format!("member-{n}"), value)).await.hold_id);
        }
        let states = async || {
            let mut states = Vec::new();
            for id in &holds {
                states.push(world.hold(id).await.state());
            }
            states
        };
        assert_eq!(states().await, [HoldState::Held; 3]);
        // room for 100: the first, and the third, for the second does not fit beside the first
        world.owes("member-0", owed(2, 0)).await;
        assert_eq!(states().await, [HoldState::Approved, HoldState::Held, HoldState::Approved]);
        world.group("holding", Group { version: 2, ..pool(150) }).await;
        assert_eq!(states().await, [HoldState::Approved; 3]);
        assert_eq!(world.pools("member-5").await, told(&[("holding", 150, 150)]));
    }

    async fn a_held_order_waits_for_its_pool_across_a_restart(db: Db) {
        let world = eight(db).await;
        world.owes("member-0", owed(1, 100)).await;
        let hold_id = world.authorize(order("o-1", "member-1", 60)).await.hold_id;
        let again = world.reopened().await;
        again.owes("member-0", owed(2, 40)).await;
        assert_eq!(again.hold(&hold_id).await.state(), HoldState::Approved);
    }

    async fn a_smaller_order_of_one_member_leaves_room_for_another(db: Db) {
        let world = eight(db).await;
        world.authorize(order("o-1", "member-0", 80)).await;
        let hold_id = world.authorize(order("o-2", "member-1", 30)).await.hold_id;
        world.amend(wire::Order { revision: 2, ..order("o-1", "member-0", 70) }).await;
        assert_eq!(world.hold(&hold_id).await.state(), HoldState::Approved);
        let hold_id = world.authorize(order("o-3", "member-2", 10)).await.hold_id;
        let cancel = wire::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        world.pipeline().cancel_order(cancel).await.unwrap();
        assert_eq!(world.hold(&hold_id).await.state(), HoldState::Approved);
    }

    async fn an_order_that_goes_over_to_another_member_counts_once_in_their_pool(db: Db) {
        let world = eight(db).await;
        world.authorize(order("o-1", "member-0", 100)).await;
        let moved = world.amend(wire::Order { revision: 2, ..order("o-1", "member-1", 100) }).await;
        assert_eq!(moved.outcome(), Outcome::Approve);
        assert_eq!(world.pools("member-1").await, told(&[("holding", 100, 100)]));
        let more = world.check(wire::Order { revision: 3, ..order("o-1", "member-2", 101) }).await;
        assert_eq!(rules(&more), [Rule::GroupPoolExceeded]);
        assert_eq!(units(more.pools[0].exposure_after.as_ref()), 101);
    }

    async fn a_way_out_lets_the_order_through_its_pool(db: Db) {
        let world = eight(db).await;
        world.owes("member-0", owed(1, 80)).await;
        world.owes("member-1", owed(1, 10)).await;
        let held = world.check(order("o-1", "member-1", 30)).await;
        let ways: Vec<_> = held.ways_out.iter().filter_map(|way| way.way.clone()).collect();
        assert_eq!(ways, [
            Way::ReduceOrderTo(amount(10).unwrap()),
            // all it owes would not do: 20 are missing
            Way::Prepay(amount(20).unwrap()),
            Way::AskRelease(amount(20).unwrap()),
        ]);
        assert_eq!(world.check(order("o-1", "member-1", 10)).await.outcome(), Outcome::Approve);
        let paid = wire::Order { prepaid_amount: amount(20), ..order("o-1", "member-1", 30) };
        assert_eq!(world.check(paid).await.outcome(), Outcome::Approve);
    }

    async fn orders_that_do_not_pass_together_leave_the_pool_as_it_was(db: Db) {
        let world = eight(db).await;
        let orders = vec![order("o-1", "member-1", 60), order("o-2", "member-2", 60)];
        let request = wire::AuthorizeOrderBatchRequest { request_id: "r-1".to_owned(), orders, ..Default::default() };
        let answer = world.pipeline().authorize_order_batch(request).await.unwrap().into_inner();
        assert!(!answer.reserved);
        assert_eq!(rules(&answer.decisions[1]), [Rule::GroupPoolExceeded], "it sees the one before");
        assert_eq!(world.pools("member-1").await, told(&[("holding", 0, 100)]));
        assert_eq!(world.authorize(order("o-3", "member-3", 100)).await.outcome(), Outcome::Approve);
    }

    async fn a_block_of_the_head_stops_members_that_inherit_it_until_it_is_lifted(db: Db) {
        let world = World::new(db).await;
        let head = Some(super::world::account("parent-company"));
        world.group("top", Group { version: 1, head, ..Group::default() }).await;
        world.group("low", Group { inherits_block: true, ..below("top", pool(1_000)) }).await;
        let flagged = |group: &str, inherits_block| Credit { inherits_block, ..member(group, credit(1_000)) };
        world.credit("acme", flagged("low", true)).await;
        world.credit("apart", flagged("low", false)).await;
        world.conduct("parent-company", 1, Some("insolvency"), 0).await;
        let held = world.authorize(order("o-1", "acme", 10)).await;
        let [failure] = &held.failures[..] else { panic!("{:?}", held.failures) };
        assert_eq!((failure.rule(), failure.group_id.as_str()), (Rule::AccountBlocked, "top"));
        assert_eq!(failure.message, "the head of group top is blocked: insolvency");
        let stops = world.standing("acme").await.inherited_stops;
        assert_eq!((stops[0].group_id.as_str(), stops[0].reason.as_str()), ("top", "insolvency"));
        assert_eq!(world.check(order("o-2", "apart", 10)).await.outcome(), Outcome::Approve);
        let again = world.reopened().await;
        again.conduct("parent-company", 2, None, 0).await;
        assert_eq!(again.hold(&held.hold_id).await.state(), HoldState::Approved);
    }

    async fn a_freeze_of_the_head_leaves_no_room(db: Db) {
        let world = World::new(db).await;
        let head = Some(super::world::account("parent-company"));
        world.group("top", Group { version: 1, head, ..Group::default() }).await;
        world.credit("acme", Credit { inherits_block: true, ..member("top", credit(1_000)) }).await;
        let frozen = Some("litigation".to_owned());
        world.credit("parent-company", Credit { frozen, ..credit(1) }).await;
        let held = world.authorize(order("o-1", "acme", 10)).await;
        assert_eq!(rules(&held), [Rule::AccountFrozen]);
        assert_eq!(units(held.headroom.as_ref()), 0);
        world.credit("parent-company", Credit { version: 2, ..credit(1) }).await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Approved);
    }

    async fn a_policy_may_let_orders_beyond_a_pool_go(db: Db) {
        let world = eight(db).await;
        let row = wire::RuleRow {
            rule: Rule::GroupPoolExceeded.into(),
            action: wire::RuleAction::Warn.into(),
            ..Default::default()
        };
        let request = wire::SimulatePolicyRequest {
            policy: Some(wire::Policy { rules: vec![row], ..Default::default() }),
            ..Default::default()
        };
        assert_eq!(world.authorize(order("o-1", "member-1", 101)).await.outcome(), Outcome::Hold);
        let (changes, ..) = world.simulate(request).await;
        assert_eq!(changes[0].would_be(), Outcome::ApproveWithWarnings, "decided again by what was kept of the pool");
    }
}
