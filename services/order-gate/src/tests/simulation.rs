//! A draft policy over past decisions (rule 5.10).

use futures::TryStreamExt as _;
use weir_store::{Db, on_both_databases};
use weir_wire::common::v1::Grade as WireGrade;
use weir_wire::emit;
use weir_wire::order_gate::v1::{self as wire, Outcome, Rule, RuleAction, simulate_policy_response::Step};

use super::world::{World, amount, credit, date, order, owed, today, units};
use crate::standing::{Credit, Grade};

fn only(row: wire::RuleRow) -> Option<wire::Policy> {
    Some(wire::Policy { rules: vec![row], ..Default::default() })
}

fn value_up_to(most: i64) -> Option<wire::Policy> {
    only(wire::RuleRow {
        rule: Rule::OrderValueExceeded.into(),
        action: RuleAction::Block.into(),
        amounts: vec![amount(most).unwrap()],
        ..Default::default()
    })
}

impl World {
    /// Runs a simulation to its end: the changes, the summary, and how often it told how far it was.
    pub(super) async fn simulate(
        &self,
        request: wire::SimulatePolicyRequest,
    ) -> (Vec<wire::SimulatedChange>, wire::SimulationSummary, usize) {
        let stream = self.manager("manager-1", 0).simulate_policy(request).await.unwrap().into_inner();
        let steps: Vec<wire::SimulatePolicyResponse> = stream.try_collect().await.unwrap();
        let (mut changes, mut summary, mut told) = (Vec::new(), None, 0);
        for step in steps {
            assert!(summary.is_none(), "the summary comes last");
            match step.step.unwrap() {
                Step::Change(change) => changes.push(change),
                Step::Progress(_) => told += 1,
                Step::Summary(end) => summary = Some(end),
            }
        }
        (changes, summary.unwrap(), told)
    }
}

/// Limits of 100 for one account of grade A and one of B; three orders pass, one is held.
async fn four_decisions(db: Db) -> World {
    let world = World::new(db).await;
    world.credit("acme", credit(100)).await;
    world.credit("globex", Credit { grade: Some(Grade::B), ..credit(100) }).await;
    for (id, account_id, value) in
        [("o-1", "acme", 30), ("o-2", "acme", 50), ("o-3", "acme", 40), ("o-4", "globex", 60)]
    {
        world.authorize(order(id, account_id, value)).await;
    }
    world
}

on_both_databases! {
    async fn the_policy_in_force_changes_nothing(db: Db) {
        let world = four_decisions(db).await;
        let (changes, summary, told) =
            world.simulate(wire::SimulatePolicyRequest { policy: Some(wire::Policy::default()), ..Default::default() }).await;
        assert!(changes.is_empty(), "{changes:?}");
        assert_eq!((summary.replayed_count, summary.changed_count, summary.not_replayable_count), (4, 0, 0));
        assert_eq!(told, 1);
    }

    async fn a_draft_tells_what_it_would_stop_by_grade_and_rule_with_the_orders(db: Db) {
        let world = four_decisions(db).await;
        let before = world.journal().await.len();
        let request = wire::SimulatePolicyRequest { policy: value_up_to(45), ..Default::default() };
        let (changes, summary, _) = world.simulate(request).await;
        let orders: Vec<_> = changes.iter().map(|c| (c.order_id.as_str(), c.was(), c.would_be())).collect();
        assert_eq!(orders, [("o-2", Outcome::Approve, Outcome::Hold), ("o-4", Outcome::Approve, Outcome::Hold)]);
        let lines: Vec<_> = summary
            .lines
            .iter()
            .map(|line| (line.grade(), line.rule(), line.newly_stopped_count, units(line.newly_stopped_amount.as_ref())))
            .collect();
        assert_eq!(lines, [
            (WireGrade::A, Rule::Unspecified, 1, 50),
            (WireGrade::A, Rule::OrderValueExceeded, 1, 50),
            (WireGrade::B, Rule::Unspecified, 1, 60),
            (WireGrade::B, Rule::OrderValueExceeded, 1, 60),
        ]);
        assert_eq!(world.journal().await.len(), before, "it changes nothing");
    }

    async fn a_draft_tells_what_it_would_let_pass(db: Db) {
        let world = four_decisions(db).await;
        let warn = wire::RuleRow {
            rule: Rule::LimitExceeded.into(),
            action: RuleAction::Warn.into(),
            ..Default::default()
        };
        let (changes, summary, _) =
            world.simulate(wire::SimulatePolicyRequest { policy: only(warn), ..Default::default() }).await;
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].order_id.as_str(), changes[0].would_be()), ("o-3", Outcome::ApproveWithWarnings));
        let line = summary.lines.iter().find(|line| line.rule() == Rule::LimitExceeded).unwrap();
        assert_eq!((line.newly_passed_count, units(line.newly_passed_amount.as_ref())), (1, 40));
    }

    async fn only_decisions_of_the_dates_asked_for_are_run(db: Db) {
        let world = four_decisions(db).await;
        world.env.clock.advance(chrono::Duration::days(1));
        world.owes("acme", owed(1, 1)).await;
        world.authorize(order("o-5", "acme", 10)).await;
        let of = |from, to| wire::SimulatePolicyRequest {
            policy: value_up_to(5),
            from_date: Some(emit::date(from)),
            to_date: Some(emit::date(to)),
        };
        let tomorrow = date(2026, 4, 1);
        let (changes, summary, _) = world.simulate(of(tomorrow, tomorrow)).await;
        // the held order was checked again as well, and is held as before
        assert_eq!((changes.len(), changes[0].order_id.as_str()), (1, "o-5"));
        assert_eq!(world.simulate(of(today(), today())).await.1.replayed_count, 4);
        assert!(summary.replayed_count >= 1);
        let status = world.manager("manager-1", 0).simulate_policy(of(tomorrow, today())).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
    }
}
