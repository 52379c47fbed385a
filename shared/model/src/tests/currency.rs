use crate::Currency;

#[test]
fn minor_units_follow_iso_4217() {
    for (code, exponent) in [("JPY", 0), ("CNY", 2), ("USD", 2), ("KWD", 3), ("BHD", 3), ("CLF", 4)] {
        assert_eq!(Currency::from_code(code).unwrap().exponent(), exponent, "{code}");
    }
}

#[test]
fn what_is_no_currency_is_refused() {
    for code in ["", "cny", "RMB", "CNYX", "XAU", "XXX", "¥"] {
        assert!(Currency::from_code(code).is_err(), "{code}");
    }
}
