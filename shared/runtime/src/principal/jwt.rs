//! Mode `jwt`: callers show a signed JSON Web Token.
//!
//! Pinned: issuer, audience, algorithms and keys come from the configuration, never from the token. `exp`, `iss`, `aud`
//! and `sub` are required. Claims: `sub` names the caller, `roles` is a list of role names (names of other systems are
//! ignored), `authority` a list of amounts such as `"CNY:500000.00"`. Why a token was refused goes to the log only.
//! Tokens that processes of the suite made for themselves are told apart by their algorithm.

use std::{fs, path::Path};

use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header, get_current_timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use weir_model::{Fault, Principal, Role, SubjectId};

use super::{
    PrincipalConfig, PrincipalError, add_authority,
    cache::Verified,
    parse_authority,
    renewed::Renewed,
    services::{self, Services},
};
use crate::edge::unauthenticated;

/// A token longer than this is refused unread: real ones have one or two kilobytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// After which a token is verified again: a key that is no longer believed lets nobody in for much longer.
const VERIFIED_SECONDS: u64 = 60;

/// How each key of a PEM file begins.
const PEM_BEGIN: &str = "-----BEGIN ";

/// Verifies tokens of one issuer, and those of the suite's own processes.
pub(super) struct Verifier {
    keys: Renewed<Vec<DecodingKey>>,
    validation: Validation,
    services: Option<Services>,
    verified: Verified,
}

/// The claims we read; the decoder has checked `exp`, `iss` and `aud` by then.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    authority: Vec<String>,
}

impl Verifier {
    pub(super) fn open(config: &PrincipalConfig) -> Result<Self, PrincipalError> {
        let issuer = required("issuer", &config.issuer)?;
        let audience = required("audience", &config.audience)?;
        let algorithms = algorithms(&config.algorithms)?;
        let first = *algorithms.first().ok_or(PrincipalError::Missing("algorithms"))?;
        if config.key_file.as_os_str().is_empty() {
            return Err(PrincipalError::Missing("key_file"));
        }
        let (path, family) = (config.key_file.clone(), first.family());
        let keys = Renewed::open(move || keys(&path, family))?;
        let mut validation = Validation::new(first);
        validation.algorithms = algorithms;
        validation.leeway = config.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(Verifier { keys, validation, services: Services::open(config)?, verified: Verified::default() })
    }

    pub(super) fn identify(&self, headers: &HeaderMap) -> Result<Principal, Fault> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(bearer) else {
            return Err(unauthenticated("a bearer token is required in metadata authorization"));
        };
        self.verify(token).map_err(|problem| {
            tracing::info!(problem, "a token was refused");
            unauthenticated("the bearer token is not accepted")
        })
    }

    fn verify(&self, token: &str) -> Result<Principal, String> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("the token is too long".to_owned());
        }
        let now = get_current_timestamp();
        if let Some(caller) = self.verified.get(token, now) {
            return Ok(caller);
        }
        let header = decode_header(token).map_err(|error| error.to_string())?;
        let (caller, expires) = match &self.services {
            Some(services) if header.alg == services::ALGORITHM => services.verify(token)?,
            _ => self.verify_issued(token)?,
        };
        self.verified.put(token, &caller, expires.min(now + VERIFIED_SECONDS));
        Ok(caller)
    }

    /// The caller whom the issuer names, and until when the token is valid.
    fn verify_issued(&self, token: &str) -> Result<(Principal, u64), String> {
        let claims: Claims = decode_by_any(&self.keys.get(), token, &self.validation)?;
        let subject = SubjectId::parse(&claims.sub).map_err(|error| format!("sub: {error}"))?;
        let roles = claims.roles.iter().filter_map(|role| role.parse::<Role>().ok());
        let mut caller = Principal::new(subject, roles);
        for amount in &claims.authority {
            add_authority(&mut caller.authority, parse_authority(amount)?)?;
        }
        Ok((caller, claims.exp))
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("validation", &self.validation).finish_non_exhaustive()
    }
}

/// What a token claims whose signature fits one of the keys; else why it does not fit the last of them.
pub(super) fn decode_by_any<C: DeserializeOwned>(
    keys: &[DecodingKey],
    token: &str,
    validation: &Validation,
) -> Result<C, String> {
    let mut refused = String::new();
    for key in keys {
        match decode::<C>(token, key, validation) {
            Ok(verified) => return Ok(verified.claims),
            Err(error) => refused = error.to_string(),
        }
    }
    Err(refused)
}

/// The public keys of a PEM file: the issuer's present one, and the next or the last beside it while they change.
fn keys(path: &Path, family: AlgorithmFamily) -> Result<Vec<DecodingKey>, PrincipalError> {
    let unreadable = |cause| PrincipalError::KeyFile { path: path.to_owned(), cause };
    let bad = |cause: String| PrincipalError::Key { path: path.to_owned(), cause };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let blocks = text.match_indices(PEM_BEGIN).filter_map(|(at, _)| text.get(at..));
    let read = blocks.map(|pem| match family {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem.as_bytes()),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem.as_bytes()),
        _ => DecodingKey::from_ed_pem(pem.as_bytes()),
    });
    let keys: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| bad(error.to_string()))?;
    if keys.is_empty() { Err(bad("it is no PEM".to_owned())) } else { Ok(keys) }
}

fn required<'a>(name: &'static str, value: &'a str) -> Result<&'a str, PrincipalError> {
    if value.is_empty() { Err(PrincipalError::Missing(name)) } else { Ok(value) }
}

/// The algorithms by name: all asymmetric, since whoever can check a symmetric signature can also make one, and all of
/// one family, since there is one key.
fn algorithms(names: &[String]) -> Result<Vec<Algorithm>, PrincipalError> {
    let mut algorithms: Vec<Algorithm> = Vec::new();
    for name in names {
        let refused = || PrincipalError::Algorithm(name.clone());
        let algorithm: Algorithm = name.parse().map_err(|_| refused())?;
        let family = algorithm.family();
        let other_family = algorithms.first().is_some_and(|first| first.family() != family);
        if family == AlgorithmFamily::Hmac || other_family {
            return Err(refused());
        }
        algorithms.push(algorithm);
    }
    Ok(algorithms)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
