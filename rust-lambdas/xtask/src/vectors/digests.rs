use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::hex;

/// Lengths around the blocks (64) and chunks (1,024) of both functions.
pub fn cases() -> Vec<Value> {
    [0usize, 1, 55, 56, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 65_536]
        .into_iter()
        .map(|times| {
            let content = "a".repeat(times);
            json!({
                "text": "a",
                "times": times,
                "ok": { "sha256": hex(&Sha256::digest(&content)), "blake3": blake3::hash(content.as_bytes()).to_hex().as_str() },
            })
        })
        .collect()
}
