//! Countries, by their two letters.

use crate::Country;

#[test]
fn two_capital_letters_name_a_country_and_nothing_else_does() {
    for code in ["CN", "DE", "ZZ"] {
        assert_eq!(Country::from_code(code).unwrap().code(), code);
    }
    for text in ["", "C", "CHN", "cn", "C1", "Ä", "ÄÖ"] {
        assert!(Country::from_code(text).is_err(), "{text}");
    }
}

#[test]
fn a_country_is_written_as_its_code() {
    let country = Country::from_code("CN").unwrap();
    assert_eq!(serde_json::to_string(&country).unwrap(), "\"CN\"");
    assert_eq!(serde_json::from_str::<Country>("\"CN\"").unwrap(), country);
    assert!(serde_json::from_str::<Country>("\"cn\"").is_err());
}
