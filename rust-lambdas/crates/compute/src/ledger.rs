//! The operations of the transparency log. Sizes and places cross the border as decimal text: they need 64 bits.

use signing::note as note_forms;
use signing::{Reject as KeyReject, Role};
use translog::checkpoint::Checkpoint;
use translog::edge::Edge;
use translog::log_proof::LogProof;
use translog::note::{self, Note};
use translog::policy::Policy;
use translog::proof::{self, Claim};
use translog::tile::read_bundle;
use translog::verifier_key::{Kind, VerifierKey};
use translog::witness_request::WitnessRequest;
use translog::{Hash, Reject, hash};

use crate::frame::{Reader, Writer};
use crate::{Engine, FrameError};

/// What can be asked about a log. The numbers cross the language border and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the port's methods have the same names")]
pub enum LedgerOperation {
    GrowLog = 30,
    PlanProofs = 31,
    MakeProofs = 32,
    VerifyInclusions = 33,
    VerifyConsistencies = 34,
    OpenCheckpoints = 35,
    ReadLogProofs = 36,
    JudgeCheckpoints = 37,
    SignNotes = 38,
    ReadWitnessRequests = 39,
}

impl LedgerOperation {
    const ALL: [Self; 10] = [
        Self::GrowLog,
        Self::PlanProofs,
        Self::MakeProofs,
        Self::VerifyInclusions,
        Self::VerifyConsistencies,
        Self::OpenCheckpoints,
        Self::ReadLogProofs,
        Self::JudgeCheckpoints,
        Self::SignNotes,
        Self::ReadWitnessRequests,
    ];

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u32 == number)
    }
}

impl From<LedgerOperation> for u32 {
    fn from(operation: LedgerOperation) -> Self {
        operation as Self
    }
}

impl Engine {
    /// Answers the next item of a request.
    pub(crate) fn answer_ledger(
        &self,
        operation: LedgerOperation,
        request: &mut Reader<'_>,
        answer: &mut Writer,
    ) -> Result<(), FrameError> {
        match operation {
            LedgerOperation::GrowLog => {
                let (size, tiles) = (request.text()?, request.bytes()?);
                let (bundle, entries) = (request.bytes()?, request.bytes()?);
                outcome(answer, |answer| {
                    let edge = Edge::read(number(size)?, tiles)?;
                    let root = edge.root();
                    let growth = edge.grow(bundle, &read_bundle(entries)?)?;
                    answer
                        .accept()
                        .bytes(&root)
                        .bytes(growth.edge.size().to_string().as_bytes())
                        .bytes(&growth.edge.root())
                        .number(growth.files.len() as u32);
                    for (path, bytes) in growth.files {
                        answer.bytes(path.as_bytes()).bytes(&bytes);
                    }
                    Ok(())
                });
            }
            LedgerOperation::PlanProofs => {
                let claim = (request.number()?, request.text()?, request.text()?);
                outcome(answer, |answer| {
                    let tiles = match claim {
                        (EDGE, size, _) => Edge::tiles(number(size)?),
                        claim => claim_of(claim)?.tiles()?,
                    };
                    let paths: Vec<String> = tiles.iter().map(ToString::to_string).collect();
                    answer.accept().bytes(paths.join("\n").as_bytes());
                    Ok(())
                });
            }
            LedgerOperation::MakeProofs => {
                let claim = (request.number()?, request.text()?, request.text()?);
                let tiles = request.bytes()?;
                outcome(answer, |answer| {
                    let proof = claim_of(claim)?.prove(tiles)?;
                    answer.accept().bytes(&proof.concat());
                    Ok(())
                });
            }
            LedgerOperation::VerifyInclusions => {
                let (entry, index, size) = (request.bytes()?, request.text()?, request.text()?);
                let (root, path) = (request.bytes()?, request.bytes()?);
                outcome(answer, |answer| {
                    let (leaf, root) = (hash::leaf(entry), hash_of(root)?);
                    let path = hash::split(path).ok_or(Reject::Malformed)?;
                    proof::verify_inclusion(&leaf, number(index)?, number(size)?, &root, path)?;
                    answer.accept();
                    Ok(())
                });
            }
            LedgerOperation::VerifyConsistencies => {
                let (old, new) = (request.text()?, request.text()?);
                let (old_root, new_root) = (request.bytes()?, request.bytes()?);
                let path = request.bytes()?;
                outcome(answer, |answer| {
                    let (old_root, new_root) = (hash_of(old_root)?, hash_of(new_root)?);
                    let path = hash::split(path).ok_or(Reject::Malformed)?;
                    let (old, new) = (number(old)?, number(new)?);
                    proof::verify_consistency(old, new, &old_root, &new_root, path)?;
                    answer.accept();
                    Ok(())
                });
            }
            LedgerOperation::OpenCheckpoints => {
                let (text, keys) = (request.bytes()?, request.text()?);
                outcome(answer, |answer| open_checkpoint(text, keys, answer));
            }
            LedgerOperation::ReadLogProofs => {
                let text = request.bytes()?;
                outcome(answer, |answer| {
                    let read = LogProof::read(text)?;
                    answer
                        .accept()
                        .bytes(&read.extra)
                        .bytes(read.index.to_string().as_bytes())
                        .bytes(&read.proof.concat())
                        .bytes(read.checkpoint.as_bytes());
                    Ok(())
                });
            }
            LedgerOperation::JudgeCheckpoints => {
                let (text, policy) = (request.bytes()?, request.bytes()?);
                outcome(answer, |answer| {
                    let policy = Policy::read(policy)?;
                    let note = Note::read(text)?;
                    let accepted = policy.judge(&note)?;
                    write_checkpoint(answer.accept(), &Checkpoint::read(note.text)?);
                    answer
                        .bytes(accepted.witnesses.join("\n").as_bytes())
                        .number(u32::from(accepted.has_quorum));
                    Ok(())
                });
            }
            LedgerOperation::SignNotes => {
                let (handle, name) = (request.number()?, request.text()?);
                let (time, text) = (request.text()?, request.text()?);
                outcome(answer, |answer| {
                    let line = self.sign_note(handle, name, time, text)?;
                    answer.accept().bytes(line.as_bytes());
                    Ok(())
                });
            }
            LedgerOperation::ReadWitnessRequests => {
                let body = request.bytes()?;
                outcome(answer, |answer| {
                    let read = WitnessRequest::read(body)?;
                    answer.accept().bytes(read.old.to_string().as_bytes());
                    answer
                        .bytes(&read.proof.concat())
                        .bytes(read.checkpoint.as_bytes());
                    write_checkpoint(answer, &read.said);
                    Ok(())
                });
            }
        }
        Ok(())
    }

