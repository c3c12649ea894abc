//! What is fuzzed, and what an independent library says of the same bytes.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use data_encoding::{BASE64, BASE64URL};
use serde_json::Value;
use signing::envelope::{self, Envelope};
use signing::{PrivateKey, PublicKey, Reject, Role, document, jcs, multikey, pkcs8};

use super::log_targets::log_targets;
use crate::vectors::from_hex;

pub struct Target {
    pub name: &'static str,
    /// Inputs to begin with, beside the kept ones.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What came out (to tell new inputs by), or why it is wrong.
    pub judge: fn(&[u8]) -> Result<String, String>,
}

pub fn targets() -> Vec<Target> {
    let mut all = vec![
        Target {
            name: "json",
            seeds: || texts("ijson/suite"),
            judge: json,
        },
        Target {
            name: "envelope",
            seeds: || fields("envelope/cases", "envelope"),
            judge: envelope,
        },
        Target {
            name: "base64",
            seeds: || vec![b"aGVsbG8=".to_vec(), b"-_-_".to_vec(), b"+/+/".to_vec()],
            judge: base64,
        },
        Target {
            name: "document",
            seeds: || fields("document/cases", "document"),
            judge: document,
        },
        Target {
            name: "pkcs8",
            seeds: key_files,
            judge: pkcs8,
        },
        Target {
            name: "multikey",
            seeds: || vec![key().public().key_id().into(), b"did:key:z6Mk".to_vec()],
            judge: multikey,
        },
        Target {
            name: "signature",
            seeds: signatures,
            judge: signature,
        },
        Target {
            name: "frames",
            seeds: frames,
            judge: frame,
        },
    ];
    all.extend(log_targets());
    all
}

/// Against `serde_json`, which knows no profile: it must take what we take, as the same value, and refuse what we call a
/// fault of grammar.
fn json(input: &[u8]) -> Result<String, String> {
    let theirs: Result<Value, _> = serde_json::from_slice(input);
    match jcs::canonicalise(input) {
        Ok(canonical) => {
            let again: Value =
                serde_json::from_slice(&canonical).map_err(|error| error.to_string())?;
            must(
                "another value",
                theirs.is_ok_and(|theirs| is_same(&theirs, &again)),
            )?;
            must(
                "a canonical form with another",
                jcs::canonicalise(&canonical) == Ok(canonical),
            )?;
            Ok("taken".into())
        }
        Err(reject) => {
            must(
                "text that serde_json takes",
                reject != Reject::JsonSyntax || theirs.is_err(),
            )?;
            let is_utf8 = std::str::from_utf8(input).is_ok() && !input.starts_with(b"\xef\xbb\xbf");
            must(
                "a fault of UTF-8",
                is_utf8 == (reject != Reject::JsonUtf8) || reject == Reject::JsonSize,
            )?;
            Ok(reject.code().into())
        }
    }
}

/// An envelope that is read has the members that `serde_json` sees; one that opens has a signature that AWS-LC takes.
fn envelope(input: &[u8]) -> Result<String, String> {
    let read = match Envelope::read(input) {
        Ok(read) => read,
        Err(reject) => return Ok(reject.code().into()),
    };
    let outer: Value = serde_json::from_slice(input).map_err(|error| error.to_string())?;
    must(
        "members that are not there",
        outer.as_object().is_some_and(|members| members.len() == 3),
    )?;
    let payload = decoded(&outer["payload"]).ok_or("base64 that no other reader takes")?;
    let payload_type = outer["payloadType"]
        .as_str()
        .ok_or("a type that is no text")?;
    let encoded = envelope::pre_authentication_encoding(payload_type.as_bytes(), &payload);
    must("another id", read.id() == blake3_id(&encoded))?;
    let signatures = outer["signatures"]
        .as_array()
        .ok_or("signatures that are no list")?
        .clone();
    let public = sealer().public().clone();
    match read.open(&public) {
        Ok(opened) => {
            must("another payload", opened.payload == payload)?;
            must(
                "a payload that is not canonical",
                jcs::canonicalise(&payload).as_ref() == Ok(&payload),
            )?;
            let ours = signatures
                .iter()
                .find(|one| one["keyid"] == public.key_id());
            let signature = ours
                .and_then(|one| decoded(&one["sig"]))
                .ok_or("no signature of ours")?;
            let judge = UnparsedPublicKey::new(&ED25519, public.as_bytes());
            must(
                "a signature that AWS-LC refuses",
                judge.verify(&encoded, &signature).is_ok(),
            )?;
            Ok("opened".into())
        }
        Err(reject) => Ok(format!("read, {}", reject.code())),
    }
}

