//! Rule 5.12, told step by step.

use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{self as wire, HoldState, Outcome, Rule, RuleAction, way_out::Way};

use super::world::{World, amount, credit, order, owed, rules, units};

async fn limit_500_000_open_480_000(db: Db) -> World {
    let world = World::new(db).await;
    world.credit("acme", credit(500_000)).await;
    world.owes("acme", owed(1, 480_000)).await;
    world
}

on_both_databases! {
    async fn an_order_of_50_000_is_held_30_000_short(db: Db) {
        let world = limit_500_000_open_480_000(db).await;
        let decision = world.authorize(order("o-1", "acme", 50_000)).await;
        assert_eq!(decision.outcome(), Outcome::Hold);
        assert_eq!(rules(&decision), [Rule::LimitExceeded]);
        assert_eq!(units(decision.failures[0].shortfall.as_ref()), 30_000);
        assert_eq!(decision.utilisation_before_percent.unwrap().value, "96");
        assert_eq!(decision.utilisation_after_percent.unwrap().value, "106");
        assert_eq!(units(decision.headroom.as_ref()), 20_000);
        assert_eq!(world.net("acme").await, 480_000, "a hold carries no exposure");
    }

    async fn its_ways_out_are_exact(db: Db) {
        let world = limit_500_000_open_480_000(db).await;
        let decision = world.authorize(order("o-1", "acme", 50_000)).await;
        let ways: Vec<Way> = decision.ways_out.into_iter().filter_map(|way| way.way).collect();
        let of = |units: i64| amount(units).unwrap();
        assert_eq!(ways, [
            Way::ReduceOrderTo(of(20_000)),
            Way::Pay(of(30_000)),
            Way::Prepay(of(30_000)),
            Way::AskTemporaryLimit(of(30_000)),
            Way::AskRelease(of(30_000)),
        ]);
    }

    async fn one_notice_each_goes_to_finance_manager_and_sales_head(db: Db) {
        let world = limit_500_000_open_480_000(db).await;
        world.authorize(order("o-1", "acme", 50_000)).await;
        // the same again, and news that change nothing about the hold's being held
        world.authorize(order("o-1", "acme", 50_000)).await;
        world.owes("acme", owed(2, 470_000)).await;
        let holds: Vec<crate::hold::Hold> = world
            .journal()
            .await
            .iter()
            .filter(|entry| entry.kind == "hold_changed")
            .map(|entry| entry.after_as().unwrap())
            .collect();
        let first: Vec<_> = holds.iter().filter(|hold| hold.version == 1).collect();
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].notice_roles, ["finance_manager", "sales_head"]);
        assert!(holds.len() > 1, "the hold was checked again meanwhile");
    }

    async fn a_payment_of_30_000_lets_it_pass_by_itself(db: Db) {
        let world = limit_500_000_open_480_000(db).await;
        let decision = world.authorize(order("o-1", "acme", 50_000)).await;
        world.owes("acme", owed(2, 450_000)).await;
        let hold = world.hold(&decision.hold_id).await;
        assert_eq!(hold.state(), HoldState::Approved);
        assert_eq!(world.net("acme").await, 500_000);
        let request = wire::GetDecisionRequest { decision_id: hold.newest_decision_id };
        let approval = world.pipeline().get_decision(request).await.unwrap().into_inner().decision.unwrap();
        assert_eq!(approval.outcome(), Outcome::ApproveWithWarnings);
        assert_eq!(approval.utilisation_after_percent.unwrap().value, "100");
    }

    async fn an_order_of_20_000_passes_with_the_watch_warning(db: Db) {
        let world = limit_500_000_open_480_000(db).await;
        let decision = world.authorize(order("o-1", "acme", 20_000)).await;
        assert_eq!(decision.outcome(), Outcome::ApproveWithWarnings);
        assert_eq!(rules(&decision), [Rule::WatchBand]);
        assert_eq!(decision.failures[0].action(), RuleAction::Warn);
        assert_eq!(world.net("acme").await, 500_000);
    }

    async fn of_two_orders_of_15_000_against_20_000_exactly_one_passes(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(20_000)).await;
        let (one, two) = tokio::join!(
            world.authorize(order("o-1", "acme", 15_000)),
            world.authorize(order("o-2", "acme", 15_000)),
        );
        let passed = [one, two].iter().filter(|decision| decision.outcome() == Outcome::Approve).count();
        assert_eq!(passed, 1);
        assert_eq!(world.net("acme").await, 15_000);
    }
}
