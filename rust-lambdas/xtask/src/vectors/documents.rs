use serde_json::{Value, json};
use signing::{PublicKey, Reject, Role, document, multikey};

use super::{hex, key, with_outcome};

const CREATED: &str = "2026-11-24T09:00:00Z";
const METHOD: &str = "did:key:z6MkexampleRoot#root";
const SEED: u8 = 31;

/// "Data Integrity EdDSA Cryptosuites v1.0", representation: eddsa-jcs-2022.
const W3C: &str = include_str!("../../../crates/signing/src/document/w3c.json");
const W3C_KEY: &str = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";

pub fn cases() -> Vec<Value> {
    let plain =
        r#"{"@context":["https://www.w3.org/ns/cid/v1"],"id":"did:key:z6MkexampleRoot","seq":0}"#;
    let root = key(Role::Root, SEED);
    let signed = sign(&root, plain, CREATED).expect("a document is signed");
    let shape = Some(Reject::EnvelopeShape);
    let mut cases = vec![
        sign_case("with a context", Role::Root, plain, CREATED, None),
        sign_case(
            "without a context",
            Role::Root,
            r#"{"b":1e2,"a":[]}"#,
            CREATED,
            None,
        ),
        sign_case("a second proof", Role::Root, &signed, CREATED, None),
        sign_case(
            "not by a session key",
            Role::Session,
            plain,
            CREATED,
            Some(Reject::KeyRole),
        ),
        sign_case(
            "not by an issuer key",
            Role::Issuer,
            plain,
            CREATED,
            Some(Reject::KeyRole),
        ),
        sign_case("no object", Role::Root, "[]", CREATED, shape),
        sign_case("no time", Role::Root, plain, "today", shape),
        sign_case(
            "no JSON",
            Role::Root,
            "{",
            CREATED,
            Some(Reject::JsonSyntax),
        ),
        verify_case(
            "the example of the specification",
            W3C,
            &multikey::decode(W3C_KEY).expect("a key"),
            None,
        ),
    ];
    let twice = sign(&key(Role::Root, SEED + 1), &signed, CREATED).expect("a second proof");
    let texts = [
        ("as it was signed", signed.clone(), None),
        ("among two proofs", twice, None),
        ("no proof", plain.to_owned(), shape),
        (
            "proof that is no object",
            plain.replacen('{', "{\"proof\":1,", 1),
            shape,
        ),
        (
            "another cryptosuite",
            signed.replace("eddsa-jcs-2022", "eddsa-rdfc-2022"),
            shape,
        ),
        (
            "another purpose",
            signed.replace("assertionMethod", "authentication"),
            shape,
        ),
        (
            "another multibase",
            signed.replace("\"proofValue\":\"z", "\"proofValue\":\"u"),
            Some(Reject::SignatureMalformed),
        ),
        (
            "another time",
            signed.replace(CREATED, "2026-11-24T09:00:01Z"),
            Some(Reject::SignatureInvalid),
        ),
        (
            "another document",
            signed.replace("\"seq\":0", "\"seq\":1"),
            Some(Reject::SignatureInvalid),
        ),
        (
            "16 proofs, the last of them ours",
            proofs(&signed, 16),
            None,
        ),
        ("17 proofs", proofs(&signed, 17), shape),
        (
            "a member twice",
            signed.replace("\"seq\":0", "\"seq\":0,\"seq\":0"),
            Some(Reject::JsonDuplicateKey),
        ),
    ];
    for (name, text, stated) in texts {
        cases.push(verify_case(name, &text, root.public().as_bytes(), stated));
    }
    let other = key(Role::Root, SEED + 2);
    cases.push(verify_case(
        "another key",
        &signed,
        other.public().as_bytes(),
        Some(Reject::SignatureInvalid),
    ));
    cases.push(verify_case(
        "a key of small order",
        &signed,
        &[0; 32],
        Some(Reject::KeyMalformed),
    ));
    cases
}

/// So many proofs, the last of which holds.
fn proofs(signed: &str, count: usize) -> String {
    let mut document: Value = serde_json::from_str(signed).expect("a document is JSON");
    let proof = document["proof"].take();
    let mut proofs = vec![json!({ "type": "DataIntegrityProof" }); count - 1];
    proofs.push(proof);
    document["proof"] = json!(proofs);
    document.to_string()
}

fn sign(key: &signing::PrivateKey, text: &str, created: &str) -> Result<String, Reject> {
    let signed = document::sign(key, text.as_bytes(), METHOD, created)?;
    Ok(String::from_utf8(signed).expect("canonical JSON is UTF-8"))
}

fn sign_case(name: &str, role: Role, text: &str, created: &str, stated: Option<Reject>) -> Value {
    let case = json!({
        "name": name,
        "operation": "sign",
        "role": format!("{role:?}").to_lowercase(),
        "seed": hex(&[SEED; 32]),
        "verification_method": METHOD,
        "created": created,
        "document": text,
    });
    with_outcome(
        case,
        stated,
        sign(&key(role, SEED), text, created).map(|signed| json!({ "document": signed })),
    )
}

fn verify_case(name: &str, text: &str, public_key: &[u8; 32], stated: Option<Reject>) -> Value {
    let verified =
        PublicKey::from_bytes(public_key).and_then(|key| document::verify(text.as_bytes(), &key));
    let case = json!({ "name": name, "operation": "verify", "document": text, "public_key": hex(public_key) });
    with_outcome(case, stated, verified.map(|()| json!({})))
}
