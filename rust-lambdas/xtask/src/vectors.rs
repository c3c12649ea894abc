//! The families of `shared/vectors/<family>/cases.json`. What a case must answer is stated here (a code) or computed by
//! the crates and confirmed by tests that use another implementation.

mod digests;
mod documents;
mod envelopes;
mod json_texts;
mod scores;
mod signatures;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use signing::{PrivateKey, Reject, Role};

/// Writes every family.
pub fn write(folder: &Path) -> Result<(), String> {
    for (path, text) in families(folder) {
        fs::create_dir_all(path.parent().expect("a family has a folder"))
            .map_err(|error| error.to_string())?;
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Compares every family with its file.
pub fn check(folder: &Path) -> Result<(), String> {
    for (path, text) in families(folder) {
        if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            return Err(format!(
                "{} is stale; refresh with: cargo run --release -p xtask -- vectors",
                path.display()
            ));
        }
    }
    Ok(())
}

fn families(folder: &Path) -> Vec<(PathBuf, String)> {
    let families = [
        (
            "ed25519",
            "Signatures and the acceptance rule; hex.",
            signatures::cases(),
        ),
        (
            "ijson",
            "The strict profile; `text` is UTF-8, `hex` any bytes, `times` repeats them.",
            json_texts::profile(),
        ),
        ("jcs", "RFC 8785.", json_texts::canonical()),
        (
            "envelope",
            "DSSE: `seal` by the key of `seed`, `open` with `public_key`.",
            envelopes::cases(),
        ),
        (
            "document",
            "eddsa-jcs-2022: `sign` by the key of `seed`, `verify` with `public_key`.",
            documents::cases(),
        ),
        ("digest", "SHA-256 and BLAKE3.", digests::cases()),
        ("score", "Exact top-k; scores within 1e-5.", scores::cases()),
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
            (folder.join(name).join("cases.json"), text + "\n")
        })
        .collect()
}

fn key(role: Role, seed: u8) -> PrivateKey {
    PrivateKey::from_seed(role, &[seed; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
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
