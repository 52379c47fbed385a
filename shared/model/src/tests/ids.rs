use std::collections::BTreeSet;

use crate::{AccountId, IdError, Ids, OrderId};

#[test]
fn an_id_is_1_to_64_printable_ascii_characters() {
    let longest = "x".repeat(64);
    for good in ["7", "SO-2026/0001", "a_b.c:d@e#f", longest.as_str()] {
        assert_eq!(AccountId::parse(good).unwrap().as_str(), good);
    }
}

#[test]
fn what_is_no_id_says_why() {
    let too_long = "x".repeat(65);
    let cases = [
        ("", IdError::Empty),
        ("a b", IdError::BadCharacter),
        ("a\n", IdError::BadCharacter),
        ("a\u{0}", IdError::BadCharacter),
        ("客户", IdError::BadCharacter),
        (too_long.as_str(), IdError::TooLong),
    ];
    for (text, error) in cases {
        assert_eq!(AccountId::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn a_bad_id_does_not_come_in_through_json() {
    assert!(serde_json::from_str::<OrderId>("\"a b\"").is_err());
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let (a, b) = (Ids::seeded(7), Ids::seeded(7));
    assert_eq!(a.next::<OrderId>(), b.next::<OrderId>());
}

#[test]
fn ids_are_not_given_twice_and_clones_share_the_sequence() {
    for ids in [Ids::seeded(7), Ids::random()] {
        let clone = ids.clone();
        let seen: BTreeSet<OrderId> = (0..100).flat_map(|_| [ids.next(), clone.next()]).collect();
        assert_eq!(seen.len(), 200);
    }
}
