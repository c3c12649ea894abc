//! Signed notes: a text, an empty line, signature lines (C2SP `signed-note`, `tlog-cosignature`).

use crate::verifier_key::{Kind, VerifierKey, is_name};
use crate::{Reject, base64_lines};

/// Bytes of a note at most.
pub const BYTES_MAX: usize = 65_536;

/// Signature lines of a note at most.
pub const SIGNATURES_MAX: usize = 100;

/// A note taken apart; nothing in it is believed before [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'n> {
    /// What is signed, with its last newline.
    pub text: &'n str,
    signatures: Vec<Signature<'n>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature<'n> {
    name: &'n str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// A known key whose signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// Place of the key in the list that was given.
    pub key: usize,
    /// Unix seconds of a cosignature.
    pub time: Option<u64>,
}

impl<'n> Note<'n> {
    /// UTF-8 without control characters but newlines; at least one signature line, and each in its form.
    pub fn read(bytes: &'n [u8]) -> Result<Self, Reject> {
        if bytes.len() > BYTES_MAX {
            return Err(Reject::Malformed);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Reject::Malformed)?;
        if whole.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(Reject::Malformed);
        }
        let empty_line = whole.rfind("\n\n").ok_or(Reject::Malformed)?;
        let (text, lines) = (&whole[..=empty_line], &whole[empty_line + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(Reject::Malformed)?;
        let lines: Vec<&str> = lines.split('\n').take(SIGNATURES_MAX + 1).collect();
        if lines.len() > SIGNATURES_MAX {
            return Err(Reject::Malformed);
        }
        let signatures = lines
            .into_iter()
            .map(Signature::read)
            .collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// The keys that signed. One known key whose signature does not hold refuses the whole note; strangers are ignored,
    /// even under a known name or a known id.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Signed>, Reject> {
        let mut signed: Vec<Signed> = Vec::new();
        for signature in &self.signatures {
            let known = keys
                .iter()
                .position(|key| key.name() == signature.name && key.id() == signature.id);
            let Some(key) = known else { continue };
            let time = self.verify_one(&keys[key], &signature.bytes)?;
            if !signed.iter().any(|before| before.key == key) {
                signed.push(Signed { key, time });
            }
        }
        Ok(signed)
    }

    fn verify_one(&self, key: &VerifierKey, signature: &[u8]) -> Result<Option<u64>, Reject> {
        match key.kind() {
            Kind::Note => {
                key.public().verify(self.text.as_bytes(), signature)?;
                Ok(None)
            }
            Kind::Cosignature => {
                let (time, signature) = signature
                    .split_first_chunk()
                    .ok_or(signing::Reject::SignatureMalformed)?;
                let time = u64::from_be_bytes(*time);
                if time > i64::MAX as u64 {
                    return Err(signing::Reject::SignatureMalformed.into());
                }
                let message = signing::note::cosigned(time, self.text);
                key.public().verify(message.as_bytes(), signature)?;
                Ok(Some(time))
            }
        }
    }
}

impl<'n> Signature<'n> {
    fn read(line: &'n str) -> Result<Self, Reject> {
        let (name, encoded) = line
            .strip_prefix("— ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(Reject::Malformed)?;
        let bytes = base64_lines::decode(encoded)?;
        let (id, signature) = bytes.split_first_chunk().ok_or(Reject::Malformed)?;
        if !is_name(name) || signature.is_empty() {
            return Err(Reject::Malformed);
        }
        Ok(Self {
            name,
            id: *id,
            bytes: signature.to_vec(),
        })
    }
}

/// The signature line of `key`; `time` stands in front of a cosignature.
pub fn signature_line(key: &VerifierKey, time: Option<u64>, signature: &[u8; 64]) -> String {
    let mut bytes = key.id().to_vec();
    if let Some(time) = time {
        bytes.extend_from_slice(&time.to_be_bytes());
    }
    bytes.extend_from_slice(signature);
    format!("— {} {}\n", key.name(), base64_lines::encode(&bytes))
}

#[cfg(test)]
mod tests;
