//! A transparency log as bytes: Merkle hashes and proofs (RFC 6962), tiles, checkpoints, signed notes, cosignatures, log
//! proofs and trust policies (C2SP `tlog-tiles`, `tlog-checkpoint`, `signed-note`, `tlog-cosignature`, `tlog-proof`,
//! `tlog-policy`, `tlog-witness`).
//!
//! Nothing here stores, signs or reads a clock. Parsers are strict and bounded; every refusal is a [`Reject`].

mod base64_lines;
pub mod checkpoint;
pub mod edge;
pub mod hash;
pub mod log_proof;
pub mod note;
pub mod policy;
pub mod proof;
mod reject;
pub mod tile;
pub mod verifier_key;
pub mod witness_request;

pub use hash::Hash;
pub use reject::Reject;

#[cfg(test)]
mod plain_twin;
