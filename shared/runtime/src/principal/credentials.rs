//! How this process, or a person at it, is named in calls to a part of the suite.
//!
//! Within the process a part is believed: its principal travels in the request's extensions. To another process it
//! shows what that process asks for: a name in development, a token otherwise.

use std::{fs, path::Path, sync::Arc};

use http::{HeaderName, HeaderValue, Request, header::AUTHORIZATION};
use weir_model::Principal;

use super::{
    PRINCIPAL_METADATA, PrincipalConfig, PrincipalError, PrincipalMode, principal_metadata, renewed::Renewed, services,
};

/// What is shown in calls; cheap to clone.
#[derive(Debug, Clone)]
pub struct Credentials(Shown);

#[derive(Debug, Clone)]
enum Shown {
    Principal(Principal),
    Name(HeaderValue),
    Token(Arc<Renewed<HeaderValue>>),
}

impl Credentials {
    /// For calls within this process.
    pub fn near(caller: Principal) -> Self {
        Credentials(Shown::Principal(caller))
    }

    /// A name without proof, for a server in mode `development`.
    pub fn named(caller: &Principal) -> Self {
        let name = HeaderValue::try_from(principal_metadata(caller));
        Credentials(Shown::Name(name.expect("names, roles and amounts are printable ASCII")))
    }

    /// A token in a file that somebody renews; read again every minute.
    ///
    /// # Errors
    /// Where the file holds no token.
    pub fn token_file(path: &Path) -> Result<Self, PrincipalError> {
        let path = path.to_owned();
        Ok(Credentials(Shown::Token(Arc::new(Renewed::open(move || read(&path))?))))
    }

    /// For calls of one process of the suite to another, which identifies its callers as this one does.
    ///
    /// # Errors
    /// In mode `jwt`, where no key is set that processes share.
    pub fn service(config: &PrincipalConfig, caller: &Principal) -> Result<Self, PrincipalError> {
        if config.mode == PrincipalMode::Development {
            return Ok(Self::named(caller));
        }
        if config.service_key_file.as_os_str().is_empty() {
            return Err(PrincipalError::Missing("service_key_file"));
        }
        let (config, caller) = (config.clone(), caller.clone());
        Ok(Credentials(Shown::Token(Arc::new(Renewed::open(move || services::token(&config, &caller))?))))
    }

    /// Shows them in a request.
    pub fn attach<B>(&self, request: &mut Request<B>) {
        match &self.0 {
            Shown::Principal(caller) => {
                request.extensions_mut().insert(caller.clone());
            }
            Shown::Name(name) => {
                request.headers_mut().insert(HeaderName::from_static(PRINCIPAL_METADATA), name.clone());
            }
            Shown::Token(token) => {
                request.headers_mut().insert(AUTHORIZATION, token.get());
            }
        }
    }
}

fn read(path: &Path) -> Result<HeaderValue, PrincipalError> {
    let failed = |cause| PrincipalError::TokenFile { path: path.to_owned(), cause };
    let text = fs::read_to_string(path).map_err(failed)?;
    let none = || failed(std::io::Error::new(std::io::ErrorKind::InvalidData, "it holds no token"));
    Some(text.trim()).filter(|token| !token.is_empty()).and_then(bearer).ok_or_else(none)
}

/// A token as metadata; none where it is none.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
