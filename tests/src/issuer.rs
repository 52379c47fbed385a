//! Whoever issues tokens, as a company's identity provider does, to people and to processes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;
use weir_model::Principal;

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "weir";
const SECONDS_VALID: u64 = 3_600;
const SERVICE_KEY: &str = "a secret of thirty-two characters and more, for tests alone";

/// An issuer of tokens, which lie in a folder, a file a caller.
#[derive(Debug)]
pub(crate) struct Issuer {
    folder: PathBuf,
}

impl Issuer {
    pub(crate) fn new(folder: &Path) -> Issuer {
        Issuer { folder: folder.to_owned() }
    }

    /// The file of a caller's token.
    pub(crate) fn token_file(&self, caller: &Principal) -> PathBuf {
        let file = self.folder.join(format!("{}.jwt", caller.subject));
        fs::write(&file, token(caller)).expect("a token can be written");
        file
    }

    /// The settings of a process that believes this issuer, and knows its like by a key they share.
    pub(crate) fn settings(&self) -> Vec<(&'static str, PathBuf)> {
        let service_key = self.folder.join("service.key");
        fs::write(&service_key, SERVICE_KEY).expect("a key can be written");
        vec![
            ("WEIR_PRINCIPAL__MODE", "jwt".into()),
            ("WEIR_PRINCIPAL__ISSUER", ISSUER.into()),
            ("WEIR_PRINCIPAL__AUDIENCE", AUDIENCE.into()),
            ("WEIR_PRINCIPAL__KEY_FILE", key("test_only_public.pem")),
            ("WEIR_PRINCIPAL__SERVICE_KEY_FILE", service_key),
        ]
    }
}

fn token(caller: &Principal) -> String {
    let authority =
        caller.authority.iter().map(|amount| format!("{}:{}", amount.currency().code(), amount.to_decimal()));
    let claims = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": caller.subject.as_str(),
        "exp": get_current_timestamp() + SECONDS_VALID,
        "roles": caller.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "authority": authority.collect::<Vec<_>>(),
    });
    let pem = fs::read(key("test_only_private.pem")).expect("the key is in the repository");
    let key = EncodingKey::from_ec_pem(&pem).expect("the key is one");
    encode(&Header::new(Algorithm::ES256), &claims, &key).expect("claims can be signed")
}

/// Keys made for tests of tokens.
fn key(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/runtime/src/principal/keys").join(name)
}
