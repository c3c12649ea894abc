//! Names of public keys: Multikey (`z6Mk…`: 0xed 0x01 and the 32 bytes, base58btc) and `did:key`.

use crate::{Reject, base58, ed25519};

const ED25519_PREFIX: [u8; 2] = [0xed, 0x01];

/// The Multikey text of 32 public bytes.
pub fn encode(public_key: &[u8; 32]) -> String {
    let mut bytes = [0; 34];
    bytes[..2].copy_from_slice(&ED25519_PREFIX);
    bytes[2..].copy_from_slice(public_key);
    format!("z{}", base58::encode(&bytes))
}

/// `z6Mk…` or `did:key:z6Mk…` to its 32 bytes, which satisfy the acceptance rule of public keys.
pub fn decode(text: &str) -> Result<[u8; 32], Reject> {
    let multikey = text.strip_prefix("did:key:").unwrap_or(text);
    let bytes = multikey
        .strip_prefix('z')
        .and_then(base58::decode)
        .ok_or(Reject::KeyMalformed)?;
    let public_key = bytes
        .strip_prefix(&ED25519_PREFIX)
        .ok_or(Reject::KeyMalformed)?;
    let public_key = public_key.try_into().map_err(|_| Reject::KeyMalformed)?;
    ed25519::PublicKey::from_bytes(&public_key)?;
    Ok(public_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vector of "Data Integrity EdDSA Cryptosuites v1.0", appendix B.
    const NAME: &str = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";

    #[test]
    fn reads_both_forms_of_a_name() {
        let key = decode(NAME).unwrap();
        assert_eq!(decode(&format!("did:key:{NAME}")), Ok(key));
        assert_eq!(encode(&key), NAME);
    }

    #[test]
    fn refuses_what_is_not_a_name_of_a_usable_key() {
        let small_order = encode(&[0; 32]);
        for text in [
            "",
            "z",
            "6MkrJVn",
            "did:web:example",
            "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
            &small_order,
        ] {
            assert_eq!(decode(text), Err(Reject::KeyMalformed), "{text}");
        }
    }
}
