use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use weir_model::{AccountId, Currency, Fields, Money};

use crate::{
    common::v1::{Context, FeedPosition, Grade, Token},
    emit,
    google::r#type as pb,
    parse,
};

fn pb_money(currency_code: &str, units: i64, nanos: i32) -> pb::Money {
    pb::Money { currency_code: currency_code.to_owned(), units, nanos }
}

/// What `read` notes about the field it is given.
fn complaint<T>(read: impl FnOnce(&mut Fields) -> Option<T>) -> String {
    let mut fields = Fields::default();
    assert!(read(&mut fields).is_none(), "something was read");
    let fault = fields.finish().unwrap_err();
    fault.fields.into_iter().map(|field| field.description).collect::<Vec<_>>().join("; ")
}

#[test]
fn an_amount_is_read_exactly() {
    let cases =
        [("CNY", 12, 340_000_000, 1234), ("CNY", -12, -340_000_000, -1234), ("KWD", 0, 5_000_000, 5), ("JPY", 7, 0, 7)];
    for (code, units, nanos, minor) in cases {
        let mut fields = Fields::default();
        let money = parse::money(&mut fields, "amount", Some(&pb_money(code, units, nanos)));
        assert_eq!(money, Some(Money::new(minor, Currency::from_code(code).unwrap())));
        assert!(fields.is_empty());
    }
}

#[test]
fn an_amount_that_is_none_says_why() {
    let cases = [
        (None, "is required"),
        (Some(pb_money("", 1, 0)), "not an ISO 4217 currency code: \"\""),
        (Some(pb_money("CNY", 1, -1)), "units and nanos must have the same sign"),
        (Some(pb_money("CNY", -1, 1)), "units and nanos must have the same sign"),
        (Some(pb_money("CNY", 0, 1_000_000_000)), "nanos must be between -999999999 and 999999999"),
        (Some(pb_money("CNY", 0, 1)), "CNY has 2 decimals"),
        (Some(pb_money("JPY", 0, 500_000_000)), "JPY has 0 decimals"),
        (Some(pb_money("CNY", i64::MAX, 0)), "amount out of range"),
    ];
    for (value, why) in cases {
        assert_eq!(complaint(|fields| parse::money(fields, "amount", value.as_ref())), why);
    }
}

#[test]
fn zero_is_not_positive_and_a_cent_below_zero_is_negative() {
    let zero = pb_money("CNY", 0, 0);
    let below = pb_money("CNY", 0, -10_000_000);
    assert_eq!(complaint(|f| parse::positive_money(f, "amount", Some(&zero))), "must be positive");
    assert_eq!(complaint(|f| parse::non_negative_money(f, "amount", Some(&below))), "must not be negative");
}

