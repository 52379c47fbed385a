//! Which facts count, and what is computed from statements and from how an account pays.

use rust_decimal::Decimal;

use super::world::*;
use crate::{
    behaviour::{Behaviour, Due, History, MonthlySales, Settled},
    fact::{Fact, choose},
    input::{Inputs, gather},
    value::Value,
};

fn learned(document: &str, retrieved: &str, valid_until: Option<&str>, number: &str) -> Fact {
    Fact {
        document_id: document.to_owned(),
        retrieved_date: date(retrieved),
        retrieved_at: date(retrieved).and_hms_opt(4, 0, 0).unwrap().and_utc(),
        valid_until: valid_until.map(date),
        ..recorded("registered_capital", Value::Number(dec(number)))
    }
}

fn chosen(facts: &[Fact], as_of: &str) -> Option<(String, bool)> {
    let chosen = choose(facts, date(as_of));
    let chosen = chosen.get(&("registered_capital", None))?;
    Some((chosen.fact.document_id.clone(), chosen.stale))
}

#[test]
fn the_newest_fact_counts() {
    let facts = [learned("old", "2026-01-01", None, "1"), learned("new", "2026-02-01", None, "2")];
    assert_eq!(chosen(&facts, "2026-03-01"), Some(("new".to_owned(), false)));
}

#[test]
fn a_fact_learned_later_does_not_count_for_an_earlier_date() {
    let facts = [learned("old", "2026-01-01", None, "1"), learned("new", "2026-02-01", None, "2")];
    assert_eq!(chosen(&facts, "2026-01-31"), Some(("old".to_owned(), false)));
    assert_eq!(chosen(&facts, "2025-12-31"), None);
}

#[test]
fn the_newest_fact_counts_marked_stale_once_expired_also_where_an_older_one_still_holds() {
    let facts = [learned("old", "2026-01-01", None, "1"), learned("new", "2026-02-01", Some("2026-02-28"), "2")];
    assert_eq!(chosen(&facts, "2026-02-28"), Some(("new".to_owned(), false)));
    assert_eq!(chosen(&facts, "2026-03-01"), Some(("new".to_owned(), true)));
}

#[test]
fn of_expired_facts_the_newest_counts() {
    let facts =
        [learned("old", "2026-01-01", Some("2026-01-31"), "1"), learned("new", "2026-02-01", Some("2026-02-28"), "2")];
    assert_eq!(chosen(&facts, "2026-03-01"), Some(("new".to_owned(), true)));
}

#[test]
fn of_two_facts_of_one_instant_the_one_recorded_later_counts() {
    let facts = [learned("first", "2026-01-01", None, "1"), learned("second", "2026-01-01", None, "2")];
    assert_eq!(chosen(&facts, "2026-03-01"), Some(("second".to_owned(), false)));
}

fn number_of(inputs: &Inputs, name: &str) -> Option<Decimal> {
    inputs.get(name)?.value.number()
}

#[test]
fn the_years_since_the_founding_are_counted_to_the_date() {
    let facts = [recorded("established_date", Value::Date(date("2016-03-31")))];
    let inputs = gather(&domestic(), &facts, None, None, date("2026-03-31"));
    // 3,652 days ÷ 365.25
    assert_eq!(number_of(&inputs, "years_established"), Some(dec("10")));
}

#[test]
fn an_account_that_no_border_parts_from_us_carries_no_country_risk() {
    let inputs = gather(&domestic(), &[], None, None, date("2026-03-31"));
    assert_eq!(number_of(&inputs, "country_risk"), Some(dec("100")));
    let facts = [recorded("country_rating", Value::Number(dec("55")))];
    let inputs = gather(&domestic(), &facts, None, None, date("2026-03-31"));
    assert_eq!(number_of(&inputs, "country_risk"), Some(dec("55")));
}

fn statements(period_end: &str, figures: &[(&str, &str)]) -> Vec<Fact> {
    figures
        .iter()
        .map(|(name, number)| Fact { period_end: Some(date(period_end)), ..recorded(name, Value::Number(dec(number))) })
        .collect()
}

#[test]
fn ratios_come_from_the_newest_of_two_statements() {
    let mut facts = statements(
        "2025-12-31",
        &[
            ("total_assets", "1000"),
            ("total_liabilities", "400"),
            ("current_assets", "450"),
            ("current_liabilities", "250"),
            ("retained_earnings", "300"),
            ("ebit", "150"),
            ("revenue", "1500"),
            ("gross_profit", "450"),
            ("net_profit", "90"),
            ("operating_cash_flow", "100"),
        ],
    );
    facts.extend(statements(
        "2024-12-31",
        &[("total_assets", "900"), ("total_liabilities", "450"), ("revenue", "1200")],
    ));
    let inputs = gather(&domestic(), &facts, None, None, date("2026-03-31"));
    let table = [
        ("debt_to_assets", "0.4"),
        ("debt_to_assets_change", "-0.1"),
        ("current_ratio", "1.8"),
        ("operating_cash_flow_ratio", "0.4"),
        ("gross_margin_percent", "30"),
        ("net_margin_percent", "6"),
        ("revenue_growth_percent", "25"),
        // equity from the books is assets less liabilities, 600
        ("altman_z_general", "4.873"),
        ("previous_revenue", "1200"),
    ];
    for (name, number) in table {
        assert_eq!(number_of(&inputs, name), Some(dec(number)), "{name}");
    }
    assert_eq!(inputs["altman_z_general_zone"].value, Value::Text("safe".to_owned()));
    assert_eq!(number_of(&inputs, "altman_z"), None, "no market value is known");
}

