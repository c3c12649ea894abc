//! Trust in logs and witnesses as a file (C2SP `tlog-policy`): `log`, `witness`, `group`, `quorum` lines.
//!
//! Every name can be a member once, so the members form trees and each witness counts in one way only.

use std::collections::HashMap;

use crate::checkpoint::Checkpoint;
use crate::note::Note;
use crate::verifier_key::{Kind, VerifierKey};
use crate::{Reject, note::Signed};

/// Bytes of a policy at most.
pub const BYTES_MAX: usize = 65_536;

/// Logs, witnesses and groups at most, each; the specification asks for 32.
pub const LINES_MAX: usize = 128;

/// Whom somebody trusts, and how many of them it takes.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Logs first, then witnesses: the order of the keys that a note is verified with.
    keys: Vec<VerifierKey>,
    logs: usize,
    names: Vec<String>,
    parties: Vec<Party>,
    quorum: Option<usize>,
}

#[derive(Debug, Clone)]
enum Party {
    /// Place among the witnesses.
    Witness(usize),
    Group {
        needed: usize,
        members: Vec<usize>,
    },
}

/// A checkpoint that the policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted<'p> {
    /// Names, as the policy gives them, of the witnesses whose cosignatures hold.
    pub witnesses: Vec<&'p str>,
    /// Whether the policy asks for witnesses at all.
    pub has_quorum: bool,
}

impl Policy {
    /// Reads it; names are opaque bytes, which need not be UTF-8 by the specification and must be here.
    pub fn read(bytes: &[u8]) -> Result<Self, Reject> {
        let is_allowed = |byte: &u8| matches!(byte, b'\t' | b'\n' | b' '..=b'~' | 0x80..);
        if bytes.len() > BYTES_MAX || !bytes.iter().all(is_allowed) {
            return Err(Reject::Malformed);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Reject::Malformed)?;
        let text = text.strip_suffix('\n').ok_or(Reject::Malformed)?;
        let mut reader = PolicyReader::default();
        for line in text.split('\n') {
            let items: Vec<&str> = line
                .split([' ', '\t'])
                .filter(|item| !item.is_empty())
                .collect();
            match items.as_slice() {
                [] => {}
                [comment, ..] if comment.starts_with('#') => {}
                ["log", key] | ["log", key, _] => reader.log(key)?,
                ["witness", name, key] | ["witness", name, key, _] => reader.witness(name, key)?,
                ["group", name, needed, members @ ..] => reader.group(name, needed, members)?,
                ["quorum", name] => reader.quorum(name)?,
                _ => return Err(Reject::Malformed),
            }
        }
        reader.end()
    }

    /// A checkpoint must name a log of the policy as its origin, be signed by it, and be cosigned by a quorum.
    pub fn judge(&self, note: &Note<'_>) -> Result<Accepted<'_>, Reject> {
        let checkpoint = Checkpoint::read(note.text)?;
        let is_origin = |key: &VerifierKey| key.name() == checkpoint.origin;
        if !self.keys[..self.logs].iter().any(is_origin) {
            return Err(Reject::Origin);
        }
        let signed = note.verify(&self.keys)?;
        let has_log = signed
            .iter()
            .any(|Signed { key, .. }| *key < self.logs && is_origin(&self.keys[*key]));
        if !has_log {
            return Err(signing::Reject::KeyUnknown.into());
        }
        let mut has_witnessed = vec![false; self.keys.len() - self.logs];
        for Signed { key, .. } in signed {
            if key >= self.logs {
                has_witnessed[key - self.logs] = true;
            }
        }
        if self
            .quorum
            .is_some_and(|quorum| !self.holds(quorum, &has_witnessed))
        {
            return Err(Reject::Quorum);
        }
        let witnesses = self.names.iter().zip(&self.parties);
        Ok(Accepted {
            witnesses: witnesses
                .filter(
                    |(_, party)| matches!(party, Party::Witness(place) if has_witnessed[*place]),
                )
                .map(|(name, _)| name.as_str())
                .collect(),
            has_quorum: self.quorum.is_some(),
        })
    }

    fn holds(&self, party: usize, has_witnessed: &[bool]) -> bool {
        match &self.parties[party] {
            Party::Witness(place) => has_witnessed[*place],
            Party::Group { needed, members } => {
                let holding = members
                    .iter()
                    .filter(|member| self.holds(**member, has_witnessed));
                holding.count() >= *needed
            }
        }
    }
}

#[derive(Default)]
struct PolicyReader {
    logs: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    names: Vec<String>,
    parties: Vec<Party>,
    by_name: HashMap<String, usize>,
    is_member: Vec<bool>,
    quorum: Option<Option<usize>>,
}

impl PolicyReader {
    fn log(&mut self, key: &str) -> Result<(), Reject> {
        add(&mut self.logs, VerifierKey::parse(key)?, Kind::Note)
    }

    fn witness(&mut self, name: &str, key: &str) -> Result<(), Reject> {
        add(
            &mut self.witnesses,
            VerifierKey::parse(key)?,
            Kind::Cosignature,
        )?;
        self.party(name, Party::Witness(self.witnesses.len() - 1))
    }

    fn group(&mut self, name: &str, needed: &str, members: &[&str]) -> Result<(), Reject> {
        let needed = match needed {
            "any" => 1,
            "all" => members.len(),
            number => crate::base64_lines::decode_number(number)? as usize,
        };
        if needed < 1 || needed > members.len() {
            return Err(Reject::Malformed);
        }
        let members = members
            .iter()
            .map(|member| {
                let party = *self.by_name.get(*member).ok_or(Reject::Malformed)?;
                if std::mem::replace(&mut self.is_member[party], true) {
                    return Err(Reject::Malformed);
                }
                Ok(party)
            })
            .collect::<Result<_, _>>()?;
        self.party(name, Party::Group { needed, members })
    }

    fn quorum(&mut self, name: &str) -> Result<(), Reject> {
        let quorum = match name {
            "none" => None,
            name => Some(*self.by_name.get(name).ok_or(Reject::Malformed)?),
        };
        match self.quorum.replace(quorum) {
            None => Ok(()),
            Some(_) => Err(Reject::Malformed),
        }
    }

    fn party(&mut self, name: &str, party: Party) -> Result<(), Reject> {
        let place = self.parties.len();
        let is_taken = self.by_name.insert(name.to_owned(), place).is_some();
        if is_taken || name == "none" || place == 2 * LINES_MAX {
            return Err(Reject::Malformed);
        }
        self.names.push(name.to_owned());
        self.parties.push(party);
        self.is_member.push(false);
        Ok(())
    }

    fn end(self) -> Result<Policy, Reject> {
        let quorum = self.quorum.ok_or(Reject::Malformed)?;
        let logs = self.logs.len();
        let mut keys = self.logs;
        keys.extend(self.witnesses);
        Ok(Policy {
            keys,
            logs,
            names: self.names,
            parties: self.parties,
            quorum,
        })
    }
}

/// Two keys are the same when their 32 bytes are, whatever their names.
fn add(keys: &mut Vec<VerifierKey>, key: VerifierKey, kind: Kind) -> Result<(), Reject> {
    let is_known = keys.iter().any(|known| known.public() == key.public());
    if key.kind() != kind || is_known || keys.len() == LINES_MAX {
        return Err(Reject::Malformed);
    }
    keys.push(key);
    Ok(())
}

#[cfg(test)]
mod tests;
