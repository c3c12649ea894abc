//! `envelope/order`: the verify order, check by check. Each case is complete: what the registry knows, what time it is,
//! which constitutions hold, and the envelope as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::node_keys::{MESSAGE, NOW, STATEMENT, envelope, key_id};

const SESSION: u8 = 61;
const AGENT: u8 = 62;
const REVOKED: u8 = 63;
const ISSUER: u8 = 64;
const OVER: u8 = 65;
const FOREIGN: u8 = 66;
const STRANGER: u8 = 67;
const TEXT_AGENT: u8 = 68;
/// Its delegation ended a second ago.
const ENDED: u8 = 69;

const NODE: &str = "did:key:z6MkNode";
const CON: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
const PREVIOUS: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

pub fn cases() -> Vec<Value> {
    let mut cases = outer();
    cases.extend(keys());
    cases.extend(signatures());
    cases.extend(payloads());
    cases.extend(bindings());
    cases.extend(times());
    cases
}

fn outer() -> Vec<Value> {
    let good = envelope(SESSION, MESSAGE, &message(&[]));
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed.to_string()
    };
    let form = |name: &str, text: String, code: &str| case(name, text, Some(("form", code)));
    let signature = good["signatures"][0].clone();
    vec![
        case("a document", good.to_string(), None),
        case(
            "white space between tokens",
            good.to_string().replace(':', " : "),
            None,
        ),
        case(
            "the other alphabet of base64",
            with(
                "payload",
                json!(
                    good["payload"]
                        .as_str()
                        .expect("text")
                        .replace('+', "-")
                        .replace('/', "_")
                ),
            ),
            None,
        ),
        form("8,193 bytes", " ".repeat(8193), "json.size"),
        form("no JSON", "{".to_owned(), "json.syntax"),
        form("a byte order mark", format!("\u{feff}{good}"), "json.utf8"),
        form(
            "a name twice",
            r#"{"payload":"","payload":""}"#.to_owned(),
            "json.duplicate_key",
        ),
        form("33 levels", "[".repeat(33) + &"]".repeat(33), "json.depth"),
        form(
            "a lone surrogate",
            r#"{"payload":"\ud800"}"#.to_owned(),
            "json.string",
        ),
        form(
            "a number out of range",
            r#"{"payload":1e400}"#.to_owned(),
            "json.number",
        ),
        form("no envelope", "{}".to_owned(), "envelope.shape"),
        form("a member more", with("note", json!(1)), "envelope.shape"),
        form(
            "base64 without padding",
            with("payload", json!("e")),
            "envelope.shape",
        ),
        form(
            "no signature",
            with("signatures", json!([])),
            "envelope.shape",
        ),
        form(
            "17 signatures",
            with("signatures", json!(vec![signature.clone(); 17])),
            "envelope.shape",
        ),
        form(
            "one key twice",
            with("signatures", json!([signature, signature])),
            "envelope.shape",
        ),
        form(
            "a statement",
            with("payloadType", json!(STATEMENT)),
            "envelope.type",
        ),
        form(
            "a foreign type",
            with("payloadType", json!("text/plain")),
            "envelope.type",
        ),
        form(
            "3,901 bytes of payload",
            with("payload", json!(STANDARD.encode(vec![b'x'; 3901]))),
            "envelope.payload_size",
        ),
    ]
}

fn keys() -> Vec<Value> {
    let good = envelope(SESSION, MESSAGE, &message(&[]));
    let named = |name: &str| {
        let mut changed = good.clone();
        changed["signatures"][0]["keyid"] = json!(name);
        changed.to_string()
    };
    let key = |name: &str, text: String, code: &str| case(name, text, Some(("key", code)));
    let by = |seed: u8| envelope(seed, MESSAGE, &message(&[])).to_string();
    let mut two = good.clone();
    let mut strange = envelope(STRANGER, MESSAGE, &message(&[]))["signatures"][0].clone();
    strange["sig"] = json!("AAAA");
    two["signatures"] = json!([strange, good["signatures"][0]]);
    vec![
        case(
            "a stranger's signature beside ours counts for nothing",
            two.to_string(),
            None,
        ),
        key("a key that nobody knows", by(STRANGER), "key.unknown"),
        key("no key at all", named(""), "key.unknown"),
        key(
            "a name that tries to be a path",
            named("../z6Mk"),
            "key.unknown",
        ),
        key("a revoked key", by(REVOKED), "key.revoked"),
        key("an issuer key", by(ISSUER), "key.role"),
        key("a delegation that is over", by(OVER), "key.delegation"),
    ]
}

