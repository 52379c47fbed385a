//! Mode `jwt`: callers show a signed JSON Web Token.
//!
//! Pinned: issuer, audience, algorithms and key come from the configuration, never from the token. `exp`, `iss`, `aud`
//! and `sub` are required. Claims: `sub` names the caller, `roles` is a list of role names (names of other systems are
//! ignored), `authority` a list of amounts such as `"CNY:500000.00"`. Why a token was refused goes to the log only.
//! Tokens that processes of the suite made for themselves are told apart by their algorithm.

use std::fs;

use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode, decode_header, get_current_timestamp};
use serde::Deserialize;
use weir_model::{Fault, Principal, Role, SubjectId};

use super::{
    PrincipalConfig, PrincipalError, add_authority,
    cache::Verified,
    parse_authority,
    services::{self, Services},
};
use crate::edge::unauthenticated;

/// A token longer than this is refused unread: real ones have one or two kilobytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Verifies tokens of one issuer, and those of the suite's own processes.
pub(super) struct Verifier {
    key: DecodingKey,
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
        let path = config.key_file.clone();
        let pem = fs::read(&path).map_err(|cause| PrincipalError::KeyFile { path: path.clone(), cause })?;
        let key = match first.family() {
            AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(&pem),
            AlgorithmFamily::Ec => DecodingKey::from_ec_pem(&pem),
            _ => DecodingKey::from_ed_pem(&pem),
        };
        let key = key.map_err(|cause| PrincipalError::Key { path, cause: cause.to_string() })?;
        let mut validation = Validation::new(first);
        validation.algorithms = algorithms;
        validation.leeway = config.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(Verifier { key, validation, services: Services::open(config)?, verified: Verified::default() })
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
        if let Some(caller) = self.verified.get(token, get_current_timestamp()) {
            return Ok(caller);
        }
        let header = decode_header(token).map_err(|error| error.to_string())?;
        let (caller, expires) = match &self.services {
            Some(services) if header.alg == services::ALGORITHM => services.verify(token)?,
            _ => self.verify_issued(token)?,
        };
        self.verified.put(token, &caller, expires);
        Ok(caller)
    }

    /// The caller whom the issuer names, and until when the token is valid.
    fn verify_issued(&self, token: &str) -> Result<(Principal, u64), String> {
        let claims = decode::<Claims>(token, &self.key, &self.validation).map_err(|error| error.to_string())?.claims;
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
