//! Who calls: read from a signed token, or in development believed as told.
//!
//! Knows how to identify a caller, not what the caller may do.

mod cache;
mod credentials;
mod development;
mod jwt;
mod renewed;
mod services;
#[cfg(test)]
pub(crate) mod tests;

use std::{path::PathBuf, str::FromStr as _, time::Duration};

use http::HeaderMap;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Fault, Money, Principal};

use self::jwt::Verifier;
pub use self::{
    credentials::Credentials,
    development::{PRINCIPAL_METADATA, principal_metadata},
};

/// How callers are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalMode {
    /// As they say themselves, in metadata `weir-principal`; only where nobody else can reach the process.
    #[default]
    Development,
    /// By a signed JSON Web Token, in metadata `authorization: Bearer …`.
    Jwt,
}

/// Section `[principal]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrincipalConfig {
    /// How callers are known.
    pub mode: PrincipalMode,
    /// The only accepted `iss` of a token.
    pub issuer: String,
    /// The `aud` a token must name.
    pub audience: String,
    /// The only accepted `alg`s of a token: one family of `RS…`, `PS…`, `ES…` or `EdDSA`.
    pub algorithms: Vec<String>,
    /// PEM file of the issuer's public key, or of two while one replaces the other; read again every minute.
    pub key_file: PathBuf,
    /// File of the keys, one a line, by which processes of the suite know one another; read again every minute.
    pub service_key_file: PathBuf,
    /// How far the issuer's clock may be off.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
}

impl Default for PrincipalConfig {
    fn default() -> Self {
        PrincipalConfig {
            mode: PrincipalMode::Development,
            issuer: String::new(),
            audience: String::new(),
            algorithms: vec!["ES256".to_owned()],
            key_file: PathBuf::new(),
            service_key_file: PathBuf::new(),
            leeway: Duration::from_secs(30),
        }
    }
}

/// Why callers cannot be identified as configured.
#[derive(Debug, thiserror::Error)]
pub enum PrincipalError {
    /// A setting that the mode needs is empty.
    #[error("principal.{0} must be set in mode jwt")]
    Missing(&'static str),
    /// An algorithm is not accepted: unknown, symmetric or of another family than the first.
    #[error(
        "principal.algorithms: {0:?} is not accepted; name one family of RS256…RS512, PS256…PS512, ES256, ES384, EdDSA"
    )]
    Algorithm(String),
    /// The key file cannot be read.
    #[error("principal.key_file {path}: {cause}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The file holds no key that processes may share.
    #[error("principal.service_key_file {path}: {cause}")]
    ServiceKeyFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// A file of a token cannot be read.
    #[error("token file {path}: {cause}")]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The key file holds no public key for the algorithms.
    #[error("principal.key_file {path} holds no public key for the algorithms: {cause}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
}

/// Identifies callers as configured.
#[derive(Debug)]
pub struct Identities(Way);

#[derive(Debug)]
enum Way {
    Development,
    Jwt(Box<Verifier>),
}

impl Identities {
    /// Reads what the mode needs; in development mode warns aloud.
    pub fn open(config: &PrincipalConfig) -> Result<Self, PrincipalError> {
        match config.mode {
            PrincipalMode::Development => {
                tracing::warn!("DEVELOPMENT MODE: every caller is believed to be who it says it is");
                Ok(Self::development())
            }
            PrincipalMode::Jwt => Ok(Identities(Way::Jwt(Box::new(Verifier::open(config)?)))),
        }
    }

    /// Believes every caller; for tests and demonstrations within one process.
    pub fn development() -> Self {
        Identities(Way::Development)
    }

    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Principal, Fault> {
        match &self.0 {
            Way::Development => development::identify(headers),
            Way::Jwt(verifier) => verifier.identify(headers),
        }
    }

    pub(crate) fn believes_without_proof(&self) -> bool {
        matches!(self.0, Way::Development)
    }
}

/// Reads an authority amount such as `CNY:500000.00`.
fn parse_authority(text: &str) -> Result<Money, String> {
    let bad = || format!("{text:?} is no amount of the form CNY:500000.00");
    let (code, amount) = text.split_once(':').ok_or_else(bad)?;
    let currency = Currency::from_code(code.trim()).map_err(|error| error.to_string())?;
    let amount = Decimal::from_str(amount.trim()).map_err(|_| bad())?;
    let amount = Money::try_from_decimal(amount, currency).map_err(|error| error.to_string())?;
    if amount.is_negative() {
        return Err(format!("{text:?} is negative"));
    }
    Ok(amount)
}

/// Adds an amount, unless one of its currency is there already.
fn add_authority(authority: &mut Vec<Money>, amount: Money) -> Result<(), String> {
    if authority.iter().any(|known| known.currency() == amount.currency()) {
        return Err(format!("two amounts in {}", amount.currency().code()));
    }
    authority.push(amount);
    Ok(())
}
