//! Page tokens: opaque, signed, and good only for the arguments they were made for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;
use weir_model::Fault;

/// Length of the signature in front of a token's content, in bytes.
const SIGNATURE_BYTES: usize = 16;

/// Longest token read, in characters: keysets are a few ids.
const TOKEN_LENGTH_MAX: usize = 2_048;

/// Makes and reads page tokens. Replicas of a service share the key. Cheap to clone.
#[derive(Clone)]
pub struct PageTokens {
    key: [u8; 32],
}

impl std::fmt::Debug for PageTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageTokens")
    }
}

impl PageTokens {
    /// Tokens signed with a key.
    pub fn new(key: [u8; 32]) -> Self {
        PageTokens { key }
    }

    /// A token that goes on after `keyset`, for the same `arguments` (everything that selects and orders the list,
    /// the page's size and token excepted).
    pub fn encode<K: Serialize>(&self, arguments: &[&str], keyset: &K) -> String {
        let content = serde_json::to_vec(keyset).expect("a keyset of texts, numbers and dates is JSON");
        let mut token = self.signature(arguments, &content);
        token.extend(content);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The keyset to go on after; none for an empty token, which asks for the first page.
    pub fn decode<K: DeserializeOwned>(&self, arguments: &[&str], token: &str) -> Result<Option<K>, Fault> {
        if token.is_empty() {
            return Ok(None);
        }
        self.verified(arguments, token)
            .and_then(|content| serde_json::from_slice(&content).ok())
            .map(Some)
            .ok_or_else(|| Fault::invalid("page_token", "is not a token of this list with these arguments"))
    }

    fn verified(&self, arguments: &[&str], token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_LENGTH_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signature, content) = bytes.split_at_checked(SIGNATURE_BYTES)?;
        self.mac(arguments, content).verify_truncated_left(signature).ok()?;
        Some(content.to_vec())
    }

    fn signature(&self, arguments: &[&str], content: &[u8]) -> Vec<u8> {
        let mut tag = self.mac(arguments, content).finalize().into_bytes().to_vec();
        tag.truncate(SIGNATURE_BYTES);
        tag
    }

    fn mac(&self, arguments: &[&str], content: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any key length serves");
        for argument in arguments {
            mac.update(&u64::try_from(argument.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(argument.as_bytes());
        }
        mac.update(b"\0keyset");
        mac.update(content);
        mac
    }
}
