use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use lambda_kit::{Environment, Failure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const STATEMENT: &str = "application/vnd.in-toto+json";
const ORIGIN: &str = "signet/z6MkRoot";
/// Of nothing.
const ROOT: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const GRANT: &str = r#"{"predicateType":"urn:signet:delegation:v1","n":1.0}"#;

/// A context whose KMS holds the key of this seed and answers over HTTP; `signs_with` may be another.
struct Custody {
    context: Context,
    url: String,
    public_keys_asked: Arc<AtomicU32>,
    signatures_asked: Arc<AtomicU32>,
}

impl Custody {
    async fn of(seed: [u8; 32], signs_with: [u8; 32]) -> Self {
        let custody = Self::at(seed, signs_with, json!({})).await;
        Self {
            context: Context::from_environment(&environment(&custody.url)).unwrap(),
            ..custody
        }
    }

    /// Signs checkpoints too; `lock_row` is what DynamoDB answers.
    async fn at(seed: [u8; 32], signs_with: [u8; 32], lock_row: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (public, private) = (
            SigningKey::from_bytes(&seed),
            SigningKey::from_bytes(&signs_with),
        );
        let (public_keys_asked, signatures_asked) =
            (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let counters = (public_keys_asked.clone(), signatures_asked.clone());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    let mut piece = [0; 8192];
                    let length = stream.read(&mut piece).await.unwrap();
                    request.extend_from_slice(&piece[..length]);
                }
                let at = request
                    .windows(4)
                    .position(|four| four == b"\r\n\r\n")
                    .unwrap();
                let asked: Value = serde_json::from_slice(&request[at + 4..]).unwrap();
                let answer = if asked["TableName"].is_string() {
                    lock_row.clone()
                } else if let Some(message) = asked["Message"].as_str() {
                    counters.1.fetch_add(1, Ordering::Relaxed);
                    let signature = private.sign(&STANDARD.decode(message).unwrap());
                    json!({ "Signature": STANDARD.encode(signature.to_bytes()) })
                } else {
                    counters.0.fetch_add(1, Ordering::Relaxed);
                    let head = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
                    let der = [&head[..], public.verifying_key().as_bytes()].concat();
                    json!({
                        "KeySpec": "ECC_NIST_EDWARDS25519", "KeyUsage": "SIGN_VERIFY", "PublicKey": STANDARD.encode(der),
                    })
                };
                let answer = answer.to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    answer.len()
                );
                stream
                    .write_all(format!("{head}{answer}").as_bytes())
                    .await
                    .unwrap();
            }
        });
        let context = Context::from_environment(&log_environment(&url)).unwrap();
        Self {
            context,
            url,
            public_keys_asked,
            signatures_asked,
        }
    }

    async fn answer(&self, request: Value) -> Result<Value, SignError> {
        self.answer_to(Some("api"), request).await
    }

    async fn answer_to(&self, alias: Option<&str>, request: Value) -> Result<Value, SignError> {
        let call = Call {
            request_id: String::new(),
            deadline: Instant::now() + Duration::from_secs(10),
            alias: alias.map(str::to_owned),
        };
        let request = serde_json::from_value(request).unwrap();
        answer(&self.context, request, &call)
            .await
            .map(|reply| serde_json::to_value(reply).unwrap())
    }
}

fn environment(url: &str) -> Environment {
    Environment::of([
        (
            "SIGNET_KMS_ISSUER",
            "arn:aws:kms:eu-central-1:111122223333:key/1",
        ),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_ENDPOINT_URL", url),
    ])
}

