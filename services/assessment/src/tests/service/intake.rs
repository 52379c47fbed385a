//! Profiles and facts come in.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::{assessment::v1 as pb, common::v1::Context, emit};

use crate::tests::world::*;

fn put(profile: pb::Profile) -> pb::PutProfileRequest {
    pb::PutProfileRequest { profile: Some(profile), ..Default::default() }
}

fn record(facts: Vec<pb::Fact>) -> pb::RecordFactsRequest {
    pb::RecordFactsRequest { facts, ..Default::default() }
}

async fn listed(world: &World, account_id: &str) -> Vec<pb::RecordedFact> {
    let request = pb::ListFactsRequest { account_id: account_id.to_owned(), ..Default::default() };
    world.profiles().list_facts(request).await.unwrap().into_inner().facts
}

on_both_databases! {
    async fn a_profile_comes_back_as_it_was_put(db: Db) {
        let world = World::new(db).await;
        let sent = pb::Profile {
            requested_limit: Some(emit::money(yuan(300_000))),
            daily_sales_amount: Some(emit::money(yuan(8_000))),
            cross_border: true,
            ..profile("acme")
        };
        let put = world.profiles().put_profile(put(sent.clone())).await.unwrap().into_inner();
        assert_eq!(put.token.unwrap().positions[0].context(), Context::Assessment);
        let request = pb::GetProfileRequest { account_id: "acme".to_owned() };
        let found = world.profiles().get_profile(request).await.unwrap().into_inner().profile.unwrap();
        assert_eq!(found, pb::Profile { etag: "1".to_owned(), ..sent });
    }

    async fn a_profile_that_changed_since_it_was_read_is_not_overwritten(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let renamed = pb::Profile { legal_name: "Jiangnan Heavy".to_owned(), ..profile("acme") };
        let changed = world.profiles().put_profile(put(renamed)).await.unwrap().into_inner().profile.unwrap();
        assert_eq!(changed.etag, "2");
        let stale = pb::PutProfileRequest { etag: "1".to_owned(), ..put(profile("acme")) };
        let refused = world.profiles().put_profile(stale).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    }

    async fn a_profile_put_again_unchanged_stays_the_same_version(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let again = world.profiles().put_profile(put(profile("acme"))).await.unwrap().into_inner();
        assert_eq!(again.profile.unwrap().etag, "1");
    }

    async fn a_profiles_currency_is_fixed(db: Db) {
        let world = World::new(db).await;
        world.with_profile("acme").await;
        let euro = pb::Profile { currency_code: "EUR".to_owned(), ..profile("acme") };
        let refused = world.profiles().put_profile(put(euro)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CURRENCY_MISMATCH"));
    }

    async fn an_account_without_profile_is_not_found(db: Db) {
        let world = World::new(db).await;
        let request = pb::GetProfileRequest { account_id: "nobody".to_owned() };
        let refused = world.profiles().get_profile(request).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "ACCOUNT_UNKNOWN"));
    }

    async fn every_bad_field_of_a_profile_is_named(db: Db) {
        let world = World::new(db).await;
        let bad = pb::Profile {
            account_id: "two words".to_owned(),
            legal_name: "tab\there".to_owned(),
            country_code: "china".to_owned(),
            industry_code: "x".repeat(33),
            currency_code: "CNY".to_owned(),
            requested_limit: Some(emit::money(yuan(0))),
            daily_sales_amount: Some(weir_wire::google::r#type::Money {
                currency_code: "JPY".to_owned(),
                units: 1,
                nanos: 0,
            }),
            ..Default::default()
        };
        let request = pb::PutProfileRequest { request_id: "\u{7}".to_owned(), ..put(bad) };
        let refused = world.profiles().put_profile(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            bad_fields(&refused),
            [
                "request_id",
                "profile.account_id",
                "profile.legal_name",
                "profile.country_code",
                "profile.industry_code",
                "profile.requested_limit",
                "profile.daily_sales_amount",
            ]
        );
    }

    async fn facts_are_recorded_once_however_often_they_come(db: Db) {
        let world = World::new(db).await;
        let facts = vec![fact("acme", "litigation_count", number("2")), fact("acme", "insolvency", flag(false))];
        let first = world.profiles().record_facts(record(facts.clone())).await.unwrap().into_inner();
        assert_eq!((first.recorded_count, first.unchanged_count), (2, 0));
        let again = world.profiles().record_facts(record(facts)).await.unwrap().into_inner();
        assert_eq!((again.recorded_count, again.unchanged_count), (0, 2));
        assert_eq!(listed(&world, "acme").await.len(), 2);
    }

    async fn a_fact_twice_in_one_intake_is_recorded_once(db: Db) {
        let world = World::new(db).await;
        let twice = vec![fact("acme", "insolvency", flag(false)), fact("acme", "insolvency", flag(false))];
        let done = world.profiles().record_facts(record(twice)).await.unwrap().into_inner();
        assert_eq!((done.recorded_count, done.unchanged_count), (1, 1));
    }

    async fn a_document_that_says_something_else_is_refused_and_nothing_of_its_batch_is_kept(db: Db) {
        let world = World::new(db).await;
        world.with_facts("acme", vec![("litigation_count", number("2"))]).await;
        let batch = vec![fact("acme", "insolvency", flag(false)), fact("acme", "litigation_count", number("3"))];
        let refused = world.profiles().record_facts(record(batch)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "DOCUMENT_MISMATCH"));
        let names: Vec<String> =
            listed(&world, "acme").await.into_iter().map(|recorded| recorded.fact.unwrap().name).collect();
        assert_eq!(names, ["litigation_count"]);
    }

    async fn a_number_is_the_same_however_many_zeros_it_ends_in(db: Db) {
        let world = World::new(db).await;
        world.with_facts("acme", vec![("registered_capital", number("1000000"))]).await;
        let again = vec![fact("acme", "registered_capital", number("1000000.00"))];
        let done = world.profiles().record_facts(record(again)).await.unwrap().into_inner();
        assert_eq!(done.unchanged_count, 1);
    }

    async fn every_bad_field_of_a_fact_is_named(db: Db) {
        let world = World::new(db).await;
        let late = pb::Fact {
            retrieved_time: Some(emit::timestamp(noon() + chrono::Duration::seconds(1))),
            valid_until_date: Some(emit::date(date("2026-03-30"))),
            ..fact("acme", "insolvency", flag(true))
        };
        let facts = vec![
            pb::Fact { source: String::new(), retrieved_time: None, ..fact("", "Bad Name", text("\n")) },
            fact("acme", "payment_index", number("80")),
            fact("acme", "insolvency", number("1")),
            fact("acme", "total_assets", number("1")),
            fact("acme", "country_rating", number("101")),
            fact("acme", "litigation_count", number("NaN")),
            fact("acme", "litigation_count", number("1e99")),
            late,
            pb::Fact { source: "receivables".to_owned(), ..fact("acme", "insolvency", flag(true)) },
            pb::Fact { valid_until_date: Some(emit::date(date("2026-03-30"))), ..fact("acme", "insolvency", flag(true)) },
            pb::Fact { value: None, ..fact("acme", "insolvency", flag(true)) },
        ];
        let refused = world.profiles().record_facts(record(facts)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            bad_fields(&refused),
            [
                "facts[0].account_id",
                "facts[0].value.text",
                "facts[0].name",
                "facts[0].source",
                "facts[0].source_document_id",
                "facts[0].retrieved_time",
                "facts[1].name",
                "facts[2].value",
                "facts[3].period_end_date",
                "facts[4].value.number",
                "facts[5].value.number",
                "facts[6].value.number",
                "facts[7].retrieved_time",
                "facts[8].source",
                "facts[9].valid_until_date",
                "facts[10].value",
            ]
        );
    }

    async fn an_intake_holds_at_most_a_thousand_facts(db: Db) {
        let world = World::new(db).await;
        let many = |count: usize| {
            (0..count)
                .map(|i| pb::Fact {
                    source_document_id: format!("doc-{i}"),
                    ..fact("acme", "litigation_count", number("1"))
                })
                .collect()
        };
        let done = world.profiles().record_facts(record(many(1_000))).await.unwrap().into_inner();
        assert_eq!(done.recorded_count, 1_000);
        for count in [0, 1_001] {
            let refused = world.profiles().record_facts(record(many(count))).await.unwrap_err();
            assert_eq!(bad_fields(&refused), ["facts"], "{count}");
        }
    }

    async fn facts_are_listed_page_by_page(db: Db) {
        let world = World::new(db).await;
        let names = ["litigation_count", "penalty_count", "qualification_count"];
        world.with_facts("acme", names.iter().map(|name| (*name, number("1"))).collect()).await;
        let mut seen = Vec::new();
        let mut request = pb::ListFactsRequest { account_id: "acme".to_owned(), page_size: 2, ..Default::default() };
        loop {
            let page = world.profiles().list_facts(request.clone()).await.unwrap().into_inner();
            seen.extend(page.facts.into_iter().map(|recorded| recorded.fact.unwrap().name));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        seen.sort();
        assert_eq!(seen, names);
    }
}
