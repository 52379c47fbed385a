//! Chance for pauses and ages, so that things begun together do not happen together for ever. Good for nothing else.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

const SIDES: u32 = 0x1_0000;

/// A length between nothing and `longest`, by chance.
pub(crate) fn up_to(longest: Duration) -> Duration {
    let roll = u32::try_from(RandomState::new().hash_one(()) % u64::from(SIDES)).unwrap_or_default();
    longest / SIDES * roll
}
