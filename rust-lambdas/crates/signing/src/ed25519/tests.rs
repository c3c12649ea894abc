use super::*;
use crate::{PrivateKey, Role};
use proptest::prelude::*;

fn key() -> PrivateKey {
    PrivateKey::from_seed(Role::Session, &[3; 32])
}

fn with_sign(y: [u8; 32]) -> [[u8; 32]; 2] {
    let mut negative = y;
    negative[31] |= 0x80;
    [y, negative]
}

#[test]
fn knows_each_encoding_of_a_point_of_small_order() {
    for encoding in SMALL_ORDER_Y.into_iter().flat_map(with_sign) {
        assert_eq!(
            PublicKey::from_bytes(&encoding),
            Err(Reject::KeyMalformed),
            "{encoding:02x?}"
        );
        let mut signature = key().sign(b"m");
        signature[..32].copy_from_slice(&encoding);
        assert_eq!(
            key().public().verify(b"m", &signature),
            Err(Reject::SignatureSmallOrder)
        );
    }
}

#[test]
fn refuses_large_order_keys_that_are_not_canonical() {
    for k in [3, 4, 5, 6, 9, 10, 14, 15, 16, 18] {
        let mut y = PRIME_P;
        y[0] += k;
        for encoding in with_sign(y) {
            // The point behind them is good: only the rule of canonical encodings stops them.
            assert!(VerifyingKey::from_bytes(&encoding).is_ok_and(|point| !point.is_weak()));
            assert_eq!(PublicKey::from_bytes(&encoding), Err(Reject::KeyMalformed));
        }
    }
}

#[test]
fn refuses_an_s_of_l_or_more() {
    let signature = key().sign(b"m");
    let mut plus_l = signature;
    let mut carry = 0u16;
    for (byte, l) in plus_l[32..].iter_mut().zip(ORDER_L) {
        carry += u16::from(*byte) + u16::from(l);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(key().public().verify(b"m", &signature), Ok(()));
    assert_eq!(
        key().public().verify(b"m", &plus_l),
        Err(Reject::SignatureMalformed)
    );
    plus_l[32..].copy_from_slice(&ORDER_L);
    assert_eq!(
        key().public().verify(b"m", &plus_l),
        Err(Reject::SignatureMalformed)
    );
    plus_l[32] -= 1;
    assert_eq!(
        key().public().verify(b"m", &plus_l),
        Err(Reject::SignatureInvalid)
    );
}

#[test]
fn the_cache_answers_as_if_it_were_not_there() {
    let mut cache = KeyCache::default();
    let keys: Vec<[u8; 32]> = (0..=255u8)
        .flat_map(|n| {
            [
                PrivateKey::from_seed(Role::Session, &[n; 32]),
                PrivateKey::from_seed(Role::Session, &[n, 1].repeat(16).try_into().unwrap()),
            ]
        })
        .map(|key| *key.public().as_bytes())
        .collect();
    for bytes in keys.iter().chain(&keys) {
        assert_eq!(cache.get(bytes).unwrap().as_bytes(), bytes);
    }
    assert_eq!(cache.get(&[0; 32]), Err(Reject::KeyMalformed));
    assert_eq!(cache.slots.len(), KeyCache::SLOTS);
}

proptest! {
    #[test]
    fn prop_any_changed_bit_is_refused(seed: [u8; 32], message in prop::collection::vec(any::<u8>(), 1..80), at in any::<prop::sample::Index>()) {
        let key = PrivateKey::from_seed(Role::Session, &seed);
        let signature = key.sign(&message);
        prop_assert_eq!(key.public().verify(&message, &signature), Ok(()));
        let bit = at.index((64 + message.len()) * 8);
        let mut both = [&signature[..], &message].concat();
        both[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.public().verify(&both[64..], &both[..64]).is_err());
    }
}