fn signatures() -> Vec<Value> {
    let good = envelope(SESSION, MESSAGE, &message(&[]));
    let signed = |bytes: &[u8]| {
        let mut changed = good.clone();
        changed["signatures"][0]["sig"] = json!(STANDARD.encode(bytes));
        changed.to_string()
    };
    let mut bytes = STANDARD
        .decode(good["signatures"][0]["sig"].as_str().expect("text"))
        .expect("base64");
    let mut changed = good.clone();
    changed["payload"] =
        json!(STANDARD.encode(message(&[("jti", json!("AAAAAAAAAAAAAAAAAAAAAA"))])));
    let of_agent = {
        let mut other = envelope(AGENT, MESSAGE, &message(&[]));
        other["signatures"][0]["keyid"] = json!(key_id(SESSION));
        other.to_string()
    };
    let signature =
        |name: &str, text: String, code: &str| case(name, text, Some(("signature", code)));
    let mut cases = vec![
        signature("another payload", changed.to_string(), "sig.invalid"),
        signature("another key's signature", of_agent, "sig.invalid"),
        signature("63 bytes", signed(&bytes[..63]), "sig.malformed"),
        signature("R of small order", signed(&[0; 64]), "sig.small_order"),
    ];
    bytes[63] |= 0xe0;
    cases.push(signature("S beyond L", signed(&bytes), "sig.malformed"));
    cases
}

fn payloads() -> Vec<Value> {
    let payload = |name: &str, text: &str, code: &str| {
        let text = envelope(SESSION, MESSAGE, text).to_string();
        case(name, text, Some(("payload", code)))
    };
    let without = |name: &str| {
        let mut value: Value = serde_json::from_str(&message(&[])).expect("JSON");
        value.as_object_mut().expect("an object").remove(name);
        value.to_string()
    };
    let mut cases = vec![
        payload(
            "members out of order",
            r#"{"v":1,"kind":"document"}"#,
            "json.not_canonical",
        ),
        payload(
            "white space in the payload",
            r#"{"v": 1}"#,
            "json.not_canonical",
        ),
        payload("a payload that is no JSON", "{", "json.syntax"),
        payload(
            "a payload with a name twice",
            r#"{"v":1,"v":1}"#,
            "json.duplicate_key",
        ),
        payload(
            "a payload with a noncharacter",
            "{\"v\":\"\u{ffff}\"}",
            "json.string",
        ),
        payload(
            "a payload with a number out of range",
            r#"{"v":9007199254740993}"#,
            "json.number",
        ),
        payload("a payload that is no object", "[]", "envelope.shape"),
        payload(
            "another version",
            &message(&[("v", json!(2))]),
            "schema.unknown",
        ),
        payload(
            "an unknown kind",
            &message(&[("kind", json!("gossip"))]),
            "schema.unknown",
        ),
        payload(
            "a member that is not known",
            &message(&[("note", json!(1))]),
            "schema.mismatch",
        ),
        payload(
            "a time that is none",
            &message(&[("exp", json!("soon"))]),
            "schema.mismatch",
        ),
        payload(
            "a name of 15 bytes",
            &message(&[("jti", json!("AAAAAAAAAAAAAAAAAAAA"))]),
            "schema.mismatch",
        ),
        payload(
            "a body that is no object",
            &message(&[("body", json!([]))]),
            "schema.mismatch",
        ),
    ];
    for (name, value) in [
        ("iss", json!("node")),
        ("iss", json!(1)),
        ("aud", json!("node")),
        ("aud", json!(null)),
        ("iat", json!(-1)),
        ("iat", json!(1.5)),
        ("iat", json!("now")),
        ("exp", json!(-1)),
        ("jti", json!("AAAAAAAAAAAAAAAAAAAAAB")),
        ("con", json!("CC".repeat(32))),
        ("con", json!("cc")),
        ("del", json!("dd")),
        ("del", json!(null)),
        ("body", json!(null)),
        ("body", json!("x")),
    ] {
        cases.push(payload(
            &format!("`{name}` that is {value}"),
            &message(&[(name, value)]),
            "schema.mismatch",
        ));
    }
    for name in [
        "v", "kind", "iss", "aud", "iat", "exp", "jti", "con", "del", "body",
    ] {
        cases.push(payload(
            &format!("without `{name}`"),
            &without(name),
            "schema.missing",
        ));
    }
    cases
}