#[test]
fn a_statement_whose_period_has_not_ended_does_not_count() {
    let facts = statements("2026-12-31", &[("total_assets", "1000"), ("total_liabilities", "400")]);
    let inputs = gather(&domestic(), &facts, None, None, date("2026-03-31"));
    assert_eq!(number_of(&inputs, "debt_to_assets"), None);
}

#[test]
fn a_ratio_over_nothing_is_left_out() {
    let facts = statements("2025-12-31", &[("total_assets", "0"), ("total_liabilities", "400")]);
    let inputs = gather(&domestic(), &facts, None, None, date("2026-03-31"));
    assert_eq!(number_of(&inputs, "debt_to_assets"), None);
}

/// Paid 600 on the day, 300 ten days late, 100 five days early; 200 undisputed and overdue by ten days at the end of
/// March 2026; 100 due that day.
fn behaviour() -> Behaviour {
    let settled = |days_late, item_count, amount| Settled { days_late, item_count, amount: yuan(amount) };
    let due = |on: &str, open, disputed| Due { due_date: date(on), open: yuan(open), disputed: yuan(disputed) };
    let month = |on: &str, invoice_count, sum| MonthlySales { month: date(on), invoice_count, invoiced: yuan(sum) };
    Behaviour {
        currency: cny(),
        history: Some(History {
            settled: vec![settled(-5, 1, 100), settled(0, 6, 600), settled(10, 3, 300)],
            written_off: yuan(0),
            overdue_item_count: 4,
            days_past_due_max: 10,
            sales: vec![month("2025-01-01", 4, 400), month("2025-04-01", 6, 600), month("2026-03-01", 6, 900)],
            first_invoice_date: Some(date("2025-01-15")),
        }),
        schedule: vec![due("2026-03-21", 250, 50), due("2026-03-31", 100, 0)],
    }
}

fn figure(behaviour: &Behaviour, as_of: &str, name: &str) -> Option<Decimal> {
    behaviour.figures(date(as_of)).into_iter().find(|(figure, _)| *figure == name).map(|(_, number)| number)
}

#[test]
fn behaviour_is_computed_from_what_receivables_knows() {
    let table = [
        // (600 + 100) ÷ (1,000 settled + 200 overdue)
        ("on_time_percent", "58.33"),
        // (100 × −5 + 600 × 0 + 300 × 10 + 200 × 10) ÷ 1,200
        ("weighted_days_beyond_terms", "3.75"),
        // (100 × 82.5 + 600 × 80 + 300 × 73.33…) ÷ 1,000
        ("payment_index", "78.25"),
        // four that were settled late, and the due date in March
        ("overdue_item_count", "5"),
        // 5 of 16 invoices
        ("overdue_item_percent", "31.25"),
        ("days_past_due_max", "10"),
        ("overdue_amount", "200"),
        ("trading_length_months", "14"),
        // 12 invoices in the twelve months up to March
        ("orders_per_month", "1"),
        // 1,500 ÷ 12
        ("average_order_value", "125"),
    ];
    for (name, number) in table {
        assert_eq!(figure(&behaviour(), "2026-03-31", name), Some(dec(number)), "{name}");
    }
}

#[test]
fn what_stays_unpaid_makes_the_figures_worse_day_by_day() {
    // (−500 + 3,000 + 200 × 40 + 100 × 30) ÷ 1,300, forty and thirty days past due
    assert_eq!(figure(&behaviour(), "2026-04-30", "weighted_days_beyond_terms"), Some(dec("10.38")));
    assert_eq!(figure(&behaviour(), "2026-04-30", "days_past_due_max"), Some(dec("40")));
}

#[test]
fn a_debtor_who_never_pays_has_overdue_items_by_due_date() {
    let mut never = behaviour();
    let history = never.history.as_mut().unwrap();
    history.settled.clear();
    history.overdue_item_count = 0;
    assert_eq!(figure(&never, "2026-03-21", "overdue_item_percent"), Some(dec("0")));
    // both due dates, of 16 invoices
    assert_eq!(figure(&never, "2026-04-01", "overdue_item_count"), Some(dec("2")));
    assert_eq!(figure(&never, "2026-04-01", "overdue_item_percent"), Some(dec("12.5")));
}

#[test]
fn what_is_disputed_as_a_whole_is_no_overdue_item() {
    let mut disputed = behaviour();
    disputed.schedule[0].disputed = disputed.schedule[0].open;
    assert_eq!(figure(&disputed, "2026-03-31", "overdue_item_count"), Some(dec("4")));
}

#[test]
fn a_debtor_who_never_paid_anything_is_never_on_time() {
    let mut never = behaviour();
    never.history.as_mut().unwrap().settled.clear();
    assert_eq!(figure(&never, "2026-03-31", "on_time_percent"), Some(dec("0")));
    assert_eq!(figure(&never, "2026-03-31", "payment_index"), None);
}

#[test]
fn without_history_nothing_is_claimed_about_paying() {
    let none = Behaviour { history: None, schedule: Vec::new(), ..behaviour() };
    assert_eq!(none.figures(date("2026-03-31")), [("overdue_amount", dec("0"))]);
}
