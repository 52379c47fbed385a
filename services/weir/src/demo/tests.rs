//! A small year played to its end, and what its parts are made of.

use std::collections::BTreeSet;

use chrono::{Datelike as _, NaiveDate};

use super::{
    company::{self, Payer, Quality},
    diary::{Debt, Deed, Diary, business_day, business_day_before},
};
use crate::args::DemoArgs;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn report(seed: u64) -> String {
    let listen = ([127, 0, 0, 1], 0).into();
    let args = DemoArgs { accounts: 6, months: 2, seed, keep: false, listen };
    let mut out = Vec::new();
    super::demo(args, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_5_12_is_told_with_its_exact_figures() {
    let report = report(1).await;
    let told: Vec<&str> = report.lines().map(str::trim).collect();
    for line in [
        "1. What it owes:      exposure 480,000.00 of 500,000.00, 96.00 %",
        "2. It orders 50,000.00:",
        "the gate says:    HOLD",
        "utilisation:      96.00 % before, 106.00 % after",
        "way out:          pay 30,000.00",
        "told, once each:  finance manager (1), head of sales (1)",
        "3. It pays 30,000.00:",
        "the held order:   APPROVED, by itself",
        "what counts now:  exposure 500,000.00 of 500,000.00, 100.00 %",
        "4. Had it ordered 20,000.00 instead:",
        "the gate says:    APPROVE_WITH_WARNINGS",
        "utilisation:      96.00 % before, 100.00 % after",
    ] {
        assert!(told.contains(&line), "{line:?} is not in\n{report}");
    }
    let exceeded = "because of:       LIMIT_EXCEEDED, 530,000.00 against 500,000.00, shortfall 30,000.00";
    assert!(told.iter().any(|line| line.starts_with(exceeded)), "{report}");
    for section in ["Aging as of 2025-02-28", "Utilisation", "Held orders", "Collections", "Days sales outstanding"] {
        assert!(told.iter().any(|line| line.starts_with(section)), "no {section} in\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_plays_always_the_same() {
    assert_eq!(report(7).await, report(7).await);
}

#[test]
fn a_portfolio_has_every_kind_of_company() {
    let companies: Vec<company::Company> = (1..=200).map(|number| company::draw(1, number).0).collect();
    let accounts: BTreeSet<&str> = companies.iter().map(|company| company.account.as_str()).collect();
    assert_eq!(accounts.len(), 200);
    for quality in [Quality::Strong, Quality::Good, Quality::Fair, Quality::Weak] {
        assert!(companies.iter().any(|company| company.quality == quality), "{quality:?}");
    }
    for payer in [Payer::Prompt, Payer::Steady, Payer::Slow, Payer::VerySlow] {
        assert!(companies.iter().any(|company| company.payer == payer), "{payer:?}");
    }
    assert!(companies.iter().any(|company| matches!(company.payer, Payer::Defaulting { .. })));
    assert!(companies.iter().any(|company| company.is_chinese) && companies.iter().any(|company| !company.is_chinese));
}

#[test]
fn another_seed_draws_other_companies() {
    let names = |seed| (1..=20).map(move |number| company::draw(seed, number).0.name).collect::<Vec<_>>();
    assert_eq!(names(1), names(1));
    assert_ne!(names(1), names(2));
}

#[test]
fn a_defaulting_payer_stops_in_its_month_and_never_pays_again() {
    let payer = Payer::Defaulting { from_month: 5 };
    let mut rng = company::generator(1, 1);
    let pays = |due: &str, rng: &mut _| payer.lateness(rng, date(due), 2025).is_some();
    assert!(pays("2024-12-31", &mut rng));
    assert!(pays("2025-04-30", &mut rng));
    assert!(!pays("2025-05-01", &mut rng));
    assert!(!pays("2026-01-15", &mut rng));
}

#[test]
fn a_promise_moves_the_payment_it_is_about_and_nothing_else() {
    let debt = |document: &str| Debt { document: document.to_owned(), amount: 1 };
    let (soon, planned) = (date("2025-03-10"), date("2025-04-01"));
    let mut diary = Diary::default();
    diary.note(planned, Deed::Pay(debt("A")));
    diary.note(planned, Deed::Pay(debt("B")));
    assert!(diary.pay_by("A", soon));
    assert!(!diary.pay_by("C", soon));
    assert_eq!(diary.take(soon, |_| true), [Deed::Pay(debt("A"))]);
    assert_eq!(diary.take(planned, |_| true), [Deed::Pay(debt("B"))]);
}

#[test]
fn weekends_are_no_business_days() {
    let saturday = date("2025-03-08");
    assert_eq!(saturday.weekday(), chrono::Weekday::Sat);
    assert_eq!(business_day(saturday), date("2025-03-10"));
    assert_eq!(business_day_before(saturday), date("2025-03-07"));
    assert_eq!(business_day(date("2025-03-10")), date("2025-03-10"));
}
