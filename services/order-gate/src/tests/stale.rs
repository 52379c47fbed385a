//! A gate that has not heard of others for too long (rule 5.9).

use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{self as wire, HoldState, Outcome, Rule, RuleAction};

use super::world::{World, credit, order, owed, rules};
use crate::pulse::Feed;

/// A gate with a limit of 100 that was level with everything and then heard nothing of receivables for a minute; news
/// are too old after half of that.
async fn cut_off(db: Db, action: RuleAction) -> World {
    let world = World::new(db).await;
    world.credit("acme", credit(100)).await;
    let row = wire::RuleRow {
        rule: Rule::Technical.into(),
        action: action.into(),
        stale_after: Some(wire::StaleAfter { receivables_ms: Some(30_000), ..Default::default() }),
        ..Default::default()
    };
    let request = wire::ActivatePolicyRequest {
        policy: Some(wire::Policy { rules: vec![row], ..Default::default() }),
        reason: "bounds".to_owned(),
        ..Default::default()
    };
    world.manager("admin-1", 0).activate_policy(request).await.unwrap();
    for feed in [Feed::Limits, Feed::Receivables, Feed::Collections] {
        world.gate.caught_up(feed);
    }
    world.gate.step().await.unwrap();
    world.env.clock.advance(chrono::Duration::seconds(60));
    world
}

/// What the gate counted, as a scrape reads it.
fn figures(world: &World) -> String {
    let mut registry = prometheus_client::registry::Registry::default();
    world.gate.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

on_both_databases! {
    async fn what_is_held_for_want_of_news_passes_when_they_come(db: Db) {
        let world = cut_off(db, RuleAction::Block).await;
        let decision = world.authorize(order("o-1", "acme", 10)).await;
        assert_eq!((decision.outcome(), rules(&decision)), (Outcome::Hold, vec![Rule::Technical]));
        assert!(figures(&world).contains("order_gate_stale_decisions_total{outcome=\"hold\"} 1"), "{}", figures(&world));
        world.env.clock.advance(chrono::Duration::days(1));
        world.credit("acme", crate::standing::Credit { version: 2, ..credit(100) }).await;
        world.pass_day_steps().await;
        let hold = world.hold(&decision.hold_id).await;
        assert_eq!((hold.state(), hold.version), (HoldState::Held, 1), "that time goes by is no news");
        world.gate.caught_up(Feed::Receivables);
        world.pass_day_steps().await;
        assert_eq!(world.hold(&decision.hold_id).await.state(), HoldState::Approved);
        assert_eq!(world.net("acme").await, 10);
    }

    async fn what_is_refused_for_want_of_news_may_be_asked_again_in_a_later_revision(db: Db) {
        let world = cut_off(db, RuleAction::Reject).await;
        let first = order("o-1", "acme", 10);
        let refused = world.authorize(first.clone()).await;
        assert_eq!((refused.outcome(), refused.hold_id.as_str()), (Outcome::Reject, ""));
        assert_eq!(world.authorize(first.clone()).await, refused, "the same again gets the same answer");
        assert_eq!(world.net("acme").await, 0);
        world.gate.caught_up(Feed::Receivables);
        let again = world.amend(wire::Order { revision: 2, ..first }).await;
        assert_eq!(again.outcome(), Outcome::Approve);
        assert_eq!(world.net("acme").await, 10);
    }

    async fn an_open_hold_is_not_refused_by_a_gate_that_hears_nothing(db: Db) {
        let world = cut_off(db, RuleAction::Reject).await;
        world.gate.caught_up(Feed::Receivables);
        world.owes("acme", owed(1, 95)).await;
        let held = world.authorize(order("o-1", "acme", 10)).await;
        assert_eq!(held.outcome(), Outcome::Hold);
        world.env.clock.advance(chrono::Duration::seconds(60));
        world.credit("acme", crate::standing::Credit { version: 2, ..credit(104) }).await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Held);
        world.gate.caught_up(Feed::Receivables);
        world.owes("acme", owed(2, 94)).await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Approved);
    }

    async fn a_refused_revision_leaves_the_one_that_passed(db: Db) {
        let world = cut_off(db, RuleAction::Reject).await;
        world.gate.caught_up(Feed::Receivables);
        world.authorize(order("o-1", "acme", 10)).await;
        world.env.clock.advance(chrono::Duration::seconds(60));
        let larger = world.amend(wire::Order { revision: 2, ..order("o-1", "acme", 20) }).await;
        assert_eq!(larger.outcome(), Outcome::Reject);
        assert_eq!(world.net("acme").await, 10);
        let smaller = world.amend(wire::Order { revision: 3, ..order("o-1", "acme", 5) }).await;
        assert_eq!((smaller.outcome(), rules(&smaller)), (Outcome::Approve, vec![Rule::Technical]), "a decrease passes");
    }
}
