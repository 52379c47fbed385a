//! A decision as a readable account.

use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1 as wire;

use super::world::{World, credit, order, owed};

on_both_databases! {
    async fn a_decision_is_given_back_as_a_readable_account(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(500_000)).await;
        world.owes("acme", owed(1, 480_000)).await;
        let decision = world.authorize(order("o-1", "acme", 50_000)).await;
        let request = wire::ExplainDecisionRequest { decision_id: decision.decision_id.clone() };
        let explained = world.pipeline().explain_decision(request).await.unwrap().into_inner();
        assert_eq!(explained.decision, Some(decision));
        let money = |units: i64| weir_model::Money::new(units * 100, super::world::cny()).to_string();
        let sentences: Vec<&str> = explained.sentences.iter().map(String::as_str).collect();
        assert_eq!(sentences, [
            "Order o-1, revision 1, of account acme was held at the order checkpoint for 2026-03-31.",
            &format!("It asked for {} of credit.", money(50_000)),
            &format!(
                "The account's exposure was {} without the order and {} with it: what is open and not due {}, what is \
                 ordered {}.",
                money(480_000), money(530_000), money(480_000), money(50_000)
            ),
            &format!(
                "The limit in force was {}, 96 % used without the order and 106 % with it; room was {}.",
                money(500_000), money(20_000)
            ),
            &format!(
                "Stopped: exposure with the order exceeds the limit ({} against {}); {} too much.",
                money(530_000), money(500_000), money(30_000)
            ),
            &format!("It would pass reduced to {}.", money(20_000)),
            &format!("It would pass after a payment of {}.", money(30_000)),
            &format!("It would pass with {} more paid in advance.", money(30_000)),
            &format!("It would pass with a temporary limit that adds {}.", money(30_000)),
            &format!("A person with authority over {} may release it.", money(30_000)),
            "Decided 2026-03-31T08:00:00Z under policy version 1 and credit account version 1, having followed limits \
             none, receivables none, collections none; the oldest of that was 1774944000000 ms old.",
        ]);
    }

    async fn a_decision_nobody_made_is_not_found(db: Db) {
        let world = World::new(db).await;
        let request = wire::ExplainDecisionRequest { decision_id: "none".to_owned() };
        assert_eq!(world.pipeline().explain_decision(request).await.unwrap_err().code(), tonic::Code::NotFound);
    }
}