/// Base64 inside of an envelope against another library's two alphabets.
fn base64(input: &[u8]) -> Result<String, String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok("no text".into());
    };
    let sealed = serde_json::json!({
        "payload": text,
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{ "keyid": "k", "sig": "" }],
    });
    let outcome = Envelope::read(sealed.to_string().as_bytes());
    let theirs = decoded(&Value::from(text));
    match outcome {
        Ok(_) => must("what no other reader takes", theirs.is_some())?,
        Err(Reject::EnvelopeShape) => must("what another reader takes", theirs.is_none())?,
        Err(_) => {}
    }
    Ok(outcome.map_or_else(|reject| reject.code().into(), |_| "read".into()))
}

fn document(input: &[u8]) -> Result<String, String> {
    let verified = document::verify(input, root().public());
    let parsed: Result<Value, _> = serde_json::from_slice(input);
    must(
        "a document that is no JSON",
        verified.is_err() || parsed.is_ok(),
    )?;
    Ok(verified.map_or_else(|reject| reject.code().into(), |()| "verified".into()))
}

/// A key file that we read is one for AWS-LC too, with the same public half.
fn pkcs8(input: &[u8]) -> Result<String, String> {
    let seed = match pkcs8::read(input) {
        Ok(seed) => seed,
        Err(reject) => return Ok(reject.code().into()),
    };
    let body: String = std::str::from_utf8(input)
        .map_err(|error| error.to_string())?
        .lines()
        .flat_map(|line| line.split("-----"))
        .filter(|part| !part.contains("PRIVATE KEY"))
        .flat_map(str::chars)
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    let der = BASE64
        .decode(body.as_bytes())
        .map_err(|error| error.to_string())?;
    let theirs =
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|error| error.to_string())?;
    let ours = PrivateKey::from_seed(Role::Session, &seed);
    must(
        "another public key",
        theirs.public_key().as_ref() == ours.public().as_bytes(),
    )?;
    must(
        "a file that is not read again",
        pkcs8::read(&pkcs8::write(&seed)) == Ok(seed),
    )?;
    Ok(format!("read, {} bytes of DER", der.len()))
}

/// One name for one key.
fn multikey(input: &[u8]) -> Result<String, String> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Ok("no text".into());
    };
    match multikey::decode(text) {
        Ok(key) => {
            let name = text.strip_prefix("did:key:").unwrap_or(text);
            must("a second name of a key", multikey::encode(&key) == name)?;
            Ok("read".into())
        }
        Err(reject) => Ok(reject.code().into()),
    }
}

/// Key, signature and message against AWS-LC: nothing is taken that it refuses.
fn signature(input: &[u8]) -> Result<String, String> {
    let Some((key, rest)) = input.split_first_chunk::<32>() else {
        return Ok("short".into());
    };
    let (signature, message) = rest.split_at(rest.len().min(64));
    let verified = PublicKey::from_bytes(key).and_then(|key| key.verify(message, signature));
    let theirs = UnparsedPublicKey::new(&ED25519, key).verify(message, signature);
    must("what AWS-LC refuses", verified.is_err() || theirs.is_ok())?;
    must(
        "what AWS-LC takes",
        verified != Err(Reject::SignatureInvalid) || theirs.is_err(),
    )?;
    Ok(verified.map_or_else(|reject| reject.code().into(), |()| "verified".into()))
}

