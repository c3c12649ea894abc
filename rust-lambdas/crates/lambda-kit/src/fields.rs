//! Binary fields of JSON payloads: standard base64 with padding, numbers little-endian.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// `f32` numbers, four bytes each. They may be NaN or infinite: who computes with them looks.
#[derive(Clone, PartialEq)]
pub struct Floats(pub Vec<f32>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64).map(Self)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_str(Base64)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(Error::custom("expected four bytes for each number"));
        }
        Ok(Self(
            numbers
                .iter()
                .map(|four| f32::from_le_bytes(*four))
                .collect(),
        ))
    }
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|one| one.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

/// Payloads stay out of debug output.
impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Bytes({})", self.0.len())
    }
}

impl fmt::Debug for Floats {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Floats({})", self.0.len())
    }
}

struct Base64;

impl Visitor<'_> for Base64 {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("standard base64 with padding")
    }

    /// Decoded where it stands: a text of five megabytes is not copied first.
    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        STANDARD
            .decode(text)
            .map_err(|_| E::custom("expected standard base64 with padding"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_bytes_and_numbers_both_ways() {
        let floats: Floats = serde_json::from_str(r#""AACAPwAAAMA=""#).unwrap();
        assert_eq!(floats, Floats(vec![1.0, -2.0]));
        assert_eq!(serde_json::to_string(&floats).unwrap(), r#""AACAPwAAAMA=""#);
        let bytes: Bytes = serde_json::from_str(r#""c2ln""#).unwrap();
        assert_eq!(bytes, Bytes(b"sig".to_vec()));
        assert_eq!(serde_json::to_string(&bytes).unwrap(), r#""c2ln""#);
    }

    #[test]
    fn refuses_other_alphabets_missing_padding_and_half_a_number() {
        for text in [r#""AA_-""#, r#""c2l""#, r#""c2ln\n""#, "7"] {
            assert!(serde_json::from_str::<Bytes>(text).is_err(), "{text}");
        }
        let error = serde_json::from_str::<Floats>(r#""AACAPwA=""#).unwrap_err();
        assert!(error.to_string().contains("four bytes"), "{error}");
    }

    #[test]
    fn keeps_payloads_out_of_debug_output() {
        assert_eq!(format!("{:?}", Bytes(vec![1, 2])), "Bytes(2)");
        assert_eq!(format!("{:?}", Floats(vec![1.0])), "Floats(1)");
    }
}
