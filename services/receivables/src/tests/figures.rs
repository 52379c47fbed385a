//! Figures of collection: worked examples by hand.

use rust_decimal::Decimal;
use weir_model::{Currency, Money};
use weir_store::{Db, on_both_databases};
use weir_wire::receivables::v1 as pb;

use super::world::{day, invoice, minor, payment, world};
use crate::figures::{Basis, countback_dso};

fn yuan(major: i64) -> Money {
    Money::new(major * 100, Currency::from_code("CNY").unwrap())
}

fn number(text: &str) -> Option<Decimal> {
    Some(text.parse().unwrap())
}

fn basis() -> Basis {
    Basis { begin: yuan(90_000), end: yuan(100_000), end_current: yuan(60_000), sales: yuan(150_000), days: 90 }
}

#[test]
fn countback_takes_whole_months_and_the_last_in_part() {
    // 212,000 − 100,000 − 80,000 = 32,000; 32,000 ÷ 70,000 × 30 = 13.71; 30 + 30 + 13.71
    let months = [(yuan(100_000), 30), (yuan(80_000), 30), (yuan(70_000), 30)];
    assert_eq!(countback_dso(yuan(212_000), &months), number("73.71"));
}

#[test]
fn countback_of_nothing_owed_is_nothing() {
    assert_eq!(countback_dso(yuan(0), &[(yuan(5), 30)]), number("0.00"));
}

#[test]
fn countback_is_none_when_sales_do_not_make_up_what_is_owed() {
    assert_eq!(countback_dso(yuan(10), &[(yuan(5), 30), (yuan(0), 31)]), None);
    assert_eq!(countback_dso(yuan(10), &[]), None);
}

#[test]
fn figures_follow_their_formulas() {
    // 100,000 ÷ 150,000 × 90 = 60; 60,000 ÷ 150,000 × 90 = 36; 60 − 36 = 24
    assert_eq!(basis().dso(), number("60.00"));
    assert_eq!(basis().best_possible_dso(), number("36.00"));
    assert_eq!(basis().average_days_delinquent(), number("24.00"));
    // (90 + 150 − 100) ÷ (90 + 150 − 60) = 140 ÷ 180
    assert_eq!(basis().collection_effectiveness(), number("77.78"));
    assert_eq!(basis().overdue_rate(), number("40.00"));
    // 150 ÷ ((90 + 100) ÷ 2)
    assert_eq!(basis().turnover(), number("1.58"));
}

#[test]
fn no_sales_no_days_of_sales() {
    let none = Basis { sales: yuan(0), ..basis() };
    assert_eq!((none.dso(), none.best_possible_dso(), none.average_days_delinquent()), (None, None, None));
    let credited = Basis { sales: yuan(-5), ..basis() };
    assert_eq!(credited.dso(), None);
}

#[test]
fn nothing_owed_has_no_overdue_rate() {
    let none = Basis { begin: yuan(0), end: yuan(0), end_current: yuan(0), sales: yuan(0), days: 30 };
    assert_eq!((none.overdue_rate(), none.collection_effectiveness(), none.turnover()), (None, None, None));
}

on_both_databases! {
    async fn figures_are_computed_from_the_ledger(db: Db) {
        let world = world(&db).await;
        // sold 900 in the window of 90 days up to 31 March; open at its end 600, of it 200 overdue
        world.post(invoice("A", "I-1", "2026-01-10", "2026-02-10", 30_000)).await.unwrap();
        world.post(invoice("A", "I-2", "2026-02-10", "2026-03-12", 20_000)).await.unwrap();
        world.post(invoice("B", "I-3", "2026-03-05", "2026-04-04", 40_000)).await.unwrap();
        world.pay(payment("A", "P", "2026-02-20", 30_000)).await.unwrap();
        let request = pb::GetFiguresRequest { as_of_date: day("2026-03-31"), ..pb::GetFiguresRequest::default() };
        let figures = world.client.clone().get_figures(request).await.unwrap().into_inner().figures;
        let [found] = figures.as_slice() else { panic!("one currency") };
        assert_eq!(minor(found.receivables_amount.as_ref()), 60_000);
        assert_eq!(minor(found.overdue_amount.as_ref()), 20_000);
        assert_eq!(minor(found.sales_amount.as_ref()), 90_000);
        assert_eq!(found.window_start_date, day("2026-01-01"));
        let text = |value: &Option<weir_wire::google::r#type::Decimal>| value.as_ref().unwrap().value.clone();
        assert_eq!(text(&found.dso_days), "60.00");
        assert_eq!(text(&found.best_possible_dso_days), "40.00");
        assert_eq!(text(&found.average_days_delinquent), "20.00");
        // March: 400 in 31 days; what is left, 200, is all of February's 200 in 28 days
        assert_eq!(text(&found.countback_dso_days), "59.00");
        assert_eq!(text(&found.overdue_percent), "33.33");
    }
}
