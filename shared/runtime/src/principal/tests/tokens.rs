//! Tokens: what each of them must be, and every way to be refused.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://issuer.test";

pub(super) fn config() -> PrincipalConfig {
    PrincipalConfig {
        mode: PrincipalMode::Jwt,
        issuer: ISSUER.to_owned(),
        audience: "weir".to_owned(),
        algorithms: vec!["ES256".to_owned()],
        key_file: key("test_only_public.pem"),
        leeway: Duration::from_secs(5),
        service_key_file: PathBuf::new(),
    }
}

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": "weir",
        "sub": "ada",
        "exp": get_current_timestamp() + 600,
        "roles": ["credit_manager", "somebody-elses-role"],
        "authority": ["CNY:500000.00"],
    })
}

fn claims_with(key: &str, value: Value) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().insert(key.to_owned(), value);
    claims
}

fn claims_without(key: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(key);
    claims
}

fn signed_by(file: &str, claims: &Value) -> String {
    let key = EncodingKey::from_ec_pem(&fs_read(file)).unwrap();
    encode(&Header::new(Algorithm::ES256), claims, &key).unwrap()
}

pub(super) fn signed(claims: &Value) -> String {
    signed_by("test_only_private.pem", claims)
}

fn fs_read(file: &str) -> Vec<u8> {
    std::fs::read(key(file)).unwrap()
}

fn shown(token: &str) -> Result<Principal, Fault> {
    let header = format!("Bearer {token}").parse().unwrap();
    Identities::open(&config()).unwrap().identify(&HeaderMap::from_iter([(http::header::AUTHORIZATION, header)]))
}

fn assert_refused(why: &str, token: &str) {
    let fault = shown(token).expect_err(why);
    assert_eq!(fault.kind, weir_model::Kind::Unauthenticated, "{why}");
    assert_eq!(fault.message, "the bearer token is not accepted", "{why}: tells nothing more");
}

#[test]
fn a_token_names_its_caller_with_roles_and_authority() {
    let caller = shown(&signed(&claims())).unwrap();
    assert_eq!(caller.subject.as_str(), "ada");
    assert_eq!(caller.roles.iter().copied().collect::<Vec<_>>(), [Role::CreditManager]);
    assert_eq!(caller.authority_in(currency("CNY")), Money::new(50_000_000, currency("CNY")));
}

#[test]
fn a_token_may_name_several_audiences_and_no_roles() {
    let mut claims = claims_with("aud", json!(["other", "weir"]));
    claims.as_object_mut().unwrap().remove("roles");
    assert!(shown(&signed(&claims)).unwrap().roles.is_empty());
}

#[test]
fn a_clock_may_be_off_by_the_leeway() {
    assert!(shown(&signed(&claims_with("exp", json!(get_current_timestamp() - 2)))).is_ok());
}

#[test]
fn a_token_that_is_not_for_us_now_is_refused() {
    let now = get_current_timestamp();
    assert_refused("wrong issuer", &signed(&claims_with("iss", json!("https://stranger.test"))));
    assert_refused("no issuer", &signed(&claims_without("iss")));
    assert_refused("wrong audience", &signed(&claims_with("aud", json!("other"))));
    assert_refused("no audience", &signed(&claims_without("aud")));
    assert_refused("expired", &signed(&claims_with("exp", json!(now - 60))));
    assert_refused("no exp", &signed(&claims_without("exp")));
    assert_refused("exp that is no number", &signed(&claims_with("exp", json!("tomorrow"))));
    assert_refused("not valid yet", &signed(&claims_with("nbf", json!(now + 60))));
    assert_refused("no subject", &signed(&claims_without("sub")));
    assert_refused("a subject with a space", &signed(&claims_with("sub", json!("ada lovelace"))));
    assert_refused("authority that is no amount", &signed(&claims_with("authority", json!(["much"]))));
    assert_refused("negative authority", &signed(&claims_with("authority", json!(["CNY:-1"]))));
    assert_refused("a token as long as a book", &signed(&claims_with("note", json!("x".repeat(9000)))));
}

#[test]
fn a_token_that_is_not_signed_by_the_issuer_is_refused() {
    assert_refused("signed by a stranger", &signed_by("test_only_stranger.pem", &claims()));
    let mut altered = signed(&claims());
    altered.pop();
    assert_refused("half a signature", &altered);
    let whole = signed(&claims());
    let (head, rest) = whole.split_once('.').unwrap();
    let signature = rest.split_once('.').unwrap().1;
    let other = signed(&claims_with("sub", json!("eve")));
    let payload = other.split('.').nth(1).unwrap();
    assert_refused("other claims under the signature", &format!("{head}.{payload}.{signature}"));
    assert_refused("no token at all", "nonsense");
}

