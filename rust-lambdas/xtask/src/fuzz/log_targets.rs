//! The texts of transparency logs: what is read is written again as it was, by other code than read it.

use std::sync::LazyLock;

use data_encoding::BASE64;
use translog::Reject;
use translog::checkpoint::Checkpoint;
use translog::log_proof::LogProof;
use translog::note::Note;
use translog::policy::Policy;
use translog::witness_request::WitnessRequest;

use super::targets::{Target, fields, must};

pub fn log_targets() -> [Target; 4] {
    [
        Target {
            name: "note",
            seeds: || fields("ledger/checkpoints", "note"),
            judge: note,
        },
        Target {
            name: "witness",
            seeds: || fields("witness/requests", "body"),
            judge: witness,
        },
        Target {
            name: "log-proof",
            seeds: || fields("receipt/log-proofs", "text"),
            judge: log_proof,
        },
        Target {
            name: "policy",
            seeds: || fields("policy/cases", "policy"),
            judge: policy,
        },
    ]
}

/// A note is its text and lines that begin with a dash; a checkpoint in it has three lines with one spelling.
fn note(input: &[u8]) -> Result<String, String> {
    let read = match Note::read(input) {
        Ok(read) => read,
        Err(reject) => return Ok(reject.code().into()),
    };
    let text = std::str::from_utf8(input).map_err(|error| error.to_string())?;
    let lines = text
        .strip_prefix(read.text)
        .and_then(|rest| rest.strip_prefix('\n'));
    let is_signed = lines.is_some_and(|lines| {
        lines.ends_with('\n') && lines.lines().all(|line| line.starts_with("— "))
    });
    must("a text that is not in the note", is_signed)?;
    must("signatures of nobody", read.verify(&[]) == Ok(vec![]))?;
    match Checkpoint::read(read.text) {
        Ok(checkpoint) => {
            let written = format!(
                "{}\n{}\n{}\n",
                checkpoint.origin,
                checkpoint.size,
                BASE64.encode(&checkpoint.root)
            );
            must("another spelling", read.text.starts_with(&written))?;
            Ok("checkpoint".into())
        }
        Err(reject) => Ok(format!("note, {}", reject.code())),
    }
}

/// A request is read in one spelling only.
fn witness(input: &[u8]) -> Result<String, String> {
    match WitnessRequest::read(input) {
        Ok(read) => {
            let proof: String = read.proof.iter().map(line).collect();
            let written = format!("old {}\n{proof}\n{}", read.old, read.checkpoint);
            must("another spelling", written.as_bytes() == input)?;
            must("too many hashes", read.proof.len() <= 63)?;
            must(
                "another size",
                read.checkpoint.contains(&format!("\n{}\n", read.said.size)),
            )?;
            Ok(format!("read, {} hashes", read.proof.len()))
        }
        Err(reject) => Ok(reject.code().into()),
    }
}

fn log_proof(input: &[u8]) -> Result<String, String> {
    match LogProof::read(input) {
        Ok(read) => {
            let written = read.write();
            must(
                "what is not read again",
                LogProof::read(written.as_bytes()).as_ref() == Ok(&read),
            )?;
            let is_same = written.as_bytes() == input;
            must("another spelling", is_same || read.extra.is_empty())?;
            Ok(format!("read, {} hashes", read.proof.len()))
        }
        Err(reject) => Ok(reject.code().into()),
    }
}

/// What is a policy says once which quorum it wants, and judges any note without falling over.
fn policy(input: &[u8]) -> Result<String, String> {
    let policy = match Policy::read(input) {
        Ok(policy) => policy,
        Err(reject) => return Ok(reject.code().into()),
    };
    let text = std::str::from_utf8(input).map_err(|error| error.to_string())?;
    let quorums = text
        .lines()
        .filter(|line| line.split([' ', '\t']).find(|word| !word.is_empty()) == Some("quorum"));
    must("quorums, or none", quorums.count() == 1)?;
    static NOTES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| fields("ledger/checkpoints", "note"));
    let judged: Vec<String> = NOTES
        .iter()
        .filter_map(|bytes| Note::read(bytes).ok())
        .map(|note| match policy.judge(&note) {
            Ok(accepted) => format!("{} witnesses", accepted.witnesses.len()),
            Err(Reject::Malformed) => "malformed".into(),
            Err(reject) => reject.code().into(),
        })
        .collect();
    Ok(judged.concat())
}

fn line(hash: &translog::Hash) -> String {
    format!("{}\n", BASE64.encode(hash))
}
