//! Mode `jwt`: how the processes of the suite know one another, without anybody who issues tokens to them.
//!
//! They share a secret key. A call carries a token that its caller has made for itself with it, valid for minutes. The
//! token names the caller and grants nothing: whoever has the key is a service, and never more.
//!
//! Keys are lines of a file, read again every minute: the first signs, all are believed. So a key is replaced without a
//! break: add the new one as the second line, a minute later make it the first, another five minutes later drop the old.

use std::{fs, path::Path};

use http::HeaderValue;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, encode, get_current_timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use weir_model::{Principal, Role, SubjectId};

use super::{PrincipalConfig, PrincipalError, credentials::bearer, jwt::decode_by_any, renewed::Renewed};

/// The issuer of tokens that processes make for themselves.
const ISSUER: &str = "weir";

/// The only algorithm of these tokens; no token of people may have it, and none of these any other.
pub(super) const ALGORITHM: Algorithm = Algorithm::HS256;

/// How long a token is valid. A process makes a new one every minute.
const VALID_SECONDS: u64 = 300;

/// A shorter key than the signature's 256 bits would be its weakest part.
const KEY_BYTES_MIN: usize = 32;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: u64,
}

/// Makes the token of a process, as metadata.
pub(super) fn token(config: &PrincipalConfig, caller: &Principal) -> Result<HeaderValue, PrincipalError> {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: config.audience.clone(),
        sub: caller.subject.to_string(),
        exp: get_current_timestamp() + VALID_SECONDS,
    };
    let (first, _) = keys(&config.service_key_file)?;
    let key = EncodingKey::from_secret(first.expose_secret().as_bytes());
    let token = encode(&Header::new(ALGORITHM), &claims, &key).expect("texts and a number can be signed");
    Ok(bearer(&token).expect("a token is base64"))
}

/// Verifies tokens that processes of the suite made.
#[derive(Debug)]
pub(super) struct Services {
    keys: Renewed<Vec<DecodingKey>>,
    validation: Validation,
}

impl Services {
    /// Reads the keys; none where no file is set.
    pub(super) fn open(config: &PrincipalConfig) -> Result<Option<Self>, PrincipalError> {
        let path = config.service_key_file.clone();
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let read = move || {
            let (first, others) = keys(&path)?;
            let all = std::iter::once(first).chain(others);
            Ok(all.map(|key| DecodingKey::from_secret(key.expose_secret().as_bytes())).collect())
        };
        let mut validation = Validation::new(ALGORITHM);
        validation.leeway = config.leeway.as_secs();
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Ok(Some(Services { keys: Renewed::open(read)?, validation }))
    }

    /// The process that made a token, and until when the token is valid, in seconds since 1970.
    pub(super) fn verify(&self, token: &str) -> Result<(Principal, u64), String> {
        let claims: Claims = decode_by_any(&self.keys.get(), token, &self.validation)?;
        let subject = SubjectId::parse(&claims.sub).map_err(|error| format!("sub: {error}"))?;
        Ok((Principal::new(subject, [Role::Service]), claims.exp))
    }
}

/// The keys of a file: the one that signs, and the others that are believed.
fn keys(path: &Path) -> Result<(SecretString, Vec<SecretString>), PrincipalError> {
    let bad = |cause: String| PrincipalError::ServiceKeyFile { path: path.to_owned(), cause };
    let text = SecretString::from(fs::read_to_string(path).map_err(|error| bad(error.to_string()))?);
    let lines = text.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty());
    let mut keys = Vec::new();
    for line in lines {
        if line.len() < KEY_BYTES_MIN {
            return Err(bad(format!("a key has less than {KEY_BYTES_MIN} characters")));
        }
        keys.push(SecretString::from(line.to_owned()));
    }
    if keys.is_empty() {
        return Err(bad("it holds no key".to_owned()));
    }
    Ok((keys.remove(0), keys))
}