fn log_environment(url: &str) -> Environment {
    Environment::of([
        ("SIGNET_KMS_ISSUER", "issuer"),
        ("SIGNET_KMS_LOG", "log"),
        ("SIGNET_LOG_ORIGIN", ORIGIN),
        ("SIGNET_TABLE", "table"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_ENDPOINT_URL", url),
    ])
}

fn committed(size: u64, root: &str) -> Value {
    json!({ "Item": { "size": { "N": size.to_string() }, "root": { "S": root } } })
}

fn checkpoint(size: u64, root: &str) -> Value {
    json!({ "operation": "sign_checkpoint", "size": size, "root": root })
}

fn seal(role: &str, payload_type: &str, payload: &str) -> Value {
    json!({ "operation": "seal", "role": role, "payload_type": payload_type, "payload": payload })
}

/// One item of these fields, as `functions/adapters/frames` writes it.
fn frame(fields: &[&[u8]]) -> Value {
    let mut bytes = 1u32.to_le_bytes().to_vec();
    for field in fields {
        bytes.extend((field.len() as u32).to_le_bytes());
        bytes.extend_from_slice(field);
    }
    serde_json::to_value(Bytes(bytes)).unwrap()
}

fn answered(reply: &Value) -> Vec<u8> {
    STANDARD.decode(reply["frame"].as_str().unwrap()).unwrap()
}

fn cases(family: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(family).unwrap();
    all["cases"].as_array().unwrap().clone()
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

const ENVELOPES: &str = include_str!("../../../../../shared/vectors/envelope/cases.json");

#[tokio::test]
async fn seals_as_the_crate_seals_with_the_key_itself() {
    let issuer = cases(ENVELOPES)
        .into_iter()
        .filter(|case| case["role"] == "issuer");
    let mut sealed = 0;
    for case in issuer {
        let seed = hex(&case["seed"]).try_into().unwrap();
        let custody = Custody::of(seed, seed).await;
        let (payload_type, payload) = (
            case["payload_type"].as_str().unwrap(),
            case["payload"].as_str().unwrap(),
        );
        let reply = custody
            .answer(seal("issuer", payload_type, payload))
            .await
            .unwrap();
        if let Some(code) = case["code"].as_str() {
            assert_eq!(reply, json!({ "ok": false, "code": code }), "{case}");
            assert_eq!(
                custody.signatures_asked.load(Ordering::Relaxed),
                0,
                "{case}"
            );
        } else {
            let entry = STANDARD.encode(case["ok"]["entry"].as_str().unwrap());
            assert_eq!(
                reply,
                json!({ "ok": true, "entry": entry, "id": case["ok"]["id"] }),
                "{case}"
            );
            sealed += 1;
        }
    }
    assert!(sealed > 0);
}

#[tokio::test]
async fn asks_for_the_public_half_once() {
    let custody = Custody::of([7; 32], [7; 32]).await;
    let public = SigningKey::from_bytes(&[7; 32]).verifying_key();
    for _ in 0..2 {
        custody
            .answer(seal("issuer", STATEMENT, GRANT))
            .await
            .unwrap();
        let reply = custody
            .answer(json!({ "operation": "public_key", "role": "issuer" }))
            .await
            .unwrap();
        assert_eq!(reply["public_key"], STANDARD.encode(public.as_bytes()));
        assert!(reply["key_id"].as_str().unwrap().starts_with("z6Mk"));
    }
    assert_eq!(custody.public_keys_asked.load(Ordering::Relaxed), 1);
    assert_eq!(custody.signatures_asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn has_no_key_but_the_issuers() {
    let custody = Custody::of([7; 32], [7; 32]).await;
    for role in ["root", "session", "agent", "log", "witness"] {
        let unknown = json!({ "ok": false, "code": "key.unknown" });
        assert_eq!(
            custody.answer(seal(role, STATEMENT, GRANT)).await.unwrap(),
            unknown
        );
        let request = json!({ "operation": "public_key", "role": role });
        assert_eq!(custody.answer(request).await.unwrap(), unknown);
    }
}

#[tokio::test]
async fn signs_the_checkpoint_that_the_lock_row_has() {
    let custody = Custody::at([7; 32], [7; 32], committed(3, ROOT)).await;
    let reply = custody
        .answer_to(Some("log"), checkpoint(3, ROOT))
        .await
        .unwrap();
    let text = format!("{ORIGIN}\n3\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    let note = format!("{text}\n{}", reply["line"].as_str().unwrap());
    let public = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
    let public = signing::PublicKey::from_bytes(&public).unwrap();
    let key = translog::verifier_key::VerifierKey::new(
        ORIGIN,
        translog::verifier_key::Kind::Note,
        public,
    );
    let note = translog::note::Note::read(note.as_bytes()).unwrap();
    assert_eq!(note.text, text);
    assert_eq!(note.verify(&[key.unwrap()]).unwrap().len(), 1);
}

#[tokio::test]
async fn signs_no_size_and_no_root_that_a_caller_says() {
    let other = "00".repeat(32);
    for (row, size, root) in [
        (committed(3, ROOT), 2, ROOT),
        (committed(3, ROOT), 4, ROOT),
        (committed(3, ROOT), 3, other.as_str()),
        (json!({}), 0, ROOT),
    ] {
        let custody = Custody::at([7; 32], [7; 32], row).await;
        let reply = custody
            .answer_to(Some("log"), checkpoint(size, root))
            .await
            .unwrap();
        assert_eq!(reply, json!({ "ok": false, "code": "log.rollback" }));
        assert_eq!(custody.signatures_asked.load(Ordering::Relaxed), 0);
    }
    for row in [
        committed(3, "ab"),
        json!({ "Item": { "size": { "N": "3" } } }),
    ] {
        let custody = Custody::at([7; 32], [7; 32], row).await;
        let error = custody
            .answer_to(Some("log"), checkpoint(3, "ab"))
            .await
            .unwrap_err();
        assert_eq!(error.name(), "KeyServiceRefused");
        assert_eq!(custody.signatures_asked.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test]
async fn gives_each_alias_the_keys_of_its_group_alone() {
    let custody = Custody::at([7; 32], [7; 32], committed(3, ROOT)).await;
    let refused = json!({ "ok": false, "code": "key.role" });
    let public = |role: &str| json!({ "operation": "public_key", "role": role });
    for (alias, request) in [
        (Some("api"), checkpoint(3, ROOT)),
        (Some("api"), public("log")),
        (Some("log"), public("issuer")),
        (Some("log"), seal("issuer", STATEMENT, GRANT)),
        (Some("other"), seal("issuer", STATEMENT, GRANT)),
        (None, seal("issuer", STATEMENT, GRANT)),
        (None, checkpoint(3, ROOT)),
    ] {
        let reply = custody.answer_to(alias, request.clone()).await.unwrap();
        assert_eq!(reply, refused, "{alias:?} {request}");
    }
    let statement = seal("log", STATEMENT, GRANT);
    assert_eq!(
        custody.answer_to(Some("log"), statement).await.unwrap(),
        refused
    );
    assert_eq!(custody.signatures_asked.load(Ordering::Relaxed), 0);
    let found = custody.answer_to(Some("log"), public("log")).await.unwrap();
    assert!(found["key_id"].is_string());
}

#[tokio::test]
async fn without_a_log_it_signs_no_checkpoint() {
    let custody = Custody::of([7; 32], [7; 32]).await;
    let reply = custody
        .answer_to(Some("log"), checkpoint(0, ROOT))
        .await
        .unwrap();
    assert_eq!(reply, json!({ "ok": false, "code": "key.unknown" }));
}

#[tokio::test]
async fn a_signature_by_another_key_never_leaves() {
    let custody = Custody::of([7; 32], [8; 32]).await;
    let error = custody
        .answer(seal("issuer", STATEMENT, GRANT))
        .await
        .unwrap_err();
    assert_eq!(error.name(), "SignatureRefused");
    let custody = Custody::at([7; 32], [8; 32], committed(3, ROOT)).await;
    let error = custody
        .answer_to(Some("log"), checkpoint(3, ROOT))
        .await
        .unwrap_err();
    assert_eq!(error.name(), "SignatureRefused");
}

#[tokio::test]
async fn says_that_kms_is_not_there() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let context = Context::from_environment(&environment(&format!("http://{closed}"))).unwrap();
    let call = Call {
        request_id: String::new(),
        deadline: Instant::now() + Duration::from_millis(600),
        alias: Some("api".to_owned()),
    };
    let request = serde_json::from_value(seal("issuer", STATEMENT, GRANT)).unwrap();
    let error = answer(&context, request, &call).await.unwrap_err();
    assert_eq!(error.name(), "KeyServiceUnavailable");
}

#[tokio::test]
async fn opens_the_shared_envelopes() {
    let custody = Custody::of([7; 32], [7; 32]).await;
    for case in cases(ENVELOPES)
        .into_iter()
        .filter(|case| case["operation"] == "open")
    {
        let public_key = hex(&case["public_key"]);
        let item = frame(&[case["envelope"].as_str().unwrap().as_bytes(), &public_key]);
        let reply = custody
            .answer(json!({ "operation": "open_envelopes", "frame": item }))
            .await
            .unwrap();
        let reply = answered(&reply);
        match case["code"].as_str() {
            None => assert_eq!(reply[0], 1, "{case}"),
            Some(code) => assert_eq!((reply[0], &reply[5..]), (0, code.as_bytes()), "{case}"),
        }
    }
}

#[tokio::test]
async fn answers_each_operation_on_frames() {
    let custody = Custody::of([7; 32], [7; 32]).await;
    for (operation, fields, accepted) in [
        ("canonicalise", &[&b"[1e2]"[..]][..], true),
        ("digest", &[b"x"], true),
        ("decode_key_ids", &[b"z"], false),
        ("verify_signatures", &[b"", b"", b""], false),
        ("verify_payloads", &[b"", b"t", b"", b""], false),
        ("read_envelopes", &[b"{}"], false),
        ("verify_documents", &[b"{}", &[0; 32]], false),
        ("open_envelopes", &[b"{}", &[0; 32]], false),
        ("grow_log", &[b"0", b"", b"", &[0, 0]], true),
        ("verify_inclusions", &[b"", b"0", b"0", b"", b""], false),
        ("verify_consistencies", &[b"1", b"0", b"", b"", b""], false),
        ("open_checkpoints", &[b"", b""], false),
        ("read_log_proofs", &[b""], false),
        ("judge_checkpoints", &[b"", b""], false),
        ("read_witness_requests", &[b""], false),
    ] {
        let request = json!({ "operation": operation, "frame": frame(fields) });
        let reply = custody.answer(request).await.unwrap();
        assert_eq!(answered(&reply)[0], u8::from(accepted), "{operation}");
    }
}

#[tokio::test]
async fn refuses_a_frame_that_is_none() {
    let custody = Custody::of([7; 32], [7; 32]).await;
    let request = json!({ "operation": "digest", "frame": "AQAAAA==" });
    assert_eq!(
        custody.answer(request).await.unwrap_err().name(),
        "InvalidRequest"
    );
}

#[tokio::test]
async fn refuses_items_whose_answers_do_not_fit_in_a_reply() {
    let custody = Custody::of([7; 32], [7; 32]).await;
    let count = 70_000u32;
    let mut items = count.to_le_bytes().to_vec();
    items.resize(4 + 4 * count as usize, 0);
    let request = json!({ "operation": "digest", "frame": STANDARD.encode(items) });
    let error = custody.answer(request).await.unwrap_err();
    assert_eq!(error.name(), "InvalidRequest");
}

#[test]
fn reads_requests_of_the_schema_and_no_others() {
    for bad in [
        json!({ "operation": "generate_key", "frame": "AAAAAA==" }),
        json!({ "operation": "open_key", "frame": "AAAAAA==" }),
        json!({ "operation": "seal_envelopes", "frame": "AAAAAA==" }),
        json!({ "operation": "sign_notes", "frame": "AAAAAA==" }),
        json!({ "operation": "digest", "frame": "?" }),
        json!({ "operation": "digest", "frame": "AAAAAA==", "key": "x" }),
        json!({ "operation": "digest" }),
        json!({ "operation": "sign", "message": "AAAA" }),
        json!({ "operation": "sign_checkpoint", "text": "origin\n1\nroot\n" }),
        json!({ "operation": "sign_checkpoint", "size": -1, "root": ROOT }),
        json!({ "operation": "sign_checkpoint", "size": 1, "root": ROOT, "origin": "another" }),
        json!({ "operation": "public_key", "role": "owner" }),
        json!({ "operation": "seal", "role": "issuer", "payload_type": STATEMENT, "payload": {} }),
        json!({ "operation": "seal", "role": "issuer", "payload_type": STATEMENT, "payload": "{}", "key": "x" }),
    ] {
        assert!(
            serde_json::from_value::<Request>(bad.clone()).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn does_not_start_without_a_key() {
    let Err(error) = Context::from_environment(&Environment::default()) else {
        panic!("started")
    };
    assert!(error.to_string().contains("`SIGNET_KMS_ISSUER`"), "{error}");
}

#[test]
fn does_not_start_with_half_a_log() {
    let half = Environment::of([
        ("SIGNET_KMS_ISSUER", "issuer"),
        ("SIGNET_KMS_LOG", "log"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
    ]);
    let Err(error) = Context::from_environment(&half) else {
        panic!("started")
    };
    assert!(
        error
            .to_string()
            .contains("`SIGNET_LOG_ORIGIN`, `SIGNET_TABLE`"),
        "{error}"
    );
}
