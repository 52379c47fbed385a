//! What other contexts tell of an account reaches the rules that judge by it: how it pays, how it is insured, where it is.

use weir_model::{Principal, Role, SubjectId};
use weir_tests::{Way, World, cny, date, request_id};
use weir_wire::{
    google::r#type::Decimal,
    limits::v1::SetCreditInsuranceRequest,
    order_gate::v1::{ActivatePolicyRequest, Outcome, Policy, Rule, RuleAction, RuleFailure, RuleRow},
};

use crate::{people::People, steps::*};

fn decimal(value: &str) -> Option<Decimal> {
    Some(Decimal { value: value.to_owned() })
}

/// Warns of who pays late, of cover that lapsed, and of more than 10 owed in China.
async fn warn(world: &World) {
    let row = |rule: Rule| RuleRow { rule: rule.into(), action: RuleAction::Warn.into(), ..Default::default() };
    let rows = vec![
        RuleRow { index_min: decimal("70"), ..row(Rule::PaymentIndexBelowMinimum) },
        row(Rule::InsuranceLapsed),
        RuleRow { country_code: "CN".to_owned(), amounts: vec![cny(10)], ..row(Rule::CountryCapExceeded) },
    ];
    let request = ActivatePolicyRequest {
        policy: Some(Policy { rules: rows, ..Default::default() }),
        reason: "watch".to_owned(),
        ..Default::default()
    };
    let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
    world.desk(admin).gate().activate_policy(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_insurance_and_country_reach_the_rules_that_judge_by_them() {
    let Some(world) = World::open(Way::NearOnSqlite).await else { return };
    let people = People::at(&world);
    let today = world.clock().today();
    warn(&world).await;
    // its profile says that it is registered in China
    let assessed = assess(&people, "A-1", None).await;
    credit_account(&people, "A-1", assessed.token).await;
    grant_limit(&people, "A-1", 500_000).await;
    let insurance = SetCreditInsuranceRequest {
        request_id: request_id("A-1", "insurance"),
        account_id: "A-1".to_owned(),
        policy_reference: "SIN-1".to_owned(),
        insured_amount: Some(cny(400_000)),
        cover_percent: decimal("90"),
        valid_from_date: Some(date(days_before(today, 365))),
        valid_to_date: Some(date(days_before(today, 1))),
        reason: "framework policy".to_owned(),
    };
    let insured = people.manager.limits().set_credit_insurance(insurance).await.unwrap().into_inner();
    // three payments 30 days late
    let mut paid = None;
    for n in 1..=3 {
        post_invoice(&people, &format!("INV-{n}"), "A-1", 100, days_before(today, 60), 30).await;
        paid = record_payment(&people, &format!("PAY-{n}"), "A-1", 100, today).await.token;
    }
    let answer = authorize_fresh(&people, "SO-1", "A-1", 11, both(insured.token, paid)).await;
    assert_eq!(outcome(&answer), Outcome::ApproveWithWarnings);
    let failures = answer.decision.unwrap().failures;
    let rules: Vec<Rule> = failures.iter().map(RuleFailure::rule).collect();
    assert_eq!(rules, [Rule::InsuranceLapsed, Rule::CountryCapExceeded, Rule::PaymentIndexBelowMinimum]);
    assert_eq!(failures[1].shortfall, Some(cny(1)));
    world.close().await;
}
