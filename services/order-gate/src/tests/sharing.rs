//! Gates that share partitions: accounts, orders and what others say go where they are decided.

use std::sync::Arc;

use tonic::Code;
use weir_store::testing::{eventually, on_postgres};
use weir_store::{Db, sql};
use weir_wire::order_gate::v1::Outcome;

use super::pair::{Pair, holds, share};
use super::world::{World, account, cny, credit, line, order, order_id, owed, yuan};
use crate::draft::{Invoiced, News};
use crate::pool::Group;
use crate::standing::Credit;

fn group(version: i64, limit: i64) -> Arc<Group> {
    let limit = Some(weir_model::Money::new(yuan(limit), cny()));
    Arc::new(Group { version, limit, ..Group::default() })
}

fn member(version: i64, group_id: &str) -> Credit {
    let group_id = Some(weir_model::GroupId::parse(group_id).unwrap());
    Credit { version, group_id, shares_exposure: true, ..credit(100) }
}

/// A group whose partition a gate decides for.
fn group_of(world: &World, word: &str) -> String {
    let is_its = |id: &String| world.gate.engine.directory(|d| d.is_here(d.named_by(id)));
    (0..).map(|n| format!("{word}-{n}")).find(is_its).unwrap()
}

async fn letters(world: &World) -> i64 {
    world.env.db.query(sql!("select count(*) from letters")).scalar().await.unwrap()
}

#[test]
fn a_gate_that_joins_decides_for_half_and_counts_what_was_decided_before() {
    on_postgres(async |db: Db| {
        let alone = World::new(db).await;
        for n in 0..20 {
            alone.credit(&format!("a-{n}"), credit(100)).await;
            alone.authorize(order(&format!("o-{n}"), &format!("a-{n}"), 60 + n)).await;
        }
        let env = weir_store::Env { db: weir_store::testing::replica(&alone.env.db).await, ..alone.env.clone() };
        let joined = World::open(env).await;
        eventually("each has half", async || (share(&alone), share(&joined)) == (32, 32)).await;
        let mut counted = [0, 0];
        for n in 0..20 {
            let id = format!("a-{n}");
            let has = [&alone, &joined].map(|world| holds(world, &id));
            assert_ne!(has[0], has[1], "one of them");
            let (index, world) = if has[0] { (0, &alone) } else { (1, &joined) };
            assert_eq!(world.net(&id).await, 60 + n);
            counted[index] += 1;
        }
        assert!(counted[0] > 0 && counted[1] > 0, "{counted:?}");
    });
}

#[test]
fn a_gate_that_leaves_leaves_everything_to_the_other() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        pair.first.authorize(order("o-1", &one, 60)).await;
        pair.second.authorize(order("o-2", &other, 50)).await;
        pair.first.gate.close().await;
        eventually("the second has all", async || share(&pair.second) == 64).await;
        assert_eq!((pair.second.net(&one).await, pair.second.net(&other).await), (60, 50));
    });
}

#[test]
fn an_account_that_joins_a_group_goes_where_the_group_is_with_all_it_has() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        let group_id = group_of(&pair.second, "g");
        pair.first.authorize(order("o-1", &one, 60)).await;
        let held = pair.first.authorize(order("o-2", &one, 50)).await;
        assert_eq!(held.outcome(), Outcome::Hold);
        pair.hear(News::Position(account(&one), cny(), Arc::new(owed(1, 10)), Vec::new())).await;
        pair.hear(News::Group(weir_model::GroupId::parse(&group_id).unwrap(), group(1, 130))).await;
        pair.credit(&other, member(2, &group_id)).await;
        pair.credit(&one, member(2, &group_id)).await;
        eventually("it is there", async || holds(&pair.second, &one) && !holds(&pair.first, &one)).await;
        assert_eq!((pair.first.net(&one).await, pair.second.net(&one).await), (70, 70));
        eventually("letters are read", async || letters(&pair.first).await == 0).await;
        pair.second.authorize(order("o-3", &other, 60)).await;
        let too_much = pair.first.check(order("o-4", &other, 1)).await;
        assert_eq!(too_much.outcome(), Outcome::Hold, "70 and 60 fill the pool of 130");
        let cancelled =
            weir_wire::order_gate::v1::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        pair.first.pipeline().cancel_order(cancelled).await.unwrap();
        assert_eq!(pair.first.hold(&held.hold_id).await.state(), weir_wire::order_gate::v1::HoldState::Approved);
    });
}

#[test]
fn an_account_that_leaves_its_group_goes_back_and_both_gates_find_it_after_a_restart() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        let group_id = group_of(&pair.second, "g");
        pair.hear(News::Group(weir_model::GroupId::parse(&group_id).unwrap(), group(1, 130))).await;
        pair.credit(&one, member(2, &group_id)).await;
        eventually("it is there", async || holds(&pair.second, &one)).await;
        pair.first.authorize(order("o-1", &one, 60)).await;
        pair.second.gate.close().await;
        eventually("the first has all", async || share(&pair.first) == 64).await;
        assert_eq!(pair.first.net(&one).await, 60);
        pair.first.credit(&one, Credit { version: 3, ..credit(100) }).await;
        assert_eq!(pair.first.net(&one).await, 60);
        let home: i64 = pair
            .first
            .env
            .db
            .query(sql!("select partition from orders where order_id = 'o-1'"))
            .scalar()
            .await
            .unwrap();
        assert_eq!(home, pair.first.gate.engine.directory(|directory| directory.named_by(&one)));
    });
}

