//! Valid messages of any shape, from a seed: now plausible, now hostile.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use rand::{Rng as _, RngExt as _, rngs::StdRng, seq::IndexedRandom as _};

/// Texts that have broken systems, and some that are what was asked for.
const TEXTS: [&str; 18] = [
    "",
    "A-1",
    "CNY",
    "JPY",
    "XXX",
    "12.50",
    "-0.01",
    "NaN",
    "1e308",
    "99999999999999999999999999999",
    "0.00000000000000000000000000001",
    "a b",
    "a\u{0}b",
    "line\nbreak",
    "'; drop table accounts; --",
    "客户",
    "\u{202e}\u{1F600}",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

/// Numbers at the edges.
const NUMBERS: [i64; 10] = [0, 1, -1, 12, 2026, 31, 999_999_999, i64::MAX, i64::MIN, 1_000_000];

/// Deeper messages are left out.
const DEPTH_MAX: usize = 6;

/// A message of a type.
pub(super) fn arbitrary(random: &mut StdRng, of: &MessageDescriptor) -> DynamicMessage {
    message(random, of, 0)
}

fn message(random: &mut StdRng, of: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut made = DynamicMessage::new(of.clone());
    match of.full_name() {
        "google.type.Money" if random.random_ratio(3, 4) => {
            made.set_field_by_name("currency_code", Value::String("CNY".to_owned()));
            made.set_field_by_name("units", Value::I64(random.random_range(-10..2_000_000)));
        }
        "google.type.Date" if random.random_ratio(3, 4) => {
            made.set_field_by_name("year", Value::I32(random.random_range(2024..2028)));
            made.set_field_by_name("month", Value::I32(random.random_range(1..13)));
            made.set_field_by_name("day", Value::I32(random.random_range(1..29)));
        }
        "google.type.Decimal" if random.random_ratio(1, 2) => {
            made.set_field_by_name("value", Value::String(random.random_range(0..200).to_string()));
        }
        _ => {
            for field in of.fields() {
                if random.random_ratio(4, 5) {
                    set(random, &mut made, &field, depth);
                }
            }
        }
    }
    made
}

fn set(random: &mut StdRng, made: &mut DynamicMessage, field: &FieldDescriptor, depth: usize) {
    let is_message = matches!(field.kind(), Kind::Message(_));
    if is_message && depth >= DEPTH_MAX {
        return;
    }
    let value = if field.is_list() {
        let length = random.random_range(0..4);
        Value::List((0..length).map(|_| value(random, field, depth)).collect())
    } else {
        value(random, field, depth)
    };
    made.set_field(field, value);
}

fn value(random: &mut StdRng, field: &FieldDescriptor, depth: usize) -> Value {
    let number = *NUMBERS.choose(random).expect("there are some");
    match field.kind() {
        Kind::Message(of) => Value::Message(message(random, &of, depth + 1)),
        Kind::Enum(of) => Value::EnumNumber(random.random_range(-1..i32::try_from(of.values().len()).unwrap() + 1)),
        Kind::String => Value::String((*TEXTS.choose(random).expect("there are some")).to_owned()),
        Kind::Bool => Value::Bool(random.random()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(i32::try_from(number).unwrap_or(i32::MIN)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(random.next_u64()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(random.next_u32()),
        Kind::Bytes => Value::Bytes(vec![0xFF; 3].into()),
        Kind::Double | Kind::Float => unreachable!("the contracts have no floats"),
    }
}
