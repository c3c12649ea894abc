use serde::{Deserialize, Deserializer};

/// The payload is not a request of this function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRequest(pub String);

/// A request as it came, read or not. Reading never fails here: the runtime would log the reader's own message, which
/// quotes what it read.
pub(crate) struct Incoming<Q>(pub(crate) Result<Q, InvalidRequest>);

impl<'de, Q: Deserialize<'de>> Deserialize<'de> for Incoming<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Q::deserialize(deserializer).map_err(|error| {
            InvalidRequest(without_values(&error.to_string()))
        })))
    }
}

/// What the reader says as far as it quotes names of ours only.
fn without_values(message: &str) -> String {
    let said = [
        "missing field `",
        "duplicate field `",
        "expected standard base64",
        "expected four bytes",
    ];
    let kept = if said.iter().any(|start| message.starts_with(start)) {
        // Behind it stands where: the line and column of a text that nobody sees.
        message.split(" at line ").next().unwrap_or(message)
    } else {
        "a field is unknown, of another type, or out of its set"
    };
    format!("the payload is not a request of this function: {kept}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request {
        #[allow(dead_code, reason = "only read")]
        k: u32,
    }

    fn message(text: &str) -> String {
        // As the runtime does, which does not ask whether the text ends behind the value.
        let mut reader = serde_json::Deserializer::from_str(text);
        let incoming = Incoming::<Request>::deserialize(&mut reader).expect("never fails");
        incoming.0.unwrap_err().to_string()
    }

    #[test]
    fn says_what_is_missing_or_there_twice() {
        assert!(message("{}").ends_with("missing field `k`"));
        assert!(message(r#"{"k":1,"k":1}"#).ends_with("duplicate field `k`"));
    }

    #[test]
    fn never_quotes_what_it_read() {
        for text in [
            r#"{"k":"secret"}"#,
            r#"{"secret":1}"#,
            r#""secret""#,
            r#"["secret"]"#,
            r#"{"k":1,"secret":{"#,
        ] {
            assert!(!message(text).contains("secret"), "{text}");
        }
    }
}
