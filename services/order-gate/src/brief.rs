//! How states are written as JSON: what is zero, empty or absent is left out, bytes are hexadecimal digits. Every decision
//! is written once and read rarely, so each letter counts.

/// Whether a field says no more than its absence would.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Sixteen bytes as 32 hexadecimal digits.
pub(crate) mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(*bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        if text.len() != 32 {
            return Err(D::Error::custom("a digest has 32 hexadecimal digits"));
        }
        Ok(u128::from_str_radix(&text, 16).map_err(D::Error::custom)?.to_be_bytes())
    }
}
