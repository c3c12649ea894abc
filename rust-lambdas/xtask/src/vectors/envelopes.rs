use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use signing::envelope::{self, Envelope};
use signing::{PublicKey, Reject, Role};

use super::node_keys::{MESSAGE, STATEMENT};
use super::{hex, key, with_outcome};

const DECISION: &str = r#"{"predicateType":"urn:signet:decision:v1","subject":[],"n":1.0}"#;
const SEED: u8 = 21;

pub fn cases() -> Vec<Value> {
    let mut cases = seals();
    cases.extend(opens());
    cases
}

fn seals() -> Vec<Value> {
    let statement = |name: &str| format!(r#"{{"predicateType":"{name}"}}"#);
    let long = format!(
        r#"{{"predicateType":"urn:signet:run:v1","text":"{}"}}"#,
        "x".repeat(3900)
    );
    let grants = ["urn:signet:delegation:v1", "urn:signet:revocation:v1"];
    let mut texts = vec![
        (
            "session seals a decision",
            Role::Session,
            STATEMENT,
            DECISION.to_owned(),
            None,
        ),
        (
            "session seals a message",
            Role::Session,
            MESSAGE,
            r#"{"v":1}"#.to_owned(),
            None,
        ),
        (
            "session and a foreign statement",
            Role::Session,
            STATEMENT,
            statement("https://slsa.dev/provenance/v1"),
            Some(Reject::KeyRole),
        ),
        (
            "session and no statement",
            Role::Session,
            STATEMENT,
            "{}".to_owned(),
            Some(Reject::KeyRole),
        ),
        (
            "issuer and a decision",
            Role::Issuer,
            STATEMENT,
            DECISION.to_owned(),
            Some(Reject::KeyRole),
        ),
        (
            "issuer and a message",
            Role::Issuer,
            MESSAGE,
            "{}".to_owned(),
            Some(Reject::KeyRole),
        ),
        (
            "another payload type",
            Role::Session,
            "text/plain",
            "{}".to_owned(),
            Some(Reject::EnvelopeType),
        ),
        (
            "payload that is no object",
            Role::Session,
            MESSAGE,
            "[]".to_owned(),
            Some(Reject::EnvelopeShape),
        ),
        (
            "payload over its size",
            Role::Session,
            STATEMENT,
            long,
            Some(Reject::EnvelopePayloadSize),
        ),
        (
            "payload that is no JSON",
            Role::Session,
            MESSAGE,
            "{".to_owned(),
            Some(Reject::JsonSyntax),
        ),
        (
            "payload with a duplicate",
            Role::Session,
            MESSAGE,
            r#"{"a":1,"a":2}"#.to_owned(),
            Some(Reject::JsonDuplicateKey),
        ),
    ];
    for name in grants {
        texts.push((
            "issuer seals a grant",
            Role::Issuer,
            STATEMENT,
            statement(name),
            None,
        ));
        texts.push((
            "session and a grant",
            Role::Session,
            STATEMENT,
            statement(name),
            Some(Reject::KeyRole),
        ));
    }
    for role in [Role::Root, Role::Agent, Role::Log, Role::Witness] {
        texts.push((
            "a role that seals nothing",
            role,
            STATEMENT,
            DECISION.to_owned(),
            Some(Reject::KeyRole),
        ));
    }
    texts
        .into_iter()
        .map(|(name, role, payload_type, payload, stated)| {
            let sealed = envelope::seal(&key(role, SEED), payload_type, payload.as_bytes());
            let case = json!({
                "name": name,
                "operation": "seal",
                "role": format!("{role:?}").to_lowercase(),
                "seed": hex(&[SEED; 32]),
                "payload_type": payload_type,
                "payload": payload,
            });
            let answer =
                sealed.map(|sealed| json!({ "entry": text(sealed.entry), "id": sealed.id }));
            with_outcome(case, stated, answer)
        })
        .collect()
}

fn opens() -> Vec<Value> {
    let session = key(Role::Session, SEED);
    let other = key(Role::Session, SEED + 1);
    let good = text(
        envelope::seal(&session, STATEMENT, DECISION.as_bytes())
            .expect("a decision is sealed")
            .entry,
    );
    let parsed: Value = serde_json::from_str(&good).expect("an envelope is JSON");
    let with = |name: &str, value: Value| {
        let mut changed = parsed.clone();
        changed[name] = value;
        changed.to_string()
    };
    let signature = parsed["signatures"][0].clone();
    let payload = parsed["payload"].as_str().expect("a payload").to_owned();
    let signature_text = signature["sig"].as_str().expect("a signature").to_owned();
    let url_safe = signature_text.replace('+', "-").replace('/', "_");
    let others = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|n| json!({ "keyid": format!("other-{n}"), "sig": "AA==" }))
            .chain([signature.clone()])
            .collect()
    };
    let signed_by =
        |key_id: &str, sig: &str| with("signatures", json!([{ "keyid": key_id, "sig": sig }]));
    let key_id = session.public().key_id();

    let shape = Some(Reject::EnvelopeShape);
    let cases: Vec<(&str, String, Option<Reject>)> = vec![
        ("as it was sealed", good.clone(), None),
        (
            "members in another order, with space",
            serde_json::to_string_pretty(&parsed).expect("JSON"),
            None,
        ),
        ("URL-safe alphabet", signed_by(key_id, &url_safe), None),
        (
            "sixteen signatures, ours last",
            with("signatures", json!(others(15))),
            None,
        ),
        (
            "seventeen signatures",
            with("signatures", json!(others(16))),
            shape,
        ),
        ("no signature", with("signatures", json!([])), shape),
        (
            "our signature twice",
            with("signatures", json!([signature, signature])),
            shape,
        ),
        (
            "signatures that are no array",
            with("signatures", signature.clone()),
            shape,
        ),
        ("another outer member", with("extra", json!(1)), shape),
        (
            "another inner member",
            with(
                "signatures",
                json!([{ "keyid": key_id, "sig": signature_text, "cert": "" }]),
            ),
            shape,
        ),
        (
            "no payload",
            good.replacen("\"payload\"", "\"paylord\"", 1),
            shape,
        ),
        (
            "payload type that is no text",
            with("payloadType", json!(7)),
            shape,
        ),
        (
            "payload without padding",
            with(
                "payload",
                json!(format!("{}A", payload.trim_end_matches('='))),
            ),
            shape,
        ),
        (
            "both alphabets in one text",
            signed_by(key_id, "+_8="),
            shape,
        ),
        ("trailing bits", signed_by(key_id, "QR=="), shape),
        (
            "space in base64",
            with("payload", json!(format!(" {payload}"))),
            shape,
        ),
        (
            "another payload type",
            good.replace("in-toto", "in-tota"),
            Some(Reject::EnvelopeType),
        ),
        (
            "payload over its size",
            with("payload", json!(STANDARD.encode([b' '; 3901]))),
            Some(Reject::EnvelopePayloadSize),
        ),
        ("over its size", " ".repeat(8193), Some(Reject::JsonSize)),
        (
            "not JSON",
            good.replacen('{', "[", 1),
            Some(Reject::JsonSyntax),
        ),
        (
            "a member twice",
            good.replacen('{', "{\"payload\":\"\",", 1),
            Some(Reject::JsonDuplicateKey),
        ),
        (
            "signed by another",
            signed_by(other.public().key_id(), &signature_text),
            Some(Reject::KeyUnknown),
        ),
        (
            "short signature",
            signed_by(key_id, "AAAA"),
            Some(Reject::SignatureMalformed),
        ),
        (
            "R of small order",
            signed_by(key_id, &STANDARD.encode([0; 64])),
            Some(Reject::SignatureSmallOrder),
        ),
        (
            "another payload",
            with("payload", json!(STANDARD.encode("{}"))),
            Some(Reject::SignatureInvalid),
        ),
        (
            "the other type of ours",
            with("payloadType", json!(MESSAGE)),
            Some(Reject::SignatureInvalid),
        ),
    ];
    let mut cases: Vec<Value> = cases
        .into_iter()
        .map(|(name, text, stated)| open_case(name, &text, session.public().as_bytes(), stated))
        .collect();
    cases.push(open_case(
        "opened with another key",
        &good,
        other.public().as_bytes(),
        Some(Reject::KeyUnknown),
    ));
    cases.push(open_case(
        "opened with a key of small order",
        &good,
        &[0; 32],
        Some(Reject::KeyMalformed),
    ));
    cases.push(open_case(
        "opened with half a key",
        &good,
        &[7; 16],
        Some(Reject::KeyMalformed),
    ));
    cases.extend(NOT_CANONICAL.map(|(name, text)| {
        open_case(
            name,
            text,
            session.public().as_bytes(),
            Some(Reject::JsonNotCanonical),
        )
    }));
    cases
}

/// Our signer makes no such envelope: signed with the session key of the seed by `openssl pkeyutl -sign -rawin`.
const NOT_CANONICAL: [(&str, &str); 1] = [(
    "signed, but not canonical",
    include_str!("not-canonical.json"),
)];

fn open_case(name: &str, envelope: &str, public_key: &[u8], stated: Option<Reject>) -> Value {
    let opened = Envelope::read(envelope.as_bytes()).and_then(|read| {
        let key = PublicKey::from_bytes(signing::ed25519::key_of(public_key)?)?;
        read.open(&key)
    });
    let case = json!({ "name": name, "operation": "open", "envelope": envelope, "public_key": hex(public_key) });
    let answer = opened.map(|opened| {
        json!({ "id": opened.id, "payload_type": opened.payload_type.as_str(), "payload": text(opened.payload) })
    });
    with_outcome(case, stated, answer)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("canonical JSON is UTF-8")
}