/// The first byte is the operation: every parser behind the compute port, logs and gates among them.
fn frame(input: &[u8]) -> Result<String, String> {
    let Some((operation, request)) = input.split_first() else {
        return Ok("short".into());
    };
    let answer = compute::Engine::default().answer(u32::from(*operation), request);
    let kind = match answer {
        Ok(answer) => format!("answer, first byte {:?}", answer.first()),
        // Without its numbers, or each would be an outcome of its own.
        Err(error) => error.to_string().replace(|c: char| c.is_ascii_digit(), ""),
    };
    Ok(format!("{}: {kind}", operation.min(&64)))
}

/// 1, 1.0 and 1e0 are one number.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same = |name, value| b.get(name).is_some_and(|other| is_same(value, other));
            a.len() == b.len() && a.iter().all(|(name, value)| same(name, value))
        }
        _ => a == b,
    }
}

pub(super) fn must(what: &str, holds: bool) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("took, gave or refused {what}"))
    }
}

/// That library also reads texts one behind the other, each with its padding; RFC 4648 knows no such thing.
fn decoded(text: &Value) -> Option<Vec<u8>> {
    let text = text.as_str()?;
    if text.trim_end_matches('=').contains('=') {
        return None;
    }
    let text = text.as_bytes();
    BASE64.decode(text).or_else(|_| BASE64URL.decode(text)).ok()
}

fn blake3_id(encoded: &[u8]) -> String {
    let id = blake3::derive_key("signet 2026 envelope id v1", encoded);
    blake3::Hash::from_bytes(id).to_hex().to_string()
}

fn key() -> PrivateKey {
    PrivateKey::from_seed(Role::Session, &[3; 32])
}

/// Of the envelopes and documents in the vectors.
fn sealer() -> PrivateKey {
    PrivateKey::from_seed(Role::Session, &[21; 32])
}

fn root() -> PrivateKey {
    PrivateKey::from_seed(Role::Root, &[31; 32])
}

fn vectors(family: &str) -> Vec<Value> {
    let path = format!(
        "{}/../../shared/vectors/{family}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the vectors are there");
    let family: Value = serde_json::from_str(&text).expect("vectors are JSON");
    family["cases"]
        .as_array()
        .expect("a family has cases")
        .clone()
}

fn texts(family: &str) -> Vec<Vec<u8>> {
    let bytes = |case: &Value| match case["hex"].as_str() {
        Some(digits) => from_hex(digits),
        None => case["text"]
            .as_str()
            .unwrap_or_default()
            .as_bytes()
            .to_vec(),
    };
    vectors(family).iter().map(bytes).collect()
}

pub(super) fn fields(family: &str, name: &str) -> Vec<Vec<u8>> {
    let cases = vectors(family);
    let texts = cases.iter().filter_map(|case| case[name].as_str());
    texts.map(|text| text.as_bytes().to_vec()).collect()
}

fn key_files() -> Vec<Vec<u8>> {
    let public = *key().public().as_bytes();
    let version_2 = [
        &[
            0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
        ][..],
        &[3; 32],
        &[0x81, 0x21, 0],
        &public,
    ]
    .concat();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64.encode(&version_2)
    );
    vec![pkcs8::write(&[3; 32]).to_vec(), pem.into_bytes()]
}

fn signatures() -> Vec<Vec<u8>> {
    let bytes = |case: &Value, name: &str| from_hex(case[name].as_str().unwrap_or_default());
    let whole = |case: &Value| {
        [
            bytes(case, "public_key"),
            bytes(case, "signature"),
            bytes(case, "message"),
        ]
        .concat()
    };
    ["ed25519/cases", "ed25519/torsion"]
        .iter()
        .flat_map(|family| vectors(family))
        .map(|case| whole(&case))
        .collect()
}

/// For each operation a request of one item whose fields are an envelope, a name, a number and nothing.
fn frames() -> Vec<Vec<u8>> {
    let envelope = fields("envelope/cases", "envelope").swap_remove(0);
    let name = key().public().key_id().as_bytes().to_vec();
    (1..50u8)
        .flat_map(|operation| {
            [&envelope, &name, &vec![3; 32], &Vec::new()].map(|field| {
                let mut request = vec![operation, 1, 0, 0, 0];
                for _ in 0..3 {
                    request.extend((field.len() as u32).to_le_bytes());
                    request.extend_from_slice(field);
                }
                request
            })
        })
        .collect()
}
