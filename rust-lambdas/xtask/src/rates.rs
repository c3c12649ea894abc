//! What the crates do on one core, beside the libraries they stand on: the Rust half of `npm run bench:proof`.

use std::hint::black_box;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use blake3::hazmat::{HasherExt, hash_derive_key_context};
use ed25519_dalek::{Signer, SigningKey, Verifier};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use signing::envelope::{self, Envelope};
use signing::{PrivateKey, PublicKey, Role, note};
use translog::checkpoint::Checkpoint;
use translog::log_proof::LogProof;
use translog::note::{Note, signature_line};
use translog::policy::Policy;
use translog::verifier_key::{Kind, VerifierKey};
use translog::{hash, proof};

const STATEMENT: &str = "application/vnd.in-toto+json";

/// Operations a second, by name, as one JSON object.
pub fn measure() -> String {
    let mut rates = Map::new();
    let mut add = |name: &str, work: &mut dyn FnMut()| {
        rates.insert(name.to_owned(), json!(per_second(work)));
    };
    let dalek = SigningKey::from_bytes(&[7; 32]);
    let log = PrivateKey::from_seed(Role::Log, &[7; 32]);
    for length in [64, 300] {
        let text = text_of(length);
        add(&format!("sign {length} B"), &mut || {
            black_box(note::sign_checkpoint(&log, "origin", &text)).expect("a log key signs notes");
        });
        add(&format!("sign {length} B, ed25519-dalek"), &mut || {
            black_box(dalek.sign(text.as_bytes()));
        });
    }

    let text = text_of(300);
    let signature = dalek.sign(text.as_bytes());
    let public = PublicKey::from_bytes(dalek.verifying_key().as_bytes()).expect("a good key");
    let judge = UnparsedPublicKey::new(&ED25519, *public.as_bytes());
    let (plain, bytes) = (dalek.verifying_key(), signature.to_bytes());
    add("verify", &mut || {
        public.verify(text.as_bytes(), &bytes).expect("it holds")
    });
    add("verify, ed25519-dalek strict", &mut || {
        plain
            .verify_strict(text.as_bytes(), &signature)
            .expect("it holds")
    });
    add("verify, ed25519-dalek plain", &mut || {
        plain.verify(text.as_bytes(), &signature).expect("it holds")
    });
    add("verify, aws-lc", &mut || {
        judge.verify(text.as_bytes(), &bytes).expect("it holds")
    });

    let context = hash_derive_key_context("signet 2026 envelope id v1");
    let block = [0x5a; 64];
    add("blake3 id 64 B", &mut || {
        black_box(
            blake3::Hasher::new_from_context_key(&context)
                .update(&block)
                .finalize(),
        );
    });
    add("blake3 id 64 B, context not cached", &mut || {
        black_box(blake3::derive_key(
            "signet 2026 envelope id v1",
            black_box(&block),
        ));
    });

    let session = PrivateKey::from_seed(Role::Session, &[9; 32]);
    let payload = payload_of(300);
    let sealed = envelope::seal(&session, STATEMENT, &payload).expect("a session key seals");
    add("envelope create 300 B", &mut || {
        black_box(envelope::seal(&session, STATEMENT, &payload)).expect("a session key seals");
    });
    add("envelope verify 300 B", &mut || {
        let opened = Envelope::read(&sealed.entry).and_then(|one| one.open(session.public()));
        black_box(opened).expect("it holds");
    });
    let (policy, entry, receipt) = receipt_of_a_million();
    add("receipt verify, 20 hashes, 1 + 3 signatures", &mut || {
        self::judge(&policy, &entry, receipt.as_bytes());
    });
    Value::Object(rates).to_string()
}

/// An entry of 1 KB in a log of 2^20, whose checkpoint three witnesses cosigned, and a policy that asks for all of them.
fn receipt_of_a_million() -> (Policy, Vec<u8>, String) {
    let (name, size) = ("log.example/bench", 1 << 20);
    let log = PrivateKey::from_seed(Role::Log, &[21; 32]);
    let entry = vec![b'x'; 1024];
    let proof: Vec<[u8; 32]> = (0..20).map(|height| [height; 32]).collect();
    let root = proof
        .iter()
        .fold(hash::leaf(&entry), |left, right| hash::node(&left, right));
    let text = Checkpoint {
        origin: name,
        size,
        root,
    }
    .write();
    let key = VerifierKey::new(name, Kind::Note, log.public().clone()).expect("a name");
    let signature = note::sign_checkpoint(&log, name, &text).expect("a log key signs notes");
    let mut lines = signature_line(&key, None, &signature);
    let mut policy = format!("log {key}\n");
    for witness in 0..3 {
        let (name, time) = (format!("witness.example/{witness}"), 1_700_000_000);
        let private = PrivateKey::from_seed(Role::Witness, &[31 + witness; 32]);
        let key = VerifierKey::new(&name, Kind::Cosignature, private.public().clone());
        let key = key.expect("a name");
        let signature = note::cosign(&private, time, &text).expect("a witness key cosigns");
        lines.push_str(&signature_line(&key, Some(time), &signature));
        policy.push_str(&format!("witness w{witness} {key}\n"));
    }
    policy.push_str("group all all w0 w1 w2\nquorum all\n");
    let checkpoint = format!("{text}\n{lines}");
    let receipt = LogProof {
        extra: Vec::new(),
        index: 0,
        proof,
        checkpoint: &checkpoint,
    };
    (
        Policy::read(policy.as_bytes()).expect("a policy"),
        entry,
        receipt.write(),
    )
}

fn judge(policy: &Policy, entry: &[u8], receipt: &[u8]) {
    let receipt = LogProof::read(receipt).expect("it reads");
    let note = Note::read(receipt.checkpoint.as_bytes()).expect("it reads");
    let accepted = policy.judge(&note).expect("it holds");
    assert_eq!(accepted.witnesses.len(), 3);
    let head = Checkpoint::read(note.text).expect("it reads");
    let leaf = hash::leaf(entry);
    proof::verify_inclusion(&leaf, receipt.index, head.size, &head.root, &receipt.proof)
        .expect("it holds");
}

/// Median of five rounds of 0.2 s. Time of this thread's processor, so that what else runs on the machine counts little.
fn per_second(work: &mut dyn FnMut()) -> u64 {
    let mut rounds = [0.0; 5];
    for round in &mut rounds {
        let (started, mut done) = (processor_seconds(), 0u32);
        while processor_seconds() - started < 0.2 {
            (0..64).for_each(|_| work());
            done += 64;
        }
        *round = f64::from(done) / (processor_seconds() - started);
    }
    rounds.sort_by(f64::total_cmp);
    rounds[2] as u64
}

fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn text_of(length: usize) -> String {
    let mut text = String::from("origin\n");
    text.extend(std::iter::repeat_n('x', length - 8));
    text.push('\n');
    text
}

fn payload_of(length: usize) -> Vec<u8> {
    let head = r#"{"predicateType":"urn:signet:decision:v1","text":""#;
    format!("{head}{}\"}}", "x".repeat(length - head.len() - 2)).into_bytes()
}
