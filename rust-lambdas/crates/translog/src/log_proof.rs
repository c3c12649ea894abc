//! An entry's proof in one text: place, inclusion proof, checkpoint, and data that only the application knows (C2SP
//! `tlog-proof`).

use crate::note::{self, Note};
use crate::{Hash, Reject, base64_lines};

/// Bytes of a proof text at most.
pub const BYTES_MAX: usize = 131_072;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A proof text, taken apart; nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof<'p> {
    /// Not covered by anything.
    pub extra: Vec<u8>,
    /// Place of the entry, from 0.
    pub index: u64,
    /// From the leaf's sibling up.
    pub proof: Vec<Hash>,
    /// The checkpoint, a note that [`Note::read`] took.
    pub checkpoint: &'p str,
}

impl<'p> LogProof<'p> {
    /// Reads it; the checkpoint has the form of a note, its text is judged later.
    pub fn read(bytes: &'p [u8]) -> Result<Self, Reject> {
        if bytes.len() > BYTES_MAX {
            return Err(Reject::Malformed);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Reject::Malformed)?;
        let rest = next(text, HEADER)?;
        let (extra, rest) = match rest.strip_prefix("extra ") {
            Some(rest) => {
                let (extra, rest) = rest.split_once('\n').ok_or(Reject::Malformed)?;
                (base64_lines::decode(extra)?, rest)
            }
            None => (Vec::new(), rest),
        };
        let rest = rest.strip_prefix("index ").ok_or(Reject::Malformed)?;
        let (index, rest) = rest.split_once('\n').ok_or(Reject::Malformed)?;
        let (proof, checkpoint) = match rest.strip_prefix('\n') {
            Some(checkpoint) => ("", checkpoint),
            None => rest.split_once("\n\n").ok_or(Reject::Malformed)?,
        };
        if checkpoint.len() > note::BYTES_MAX {
            return Err(Reject::Malformed);
        }
        Note::read(checkpoint.as_bytes())?;
        Ok(Self {
            extra,
            index: base64_lines::decode_number(index)?,
            proof: base64_lines::decode_hashes(proof)?,
            checkpoint,
        })
    }

    /// The text form.
    pub fn write(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if !self.extra.is_empty() {
            text.push_str(&format!("extra {}\n", base64_lines::encode(&self.extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.proof {
            text.push_str(&base64_lines::encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(self.checkpoint);
        text
    }
}

fn next<'t>(text: &'t str, line: &str) -> Result<&'t str, Reject> {
    text.strip_prefix(line)
        .and_then(|rest| rest.strip_prefix('\n'))
        .ok_or(Reject::Malformed)
}

#[cfg(test)]
mod tests;
