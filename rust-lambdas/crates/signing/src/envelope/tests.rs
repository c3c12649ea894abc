use super::*;
use crate::Role;

const STATEMENT: &str = "application/vnd.in-toto+json";
const MESSAGE: &str = "application/vnd.signet.message.v1+json";
const DECISION: &[u8] = br#"{ "predicateType": "urn:signet:decision:v1", "a": 1.0 }"#;

fn key(role: Role) -> PrivateKey {
    PrivateKey::from_seed(role, &[5; 32])
}

fn sealed() -> String {
    String::from_utf8(
        seal(&key(Role::Session), STATEMENT, DECISION)
            .unwrap()
            .entry,
    )
    .unwrap()
}

fn open(text: &[u8]) -> Result<Opened, Reject> {
    Envelope::read(text)?.open(key(Role::Session).public())
}

/// An envelope with a payload that `seal` would not take, signed all the same.
fn forced(payload: &[u8]) -> Vec<u8> {
    let key = key(Role::Session);
    let signature = key.sign(&pre_authentication_encoding(STATEMENT.as_bytes(), payload));
    entry_of(
        PayloadType::Statement.as_str(),
        payload,
        key.public().key_id(),
        &signature,
    )
}

#[test]
fn has_the_limits_of_the_shared_file() {
    let limits: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../shared/limits.json")).unwrap();
    assert_eq!(limits["envelope"]["bytes_max"], BYTES_MAX);
    assert_eq!(limits["envelope"]["payload_bytes_max"], PAYLOAD_BYTES_MAX);
    assert_eq!(limits["envelope"]["signatures_max"], SIGNATURES_MAX);
    assert_eq!(limits["envelope"]["json_depth_max"], json::DEPTH_MAX);
}

