//! The order in which credit finds its items: by tables and properties.

use chrono::NaiveDate;
use proptest::prelude::*;
use weir_model::{AccountId, Currency, ItemId, Money, SubjectId, TextId as _};

use super::world::{date, noon};
use crate::{
    allocation::plan,
    document::DocumentNumber,
    item::{Attributes, Item, ItemKind},
    payment::{AllocationMode, Reference},
};

fn fen(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("CNY").unwrap())
}

fn item(id: &str, document: &str, due: NaiveDate, open: i64) -> Item {
    Item {
        id: ItemId::parse(id).unwrap(),
        account_id: AccountId::parse("A").unwrap(),
        kind: ItemKind::Invoice,
        document_number: DocumentNumber::parse(document).unwrap(),
        document_date: date(2026, 1, 1),
        posting_date: date(2026, 1, 1),
        due_date: due,
        amount: fen(open),
        open: fen(open),
        dispute_claim: fen(0),
        settled_date: None,
        settled_days_late: None,
        cancelled_date: None,
        restored_date: None,
        order_id: None,
        attributes: Attributes::default(),
        correlation_id: "c".to_owned(),
        recorded_at: noon(date(2026, 1, 1)),
        recorded_by: SubjectId::parse("fiona").unwrap(),
        version: 1,
        alerts_fired: 0,
        next_alert_date: None,
    }
}

fn items() -> Vec<Item> {
    vec![
        item("OLD", "OLD", date(2026, 2, 1), 500),
        item("MID", "MID", date(2026, 2, 15), 300),
        item("PLAN/1", "PLAN", date(2026, 3, 1), 100),
        item("PLAN/2", "PLAN", date(2026, 4, 1), 100),
    ]
}

fn named(name: &str, amount: Option<i64>) -> Reference {
    Reference { name: name.to_owned(), amount: amount.map(fen) }
}

fn parts(amount: i64, references: &[Reference], mode: AllocationMode) -> Vec<(String, i64)> {
    let plan = plan(&items(), fen(amount), references, mode);
    plan.parts.into_iter().map(|(id, amount)| (id.to_string(), amount.minor())).collect()
}

fn expect(found: &[(String, i64)], expected: &[(&str, i64)]) {
    let found: Vec<(&str, i64)> = found.iter().map(|(id, amount)| (id.as_str(), *amount)).collect();
    assert_eq!(found, expected);
}

#[test]
fn without_names_the_oldest_due_is_paid_first_and_partly() {
    expect(&parts(600, &[], AllocationMode::Automatic), &[("OLD", 500), ("MID", 100)]);
}

#[test]
fn an_exact_amount_beats_age() {
    expect(&parts(300, &[], AllocationMode::Automatic), &[("MID", 300)]);
}

#[test]
fn a_named_document_beats_an_exact_amount() {
    expect(&parts(300, &[named("OLD", None)], AllocationMode::Automatic), &[("OLD", 300)]);
}

#[test]
fn what_a_named_document_leaves_looks_for_an_exact_amount_then_for_age() {
    expect(&parts(600, &[named("PLAN/1", None)], AllocationMode::Automatic), &[("PLAN/1", 100), ("OLD", 500)]);
    expect(&parts(500, &[named("PLAN/1", None)], AllocationMode::Automatic), &[("PLAN/1", 100), ("OLD", 400)]);
    expect(&parts(400, &[named("PLAN/1", None)], AllocationMode::Automatic), &[("PLAN/1", 100), ("MID", 300)]);
}

#[test]
fn a_document_named_pays_its_instalments_oldest_first() {
    expect(&parts(150, &[named("PLAN", None)], AllocationMode::Automatic), &[("PLAN/1", 100), ("PLAN/2", 50)]);
}

#[test]
fn a_name_with_an_amount_takes_no_more() {
    expect(
        &parts(150, &[named("OLD", Some(60)), named("MID", Some(90))], AllocationMode::NamedOnly),
        &[("OLD", 60), ("MID", 90)],
    );
}

#[test]
fn named_only_leaves_the_rest_unapplied() {
    expect(&parts(900, &[named("MID", None)], AllocationMode::NamedOnly), &[("MID", 300)]);
}

#[test]
fn nothing_is_allocated_when_nothing_is_asked() {
    expect(&parts(900, &[named("MID", None)], AllocationMode::Nothing), &[]);
}

#[test]
fn a_name_that_fits_nothing_is_told() {
    let plan = plan(&items(), fen(10), &[named("NONE", None)], AllocationMode::NamedOnly);
    assert_eq!((plan.parts.len(), plan.unmatched), (0, vec!["NONE".to_owned()]));
}

#[test]
fn credit_notes_take_no_credit() {
    let note = Item { kind: ItemKind::CreditNote, ..item("CN", "CN", date(2026, 1, 1), 50) };
    assert!(plan([&note], fen(50), &[], AllocationMode::Automatic).parts.is_empty());
}

proptest! {
    #[test]
    fn a_plan_never_exceeds_the_amount_or_an_item(
        opens in proptest::collection::vec(1_i64..1_000, 0..8),
        amount in 1_i64..5_000,
        names in proptest::collection::vec((0_usize..10, proptest::option::of(1_i64..2_000)), 0..5),
    ) {
        let items: Vec<Item> = opens.iter().enumerate()
            .map(|(n, open)| item(&format!("I{n}"), &format!("I{n}"), date(2026, 3, 1 + u32::try_from(n % 3).unwrap()), *open))
            .collect();
        let names: Vec<Reference> = names.into_iter().map(|(n, part)| named(&format!("I{n}"), part)).collect();
        let plan = plan(&items, fen(amount), &names, AllocationMode::Automatic);
        let mut total = 0;
        for (id, part) in &plan.parts {
            let open = items.iter().find(|item| item.id == *id).unwrap().open.minor();
            prop_assert!(part.minor() > 0 && part.minor() <= open);
            total += part.minor();
        }
        prop_assert_eq!(total, amount.min(opens.iter().sum()));
        let mut ids: Vec<_> = plan.parts.iter().map(|(id, _)| id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), plan.parts.len());
    }
}
