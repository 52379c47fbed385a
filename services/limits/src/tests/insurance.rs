//! Credit insurance: set by who decides on credit, told while it matters, ended and never deleted.

use futures::StreamExt as _;
use proptest::prelude::*;
use tonic::{Code, Status};
use weir_model::{FeedStep, InsuranceId, Principal, Role, SubjectId};
use weir_store::{Db, on_both_databases, testing};
use weir_wire::{emit, feed, limits::v1::*};

use super::world::{World, date, fields_of, manager, reason_of, yuan};
use crate::{
    api::ACCESS,
    insurance::{Cover, End, Insurance, relevant_on},
    request::Act,
};

fn ask(world: &World, from: &str, to: &str) -> SetCreditInsuranceRequest {
    SetCreditInsuranceRequest {
        request_id: world.id(),
        account_id: "acme".to_owned(),
        policy_reference: "SIN-1".to_owned(),
        insured_amount: Some(emit::money(yuan(300_000))),
        cover_percent: Some(emit::decimal("87.5".parse().unwrap())),
        valid_from_date: Some(emit::date(date(from))),
        valid_to_date: Some(emit::date(date(to))),
        reason: "framework policy".to_owned(),
    }
}

async fn set(world: &World, request: SetCreditInsuranceRequest) -> Result<CreditAccount, Status> {
    let answer = world.limits(manager("mo")).set_credit_insurance(request).await?;
    Ok(answer.into_inner().credit_account.unwrap())
}

async fn end(world: &World, who: Principal, insurance_id: &str) -> Result<CreditAccount, Status> {
    let request = EndCreditInsuranceRequest {
        request_id: world.id(),
        account_id: "acme".to_owned(),
        insurance_id: insurance_id.to_owned(),
        reason: "premium not paid".to_owned(),
    };
    Ok(world.limits(who).end_credit_insurance(request).await?.into_inner().credit_account.unwrap())
}

/// First and last day of each.
fn days(insurances: &[CreditInsurance]) -> Vec<(String, String)> {
    let text = |date: &Option<weir_wire::google::r#type::Date>| {
        let date = date.as_ref().unwrap();
        format!("{}-{:02}-{:02}", date.year, date.month, date.day)
    };
    insurances.iter().map(|i| (text(&i.valid_from_date), text(&i.valid_to_date))).collect()
}

