//! Caps on what the accounts of a country owe together (rule 5.4).

use futures::future::join_all;
use weir_model::{Country, Principal, Role, SubjectId};
use weir_store::{Db, on_both_databases};
use weir_wire::google::r#type as pb;
use weir_wire::order_gate::v1::{self as wire, FxRate, HoldState, Outcome, PutFxRatesRequest, Rule};

use super::world::{Client, World, amount, credit, order, owed, rules, units};
use crate::standing::Credit;

pub(super) fn of(country: &str, credit: Credit) -> Credit {
    Credit { country: Some(Country::from_code(country).unwrap()), ..credit }
}

/// A row that caps a country.
pub(super) fn cap(country: &str, most: Option<pb::Money>) -> wire::RuleRow {
    wire::RuleRow {
        rule: Rule::CountryCapExceeded.into(),
        action: wire::RuleAction::Block.into(),
        country_code: country.to_owned(),
        amounts: most.into_iter().collect(),
        ..Default::default()
    }
}

pub(super) async fn activate(world: &World, rows: Vec<wire::RuleRow>) {
    let request = wire::ActivatePolicyRequest {
        policy: Some(wire::Policy { rules: rows, ..Default::default() }),
        reason: "country risk".to_owned(),
        ..Default::default()
    };
    let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
    Client::new(world.peer(admin)).activate_policy(request).await.unwrap();
}

/// Two accounts of Vietnam, which is capped at 100, and one of Thailand.
async fn three(db: Db) -> World {
    let world = World::new(db).await;
    activate(&world, vec![cap("VN", amount(100))]).await;
    for (id, country) in [("hanoi", "VN"), ("hue", "VN"), ("bangkok", "TH")] {
        world.credit(id, of(country, credit(1_000))).await;
    }
    world
}

fn figures(decision: &wire::Decision) -> [i64; 4] {
    let seen = decision.country.as_ref().unwrap();
    let figures = [&seen.cap, &seen.exposure_before, &seen.exposure_after, &seen.headroom];
    figures.map(|figure| units(figure.as_ref()))
}

