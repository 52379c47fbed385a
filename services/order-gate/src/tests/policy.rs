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

fn row(rule: Rule, action: RuleAction) -> wire::RuleRow {
    wire::RuleRow { rule: rule.into(), action: action.into(), ..Default::default() }
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
    let rows = |rule: &Known| policy.rules.iter().filter(|row| row.rule == *rule).collect::<Vec<_>>();
    assert!(Known::ALL.iter().all(|rule| rows(rule).len() == 1));
    assert_eq!(rows(&Known::WatchBand)[0].action, Action::Warn);
    assert_eq!(policy.clone().completed(), policy, "nothing is missing, and everything is in its place");
}

on_both_databases! {
    async fn a_policy_in_force_decides_and_its_version_is_named(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        assert_eq!(world.authorize(order("o-1", "acme", 300)).await.policy_version, 1);
        let done = activate(&world, |request| {
            let policy = request.policy.as_mut().unwrap();
            policy.rules.retain(|row| row.rule() != Rule::OrderValueExceeded);
            let amounts = vec![amount(299).unwrap()];
            policy.rules.push(wire::RuleRow { amounts, ..row(Rule::OrderValueExceeded, RuleAction::Block) });
        });
        assert_eq!(done.await.unwrap().policy_version.unwrap().version, 2);
        let decision = world.authorize(order("o-2", "acme", 300)).await;
        assert_eq!((decision.policy_version, rules(&decision)), (2, vec![Rule::OrderValueExceeded]));
        let again = world.reopened().await;
        assert_eq!(present(&again).await.version, 2);
        let first = wire::GetPolicyRequest { version: 1 };
        let first = again.pipeline().get_policy(first).await.unwrap().into_inner().policy_version.unwrap();
        assert!(first.policy.unwrap().rules.iter().all(|row| row.rule() != Rule::OrderValueExceeded || row.amounts.is_empty()));
    }

    async fn a_rule_can_be_made_to_warn(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        activate(&world, |request| {
            request.policy.as_mut().unwrap().rules = vec![row(Rule::LimitExceeded, RuleAction::Warn)];
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
            let scope = |scope| Some(wire::Scope { scope: Some(scope) });
            policy.rules = vec![
                wire::RuleRow { comparator: 9, checkpoints: vec![7], component: 8, ..Default::default() },
                wire::RuleRow {
                    days: Some(-1),
                    level: Some(101),
                    index_min: Some(emit::decimal("100.01".parse().unwrap())),
                    percent: Some(emit::decimal("1000.01".parse().unwrap())),
                    amounts: vec![amount(1).unwrap(), amount(2).unwrap()],
                    scope: scope(wire::scope::Scope::Grade(0)),
                    stale_after: Some(wire::StaleAfter { limits_ms: Some(0), ..Default::default() }),
                    ..row(Rule::WatchBand, RuleAction::Warn)
                },
                row(Rule::WatchBand, RuleAction::Warn),
                wire::RuleRow { days: Some(3), ..row(Rule::LimitExceeded, RuleAction::Block) },
                row(Rule::AccountBlocked, RuleAction::Warn),
                row(Rule::Technical, RuleAction::Off),
                row(Rule::PaymentIndexBelowMinimum, RuleAction::Warn),
            ];
            policy.exclusions = vec![wire::Exclusion { rule: Rule::AccountBlocked.into(), ..Default::default() }];
            policy.left_out_components = vec![wire::ExposureComponent::Disputed.into()];
            policy.hold_notice_roles = vec![String::new()];
            request.reason = String::new();
        });
        let status = status.await.unwrap_err();
        use tonic_types::StatusExt as _;
        let named: Vec<_> =
            status.get_details_bad_request().unwrap().field_violations.into_iter().map(|v| v.field).collect();
        assert_eq!(named, [
            "policy.rules[0].rule",
            "policy.rules[0].action",
            "policy.rules[0].checkpoints[0]",
            "policy.rules[0].comparator",
            "policy.rules[0].component",
            "policy.rules[1].scope.grade",
            "policy.rules[1].days",
            "policy.rules[1].amounts[1]",
            "policy.rules[1].percent",
            "policy.rules[1].level",
            "policy.rules[1].index_min",
            "policy.rules[1].stale_after.limits_ms",
            "policy.rules[2].percent",
            "policy.rules[3].days",
            "policy.rules[4].action",
            "policy.rules[5].action",
            "policy.rules[6].index_min",
            "policy.exclusions[0].rule",
            "policy.exclusions[0].reason",
            "policy.left_out_components[0]",
            "policy.hold_notice_roles[0]",
            "reason",
        ]);
    }

    async fn two_rows_for_the_same_orders_are_refused(db: Db) {
        let world = World::new(db).await;
        let at = |checkpoint: wire::Checkpoint| wire::RuleRow {
            checkpoints: vec![checkpoint.into()],
            ..row(Rule::LimitExceeded, RuleAction::Warn)
        };
        let apart = activate(&world, |request| {
            let rows = vec![at(wire::Checkpoint::Order), at(wire::Checkpoint::Delivery)];
            request.policy.as_mut().unwrap().rules = rows;
            request.validate_only = true;
        });
        assert!(apart.await.is_ok());
        let same = activate(&world, |request| {
            let rows = vec![at(wire::Checkpoint::Order), row(Rule::LimitExceeded, RuleAction::Block)];
            request.policy.as_mut().unwrap().rules = rows;
        });
        let status = same.await.unwrap_err();
        use tonic_types::StatusExt as _;
        let named = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].field, "policy.rules[1]");
    }

    async fn every_setting_comes_back_as_it_was_given(db: Db) {
        let world = World::new(db).await;
        let scope = |scope| Some(wire::Scope { scope: Some(scope) });
        let given = vec![
            wire::RuleRow {
                scope: scope(wire::scope::Scope::Segment("retail".to_owned())),
                component: wire::ExposureComponent::Ordered.into(),
                amounts: vec![amount(5).unwrap()],
                comparator: wire::Comparator::Below.into(),
                checkpoints: vec![wire::Checkpoint::Contract.into()],
                ..row(Rule::ComponentLimitExceeded, RuleAction::Reject)
            },
            wire::RuleRow {
                scope: scope(wire::scope::Scope::GroupId("group".to_owned())),
                stale_after: Some(wire::StaleAfter { collections_ms: Some(7), ..Default::default() }),
                ..row(Rule::Technical, RuleAction::Info)
            },
            wire::RuleRow {
                index_min: Some(emit::decimal("62.5".parse().unwrap())),
                ..row(Rule::PaymentIndexBelowMinimum, RuleAction::Warn)
            },
        ];
        let exclusion = wire::Exclusion {
            rule: Rule::WatchBand.into(),
            scope: scope(wire::scope::Scope::AccountId("acme".to_owned())),
            checkpoints: vec![wire::Checkpoint::Order.into()],
            reason: "known".to_owned(),
        };
        activate(&world, |request| {
            let policy = request.policy.as_mut().unwrap();
            policy.rules.clone_from(&given);
            policy.exclusions = vec![exclusion.clone()];
            policy.left_out_components = vec![wire::ExposureComponent::UnappliedCredit.into()];
        })
        .await
        .unwrap();
        let policy = present(&world.reopened().await).await.policy.unwrap();
        let at_most = |row: wire::RuleRow| wire::RuleRow { comparator: row.comparator.max(1), ..row };
        for row in given {
            let row = at_most(row);
            assert!(policy.rules.contains(&row), "{row:?}");
        }
        assert_eq!(policy.exclusions, [exclusion]);
        assert_eq!(policy.left_out_components, [i32::from(wire::ExposureComponent::UnappliedCredit)]);
    }
}