#[test]
fn encodes_the_example_of_the_dsse_protocol() {
    let encoded = pre_authentication_encoding(b"http://example.com/HelloWorld", b"hello world");
    assert_eq!(
        encoded,
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}

#[test]
fn opens_what_it_sealed_with_the_canonical_payload() {
    let opened = open(sealed().as_bytes()).unwrap();
    assert_eq!(
        opened.payload,
        br#"{"a":1,"predicateType":"urn:signet:decision:v1"}"#
    );
    assert_eq!(
        opened.id,
        seal(&key(Role::Session), STATEMENT, DECISION).unwrap().id
    );
    let encoded = pre_authentication_encoding(STATEMENT.as_bytes(), &opened.payload);
    assert_eq!(
        opened.id,
        blake3::Hasher::new_derive_key("signet 2026 envelope id v1")
            .update(&encoded)
            .finalize()
            .to_hex()
            .as_str()
    );
}

#[test]
fn refuses_every_single_flipped_bit() {
    let whole = sealed().into_bytes();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn each_role_signs_its_own_forms_only() {
    let statement = |name: &str| format!(r#"{{"predicateType":"{name}"}}"#);
    let forms = [
        (STATEMENT, statement("urn:signet:delegation:v1")),
        (STATEMENT, statement("urn:signet:revocation:v1")),
        (STATEMENT, statement("urn:signet:decision:v1")),
        (
            STATEMENT,
            statement("https://slsa.dev/verification_summary/v1"),
        ),
        (STATEMENT, r#"{"predicateType":7}"#.to_owned()),
        (STATEMENT, "{}".to_owned()),
        (MESSAGE, "{}".to_owned()),
    ];
    let allowed = |role| {
        forms
            .iter()
            .map(|(kind, payload)| seal(&key(role), kind, payload.as_bytes()).is_ok())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        allowed(Role::Issuer),
        [true, true, false, false, false, false, false]
    );
    assert_eq!(
        allowed(Role::Session),
        [false, false, true, false, false, false, true]
    );
    for role in [Role::Root, Role::Agent, Role::Log, Role::Witness] {
        assert_eq!(allowed(role), [false; 7]);
        assert_eq!(seal(&key(role), STATEMENT, DECISION), Err(Reject::KeyRole));
    }
}

#[test]
fn refuses_to_seal_what_no_one_may_read() {
    let session = key(Role::Session);
    let long = format!(
        r#"{{"predicateType":"urn:signet:run:v1","x":"{}"}}"#,
        "x".repeat(3900)
    );
    let cases: [(&str, &[u8], Reject); 6] = [
        ("text/plain", b"{}", Reject::EnvelopeType),
        (MESSAGE, b"[]", Reject::EnvelopeShape),
        (MESSAGE, b"{", Reject::JsonSyntax),
        (MESSAGE, br#"{"a":1,"a":2}"#, Reject::JsonDuplicateKey),
        (STATEMENT, long.as_bytes(), Reject::EnvelopePayloadSize),
        (
            STATEMENT,
            br#"{"predicateType":"urn:other"}"#,
            Reject::KeyRole,
        ),
    ];
    for (payload_type, payload, expected) in cases {
        assert_eq!(seal(&session, payload_type, payload), Err(expected));
    }
}

#[test]
fn takes_either_base64_alphabet_and_no_second_spelling() {
    // `~` and `?` in the payload bring `+`, `/` or `-`, `_` into the text.
    let payload = "{\"a\":\"~~~???>>>\u{fb}\u{ff}\"}".as_bytes();
    let standard = String::from_utf8(forced(payload)).unwrap();
    let (start, end) = (12, standard.find("\",\"payloadType").unwrap());
    let encoded = &standard[start..end];
    assert!(encoded.contains('/') || encoded.contains('+'));
    assert!(open(standard.as_bytes()).is_ok());
    let with = |text: &str| standard.replacen(encoded, text, 1);
    assert!(open(with(&encoded.replace('+', "-").replace('/', "_")).as_bytes()).is_ok());
    for text in [
        encoded.trim_end_matches('=').to_owned() + "=====",
        format!("{encoded} "),
        format!("\\n{encoded}"),
    ] {
        assert_eq!(
            open(with(&text).as_bytes()),
            Err(Reject::EnvelopeShape),
            "{text}"
        );
    }
    assert!(base64_of(&json::parse(b"\"QQ==\"", 9).unwrap()).is_ok());
    for text in [
        &b"\"QQ\""[..],
        b"\"QR==\"",
        b"\"QQ=\"",
        b"\"+_8=\"",
        b"\"Q\"",
        b"7",
    ] {
        assert_eq!(
            base64_of(&json::parse(text, 9).unwrap()),
            Err(Reject::EnvelopeShape),
            "{text:?}"
        );
    }
}

#[test]
fn refuses_other_shapes() {
    let good = sealed();
    let (head, signature) = good.split_once("\"signatures\":").unwrap();
    let one = signature
        .strip_prefix('[')
        .unwrap()
        .strip_suffix("]}")
        .unwrap();
    let many = |count: usize| {
        let others = (1..count)
            .map(|n| format!(r#"{{"keyid":"k{n}","sig":"AA=="}},"#))
            .collect::<String>();
        format!("{head}\"signatures\":[{others}{one}]}}")
    };
    assert!(open(many(16).as_bytes()).is_ok());
    let shapes = [
        many(17),
        good.replace("\"signatures\":[", "\"signatures\":[7,"),
        format!("{head}\"signatures\":[]}}"),
        format!("{head}\"signatures\":[{one},{one}]}}"),
        format!("{head}\"signatures\":{one}}}"),
        good.replacen('{', "{\"extra\":1,", 1),
        good.replacen("{\"keyid\"", "{\"cert\":\"\",\"keyid\"", 1),
        good.replacen("payloadType", "payload_type", 1),
        good.replacen("\"application", "7,\"x\":\"application", 1),
        "[]".to_owned(),
        "{}".to_owned(),
    ];
    for text in shapes {
        assert_eq!(
            Envelope::read(text.as_bytes()),
            Err(Reject::EnvelopeShape),
            "{text}"
        );
    }
}

#[test]
fn answers_with_the_first_failed_check() {
    let good = sealed();
    let other = PrivateKey::from_seed(Role::Session, &[6; 32]);
    let long = forced(format!("\"{}\"", "x".repeat(3900)).as_bytes());
    let cases: [(Vec<u8>, Reject); 9] = [
        (vec![b' '; BYTES_MAX + 1], Reject::JsonSize),
        (
            good.replace("in-toto", "in-tota").into_bytes(),
            Reject::EnvelopeType,
        ),
        (long, Reject::EnvelopePayloadSize),
        (
            good.replace(
                key(Role::Session).public().key_id(),
                other.public().key_id(),
            )
            .into_bytes(),
            Reject::KeyUnknown,
        ),
        (
            good.replace("\"sig\":\"", "\"sig\":\"AAAA").into_bytes(),
            Reject::SignatureMalformed,
        ),
        (forced(b"{\"b\":1,\"a\":2}"), Reject::JsonNotCanonical),
        (forced(b"{\"a\":-0}"), Reject::JsonNumber),
        (forced(b"{\"a\""), Reject::JsonSyntax),
        (forced(b"[1]"), Reject::EnvelopeShape),
    ];
    for (text, expected) in cases {
        assert_eq!(
            open(&text),
            Err(expected),
            "{}",
            String::from_utf8_lossy(&text)
        );
    }
}

#[test]
fn a_signature_from_elsewhere_makes_the_same_envelope() {
    let key = key(Role::Session);
    let unsigned = prepare(Role::Session, STATEMENT, DECISION).unwrap();
    let signature = key.sign(unsigned.bytes_to_sign());
    assert_eq!(
        unsigned.assemble(key.public(), &signature),
        seal(&key, STATEMENT, DECISION)
    );
}

#[test]
fn a_signature_that_does_not_hold_makes_no_envelope() {
    let key = key(Role::Session);
    let unsigned = || prepare(Role::Session, STATEMENT, DECISION).unwrap();
    let good = key.sign(unsigned().bytes_to_sign());
    let mut damaged = good;
    damaged[40] ^= 1;
    let other = PrivateKey::from_seed(Role::Session, &[6; 32]);
    for (signature, public, expected) in [
        (&damaged[..], key.public(), Reject::SignatureInvalid),
        (&good[..], other.public(), Reject::SignatureInvalid),
        (&good[..63], key.public(), Reject::SignatureMalformed),
        (&[0; 64][..], key.public(), Reject::SignatureSmallOrder),
    ] {
        assert_eq!(unsigned().assemble(public, signature), Err(expected));
    }
}

#[test]
fn refuses_a_form_of_another_role_before_anything_is_signed() {
    assert_eq!(
        prepare(Role::Issuer, STATEMENT, DECISION).unwrap_err(),
        Reject::KeyRole
    );
    assert_eq!(
        prepare(Role::Session, "text/plain", DECISION).unwrap_err(),
        Reject::EnvelopeType
    );
}

#[test]
fn what_is_signed_fits_a_key_service() {
    let with = |text: &str| format!(r#"{{"predicateType":"urn:signet:x","t":"{text}"}}"#);
    let longest = with(&"x".repeat(PAYLOAD_BYTES_MAX - with("").len()));
    let unsigned = prepare(Role::Session, STATEMENT, longest.as_bytes()).unwrap();
    assert_eq!(unsigned.canonical.len(), PAYLOAD_BYTES_MAX);
    assert!(unsigned.bytes_to_sign().len() <= 4096);
}