on_both_databases! {
    async fn what_the_accounts_of_a_country_owe_together_stays_within_its_cap(db: Db) {
        let world = three(db).await;
        world.authorize(order("o-1", "hanoi", 60)).await;
        let last = world.check(order("o-2", "hue", 40)).await;
        assert_eq!((last.outcome(), figures(&last)), (Outcome::Approve, [100, 60, 100, 40]), "equality passes");
        let over = world.authorize(order("o-2", "hue", 41)).await;
        let [failure] = &over.failures[..] else { panic!("{:?}", over.failures) };
        assert_eq!((failure.rule(), failure.country_code.as_str()), (Rule::CountryCapExceeded, "VN"));
        assert_eq!(failure.shortfall, amount(1));
        assert_eq!(figures(&over), [100, 60, 101, 40]);
        assert!(over.ways_out.iter().any(|way| way.way == Some(wire::way_out::Way::ReduceOrderTo(amount(40).unwrap()))));
        let elsewhere = world.authorize(order("o-3", "bangkok", 500)).await;
        assert_eq!((elsewhere.outcome(), elsewhere.country), (Outcome::Approve, None), "another country has no cap");
        let request = wire::ExplainDecisionRequest { decision_id: over.decision_id };
        let sentences = world.pipeline().explain_decision(request).await.unwrap().into_inner().sentences;
        let money = |units: i64| weir_model::Money::new(units * 100, super::world::cny());
        let told = format!(
            "The accounts of country VN owed {} together without the order and {} with it; the cap was {}, room under it {}.",
            money(60), money(101), money(100), money(40)
        );
        assert!(sentences.contains(&told), "{sentences:?}");
    }

    async fn of_accounts_that_ask_at_once_exactly_those_pass_that_fit_across_a_restart(db: Db) {
        let world = three(db).await;
        // 24 orders of 9: 11 of them fit into 100
        let asked = (0..24).map(|n| {
            let account_id = if n % 2 == 0 { "hanoi" } else { "hue" };
            world.authorize(order(&format!("o-{n}"), account_id, 9))
        });
        let decisions = join_all(asked).await;
        assert_eq!(decisions.iter().filter(|decision| decision.outcome() != Outcome::Hold).count(), 11);
        let again = world.reopened().await;
        assert_eq!(figures(&again.check(order("last", "hue", 1)).await), [100, 99, 100, 1]);
        assert_eq!(rules(&again.check(order("more", "hanoi", 2)).await), [Rule::CountryCapExceeded]);
    }

    async fn a_held_order_passes_when_another_account_of_its_country_makes_room(db: Db) {
        let world = three(db).await;
        world.owes("hanoi", owed(1, 80)).await;
        let first = world.authorize(order("o-1", "hue", 40)).await;
        let second = world.authorize(order("o-2", "hue", 30)).await;
        assert_eq!([first.outcome(), second.outcome()], [Outcome::Hold; 2]);
        // what is held is held after a restart too
        let again = world.reopened().await;
        // room for 50: the oldest takes 40 of it
        again.owes("hanoi", owed(2, 50)).await;
        assert_eq!(again.hold(&first.hold_id).await.state(), HoldState::Approved);
        assert_eq!(again.hold(&second.hold_id).await.state(), HoldState::Held);
        again.owes("hanoi", owed(3, 30)).await;
        assert_eq!(again.hold(&second.hold_id).await.state(), HoldState::Approved);
    }

    async fn an_account_that_moves_to_another_country_takes_what_it_owes_with_it(db: Db) {
        let world = three(db).await;
        world.owes("hanoi", owed(1, 80)).await;
        let held = world.authorize(order("o-1", "hue", 40)).await;
        assert_eq!(held.outcome(), Outcome::Hold);
        world.credit("hanoi", Credit { version: 2, ..of("TH", credit(1_000)) }).await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Approved);
        assert_eq!(figures(&world.check(order("o-2", "hue", 1)).await)[1], 40);
    }

    async fn who_is_of_no_known_country_neither_counts_nor_is_capped(db: Db) {
        let world = three(db).await;
        world.credit("anywhere", credit(1_000)).await;
        let decision = world.authorize(order("o-1", "anywhere", 500)).await;
        assert_eq!((decision.outcome(), decision.country), (Outcome::Approve, None));
        assert_eq!(figures(&world.check(order("o-2", "hue", 1)).await)[1], 0);
    }

    async fn what_is_owed_in_other_currencies_counts_at_the_rate_of_the_day(db: Db) {
        let world = World::new(db).await;
        let dollars = |units| pb::Money { currency_code: "USD".to_owned(), units, nanos: 0 };
        activate(&world, vec![cap("VN", Some(dollars(100)))]).await;
        world.credit("hanoi", of("VN", credit(1_000))).await;
        assert_eq!(world.try_authorize(order("o-1", "hanoi", 1)).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
        let rate = FxRate {
            from_currency_code: "CNY".to_owned(),
            to_currency_code: "USD".to_owned(),
            effective_date: Some(weir_wire::emit::date(super::world::today())),
            rate: Some(pb::Decimal { value: "0.125".to_owned() }),
        };
        let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
        let mut rates = wire::fx_rate_service_client::FxRateServiceClient::new(world.peer(admin));
        rates.put_fx_rates(PutFxRatesRequest { request_id: "r-1".to_owned(), rates: vec![rate] }).await.unwrap();
        // 800 yuan are 100 dollars
        assert_eq!(world.check(order("o-1", "hanoi", 800)).await.outcome(), Outcome::Approve);
        let over = world.check(order("o-1", "hanoi", 808)).await;
        assert_eq!(rules(&over), [Rule::CountryCapExceeded]);
        assert_eq!(over.failures[0].shortfall, Some(dollars(1)));
    }

    async fn caps_of_countries_stand_side_by_side_and_name_one_amount_each(db: Db) {
        let world = World::new(db).await;
        activate(&world, vec![cap("VN", amount(100)), cap("TH", amount(200))]).await;
        world.credit("bangkok", of("TH", credit(1_000))).await;
        assert_eq!(rules(&world.check(order("o-1", "bangkok", 201)).await), [Rule::CountryCapExceeded]);
        let dollars = pb::Money { currency_code: "USD".to_owned(), units: 1, nanos: 0 };
        let rows = vec![
            cap("vn", amount(1)),
            cap("", amount(1)),
            cap("VN", None),
            wire::RuleRow { amounts: vec![amount(1).unwrap(), dollars], ..cap("VN", None) },
        ];
        let request = wire::ActivatePolicyRequest {
            policy: Some(wire::Policy { rules: rows, ..Default::default() }),
            reason: "country risk".to_owned(),
            validate_only: true,
            ..Default::default()
        };
        let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
        let status = Client::new(world.peer(admin)).activate_policy(request).await.unwrap_err();
        use tonic_types::StatusExt as _;
        let named = status.get_details_bad_request().unwrap().field_violations;
        let named: Vec<&str> = named.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(named, [
            "policy.rules[0].country_code",
            "policy.rules[1].country_code",
            "policy.rules[2].amounts",
            "policy.rules[3].amounts",
        ]);
    }
}
