//! Payloads that a caller's managed identity signs: text, and bytes of the caller's own types. Their PAE names a type that
//! is none of ours, so what a caller has signed can never pass for a statement, a message, a note or a vote.

use super::{PAYLOAD_BYTES_MAX, Sealed, entry_of, id_of, pre_authentication_encoding};
use crate::{PrivateKey, PublicKey, Reject, ed25519};

/// Plain UTF-8 text.
pub const TEXT_TYPE: &str = "application/vnd.signet.text.v1";

const TYPE_BYTES_MAX: usize = 128;

/// A subtype with one of these words in it is left to those who give it a meaning.
const RESERVED_WORDS: [&str; 7] = [
    "signet",
    "in-toto",
    "note",
    "vote",
    "tlog",
    "checkpoint",
    "cosignature",
];

/// Signs the bytes as they are. `envelope.type` for a reserved or malformed type, `json.utf8` for text that is none.
pub fn seal_payload(
    key: &PrivateKey,
    payload_type: &str,
    payload: &[u8],
) -> Result<Sealed, Reject> {
    if !is_callers_own(payload_type) {
        return Err(Reject::EnvelopeType);
    }
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(Reject::EnvelopePayloadSize);
    }
    if payload_type == TEXT_TYPE && std::str::from_utf8(payload).is_err() {
        return Err(Reject::JsonUtf8);
    }
    key.role().may_seal_payloads()?;
    let encoded = pre_authentication_encoding(payload_type.as_bytes(), payload);
    let signature = key.sign(&encoded);
    Ok(Sealed {
        entry: entry_of(payload_type, payload, key.public().key_id(), &signature),
        id: id_of(&encoded),
    })
}

/// Verifies a signature over the PAE of any type and payload.
pub fn verify_payload(
    key: &PublicKey,
    payload_type: &str,
    payload: &[u8],
    signature: &[u8],
) -> Result<(), Reject> {
    ed25519::signature_of(signature)?;
    let encoded = pre_authentication_encoding(payload_type.as_bytes(), payload);
    key.verify(&encoded, signature)
}

/// A media type in lower case without parameters, which no standard of ours has taken.
fn is_callers_own(payload_type: &str) -> bool {
    if payload_type == TEXT_TYPE {
        return true;
    }
    let Some((kind, subtype)) = payload_type.split_once('/') else {
        return false;
    };
    payload_type.len() <= TYPE_BYTES_MAX
        && is_name(kind)
        && is_name(subtype)
        && !subtype.split(['.', '+']).any(is_reserved)
}

fn is_reserved(word: &str) -> bool {
    let plain = word.strip_prefix("x-").unwrap_or(word);
    RESERVED_WORDS.iter().any(|reserved| {
        plain == *reserved
            || plain
                .strip_prefix(reserved)
                .is_some_and(|rest| rest.starts_with('-'))
    })
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && bytes.all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$&-^_.+".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn agent() -> PrivateKey {
        PrivateKey::from_seed(Role::Agent, &[0x41; 32])
    }

    #[test]
    fn what_an_agent_signs_verifies_under_its_type_and_no_other() {
        let key = agent();
        let sealed = seal_payload(&key, TEXT_TYPE, "não".as_bytes()).unwrap();
        let outer = crate::json::parse(&sealed.entry, 8192).unwrap();
        let crate::json::Value::Array(signatures) = outer.get("signatures").unwrap() else {
            panic!("signatures are a list");
        };
        let signature = super::super::base64_of(signatures[0].get("sig").unwrap()).unwrap();
        let verify =
            |kind: &str, payload: &[u8]| verify_payload(key.public(), kind, payload, &signature);
        assert_eq!(verify(TEXT_TYPE, "não".as_bytes()), Ok(()));
        assert_eq!(verify(TEXT_TYPE, b"nao"), Err(Reject::SignatureInvalid));
        assert_eq!(
            verify("text/plain", "não".as_bytes()),
            Err(Reject::SignatureInvalid)
        );
        assert_eq!(
            verify_payload(key.public(), TEXT_TYPE, b"x", &signature[1..]),
            Err(Reject::SignatureMalformed)
        );
    }

    #[test]
    fn reserved_and_malformed_types_are_refused() {
        for payload_type in [
            "application/vnd.in-toto+json",
            "application/vnd.signet.message.v1+json",
            "application/vnd.signet.vote.v1",
            "application/vnd.signet.text.v2",
            "text/x.tlog.checkpoint",
            "application/note",
            "application/x-vote",
            "application/vnd.in-toto-run",
            "application/Vnd.Signet.message",
            "text/plain; charset=utf-8",
            "text",
            "/plain",
            "text/",
            "text/pl\u{e4}in",
            "",
        ] {
            assert_eq!(
                seal_payload(&agent(), payload_type, b"x"),
                Err(Reject::EnvelopeType),
                "{payload_type}"
            );
        }
        for payload_type in [
            "text/plain",
            "application/vnd.acme.order+json",
            "application/denote",
        ] {
            assert!(
                seal_payload(&agent(), payload_type, b"x").is_ok(),
                "{payload_type}"
            );
        }
        let long = format!("text/{}", "a".repeat(124));
        assert_eq!(
            seal_payload(&agent(), &long, b"x"),
            Err(Reject::EnvelopeType)
        );
    }

    #[test]
    fn only_agents_sign_payloads_of_their_callers_and_only_so_large() {
        for role in [
            Role::Root,
            Role::Issuer,
            Role::Session,
            Role::Log,
            Role::Witness,
        ] {
            let key = PrivateKey::from_seed(role, &[7; 32]);
            assert_eq!(
                seal_payload(&key, TEXT_TYPE, b"x"),
                Err(Reject::KeyRole),
                "{role:?}"
            );
        }
        assert!(seal_payload(&agent(), TEXT_TYPE, &[b'x'; PAYLOAD_BYTES_MAX]).is_ok());
        assert_eq!(
            seal_payload(&agent(), TEXT_TYPE, &[b'x'; PAYLOAD_BYTES_MAX + 1]),
            Err(Reject::EnvelopePayloadSize)
        );
        assert_eq!(
            seal_payload(&agent(), TEXT_TYPE, b"\xff"),
            Err(Reject::JsonUtf8)
        );
    }
}
