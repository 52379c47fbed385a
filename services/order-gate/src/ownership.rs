//! Which process decides for which accounts. Accounts lie in partitions; a partition has one owner at a time, by a lease
//! on the database's clock. Knows neither clock nor storage.

mod directory;
mod share;

use std::num::NonZeroU16;
use std::time::Duration;

pub(crate) use directory::{Directory, Seat};
pub(crate) use share::{Due, due};

/// How this process takes part in deciding.
#[derive(Debug, Clone)]
pub struct Ownership {
    /// How long the others wait for a silent owner before they take over. By the database's clock.
    pub lease: Duration,
    /// Partitions of a database that has none yet; fixed from then on.
    pub partitions: NonZeroU16,
    /// Where the other processes reach this one, as `http://host:port`; empty when they cannot.
    pub address: String,
}

/// Who decides for a part of the accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub partition: i64,
    /// Where its owner is reached; empty where nobody owns it, or the owner cannot be reached.
    pub address: String,
    /// Goes up with each change of hands.
    pub epoch: i64,
}

impl Default for Ownership {
    fn default() -> Self {
        Ownership {
            // long enough for a pause of the machine, short enough for callers that try again
            lease: Duration::from_secs(5),
            partitions: NonZeroU16::new(64).expect("64 is not zero"),
            address: String::new(),
        }
    }
}

impl Ownership {
    /// How long after it was asked for a lease is relied on here: shorter than it lasts, so that this process falls
    /// silent before another may speak.
    pub(crate) fn relied_on(&self) -> Duration {
        self.lease * 4 / 5
    }

    /// How often the lease is renewed: one renewal may fail without harm.
    pub(crate) fn renewal(&self) -> Duration {
        self.lease / 3
    }
}

/// The partition an id names: that of an account without a group, of a group at the top, or of an order of which no account is
/// known yet. The 64-bit FNV-1a hash of the id's bytes, modulo the number of partitions. The same in every release.
pub fn partition_of(id: &str, partitions: NonZeroU16) -> i64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = id.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    // below 65 536
    i64::try_from(hash % u64::from(partitions.get())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str, partitions: u16) -> i64 {
        partition_of(id, NonZeroU16::new(partitions).unwrap())
    }

    /// Published values of 64-bit FNV-1a: "" cbf29ce484222325, "a" af63dc4c8601ec8c, "foobar" 85944171f73967e8.
    #[test]
    fn the_partition_is_the_fnv_1a_hash_modulo_their_number() {
        for (id, hash) in
            [("", 0xcbf2_9ce4_8422_2325_u64), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            for partitions in [1, 7, 64, u16::MAX] {
                assert_eq!(u64::try_from(of(id, partitions)).unwrap(), hash % u64::from(partitions), "{id:?}");
            }
        }
    }

    #[test]
    fn one_partition_takes_everything() {
        assert_eq!((of("A-1", 1), of("", 1)), (0, 0));
    }

    #[test]
    fn accounts_spread_evenly_over_the_partitions() {
        let mut counts = [0_u32; 64];
        for n in 0..64_000 {
            counts[usize::try_from(of(&format!("A-{n}"), 64)).unwrap()] += 1;
        }
        // 1 000 each; chance alone deviates by about 32
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }
}