    /// The signature line of a key of ours: of a checkpoint whose origin is `name`, or with a time a cosignature.
    fn sign_note(&self, handle: u32, name: &str, time: &str, text: &str) -> Result<String, Reject> {
        let key = self.keyring.get(handle)?;
        let verifier = |kind| VerifierKey::new(name, kind, key.public().clone());
        // Nothing that is no checkpoint is ever signed.
        Checkpoint::read(text)?;
        if key.role() == Role::Witness {
            let time = number(time)?;
            let signature = note_forms::cosign(key, time, text)?;
            return Ok(note::signature_line(
                &verifier(Kind::Cosignature)?,
                Some(time),
                &signature,
            ));
        }
        if !time.is_empty() {
            return Err(KeyReject::KeyRole.into());
        }
        let signature = note_forms::sign_checkpoint(key, name, text)?;
        Ok(note::signature_line(
            &verifier(Kind::Note)?,
            None,
            &signature,
        ))
    }
}

const INCLUSION: u32 = 0;
const CONSISTENCY: u32 = 1;
/// No claim: the partial tiles of a size.
const EDGE: u32 = 2;

fn claim_of((kind, first, second): (u32, &str, &str)) -> Result<Claim, Reject> {
    let (first, second) = (number(first)?, number(second)?);
    match kind {
        INCLUSION => Ok(Claim::Inclusion {
            index: first,
            size: second,
        }),
        CONSISTENCY => Ok(Claim::Consistency {
            old: first,
            new: second,
        }),
        _ => Err(Reject::Malformed),
    }
}

/// At least one of the keys (verifier keys, one a line) must have signed.
fn open_checkpoint(text: &[u8], keys: &str, answer: &mut Writer) -> Result<(), Reject> {
    let keys: Vec<VerifierKey> = keys
        .split('\n')
        .filter(|line| !line.is_empty())
        .map(VerifierKey::parse)
        .collect::<Result<_, _>>()?;
    let note = Note::read(text)?;
    let checkpoint = Checkpoint::read(note.text)?;
    let signed = note.verify(&keys)?;
    if signed.is_empty() {
        return Err(KeyReject::KeyUnknown.into());
    }
    write_checkpoint(answer.accept(), &checkpoint);
    let places: Vec<String> = signed.iter().map(|one| one.key.to_string()).collect();
    answer
        .bytes(note.text.as_bytes())
        .bytes(places.join("\n").as_bytes());
    Ok(())
}

fn write_checkpoint(answer: &mut Writer, checkpoint: &Checkpoint<'_>) {
    answer
        .bytes(checkpoint.origin.as_bytes())
        .bytes(checkpoint.size.to_string().as_bytes())
        .bytes(&checkpoint.root);
}

/// Writes the answer of `work`, which writes nothing when it fails.
fn outcome(answer: &mut Writer, work: impl FnOnce(&mut Writer) -> Result<(), Reject>) {
    if let Err(reject) = work(answer) {
        answer.refuse_code(reject.code());
    }
}

fn number(text: &str) -> Result<u64, Reject> {
    text.parse().map_err(|_| Reject::Malformed)
}

fn hash_of(bytes: &[u8]) -> Result<Hash, Reject> {
    bytes.try_into().map_err(|_| Reject::Malformed)
}
