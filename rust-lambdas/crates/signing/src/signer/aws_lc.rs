use aws_lc_rs::signature::Ed25519KeyPair;
use ed25519_dalek::{SecretKey, VerifyingKey};

/// Holds the seed in AWS-LC's own memory, which it cleanses when it frees it, as it does what it derives while it signs.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    pub fn new(seed: &SecretKey, public: &VerifyingKey) -> Self {
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public.as_bytes());
        Self(pair.expect("both implementations derive one public key from a seed"))
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.0.sign(message);
        signature
            .as_ref()
            .try_into()
            .expect("an Ed25519 signature has 64 bytes")
    }
}
