//! Tokens that processes make for themselves with the key they share.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{tokens, *};

const KEY: &str = "the first secret of thirty-two characters and more";
const OTHER_KEY: &str = "another secret of thirty-two characters and more";

fn sharing(file: &NamedTempFile) -> PrincipalConfig {
    PrincipalConfig { service_key_file: file.path().to_owned(), ..tokens::config() }
}

fn file(keys: &[&str]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), keys.join("\n")).unwrap();
    file
}

fn claims() -> Value {
    json!({ "iss": "weir", "aud": "weir", "sub": "limits", "exp": get_current_timestamp() + 60 })
}

fn signed(key: &str, algorithm: Algorithm, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

fn shown(config: &PrincipalConfig, token: &str) -> Result<Principal, Fault> {
    let header = format!("Bearer {token}").parse().unwrap();
    Identities::open(config).unwrap().identify(&HeaderMap::from_iter([(http::header::AUTHORIZATION, header)]))
}

/// What a process that has `from` makes of the call of one that has `to`.
fn calls(from: &NamedTempFile, to: &NamedTempFile) -> Result<Principal, Fault> {
    let mut request = http::Request::new(());
    Credentials::service(&sharing(from), &Principal::service("order-gate")).unwrap().attach(&mut request);
    Identities::open(&sharing(to)).unwrap().identify(request.headers())
}

#[test]
fn processes_that_share_a_key_know_one_another_by_name() {
    let shared = file(&[KEY]);
    assert_eq!(calls(&shared, &shared).unwrap(), Principal::service("order-gate"));
}

#[test]
fn a_process_with_another_key_is_refused() {
    assert_eq!(calls(&file(&[OTHER_KEY]), &file(&[KEY])).unwrap_err().kind, weir_model::Kind::Unauthenticated);
}

#[test]
fn while_a_key_is_replaced_those_with_the_old_and_those_with_the_new_know_one_another() {
    let (before, old_signs) = (file(&[KEY]), file(&[KEY, OTHER_KEY]));
    let (new_signs, after) = (file(&[OTHER_KEY, KEY]), file(&[OTHER_KEY]));
    for (one, next) in [(&before, &old_signs), (&old_signs, &new_signs), (&new_signs, &after)] {
        assert!(calls(one, next).is_ok() && calls(next, one).is_ok());
    }
}

#[test]
fn people_are_known_by_their_tokens_beside_the_processes() {
    let shared = file(&[KEY]);
    let caller = shown(&sharing(&shared), &tokens::signed(&tokens::claims())).unwrap();
    assert_eq!(caller.subject.as_str(), "ada");
}

#[test]
fn whoever_has_the_key_is_a_service_and_never_more() {
    let shared = file(&[KEY]);
    let mut claims = claims();
    claims["roles"] = json!(["admin"]);
    claims["authority"] = json!(["CNY:1"]);
    let caller = shown(&sharing(&shared), &signed(KEY, Algorithm::HS256, &claims)).unwrap();
    assert_eq!(caller, Principal::service("limits"));
}

#[test]
fn a_token_of_processes_that_is_not_for_them_now_is_refused() {
    let shared = file(&[KEY]);
    let refused = |why: &str, token: &str| assert!(shown(&sharing(&shared), token).is_err(), "{why}");
    for (why, claim, value) in [
        ("of the issuer of people", "iss", json!("https://issuer.test")),
        ("for another audience", "aud", json!("other")),
        ("expired", "exp", json!(get_current_timestamp() - 60)),
        ("without a name", "sub", json!("")),
    ] {
        let mut claims = claims();
        claims[claim] = value;
        refused(why, &signed(KEY, Algorithm::HS256, &claims));
    }
    refused("of another algorithm", &signed(KEY, Algorithm::HS512, &claims()));
}

#[test]
fn without_a_key_to_share_a_process_believes_no_other_and_does_not_call() {
    let none = tokens::config();
    assert!(shown(&none, &signed(KEY, Algorithm::HS256, &claims())).is_err());
    assert!(shown(&none, &signed("", Algorithm::HS256, &claims())).is_err());
    let error = Credentials::service(&none, &Principal::service("limits")).unwrap_err().to_string();
    assert!(error.contains("principal.service_key_file must be set"), "{error}");
}

#[test]
fn a_key_that_is_none_is_refused_with_its_file() {
    for (keys, told) in [(&[][..], "no key"), (&["short"], "32 characters"), (&[KEY, "short"], "32 characters")] {
        let file = file(keys);
        for error in [
            Identities::open(&sharing(&file)).unwrap_err().to_string(),
            Credentials::service(&sharing(&file), &Principal::service("limits")).unwrap_err().to_string(),
        ] {
            assert!(error.contains("principal.service_key_file") && error.contains(told), "{error}");
            assert!(!error.contains("short"), "{error}");
        }
    }
}