#[test]
fn while_the_issuer_changes_its_key_tokens_of_both_are_accepted() {
    let both = tempfile::NamedTempFile::new().unwrap();
    let keys = [fs_read("test_only_public.pem"), fs_read("test_only_stranger_public.pem")];
    std::fs::write(both.path(), keys.concat()).unwrap();
    let config = PrincipalConfig { key_file: both.path().to_owned(), ..config() };
    for token in [signed(&claims()), signed_by("test_only_stranger.pem", &claims())] {
        let header = format!("Bearer {token}").parse().unwrap();
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, header)]);
        assert_eq!(Identities::open(&config).unwrap().identify(&headers).unwrap().subject.as_str(), "ada");
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    // {"alg":"none","typ":"JWT"}
    let head = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let signed = signed(&claims());
    let payload = signed.split('.').nth(1).unwrap();
    assert_refused("alg none", &format!("{head}.{payload}."));
}

#[test]
fn a_token_signed_with_the_public_key_as_a_shared_secret_is_refused() {
    let key = EncodingKey::from_secret(&fs_read("test_only_public.pem"));
    let token = encode(&Header::new(Algorithm::HS256), &claims(), &key).unwrap();
    assert_refused("HS256 with the public key", &token);
}

#[test]
fn a_caller_without_a_token_is_told_to_show_one() {
    let identities = Identities::open(&config()).unwrap();
    for header in [None, Some("Basic YWRhOnB3"), Some("Bearer"), Some("")] {
        let headers = header.map(|header| (http::header::AUTHORIZATION, header.parse().unwrap()));
        let fault = identities.identify(&HeaderMap::from_iter(headers)).unwrap_err();
        assert!(fault.message.contains("required"), "{header:?}: {}", fault.message);
    }
}

#[test]
fn in_mode_jwt_nobody_is_believed_by_name() {
    let headers = HeaderMap::from_iter([(PRINCIPAL_METADATA.parse().unwrap(), "ada; roles=admin".parse().unwrap())]);
    assert!(Identities::open(&config()).unwrap().identify(&headers).is_err());
}

#[test]
fn mode_jwt_does_not_start_half_configured() {
    let refused = |config: PrincipalConfig| Identities::open(&config).unwrap_err().to_string();
    let none = String::new();
    assert!(refused(PrincipalConfig { issuer: none.clone(), ..config() }).contains("principal.issuer"));
    assert!(refused(PrincipalConfig { audience: none, ..config() }).contains("principal.audience"));
    assert!(refused(PrincipalConfig { algorithms: vec![], ..config() }).contains("principal.algorithms"));
    assert!(refused(PrincipalConfig { key_file: PathBuf::new(), ..config() }).contains("principal.key_file"));
    assert!(refused(PrincipalConfig { key_file: key("missing.pem"), ..config() }).contains("missing.pem"));
    let of_another_family = PrincipalConfig { key_file: key("test_only_rsa_public.pem"), ..config() };
    assert!(refused(of_another_family).contains("no public key for the algorithms"));
    for algorithms in [&["HS256"][..], &["none"], &["ES256", "RS256"], &["ES256", "HS256"], &["es256"]] {
        let algorithms = algorithms.iter().map(ToString::to_string).collect();
        let told = refused(PrincipalConfig { algorithms, ..config() });
        assert!(told.contains("principal.algorithms"), "{told}");
    }
}

#[test]
fn a_token_shown_again_names_the_same_caller() {
    let identities = Identities::open(&config()).unwrap();
    let header = format!("bearer {}", signed(&claims())).parse().unwrap();
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, header)]);
    let first = identities.identify(&headers).unwrap();
    assert_eq!(identities.identify(&headers).unwrap(), first);
}

#[test]
fn the_token_of_a_file_is_shown() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{}\n", signed(&claims()))).unwrap();
    let mut request = http::Request::new(());
    Credentials::token_file(file.path()).unwrap().attach(&mut request);
    assert_eq!(Identities::open(&config()).unwrap().identify(request.headers()).unwrap().subject.as_str(), "ada");
    assert!(!format!("{request:?}").contains("eyJ"), "a token is not shown in logs");
}

#[test]
fn a_file_without_a_token_is_named() {
    let refused = |path: &std::path::Path| Credentials::token_file(path).unwrap_err().to_string();
    assert!(refused("/nowhere/token".as_ref()).contains("/nowhere/token"));
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(refused(empty.path()).contains("holds no token"));
}
