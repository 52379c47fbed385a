//! Policies as versioned, effective-dated data.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::{emit, limits::v1::*};

use super::world::{World, admin, date, reason_of, record, sales, yuan};
use crate::grade::Grade;

async fn shipped(world: &World) -> PolicyRules {
    in_use(world, None).await.rules.unwrap()
}

async fn in_use(world: &World, on: Option<&str>) -> Policy {
    let request = GetPolicyRequest { policy_id: String::new(), as_of_date: on.map(|on| emit::date(date(on))) };
    world.policies(sales()).get_policy(request).await.unwrap().into_inner().policy.unwrap()
}

async fn create(world: &World, rules: PolicyRules) -> Policy {
    let request = CreatePolicyRequest { request_id: world.id(), rules: Some(rules), validate_only: false };
    world.policies(admin()).create_policy(request).await.unwrap().into_inner().policy.unwrap()
}

async fn activate(world: &World, policy_id: &str, from: Option<&str>) -> Result<Policy, tonic::Status> {
    let request = ActivatePolicyRequest {
        request_id: world.id(),
        policy_id: policy_id.to_owned(),
        effective_date: from.map(|from| emit::date(date(from))),
    };
    Ok(world.policies(admin()).activate_policy(request).await?.into_inner().policy.unwrap())
}

on_both_databases! {
    async fn the_shipped_policy_is_in_use_from_the_start(db: Db) {
        let world = World::new(db).await;
        let policy = in_use(&world, None).await;
        assert_eq!((policy.policy_id.as_str(), policy.state()), ("default", PolicyState::Active));
        // four grades in seven currencies
        assert_eq!(policy.rules.unwrap().grades.len(), 28);
    }

    async fn a_policy_answered_is_one_that_can_be_created(db: Db) {
        let world = World::new(db).await;
        let rules = shipped(&world).await;
        assert_eq!(create(&world, rules.clone()).await.rules, Some(rules));
    }

    async fn validating_keeps_nothing(db: Db) {
        let world = World::new(db).await;
        let request = CreatePolicyRequest { request_id: world.id(), rules: Some(shipped(&world).await), validate_only: true };
        let answer = world.policies(admin()).create_policy(request).await.unwrap().into_inner();
        assert_eq!((answer.policy.unwrap().policy_id.as_str(), answer.token), ("", None));
        let list = world.policies(sales()).list_policies(ListPoliciesRequest::default()).await.unwrap().into_inner();
        assert_eq!(list.policies.len(), 1);
    }

    async fn a_policy_is_used_from_its_date(db: Db) {
        let world = World::new(db).await;
        let draft = create(&world, shipped(&world).await).await;
        assert_eq!(draft.state(), PolicyState::Draft);
        let active = activate(&world, &draft.policy_id, Some("2026-05-01")).await.unwrap();
        assert_eq!(active.state(), PolicyState::Active);
        assert_eq!(in_use(&world, Some("2026-04-30")).await.policy_id, "default");
        assert_eq!(in_use(&world, Some("2026-05-01")).await.policy_id, draft.policy_id);
    }

    async fn an_active_policy_is_not_activated_again(db: Db) {
        let world = World::new(db).await;
        let refused = activate(&world, "default", None).await.unwrap_err();
        assert_eq!((refused.code(), reason_of(&refused).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
    }

    async fn a_new_policy_reaches_the_accounts_by_itself(db: Db) {
        let world = World::new(db).await;
        world.grade(&record("acme", 1, Grade::A, "95", 500_000)).await;
        let mut rules = shipped(&world).await;
        rules.grades[0].terms_days_min = 30;
        rules.grades[0].terms_days_max = 30;
        rules.grades[0].order_policy = Some(OrderPolicy { review: Some(order_policy::Review::Above(emit::money(yuan(200_000)))) });
        let draft = create(&world, rules.clone()).await;
        activate(&world, &draft.policy_id, None).await.unwrap();
        assert_eq!(world.context.step().await.unwrap(), 1);
        let account = world.account("acme").await;
        assert_eq!(account.policy_id, draft.policy_id);
        assert_eq!((account.terms_days, account.order_policy), (30, rules.grades[0].order_policy.clone()));
        assert_eq!(world.context.step().await.unwrap(), 0);
    }

    async fn an_activated_policy_stays_in_use_when_the_context_opens_again(db: Db) {
        let world = World::new(db.clone()).await;
        let draft = create(&world, shipped(&world).await).await;
        activate(&world, &draft.policy_id, None).await.unwrap();
        let reopened = World::new(db).await;
        assert_eq!(in_use(&reopened, None).await.policy_id, draft.policy_id);
    }
}
