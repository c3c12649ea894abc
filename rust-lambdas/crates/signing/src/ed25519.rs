//! Ed25519 with one accept set, the same on every build.
//!
//! A pre-check gives the reject codes, then `verify_strict` of `ed25519-dalek` decides. The conditions, in order:
//!
//! 1. the key has 32 bytes, the signature 64 (R, S);
//! 2. the key A is a canonical encoding (y < p = 2^255 - 19) of a point;
//! 3. neither A nor R is one of the 14 encodings of a point of small order;
//! 4. S < L, the order of the base point;
//! 5. `[S]B - [k]A` encodes to R byte for byte, k = SHA-512(R, A, M) mod L: no cofactor, so no batch can disagree.
//!
//! Batches verify the cofactored equation, and two batches may disagree on one signature: no verdict can come from one,
//! because there is none to call.
//!
//! ```compile_fail,E0432
//! use ed25519_dalek::verify_batch;
//! ```
//! ```
//! use ed25519_dalek::VerifyingKey; // what is there is found
//! ```

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{Reject, multikey};

/// A public key that passed the acceptance rule, decoded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    verifying: VerifyingKey,
    key_id: String,
}

impl PublicKey {
    /// Conditions 2 and 3 for A; `key.malformed` otherwise.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Reject> {
        if !is_canonical_y(bytes) || has_small_order(bytes) {
            return Err(Reject::KeyMalformed);
        }
        let verifying = VerifyingKey::from_bytes(bytes).map_err(|_| Reject::KeyMalformed)?;
        Ok(Self::from_verifying(verifying))
    }

    pub(crate) fn from_verifying(verifying: VerifyingKey) -> Self {
        Self {
            key_id: multikey::encode(verifying.as_bytes()),
            verifying,
        }
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.verifying.as_bytes()
    }

    /// Multikey text, `z6Mk…`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Conditions 3 (R) to 5, and the length of the signature.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Reject> {
        let signature = signature_of(signature)?;
        let (r, s) = halves(signature);
        if has_small_order(r) {
            return Err(Reject::SignatureSmallOrder);
        }
        if !is_below(s, &ORDER_L) {
            return Err(Reject::SignatureMalformed);
        }
        let signature = Signature::from_bytes(signature);
        self.verifying
            .verify_strict(message, &signature)
            .map_err(|_| Reject::SignatureInvalid)
    }
}

/// Condition 1: 64 bytes.
pub fn signature_of(bytes: &[u8]) -> Result<&[u8; 64], Reject> {
    bytes.try_into().map_err(|_| Reject::SignatureMalformed)
}

/// Condition 1: 32 bytes.
pub fn key_of(bytes: &[u8]) -> Result<&[u8; 32], Reject> {
    bytes.try_into().map_err(|_| Reject::KeyMalformed)
}

/// Decoded public keys by their bytes. Decoding costs a square root and a base58 name, about a fifth of a verification,
/// and the same few keys sign nearly everything. One slot per hash of the key: no list to keep, at most
/// [`KeyCache::SLOTS`] keys, and a stranger who makes keys collide only makes them be decoded again.
#[derive(Debug, Default)]
pub struct KeyCache {
    slots: Vec<Option<Box<PublicKey>>>,
}

impl KeyCache {
    /// Keys held at most.
    pub const SLOTS: usize = 256;

    /// The key, decoded now or before.
    pub fn get(&mut self, bytes: &[u8; 32]) -> Result<&PublicKey, Reject> {
        self.slots.resize_with(Self::SLOTS, || None);
        let slot = &mut self.slots[usize::from(bytes[0] ^ bytes[11] ^ bytes[22])];
        if slot.as_ref().is_none_or(|known| known.as_bytes() != bytes) {
            *slot = Some(Box::new(PublicKey::from_bytes(bytes)?));
        }
        slot.as_deref().ok_or(Reject::KeyMalformed)
    }
}

/// 2^252 + 27742317777372353535851937790883648493, little-endian.
const ORDER_L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// 2^255 - 19, little-endian.
const PRIME_P: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The y of the points whose order divides 8, as they can be written in 255 bits: 0, 1, p-1, p, p+1 and the two of order
/// 8. With either sign bit these are the 14 encodings.
const SMALL_ORDER_Y: [[u8; 32]; 7] = [
    [0; 32],
    small_order_y(1, 0, 0),
    small_order_y(0xec, 0xff, 0x7f),
    small_order_y(0xed, 0xff, 0x7f),
    small_order_y(0xee, 0xff, 0x7f),
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
];

const fn small_order_y(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut y = [middle; 32];
    y[0] = first;
    y[31] = last;
    y
}

/// All of this is public: comparing in variable time tells nothing.
fn has_small_order(encoding: &[u8; 32]) -> bool {
    let y = without_sign(encoding);
    SMALL_ORDER_Y.contains(&y)
}

fn is_canonical_y(encoding: &[u8; 32]) -> bool {
    is_below(&without_sign(encoding), &PRIME_P)
}

fn without_sign(encoding: &[u8; 32]) -> [u8; 32] {
    let mut y = *encoding;
    y[31] &= 0x7f;
    y
}

/// Little-endian numbers.
fn is_below(number: &[u8; 32], bound: &[u8; 32]) -> bool {
    number.iter().rev().lt(bound.iter().rev())
}

fn halves(signature: &[u8; 64]) -> (&[u8; 32], &[u8; 32]) {
    let (halves, _) = signature.as_chunks::<32>();
    (&halves[0], &halves[1])
}

#[cfg(test)]
mod tests;
