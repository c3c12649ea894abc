//! Verifier keys of signed notes: `name+hex id+base64(type, key)` (C2SP `signed-note`).

use std::fmt;

use sha2::{Digest, Sha256};
use signing::PublicKey;

use crate::{Reject, base64_lines};

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Ed25519 over the text of the note.
    Note = 1,
    /// Ed25519 over `cosignature/v1`, a time and the text.
    Cosignature = 4,
}

/// A key that signatures on notes are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: Kind,
    public: PublicKey,
    id: [u8; 4],
}

impl VerifierKey {
    /// `log.malformed` for a name that may not stand in a signature line.
    pub fn new(name: &str, kind: Kind, public: PublicKey) -> Result<Self, Reject> {
        if !is_name(name) {
            return Err(Reject::Malformed);
        }
        Ok(Self {
            id: key_id(name, kind, public.as_bytes()),
            name: name.to_owned(),
            kind,
            public,
        })
    }

    /// Reads the text form; the id in it must be the key's own.
    pub fn parse(text: &str) -> Result<Self, Reject> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Reject::Malformed);
        };
        let bytes = base64_lines::decode(key)?;
        let (kind, key) = bytes.split_first().ok_or(Reject::Malformed)?;
        let kind = match kind {
            1 => Kind::Note,
            4 => Kind::Cosignature,
            _ => return Err(Reject::Malformed),
        };
        let key = <&[u8; 32]>::try_from(key).map_err(|_| Reject::Malformed)?;
        let verifier = Self::new(name, kind, PublicKey::from_bytes(key)?)?;
        if id.len() == 8 && id.eq_ignore_ascii_case(&verifier.id_text()) {
            Ok(verifier)
        } else {
            Err(Reject::Malformed)
        }
    }

    /// The name in its signature lines; a log's is its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// First four bytes of the hash of name, kind and key.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key itself.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind as u8];
        key.extend_from_slice(self.public.as_bytes());
        let key = base64_lines::encode(&key);
        write!(formatter, "{}+{}+{key}", self.name, self.id_text())
    }
}

/// Not empty, no white space, no plus, no control character.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|character| character.is_whitespace() || character == '+' || character < ' ')
}

fn key_id(name: &str, kind: Kind, key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind as u8])
        .chain_update(key)
        .finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Go's `golang.org/x/mod/sumdb/note`.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn reads_and_writes_the_example_of_the_note_package() {
        let key = VerifierKey::parse(PETER).unwrap();
        assert_eq!((key.name(), key.kind()), ("PeterNeumann", Kind::Note));
        assert_eq!(key.to_string(), PETER);
    }

    #[test]
    fn refuses_what_is_no_key_of_ours() {
        for text in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        ] {
            assert_eq!(VerifierKey::parse(text), Err(Reject::Malformed), "{text}");
        }
    }
}
