//! Whether text is a JSON object that every reader understands alike: no duplicate key, bounded depth.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

const DEPTH_MAX: usize = 64;

/// Checks `text`; the reason names what is wrong and quotes nothing.
pub(crate) fn check_object(text: &str) -> Result<(), String> {
    if !text.trim_start().starts_with('{') {
        return Err("not a JSON object".into());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    Checked { depth: 1 }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| format!("{error}"))
}

struct Checked {
    depth: usize,
}

impl Checked {
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        if self.depth >= DEPTH_MAX {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("a key twice"));
            }
            fields.next_value_seed(self.deeper()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_objects() {
        for text in [
            "{}",
            r#" {"a": [1, -2.5, "x", null, true], "b": {"a": 18446744073709551615}}"#,
        ] {
            assert_eq!(check_object(text), Ok(()));
        }
    }

    #[test]
    fn refuses_what_readers_could_read_differently() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(64), "]".repeat(64));
        for text in [
            "",
            "[]",
            "1",
            "{",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "{} {}",
            r#"{"a":1e999}"#,
            r#"{"a":NaN}"#,
            r#"{"a":"\ud800"}"#,
            &deep,
        ] {
            assert!(check_object(text).is_err(), "{text}");
        }
    }
}
