//! How this process names itself when it calls another part of the suite.
//!
//! Within the process a part is believed: its principal travels in the request's extensions. To another process it
//! shows what that process asks for: a name in development, a token otherwise.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Request, header::AUTHORIZATION};
use parking_lot::Mutex;
use tokio::time::Instant;
use weir_model::Principal;

use super::{PRINCIPAL_METADATA, PrincipalConfig, PrincipalError, PrincipalMode, principal_metadata};

/// Tokens from files are renewed by whoever writes them, long before they expire; a minute late does no harm.
const TOKEN_AGE_MAX: Duration = Duration::from_secs(60);

/// What a part shows of itself in its calls; cheap to clone.
#[derive(Debug, Clone)]
pub struct Credentials(Shown);

#[derive(Debug, Clone)]
enum Shown {
    Principal(Principal),
    Name(HeaderValue),
    Token(Arc<TokenFile>),
}

impl Credentials {
    /// For calls within this process.
    pub fn near(caller: Principal) -> Self {
        Credentials(Shown::Principal(caller))
    }

    /// For calls to other processes, which identify their callers as this one does.
    ///
    /// # Errors
    /// In mode `jwt`, where no token file is set or the file holds no token.
    pub fn far(config: &PrincipalConfig, caller: &Principal) -> Result<Self, PrincipalError> {
        match config.mode {
            PrincipalMode::Development => {
                let name = HeaderValue::try_from(principal_metadata(caller));
                Ok(Credentials(Shown::Name(name.expect("names, roles and amounts are printable ASCII"))))
            }
            PrincipalMode::Jwt if config.token_file.as_os_str().is_empty() => {
                Err(PrincipalError::Missing("token_file"))
            }
            PrincipalMode::Jwt => Ok(Credentials(Shown::Token(Arc::new(TokenFile::open(&config.token_file)?)))),
        }
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
            Shown::Token(file) => {
                request.headers_mut().insert(AUTHORIZATION, file.header());
            }
        }
    }
}

/// A token in a file that somebody renews.
#[derive(Debug)]
struct TokenFile {
    path: PathBuf,
    read: Mutex<(HeaderValue, Instant)>,
}

impl TokenFile {
    fn open(path: &std::path::Path) -> Result<Self, PrincipalError> {
        let header = read(path)?;
        Ok(TokenFile { path: path.to_owned(), read: Mutex::new((header, Instant::now())) })
    }

    /// The token as it was within the last minute; the last good one where the file cannot be read.
    fn header(&self) -> HeaderValue {
        let mut last = self.read.lock();
        if last.1.elapsed() >= TOKEN_AGE_MAX {
            last.1 = Instant::now();
            match read(&self.path) {
                Ok(header) => last.0 = header,
                Err(error) => tracing::warn!(%error, "keeping the last token"),
            }
        }
        last.0.clone()
    }
}

fn read(path: &std::path::Path) -> Result<HeaderValue, PrincipalError> {
    let text = fs::read_to_string(path).map_err(|cause| PrincipalError::TokenFile { path: path.to_owned(), cause })?;
    let unusable = || {
        let cause = std::io::Error::new(std::io::ErrorKind::InvalidData, "it holds no token");
        PrincipalError::TokenFile { path: path.to_owned(), cause }
    };
    let token = text.trim();
    if token.is_empty() {
        return Err(unusable());
    }
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unusable())?;
    header.set_sensitive(true);
    Ok(header)
}