fn bindings() -> Vec<Value> {
    let binding = |name: &str, seed: u8, members: &[(&str, Value)], code: &str| {
        let text = envelope(seed, MESSAGE, &message(members)).to_string();
        case(name, text, Some(("binding", code)))
    };
    let control = ("kind", json!("control"));
    let short = ("exp", json!(NOW + 60));
    vec![
        case(
            "by an agent",
            envelope(AGENT, MESSAGE, &message(&[("del", json!(del(AGENT)))])).to_string(),
            None,
        ),
        case(
            "under the previous constitution",
            envelope(SESSION, MESSAGE, &message(&[("con", json!(PREVIOUS))])).to_string(),
            None,
        ),
        binding(
            "for another issuer",
            SESSION,
            &[("iss", json!("did:key:z6MkOther"))],
            "key.issuer",
        ),
        binding(
            "by another node's key",
            FOREIGN,
            &[("del", json!(del(FOREIGN)))],
            "key.issuer",
        ),
        binding(
            "under another delegation",
            SESSION,
            &[("del", json!(del(AGENT)))],
            "key.delegation",
        ),
        binding(
            "stated before its delegation",
            SESSION,
            &[("iat", json!(NOW - 3600))],
            "key.delegation",
        ),
        case(
            "stated in the first second of its delegation",
            envelope(SESSION, MESSAGE, &message(&[("iat", json!(NOW - 600))])).to_string(),
            None,
        ),
        case(
            "stated in the last second of its delegation",
            envelope(
                ENDED,
                MESSAGE,
                &message(&[("iat", json!(NOW - 1)), ("del", json!(del(ENDED)))]),
            )
            .to_string(),
            None,
        ),
        binding(
            "stated after its delegation",
            ENDED,
            &[("del", json!(del(ENDED)))],
            "key.delegation",
        ),
        binding(
            "by an agent for text alone",
            TEXT_AGENT,
            &[("del", json!(del(TEXT_AGENT)))],
            "key.role",
        ),
        binding(
            "control by an agent",
            AGENT,
            &[
                control.clone(),
                short.clone(),
                ("del", json!(del(AGENT))),
                ("aud", json!(NODE)),
            ],
            "key.role",
        ),
        binding(
            "for somebody else",
            SESSION,
            &[("aud", json!("did:key:z6MkOther"))],
            "msg.audience",
        ),
        binding(
            "control for everybody",
            SESSION,
            &[control, short],
            "msg.audience",
        ),
        binding(
            "under unknown rules",
            SESSION,
            &[("con", json!("d".repeat(64)))],
            "msg.constitution",
        ),
    ]
}

fn times() -> Vec<Value> {
    let at = |iat: i64, exp: i64| {
        envelope(
            SESSION,
            MESSAGE,
            &message(&[("iat", json!(iat)), ("exp", json!(exp))]),
        )
        .to_string()
    };
    let control = |lasts: i64| {
        let members = [
            ("kind", json!("control")),
            ("aud", json!(NODE)),
            ("exp", json!(NOW + lasts)),
        ];
        envelope(SESSION, MESSAGE, &message(&members)).to_string()
    };
    let time = |name: &str, text: String, code: &str| case(name, text, Some(("time", code)));
    vec![
        case("30 s ahead", at(NOW + 30, NOW + 90), None),
        case("in its last second", at(NOW - 20, NOW), None),
        case("as long as a document may last", at(NOW, NOW + 3600), None),
        case("as long as control may last", control(300), None),
        time("31 s ahead", at(NOW + 31, NOW + 90), "time.future"),
        time("a second late", at(NOW - 20, NOW - 1), "time.expired"),
        time("no time at all", at(NOW + 5, NOW + 5), "time.ttl"),
        time("backwards", at(NOW + 9, NOW + 5), "time.ttl"),
        time(
            "a document for longer than an hour",
            at(NOW, NOW + 3601),
            "time.ttl",
        ),
        time(
            "control for longer than five minutes",
            control(301),
            "time.ttl",
        ),
    ]
}

fn message(members: &[(&str, Value)]) -> String {
    let mut value = json!({
        "v": 1,
        "kind": "document",
        "iss": NODE,
        "aud": "*",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "qrvM3e7_ABEiM0RVZneImQ",
        "con": CON,
        "del": del(SESSION),
        "body": { "content": "hello" },
    });
    for (name, member) in members {
        value[*name] = member.clone();
    }
    value.to_string()
}

fn del(seed: u8) -> String {
    format!("{seed:02x}").repeat(32)
}

fn case(name: &str, envelope: String, failure: Option<(&str, &str)>) -> Value {
    let registered = |seed: u8, owner: &str, role: &str, kinds: &[&str], until: i64| {
        json!({
            "key_id": key_id(seed),
            "owner": owner,
            "role": role,
            "kinds": kinds,
            "delegation": del(seed),
            "nbf": NOW - 600,
            "naf": until,
            "is_revoked": seed == REVOKED,
        })
    };
    let mut case = json!({
        "name": name,
        "now": NOW,
        "audience": NODE,
        "constitutions": [CON, PREVIOUS],
        "registry": [
            registered(SESSION, NODE, "session", &["document"], NOW + 3000),
            registered(AGENT, NODE, "agent", &["text", "payload", "document"], NOW + 86_400),
            registered(TEXT_AGENT, NODE, "agent", &["text"], NOW + 86_400),
            registered(REVOKED, NODE, "session", &["document"], NOW + 3000),
            registered(ISSUER, NODE, "issuer", &[], NOW + 86_400),
            registered(OVER, NODE, "session", &["document"], NOW - 7200),
            registered(ENDED, NODE, "session", &["document"], NOW - 1),
            registered(FOREIGN, "did:key:z6MkFar", "session", &["document"], NOW + 3000),
        ],
        "envelope": envelope,
    });
    match failure {
        None => case["ok"] = json!({}),
        Some((check, code)) => {
            case["check"] = json!(check);
            case["code"] = json!(code);
        }
    }
    case
}
