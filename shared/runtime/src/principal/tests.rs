//! Who is believed, and who is not.

mod services;
mod tokens;

use std::path::PathBuf;

use http::HeaderMap;
use tonic::Code;
use weir_model::{Currency, Role};

use super::*;

/// The path of a key made for these tests.
pub(crate) fn key(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/principal/keys").join(name)
}

fn named(text: &str) -> Result<Principal, Fault> {
    let headers = HeaderMap::from_iter([(PRINCIPAL_METADATA.parse().unwrap(), text.parse().unwrap())]);
    Identities::development().identify(&headers)
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

#[test]
fn in_development_a_caller_names_itself_its_roles_and_its_authority() {
    let caller = named("ada; roles=credit_manager,viewer; authority=CNY:500000.00,USD:1000").unwrap();
    assert_eq!(caller.subject.as_str(), "ada");
    assert_eq!(caller.roles.iter().copied().collect::<Vec<_>>(), [Role::CreditManager, Role::Viewer]);
    assert_eq!(caller.authority_in(currency("CNY")), Money::new(50_000_000, currency("CNY")));
    assert_eq!(caller.authority_in(currency("USD")), Money::new(100_000, currency("USD")));
    assert_eq!(caller.authority_in(currency("EUR")), Money::zero(currency("EUR")));
}

#[test]
fn in_development_everything_but_the_name_may_be_left_out() {
    for text in ["ada", "ada;", " ada ; roles= ; authority= ;"] {
        let caller = named(text).unwrap();
        assert_eq!((caller.subject.as_str(), caller.roles.len(), caller.authority.len()), ("ada", 0, 0), "{text:?}");
    }
}

#[test]
fn in_development_a_mistake_in_the_name_is_told() {
    for (text, told) in [
        ("", "name"),
        ("; roles=viewer", "name"),
        ("ada lovelace", "name"),
        ("ada; roles=king", "king"),
        ("ada; rolls=viewer", "rolls"),
        ("ada; viewer", "key=value"),
        ("ada; authority=500000", "CNY:500000.00"),
        ("ada; authority=XXQ:1", "XXQ"),
        ("ada; authority=CNY:1.001", "2 decimals"),
        ("ada; authority=CNY:-1", "negative"),
        ("ada; authority=CNY:1,CNY:2", "two amounts in CNY"),
        ("ada; authority=CNY:NaN", "NaN"),
    ] {
        let fault = named(text).unwrap_err();
        assert_eq!(fault.kind, weir_model::Kind::Unauthenticated, "{text:?}");
        assert!(fault.message.contains(told), "{text:?}: {}", fault.message);
    }
}

#[test]
fn in_development_a_caller_without_a_name_is_told_how_to_give_one() {
    let fault = Identities::development().identify(&HeaderMap::new()).unwrap_err();
    assert!(fault.message.contains("weir-principal"));
}

#[test]
fn the_metadata_of_a_caller_names_it() {
    let caller = named("ada; roles=finance,viewer; authority=CNY:500000.00,JPY:7").unwrap();
    assert_eq!(named(&principal_metadata(&caller)).unwrap(), caller);
}

#[test]
fn in_development_a_process_names_itself_to_others() {
    let caller = Principal::service("order-gate");
    let mut request = http::Request::new(());
    Credentials::service(&PrincipalConfig::default(), &caller).unwrap().attach(&mut request);
    assert_eq!(Identities::development().identify(request.headers()).unwrap(), caller);
}

#[test]
fn within_the_process_a_part_is_believed() {
    let caller = Principal::service("order-gate");
    let mut request = http::Request::new(());
    Credentials::near(caller.clone()).attach(&mut request);
    assert_eq!(request.extensions().get::<Principal>(), Some(&caller));
    assert!(request.headers().is_empty());
}

#[tokio::test]
async fn a_faulty_name_is_refused_as_unauthenticated() {
    let world = crate::testing::World::with_edge(crate::EdgeConfig::default());
    let request = crate::testing::told_by("ada; roles=king", "x");
    let status = crate::testing::call(world.near, crate::testing::ECHO, request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

proptest::proptest! {
    #[test]
    fn whatever_a_caller_says_is_read_or_refused(text in "\\PC{0,80}", parts in "[a-z;=,:. A-Z0-9-]{0,60}") {
        for text in [text, parts] {
            let headers = http::HeaderValue::try_from(text.as_str())
                .map(|value| HeaderMap::from_iter([(PRINCIPAL_METADATA.parse().unwrap(), value)]));
            if let Ok(caller) = headers.map(|headers| Identities::development().identify(&headers))
                && let Ok(caller) = caller
            {
                proptest::prop_assert_eq!(named(&principal_metadata(&caller)).unwrap(), caller);
            }
        }
    }
}
