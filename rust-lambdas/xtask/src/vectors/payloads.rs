//! `envelope/payload`: what a caller's identity signs. Bytes as they are, under text or a type of the caller's own.

use serde_json::{Value, json};
use signing::envelope::{TEXT_TYPE, seal_payload, verify_payload};
use signing::{PublicKey, Reject, Role, ed25519};

use super::node_keys::{MESSAGE, STATEMENT};
use super::{hex, key, with_outcome};

const SEED: u8 = 81;

pub fn cases() -> Vec<Value> {
    let mut cases = seals();
    cases.extend(verdicts());
    cases
}

fn seals() -> Vec<Value> {
    let own = |name: &str, payload_type: &str| seal(name, Role::Agent, payload_type, b"x", None);
    let reserved = |payload_type: &str| {
        let name = format!("not under `{payload_type}`");
        seal(
            &name,
            Role::Agent,
            payload_type,
            b"x",
            Some(Reject::EnvelopeType),
        )
    };
    let mut cases = vec![
        seal("text", Role::Agent, TEXT_TYPE, "n\u{e3}o".as_bytes(), None),
        seal("no bytes", Role::Agent, "text/plain", b"", None),
        seal(
            "any bytes",
            Role::Agent,
            "application/octet-stream",
            &[0, 0xff, 0x7b],
            None,
        ),
        seal(
            "3,900 bytes",
            Role::Agent,
            "text/plain",
            &[b'x'; 3900],
            None,
        ),
        seal(
            "3,901 bytes",
            Role::Agent,
            "text/plain",
            &[b'x'; 3901],
            Some(Reject::EnvelopePayloadSize),
        ),
        seal(
            "text that is none",
            Role::Agent,
            TEXT_TYPE,
            &[0xff],
            Some(Reject::JsonUtf8),
        ),
        own(
            "a type of an organisation",
            "application/vnd.acme.order+json",
        ),
        own(
            "a word that only begins like a reserved one",
            "application/notebook",
        ),
    ];
    cases.extend(
        [
            STATEMENT,
            MESSAGE,
            "application/vnd.signet.text.v2",
            "application/vnd.signet.vote.v1",
            "application/vnd.acme.vote",
            "text/x.tlog.checkpoint",
            "text/x-note",
            "application/vnd.c2sp.cosignature-v1",
            "Text/plain",
            "text/plain; charset=utf-8",
            "text",
            "",
        ]
        .map(reserved),
    );
    let roles = [
        Role::Root,
        Role::Issuer,
        Role::Session,
        Role::Log,
        Role::Witness,
    ];
    cases.extend(roles.map(|role| {
        let name = format!("not by a key of role {role:?}").to_lowercase();
        seal(&name, role, "text/plain", b"x", Some(Reject::KeyRole))
    }));
    cases
}

fn seal(
    name: &str,
    role: Role,
    payload_type: &str,
    payload: &[u8],
    stated: Option<Reject>,
) -> Value {
    let case = json!({
        "name": name,
        "operation": "seal",
        "role": format!("{role:?}").to_lowercase(),
        "seed": hex(&[SEED; 32]),
        "payload_type": payload_type,
        "payload": hex(payload),
    });
    let sealed = seal_payload(&key(role, SEED), payload_type, payload).map(|sealed| {
        let entry = String::from_utf8(sealed.entry).expect("an envelope is text");
        json!({ "entry": entry, "id": sealed.id })
    });
    with_outcome(case, stated, sealed)
}

fn verdicts() -> Vec<Value> {
    let agent = key(Role::Agent, SEED);
    let sealed = seal_payload(&agent, TEXT_TYPE, b"hello").expect("text is sealed");
    let outer: Value = serde_json::from_slice(&sealed.entry).expect("JSON");
    let text = outer["signatures"][0]["sig"].as_str().expect("text");
    let good =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64");
    let public_key = *agent.public().as_bytes();
    let mut beyond = good.clone();
    beyond[63] |= 0xe0;
    let case = |name: &str,
                key: &[u8],
                kind: &str,
                payload: &[u8],
                signature: &[u8],
                stated: Option<Reject>| {
        let case = json!({
            "name": name,
            "operation": "verify",
            "public_key": hex(key),
            "payload_type": kind,
            "payload": hex(payload),
            "signature": hex(signature),
        });
        let outcome = ed25519::key_of(key).and_then(|key| {
            ed25519::signature_of(signature)?;
            verify_payload(&PublicKey::from_bytes(key)?, kind, payload, signature)
        });
        with_outcome(case, stated, outcome.map(|()| json!({})))
    };
    let invalid = Some(Reject::SignatureInvalid);
    let short = Some(Reject::SignatureMalformed);
    vec![
        case(
            "as it was signed",
            &public_key,
            TEXT_TYPE,
            b"hello",
            &good,
            None,
        ),
        case(
            "another payload",
            &public_key,
            TEXT_TYPE,
            b"hellO",
            &good,
            invalid,
        ),
        case(
            "another type",
            &public_key,
            "text/plain",
            b"hello",
            &good,
            invalid,
        ),
        case(
            "type and payload run together",
            &public_key,
            "application/vnd.signet.text.v1 5",
            b"hello",
            &good,
            invalid,
        ),
        case(
            "a short signature",
            &public_key,
            TEXT_TYPE,
            b"hello",
            &good[..63],
            short,
        ),
        case(
            "S beyond L",
            &public_key,
            TEXT_TYPE,
            b"hello",
            &beyond,
            short,
        ),
        case(
            "R of small order",
            &public_key,
            TEXT_TYPE,
            b"hello",
            &[0; 64],
            Some(Reject::SignatureSmallOrder),
        ),
        case(
            "a key of small order",
            &[0; 32],
            TEXT_TYPE,
            b"hello",
            &good,
            Some(Reject::KeyMalformed),
        ),
        case(
            "half a key",
            &public_key[..16],
            TEXT_TYPE,
            b"hello",
            &good,
            Some(Reject::KeyMalformed),
        ),
    ]
}
