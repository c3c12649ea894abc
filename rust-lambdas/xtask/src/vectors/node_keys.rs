//! What the families about keys share: raw signatures by a seed, whatever its role, and the texts of documents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use signing::envelope::pre_authentication_encoding;
use signing::{Role, document};

use super::{hex, key};

pub const NOW: i64 = 1_900_000_000;
pub const STATEMENT: &str = "application/vnd.in-toto+json";
pub const MESSAGE: &str = "application/vnd.signet.message.v1+json";

/// `z6Mk…` of a seed.
pub fn key_id(seed: u8) -> String {
    key(Role::Session, seed).public().key_id().to_owned()
}

/// An envelope as a signer without our rules makes it.
pub fn envelope(seed: u8, payload_type: &str, payload: &str) -> Value {
    let encoded = pre_authentication_encoding(payload_type.as_bytes(), payload.as_bytes());
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(&encoded);
    json!({
        "payload": STANDARD.encode(payload),
        "payloadType": payload_type,
        "signatures": [{ "keyid": key_id(seed), "sig": STANDARD.encode(signature.to_bytes()) }],
    })
}

/// BLAKE3 over the PAE.
pub fn envelope_id(payload_type: &str, payload: &str) -> String {
    let encoded = pre_authentication_encoding(payload_type.as_bytes(), payload.as_bytes());
    hex(&blake3::derive_key("signet 2026 envelope id v1", &encoded))
}

/// Members in order, no white space: the canonical form of what has ASCII names and whole numbers.
pub fn canonical(value: &Value) -> String {
    value.to_string()
}

pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The document with proofs by the root keys of these seeds, in order.
pub fn signed_document(unsigned: &Value, node_id: &str, seeds: &[u8]) -> Value {
    let mut text = canonical(unsigned).into_bytes();
    for seed in seeds {
        let method = format!("{node_id}#{}", key_id(*seed));
        text = document::sign(
            &key(Role::Root, *seed),
            &text,
            &method,
            "2030-03-17T17:46:40Z",
        )
        .expect("a document is signed");
    }
    serde_json::from_slice(&text).expect("a document is JSON")
}

/// A key as a node document lists it, with more members or none.
pub fn listed(node_id: &str, seed: u8, role: &str, more: &[(&str, Value)]) -> Value {
    let mut method = json!({
        "id": format!("{node_id}#{}", key_id(seed)),
        "type": "Multikey",
        "controller": node_id,
        "publicKeyMultibase": key_id(seed),
        "role": role,
        "custody": "file",
        "notBefore": "2030-03-17T17:00:00Z",
    });
    for (name, value) in more {
        method[*name] = value.clone();
    }
    method
}

/// A node document of these keys, unsigned.
pub fn node_document(node_id: &str, seq: u64, prev: Option<&Value>, keys: &[Value]) -> Value {
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/cid/v1", "https://w3id.org/security/data-integrity/v2"],
        "id": node_id,
        "seq": seq,
        "verificationMethod": keys,
        "service": [],
        "log": { "origin": "signet/example", "vkeys": [] },
    });
    if let Some(prev) = prev {
        document["prev"] = json!(sha256(&canonical(prev)));
    }
    document
}
