//! Bodies, written around values that stay as they came.
//!
//! Arguments and results are the script's. Reading them into values and writing them again would sort their keys, so they
//! are checked to be one JSON value and set into the body as text: what is one complete value cannot end the member that
//! it stands in.

use serde::Serialize;
use serde::de::IgnoredAny;

/// The text, if it is one JSON value in UTF-8.
pub(crate) fn value(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    Some(text)
}

/// The text, if it is one JSON object in UTF-8.
pub(crate) fn object(bytes: &[u8]) -> Option<&str> {
    value(bytes).filter(|text| text.trim_ascii_start().starts_with('{'))
}

/// An object, one member after the other.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn of_kind(kind: &str) -> Self {
        Self(String::from("{")).member("kind", &kind)
    }

    /// Begins with the members that `value`, a struct, is written as.
    pub(crate) fn beginning_with(value: &impl Serialize) -> Self {
        let mut text = written(value);
        text.pop();
        Self(text)
    }

    pub(crate) fn member(self, name: &str, value: &impl Serialize) -> Self {
        self.text(name, &written(value))
    }

    /// `json` is one JSON value: [`value`] said so, or it was written here.
    pub(crate) fn text(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&written(&name));
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types have string keys and no failing parts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_value_as_it_stands() {
        for text in [
            r#"{"b":1,"a":0.1000000000000000055}"#,
            "[1,2]",
            " null ",
            r#""\ud800""#,
        ] {
            assert_eq!(value(text.as_bytes()), Some(text));
        }
    }

    #[test]
    fn refuses_what_could_end_the_member_it_stands_in() {
        for text in [
            "",
            "{} {}",
            r#"{},"kind":"completion""#,
            r#"1}"#,
            r#"{"a":1"#,
            "\u{0}",
            r#"{"a":"b"#,
        ] {
            assert_eq!(value(text.as_bytes()), None, "{text}");
        }
        assert_eq!(value(b"\"\xff\""), None);
        assert_eq!(object(b"[{}]"), None);
    }

    #[test]
    fn writes_members_in_order() {
        let body = Object::of_kind("call")
            .member("seq", &3)
            .text("args", r#"{"b":1,"a":2}"#)
            .finish();
        assert_eq!(body, r#"{"kind":"call","seq":3,"args":{"b":1,"a":2}}"#);
    }
}
