//! Private keys behind handles.

use std::collections::HashMap;
use std::fmt;

use ed25519_dalek::{SecretKey, SigningKey};

use crate::signer::Signer;
use crate::{PublicKey, Reject, Role};

/// A private key. Its bytes are zeroed on drop and have no way out.
pub struct PrivateKey {
    role: Role,
    signer: Signer,
    public: PublicKey,
}

impl PrivateKey {
    /// The key of a 32-byte seed (RFC 8032).
    pub fn from_seed(role: Role, seed: &SecretKey) -> Self {
        let public = SigningKey::from_bytes(seed).verifying_key();
        Self {
            role,
            signer: Signer::new(seed, &public),
            public: PublicKey::from_verifying(public),
        }
    }

    /// What it may sign.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Not public outside the crate: callers sign forms (envelopes, documents), never bytes.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signer.sign(message)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "PrivateKey({:?}, {})",
            self.role,
            self.public.key_id()
        )
    }
}

/// Keys by handle. Handles count from 1 and are never used twice, so a stale one names nothing.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: HashMap<u32, PrivateKey>,
    last_handle: u32,
}

impl Keyring {
    /// Takes a key and names it.
    pub fn insert(&mut self, key: PrivateKey) -> u32 {
        self.last_handle = self
            .last_handle
            .checked_add(1)
            .expect("four billion keys in one process");
        self.keys.insert(self.last_handle, key);
        self.last_handle
    }

    /// `key.unknown` when there is none, or no longer.
    pub fn get(&self, handle: u32) -> Result<&PrivateKey, Reject> {
        self.keys.get(&handle).ok_or(Reject::KeyUnknown)
    }

    /// Zeroes the key; closing twice is harmless.
    pub fn remove(&mut self, handle: u32) {
        self.keys.remove(&handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_out_a_key_until_it_is_closed_and_its_handle_never_again() {
        let mut keyring = Keyring::default();
        let first = keyring.insert(PrivateKey::from_seed(Role::Session, &[1; 32]));
        assert_eq!(keyring.get(first).unwrap().role(), Role::Session);
        keyring.remove(first);
        keyring.remove(first);
        assert_eq!(keyring.get(first).unwrap_err(), Reject::KeyUnknown);
        assert_ne!(
            keyring.insert(PrivateKey::from_seed(Role::Session, &[1; 32])),
            first
        );
    }

    #[test]
    fn shows_no_private_byte() {
        let key = PrivateKey::from_seed(Role::Root, &[0xab; 32]);
        assert_eq!(
            format!("{key:?}"),
            format!("PrivateKey(Root, {})", key.public().key_id())
        );
    }
}
