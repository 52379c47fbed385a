//! The policy as versioned data.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::emit;
use weir_wire::order_gate::v1::{self as wire, Outcome, Rule, RuleAction};

use super::world::{World, amount, credit, order, reason, rules};
use crate::policy::{Action, Policy, Rule as Known};

async fn present(world: &World) -> wire::PolicyVersion {
    let response = world.pipeline().get_policy(wire::GetPolicyRequest::default()).await.unwrap();
    response.into_inner().policy_version.unwrap()
}

async fn activate(
    world: &World,
    change: impl FnOnce(&mut wire::ActivatePolicyRequest),
) -> Result<wire::ActivatePolicyResponse, tonic::Status> {
    let mut request = wire::ActivatePolicyRequest {
        policy: present(world).await.policy,
        reason: "tighter".to_owned(),
        ..Default::default()
    };
    change(&mut request);
    world.manager("admin-1", 0).activate_policy(request).await.map(tonic::Response::into_inner)
}

#[test]
fn the_policy_weir_comes_with_names_every_rule() {
    let policy = Policy::default();
    assert!(Known::ALL.iter().all(|rule| policy.rules.contains_key(rule)));
    assert_eq!(policy.rules[&Known::WatchBand].action, Action::Warn);
}

on_both_databases! {
    async fn a_policy_in_force_decides_and_its_version_is_named(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        assert_eq!(world.authorize(order("o-1", "acme", 300)).await.policy_version, 1);
        let done = activate(&world, |request| {
            let policy = request.policy.as_mut().unwrap();
            policy.order_value_max = vec![wire::OrderValueMax { amount: amount(299), ..Default::default() }];
        });
        assert_eq!(done.await.unwrap().policy_version.unwrap().version, 2);
        let decision = world.authorize(order("o-2", "acme", 300)).await;
        assert_eq!((decision.policy_version, rules(&decision)), (2, vec![Rule::OrderValueExceeded]));
        let again = world.reopened().await;
        assert_eq!(present(&again).await.version, 2);
        let first = wire::GetPolicyRequest { version: 1 };
        let first = again.pipeline().get_policy(first).await.unwrap().into_inner().policy_version.unwrap();
        assert!(first.policy.unwrap().order_value_max.is_empty());
    }

    async fn a_rule_can_be_made_to_warn(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        activate(&world, |request| {
            let setting = wire::RuleSetting {
                rule: Rule::LimitExceeded.into(),
                action: RuleAction::Warn.into(),
                checkpoints: Vec::new(),
            };
            request.policy.as_mut().unwrap().rules = vec![setting];
        })
        .await
        .unwrap();
        let decision = world.authorize(order("o-1", "acme", 101)).await;
        assert_eq!(decision.outcome(), Outcome::ApproveWithWarnings);
        assert_eq!(present(&world).await.policy.unwrap().rules.len(), Known::ALL.len(), "the rest is as it was");
    }

    async fn a_dry_run_changes_nothing(db: Db) {
        let world = World::new(db).await;
        let would_be = activate(&world, |request| request.validate_only = true).await.unwrap();
        assert_eq!((would_be.policy_version.unwrap().version, would_be.token), (2, None));
        assert_eq!(present(&world).await.version, 1);
    }

    async fn whoever_looked_at_another_version_is_refused(db: Db) {
        let world = World::new(db).await;
        let status = activate(&world, |request| request.present_version = 4).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    }

    async fn an_activation_repeated_happens_once(db: Db) {
        let world = World::new(db).await;
        let mut request = wire::ActivatePolicyRequest {
            policy: present(&world).await.policy,
            reason: "tighter".to_owned(),
            request_id: "r-1".to_owned(),
            ..Default::default()
        };
        let mut admin = world.manager("admin-1", 0);
        let first = admin.activate_policy(request.clone()).await.unwrap().into_inner();
        assert_eq!(admin.activate_policy(request.clone()).await.unwrap().into_inner(), first);
        request.reason = "another".to_owned();
        let status = admin.activate_policy(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
        assert_eq!(present(&world).await.version, 2);
    }

    async fn a_wrong_policy_is_told_every_field(db: Db) {
        let world = World::new(db).await;
        let status = activate(&world, |request| {
            let policy = request.policy.as_mut().unwrap();
            policy.comparator = 9;
            policy.overdue_days_max = -1;
            policy.dunning_level_max = 101;
            policy.watch_band_percent = Some(emit::decimal("1000.01".parse().unwrap()));
            policy.overdue_tolerance = vec![amount(1).unwrap(), amount(2).unwrap()];
            policy.rules = vec![wire::RuleSetting::default()];
            request.reason = String::new();
        });
        let status = status.await.unwrap_err();
        use tonic_types::StatusExt as _;
        let named: Vec<_> =
            status.get_details_bad_request().unwrap().field_violations.into_iter().map(|v| v.field).collect();
        assert_eq!(named, [
            "policy.comparator",
            "policy.overdue_days_max",
            "policy.overdue_tolerance[1]",
            "policy.dunning_level_max",
            "policy.watch_band_percent",
            "policy.rules[0].rule",
            "policy.rules[0].action",
            "reason",
        ]);
    }
}
