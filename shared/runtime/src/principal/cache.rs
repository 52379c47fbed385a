//! Tokens that were verified a moment ago: a signature costs more than the call it lets in.

use std::collections::HashMap;

use parking_lot::Mutex;
use weir_model::Principal;

/// Callers at once have a token each; when there are more, all are forgotten and verified again.
const TOKENS_MAX: usize = 4096;

/// Callers by token, each until its token expires.
#[derive(Default)]
pub(super) struct Verified(Mutex<HashMap<Box<str>, Until>>);

struct Until {
    caller: Principal,
    expires: u64,
}

impl Verified {
    /// The caller of a token that is known and has not expired. Seconds since 1970.
    pub(super) fn get(&self, token: &str, now: u64) -> Option<Principal> {
        let tokens = self.0.lock();
        tokens.get(token).filter(|until| now < until.expires).map(|until| until.caller.clone())
    }

    /// Remembers the caller of a token.
    pub(super) fn put(&self, token: &str, caller: &Principal, expires: u64) {
        let mut tokens = self.0.lock();
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(token.into(), Until { caller: caller.clone(), expires });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_until_it_expires() {
        let (verified, caller) = (Verified::default(), Principal::service("limits"));
        verified.put("token", &caller, 100);
        assert_eq!(verified.get("token", 99), Some(caller));
        assert_eq!(verified.get("token", 100), None);
        assert_eq!(verified.get("other", 99), None);
    }

    #[test]
    fn the_number_of_known_tokens_is_bounded() {
        let (verified, caller) = (Verified::default(), Principal::service("limits"));
        for n in 0..=TOKENS_MAX {
            verified.put(&n.to_string(), &caller, 100);
        }
        assert_eq!(verified.0.lock().len(), 1);
    }
}