fn told(days: &[(&str, &str)]) -> Vec<(String, String)> {
    days.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

on_both_databases! {
    async fn it_stands_on_the_account_with_who_set_it_and_why(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        set(&world, ask(&world, "2026-01-01", "2026-12-31")).await.unwrap();
        let account = world.account("acme").await;
        let [insurance] = &account.insurances[..] else { panic!("{:?}", account.insurances) };
        assert_eq!(account.version, 2);
        assert_eq!((insurance.policy_reference.as_str(), insurance.reason.as_str()), ("SIN-1", "framework policy"));
        assert_eq!(insurance.insured_amount, Some(emit::money(yuan(300_000))));
        assert_eq!(insurance.cover_percent, Some(emit::decimal("87.5".parse().unwrap())));
        assert_eq!((insurance.set_by.as_str(), insurance.set_time), ("mo", Some(emit::timestamp(world.clock.now()))));
        assert_eq!(days(&account.insurances), told(&[("2026-01-01", "2026-12-31")]));
    }

    async fn the_same_request_sets_it_once(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let request = ask(&world, "2026-01-01", "2026-12-31");
        let first = set(&world, request.clone()).await.unwrap();
        assert_eq!(set(&world, request.clone()).await.unwrap(), first);
        let other = SetCreditInsuranceRequest { reason: "another".to_owned(), ..request };
        assert_eq!(set(&world, other).await.unwrap_err().code(), Code::AlreadyExists);
    }

    async fn ended_early_it_counts_no_more_from_that_day_and_stays_known(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let id = set(&world, ask(&world, "2026-01-01", "2026-12-31")).await.unwrap().insurances[0].insurance_id.clone();
        // today is 31 March
        let account = end(&world, manager("mia"), &id).await.unwrap();
        assert_eq!(days(&account.insurances), told(&[("2026-01-01", "2026-03-30")]), "the last to end is told");
        let ended = &account.insurances[0];
        assert_eq!((ended.ended_by.as_str(), ended.end_reason.as_str()), ("mia", "premium not paid"));
        assert_eq!(reason_of(&end(&world, manager("mia"), &id).await.unwrap_err()), "WRONG_STATE");
        // the days it no longer covers are free
        let account = set(&world, ask(&world, "2026-03-31", "2026-12-31")).await.unwrap();
        assert_eq!(days(&account.insurances), told(&[("2026-03-31", "2026-12-31")]));
    }

    async fn two_covers_under_a_policy_share_no_day(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        set(&world, ask(&world, "2026-01-01", "2026-06-30")).await.unwrap();
        let again = set(&world, ask(&world, "2026-06-30", "2026-12-31")).await.unwrap_err();
        assert_eq!(reason_of(&again), "PERIOD_OVERLAP");
        set(&world, ask(&world, "2026-07-01", "2026-12-31")).await.unwrap();
        let other = SetCreditInsuranceRequest {
            policy_reference: "SIN-2".to_owned(),
            ..ask(&world, "2026-06-30", "2026-12-31")
        };
        assert_eq!(set(&world, other).await.unwrap().insurances.len(), 3);
    }

    async fn nothing_is_set_on_or_ended_of_what_is_not_there(db: Db) {
        let world = World::new(db).await;
        let request = ask(&world, "2026-01-01", "2026-12-31");
        assert_eq!(reason_of(&set(&world, request).await.unwrap_err()), "ACCOUNT_UNKNOWN");
        world.open("acme").await;
        assert_eq!(end(&world, manager("mo"), "none").await.unwrap_err().code(), Code::NotFound);
    }

    async fn every_bad_field_is_named(db: Db) {
        let world = World::new(db).await;
        let set = SetCreditInsuranceRequest {
            request_id: String::new(),
            account_id: "a b".to_owned(),
            policy_reference: "x".repeat(101),
            insured_amount: Some(emit::money(yuan(0))),
            cover_percent: Some(emit::decimal("100.01".parse().unwrap())),
            reason: " ".to_owned(),
            ..ask(&world, "2026-02-02", "2026-02-01")
        };
        let status = world.limits(manager("mo")).set_credit_insurance(set).await.unwrap_err();
        let named = ["request_id", "account_id", "policy_reference", "insured_amount", "cover_percent", "valid_to_date"];
        assert_eq!(fields_of(&status), [&named[..], &["reason"]].concat());
        let nothing = SetCreditInsuranceRequest {
            cover_percent: Some(emit::decimal("0".parse().unwrap())),
            valid_from_date: None,
            ..ask(&world, "2026-02-01", "2026-02-02")
        };
        let status = world.limits(manager("mo")).set_credit_insurance(nothing).await.unwrap_err();
        assert_eq!(fields_of(&status), ["cover_percent", "valid_from_date"]);
        let end = EndCreditInsuranceRequest::default();
        let status = world.limits(manager("mo")).end_credit_insurance(end).await.unwrap_err();
        assert_eq!(fields_of(&status), ["request_id", "account_id", "insurance_id", "reason"]);
        assert_eq!(world.context.journal.head().await.unwrap(), 0);
    }

    async fn the_feed_tells_it(db: Db) {
        let world = World::new(db).await;
        world.open("acme").await;
        let set = set(&world, ask(&world, "2026-04-01", "2026-12-31")).await.unwrap();
        let of = |change: Change| match change.change {
            Some(change::Change::CreditAccount(account)) => Some(account.insurances),
            _ => None,
        };
        let steps = feed::limits::watch(&world.service(), 1, move |_, change| Ok(of(change))).await.unwrap();
        let mut steps = steps.map(Result::unwrap);
        let step = testing::soon("a step", steps.next()).await;
        let Some(FeedStep::Entry { change: Some(insurances), .. }) = step else { panic!("{step:?}") };
        assert_eq!(insurances, set.insurances);
    }
}

#[test]
fn who_decides_on_credit_alone_sets_and_ends_it() {
    for rpc in ["SetCreditInsurance", "EndCreditInsurance"] {
        let path = format!("/weir.limits.v1.LimitsService/{rpc}");
        let (_, roles) = ACCESS.iter().find(|(known, _)| *known == path).unwrap();
        assert_eq!(*roles, [Role::CreditManager, Role::Admin]);
    }
}

/// Cover over some days of 2026, by their number, perhaps ended on a day.
fn insurance(id: usize, (from, length, end): (u32, u32, Option<u32>)) -> Insurance {
    let day = |n: u32| date("2026-01-01") + chrono::Days::new(n.into());
    let act = Act { by: SubjectId::parse("mo").unwrap(), at: chrono::DateTime::UNIX_EPOCH };
    Insurance {
        insurance_id: InsuranceId::parse(&id.to_string()).unwrap(),
        cover: Cover {
            policy_reference: id.to_string(),
            insured: yuan(1),
            percent: rust_decimal::Decimal::ONE_HUNDRED,
            from: day(from),
            to: day(from + length),
            reason: "r".to_owned(),
        },
        set_by: act.by.clone(),
        set_at: act.at,
        end: end.map(|on| End { on: day(on), act, reason: "r".to_owned() }),
    }
}

proptest! {
    /// What is told on a day says of every later day what all there is would: whether cover is valid, and whether there
    /// ever was any.
    #[test]
    fn what_is_left_out_of_the_telling_changes_no_later_day(
        covers in prop::collection::vec((0..60_u32, 0..30_u32, prop::option::of(0..60_u32)), 0..5),
        today in 0..70_u32,
        later in 0..40_u32,
    ) {
        let all: Vec<Insurance> = covers.into_iter().enumerate().map(|(id, cover)| insurance(id, cover)).collect();
        let day = |n: u32| date("2026-01-01") + chrono::Days::new(n.into());
        let says = |insurances: &[Insurance], on| {
            let periods = || insurances.iter().filter_map(Insurance::effective);
            (periods().any(|period| period.holds_on(on)), periods().any(|period| period.from <= on))
        };
        let told = relevant_on(&all, day(today));
        prop_assert_eq!(says(&told, day(today + later)), says(&all, day(today + later)));
    }
}
