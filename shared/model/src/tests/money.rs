use std::cmp::Ordering;

use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::{Currency, Money, MoneyError};

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["JPY", "CNY", "KWD", "CLF"]).prop_map(currency)
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

#[test]
fn a_sum_beyond_the_range_is_an_error() {
    let most = Money::new(i64::MAX, currency("CNY"));
    assert_eq!(most.checked_add(Money::new(1, currency("CNY"))), Err(MoneyError::Overflow));
}

#[test]
fn the_most_negative_amount_has_no_opposite() {
    assert_eq!(Money::new(i64::MIN, currency("CNY")).checked_neg(), Err(MoneyError::Overflow));
}

#[test]
fn currencies_do_not_mix() {
    let error = Money::new(1, currency("CNY")).checked_add(Money::new(1, currency("USD"))).unwrap_err();
    assert_eq!(error, MoneyError::CurrencyMismatch { left: currency("CNY"), right: currency("USD") });
}

#[test]
fn more_decimals_than_the_currency_has_are_refused() {
    for (text, code, exponent) in [("0.5", "JPY", 0), ("0.001", "CNY", 2), ("0.0001", "KWD", 3)] {
        let error = Money::try_from_decimal(decimal(text), currency(code)).unwrap_err();
        assert_eq!(error, MoneyError::PrecisionLoss { currency: currency(code), exponent }, "{text} {code}");
    }
}

#[test]
fn trailing_zeros_are_no_precision() {
    assert_eq!(Money::try_from_decimal(decimal("1.5000"), currency("CNY")), Ok(Money::new(150, currency("CNY"))));
}

#[test]
fn rounding_is_as_its_name_says() {
    let cases = [
        ("0.005", 0, 1, 0),
        ("0.015", 2, 2, 1),
        ("0.011", 1, 2, 1),
        ("-0.015", -2, -2, -1),
        ("-0.011", -1, -2, -1),
        ("7.00", 700, 700, 700),
    ];
    for (text, half_even, up, down) in cases {
        let cny = currency("CNY");
        assert_eq!(Money::round_half_even(decimal(text), cny).unwrap().minor(), half_even, "half even {text}");
        assert_eq!(Money::round_up(decimal(text), cny).unwrap().minor(), up, "up {text}");
        assert_eq!(Money::round_down(decimal(text), cny).unwrap().minor(), down, "down {text}");
    }
}

#[test]
fn it_prints_as_many_decimals_as_the_currency_has() {
    assert_eq!(Money::new(1_234_500, currency("CNY")).to_string(), "12345.00 CNY");
    assert_eq!(Money::new(-5, currency("KWD")).to_string(), "-0.005 KWD");
    assert_eq!(Money::new(7, currency("JPY")).to_string(), "7 JPY");
}

proptest! {
    #[test]
    fn a_decimal_gives_back_the_same_amount(minor: i64, currency in any_currency()) {
        let money = Money::new(minor, currency);
        prop_assert_eq!(Money::try_from_decimal(money.to_decimal(), currency), Ok(money));
    }

    #[test]
    fn adding_then_subtracting_gives_back_the_same_amount(a: i64, b: i64, currency in any_currency()) {
        let (a, b) = (Money::new(a, currency), Money::new(b, currency));
        if let Ok(sum) = a.checked_add(b) {
            prop_assert_eq!(sum.checked_sub(b), Ok(a));
        }
    }

    #[test]
    fn a_sum_is_exactly_the_sum_in_wider_arithmetic(a: i64, b: i64, currency in any_currency()) {
        let exact = i128::from(a) + i128::from(b);
        let sum = Money::new(a, currency).checked_add(Money::new(b, currency));
        prop_assert_eq!(sum.ok().map(|money| i128::from(money.minor())), i64::try_from(exact).ok().map(i128::from));
    }

    #[test]
    fn rounding_up_is_never_below_and_rounding_down_never_above(units in 0_i64..1_000_000_000, scale in 0_u32..10) {
        let (exact, cny) = (Decimal::new(units, scale), currency("CNY"));
        prop_assert!(Money::round_up(exact, cny).unwrap().to_decimal() >= exact);
        prop_assert!(Money::round_down(exact, cny).unwrap().to_decimal() <= exact);
    }

    #[test]
    fn order_is_the_order_of_minor_units(a: i64, b: i64) {
        let cny = currency("CNY");
        prop_assert_eq!(Money::new(a, cny).checked_cmp(Money::new(b, cny)), Ok::<Ordering, MoneyError>(a.cmp(&b)));
    }

    #[test]
    fn json_gives_back_the_same_amount(minor: i64, currency in any_currency()) {
        let money = Money::new(minor, currency);
        let text = serde_json::to_string(&money).unwrap();
        prop_assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), money);
    }
}
