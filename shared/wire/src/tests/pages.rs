use weir_model::Kind;

use crate::PageTokens;

fn tokens() -> PageTokens {
    PageTokens::new([7; 32])
}

#[test]
fn a_token_gives_back_its_keyset() {
    let token = tokens().encode(&["list", "open"], &("2026-01-31", 42));
    let keyset: Option<(String, i64)> = tokens().decode(&["list", "open"], &token).unwrap();
    assert_eq!(keyset, Some(("2026-01-31".to_owned(), 42)));
}

#[test]
fn no_token_asks_for_the_first_page() {
    assert_eq!(tokens().decode::<i64>(&["list"], "").unwrap(), None);
}

#[test]
fn a_token_is_good_for_its_own_arguments_only() {
    let token = tokens().encode(&["list", "open"], &42);
    for arguments in [["list", "closed"].as_slice(), &["list"], &["listo", "pen"], &["list", "open", ""]] {
        assert_eq!(tokens().decode::<i64>(arguments, &token).unwrap_err().kind, Kind::InvalidArgument);
    }
}

#[test]
fn an_altered_or_foreign_token_is_refused() {
    let token = tokens().encode(&["list"], &42);
    let altered: String = token.chars().rev().collect();
    let foreign = PageTokens::new([8; 32]).encode(&["list"], &42);
    for bad in [altered.as_str(), foreign.as_str(), "x", "\u{1F600}", &"A".repeat(5_000)] {
        assert_eq!(tokens().decode::<i64>(&["list"], bad).unwrap_err().fields[0].path, "page_token");
    }
}