#[test]
fn dates_off_the_calendar_are_refused() {
    for (year, month, day) in [(2026, 2, 29), (2026, 0, 1), (2026, 13, 1), (0, 1, 1), (10_000, 1, 1), (2026, -1, 1)] {
        let date = pb::Date { year, month, day };
        assert_eq!(
            complaint(|f| parse::date(f, "due_date", Some(&date))),
            "is no calendar date between year 1 and 9999"
        );
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let bounds = (Decimal::ZERO, Decimal::ONE_HUNDRED);
    for text in ["", "NaN", "inf", "1e3", "--1", "1,5", "0x10", "\u{661}", &"9".repeat(40)] {
        let value = pb::Decimal { value: text.to_owned() };
        assert_eq!(
            complaint(|f| parse::decimal(f, "share", Some(&value), bounds, 2)),
            "is no decimal number",
            "{text}"
        );
    }
}

#[test]
fn numbers_outside_their_bounds_are_refused_and_the_bounds_are_not() {
    let bounds = (Decimal::ZERO, Decimal::ONE_HUNDRED);
    for (text, good) in [("0", true), ("100.00", true), ("100.01", false), ("-0.01", false), ("1.001", false)] {
        let value = pb::Decimal { value: text.to_owned() };
        let mut fields = Fields::default();
        assert_eq!(parse::decimal(&mut fields, "share", Some(&value), bounds, 2).is_some(), good, "{text}");
    }
}

#[test]
fn unknown_and_missing_enum_values_are_refused() {
    assert_eq!(complaint(|f| parse::one_of::<Grade>(f, "grade", 99)), "99 is no known value");
    assert_eq!(complaint(|f| parse::one_of::<Grade>(f, "grade", 0)), "is required");
}

#[test]
fn control_characters_are_refused() {
    assert_eq!(complaint(|f| parse::text(f, "name", "a\u{7}b", 10)), "must not contain control characters");
    assert_eq!(
        complaint(|f| parse::id::<AccountId>(f, "account_id", "a\nb")),
        "must be printable ASCII without spaces"
    );
}

#[test]
fn a_text_is_measured_in_characters() {
    let mut fields = Fields::default();
    assert_eq!(parse::text(&mut fields, "name", "信用管理", 4), Some("信用管理".to_owned()));
    assert_eq!(complaint(|f| parse::text(f, "name", "信用管理部", 4)), "must be at most 4 characters");
}

#[test]
fn a_page_holds_50_unless_told_otherwise_and_at_most_1000() {
    let mut fields = Fields::default();
    assert_eq!(parse::page_size(&mut fields, "page_size", 0), Some(50));
    assert_eq!(parse::page_size(&mut fields, "page_size", 1_000), Some(1_000));
    for bad in [-1, 1_001] {
        assert_eq!(complaint(|f| parse::page_size(f, "page_size", bad)), "must be between 1 and 1000");
    }
}

#[test]
fn a_token_names_each_context_once() {
    let position = |context: Context, position| FeedPosition { context: context.into(), position };
    let token = Token { positions: vec![position(Context::Limits, 7), position(Context::Receivables, 9)] };
    let mut fields = Fields::default();
    assert_eq!(parse::fresh(&mut fields, "token", Some(&token), Context::Receivables), Some(Some(9)));
    assert_eq!(parse::fresh(&mut fields, "token", Some(&token), Context::Collections), Some(None));
    let twice = Token { positions: vec![position(Context::Limits, 7), position(Context::Limits, 8)] };
    assert_eq!(complaint(|f| parse::fresh(f, "token", Some(&twice), Context::Limits)), "is named twice");
}

proptest! {
    #[test]
    fn every_amount_survives_the_wire(minor: i64, code in prop::sample::select(vec!["JPY", "CNY", "KWD", "CLF"])) {
        let money = Money::new(minor, Currency::from_code(code).unwrap());
        let mut fields = Fields::default();
        prop_assert_eq!(parse::money(&mut fields, "amount", Some(&emit::money(money))), Some(money));
    }

    #[test]
    fn every_date_survives_the_wire(days in 0_i32..3_652_058) {
        let date = NaiveDate::from_num_days_from_ce_opt(days + 1).unwrap();
        let mut fields = Fields::default();
        prop_assert_eq!(parse::date(&mut fields, "date", Some(&emit::date(date))), Some(date));
    }

    #[test]
    fn any_amount_on_the_wire_is_read_or_refused(code in ".{0,4}", units: i64, nanos: i32) {
        let mut fields = Fields::default();
        let money = parse::money(&mut fields, "amount", Some(&pb_money(&code, units, nanos)));
        prop_assert_eq!(money.is_some(), fields.is_empty());
    }

    #[test]
    fn any_text_as_a_number_is_read_or_refused(text in "\\PC{0,40}") {
        let mut fields = Fields::default();
        let value = pb::Decimal { value: text };
        let number = parse::decimal(&mut fields, "share", Some(&value), (Decimal::MIN, Decimal::MAX), 28);
        prop_assert_eq!(number.is_some(), fields.is_empty());
    }
}