#[test]
fn a_group_that_gets_another_top_takes_its_members_there() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        let id = |text: &str| weir_model::GroupId::parse(text).unwrap();
        let (below, top) = (group_of(&pair.first, "below"), group_of(&pair.second, "top"));
        pair.hear(News::Group(id(&top), group(1, 500))).await;
        pair.hear(News::Group(id(&below), group(1, 130))).await;
        pair.credit(&one, member(2, &below)).await;
        eventually("it is with its group", async || holds(&pair.first, &one)).await;
        pair.first.authorize(order("o-1", &one, 60)).await;
        let under = Arc::new(Group {
            version: 2,
            parent: Some(id(&top)),
            shares_exposure: true,
            ..Group::clone(&group(2, 130))
        });
        pair.hear(News::Group(id(&below), under)).await;
        eventually("it is under the top", async || holds(&pair.second, &one)).await;
        assert_eq!(pair.second.net(&one).await, 60);
    });
}

#[test]
fn an_invoice_of_an_order_decided_elsewhere_gets_there() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        pair.first.authorize(order("o-1", &one, 60)).await;
        let invoiced = Invoiced { order_id: order_id("o-1"), line_id: line("1"), currency: cny(), invoiced: yuan(45) };
        pair.hear(News::Position(account(&other), cny(), Arc::new(owed(1, 45)), vec![invoiced])).await;
        assert_eq!(pair.second.net(&other).await, 45);
        eventually("the order counts what is left", async || pair.first.net(&one).await == 15).await;
        assert_eq!(letters(&pair.first).await, 0);
    });
}

#[test]
fn what_was_delivered_before_its_order_counts_wherever_both_came() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        for (n, (id, at)) in [(&one, &pair.second), (&other, &pair.first), (&one, &pair.first)].into_iter().enumerate()
        {
            let order_id = format!("o-{n}");
            assert!(at.deliver(&order_id, "d-1", &[("1", 5)]).await.is_none());
            at.deliver(&order_id, "d-2", &[("1", 6)]).await;
            at.authorize(order(&order_id, id, 20)).await;
            let delivered = at.deliver(&order_id, "d-3", &[("1", 4)]).await.unwrap();
            assert_eq!(super::world::units(delivered.delivered_not_billed_amount.as_ref()), 15);
        }
    });
}

#[test]
fn an_order_cannot_go_over_to_an_account_another_gate_decides_for() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        pair.first.authorize(order("o-1", &one, 60)).await;
        let amended = weir_wire::order_gate::v1::Order { revision: 2, ..order("o-1", &other, 60) };
        let status = pair.first.try_authorize(amended).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!((pair.first.net(&one).await, pair.second.net(&other).await), (60, 0));
    });
}

#[test]
fn the_same_order_id_for_another_gates_account_is_no_repetition() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = pair.accounts().await;
        pair.first.authorize(order("o-1", &one, 60)).await;
        let status = pair.second.try_authorize(order("o-1", &other, 60)).await.unwrap_err();
        assert_eq!(
            (status.code(), super::world::reason(&status).as_str()),
            (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH")
        );
        assert_eq!(pair.second.net(&other).await, 0);
    });
}

#[test]
fn a_gate_that_takes_accounts_over_follows_from_where_they_were_left() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, _) = pair.accounts().await;
        let moved = |from, to| Some(crate::draft::Bookmark { feed: "limits", from, to });
        pair.first.hear_at(Vec::new(), moved(None, 5)).await;
        pair.second.hear_at(Vec::new(), moved(None, 9)).await;
        pair.first.gate.close().await;
        eventually("the second has all", async || share(&pair.second) == 64).await;
        assert_eq!(pair.second.gate.engine.followed_now().limits, Some(5), "what the first had not heard yet");
        pair.forget_first();
        assert_eq!(pair.second.check(order("o-1", &one, 1)).await.based_on.unwrap().positions[0].position, 5);
    });
}

#[test]
fn the_cap_of_a_country_counts_what_accounts_of_other_gates_owe() {
    on_postgres(async |db: Db| {
        let pair = Pair::new(db).await;
        let (one, other) = (pair.account_of(&pair.first, "hue"), pair.account_of(&pair.second, "hanoi"));
        super::country::activate(&pair.first, vec![super::country::cap("VN", super::world::amount(100))]).await;
        for id in [&one, &other] {
            pair.credit(id, super::country::of("VN", credit(1_000))).await;
        }
        pair.first.authorize(order("o-1", &one, 60)).await;
        eventually("the other knows", async || {
            pair.second.check(order("o-2", &other, 41)).await.outcome() == Outcome::Hold
        })
        .await;
        assert_eq!(pair.second.check(order("o-2", &other, 40)).await.outcome(), Outcome::Approve);
        let held = pair.second.authorize(order("o-2", &other, 41)).await;
        let cancelled =
            weir_wire::order_gate::v1::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        pair.first.pipeline().cancel_order(cancelled).await.unwrap();
        let has_passed =
            async || pair.second.hold(&held.hold_id).await.state() == weir_wire::order_gate::v1::HoldState::Approved;
        eventually("room there lets it pass", has_passed).await;
    });
}
