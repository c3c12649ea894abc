//! Everything that is signed and everything that is believed: strict Ed25519, canonical JSON, DSSE envelopes,
//! eddsa-jcs-2022 documents, and the keys that sign them.
//!
//! Nothing here reads a clock, a file or randomness. Every refusal is a [`Reject`] with a stable code.

mod base58;
pub mod document;
pub mod ed25519;
pub mod envelope;
pub mod jcs;
pub mod json;
pub mod keyring;
pub mod multikey;
pub mod note;
pub mod pkcs8;
mod reject;
pub mod role;
mod signer;

pub use ed25519::PublicKey;
pub use keyring::{Keyring, PrivateKey};
pub use reject::Reject;
pub use role::Role;
