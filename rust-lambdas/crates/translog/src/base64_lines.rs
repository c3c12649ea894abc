//! Standard base64 with padding, one spelling for each value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Hash, Reject};

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Reject> {
    STANDARD.decode(text).map_err(|_| Reject::Malformed)
}

pub(crate) fn decode_hash(text: &str) -> Result<Hash, Reject> {
    decode(text)?.try_into().map_err(|_| Reject::Malformed)
}

/// Lines of one hash each, at most 63: a longer path fits no tree.
pub(crate) fn decode_hashes(lines: &str) -> Result<Vec<Hash>, Reject> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let lines: Vec<&str> = lines.split('\n').take(64).collect();
    if lines.len() > 63 {
        return Err(Reject::Malformed);
    }
    lines.into_iter().map(decode_hash).collect()
}

/// ASCII decimal without sign or leading zero, below 2^63.
pub(crate) fn decode_number(text: &str) -> Result<u64, Reject> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    let number = text.parse::<u64>().ok().filter(|_| is_plain);
    number
        .filter(|number| *number <= i64::MAX as u64)
        .ok_or(Reject::Malformed)
}
