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

/// AWS-LC with the pre-check is another implementation of the rule. Without it AWS-LC takes keys and R of small order.
#[test]
fn an_independent_judge_gives_each_vector_the_same_verdict() {
    let mut only_by_the_judge = 0;
    let mut cases = 0;
    for family in [
        include_str!("../../../../../shared/vectors/ed25519/cases.json"),
        include_str!("../../../../../shared/vectors/ed25519/malleable.json"),
        include_str!("../../../../../shared/vectors/ed25519/taming.json"),
        include_str!("../../../../../shared/vectors/ed25519/torsion.json"),
        include_str!("../../../../../shared/vectors/ed25519/wycheproof.json"),
    ] {
        let family: serde_json::Value = serde_json::from_str(family).unwrap();
        for case in family["cases"].as_array().unwrap() {
            let bytes = |name: &str| hex(case[name].as_str().unwrap());
            let (key, message, signature) =
                (bytes("public_key"), bytes("message"), bytes("signature"));
            let is_accepted = case.get("ok").is_some();
            assert_eq!(
                judge(&key, &message, &signature),
                is_accepted,
                "{}",
                case["name"]
            );
            only_by_the_judge +=
                usize::from(!is_accepted && aws_lc_verifies(&key, &message, &signature));
            cases += 1;
        }
    }
    assert!(cases > 450, "{cases}");
    assert!(only_by_the_judge > 20, "{only_by_the_judge}");
}

fn judge(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(a), Ok(rs)) = (key_of(key), signature_of(signature)) else {
        return false;
    };
    let (r, s) = halves(rs);
    is_canonical_y(a)
        && !has_small_order(a)
        && !has_small_order(r)
        && is_below(s, &ORDER_L)
        && aws_lc_verifies(key, message, signature)
}

fn aws_lc_verifies(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    UnparsedPublicKey::new(&ED25519, key)
        .verify(message, signature)
        .is_ok()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    /// Good signatures, and ones with a byte of key, R, S or message replaced, among them bytes that make edge cases.
    #[test]
    fn prop_an_independent_judge_agrees(seed: [u8; 32], message in prop::collection::vec(any::<u8>(), 1..80), at in any::<prop::sample::Index>(), byte in prop_oneof![Just(0u8), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()]) {
        let key = PrivateKey::from_seed(Role::Session, &seed);
        let mut all = [&key.public().as_bytes()[..], &key.sign(&message), &message].concat();
        let place = at.index(all.len());
        all[place] = byte;
        let (a, rest) = all.split_at(32);
        let (signature, message) = rest.split_at(64);
        let ours = key_of(a).and_then(PublicKey::from_bytes).and_then(|key| key.verify(message, signature));
        prop_assert_eq!(ours.is_ok(), judge(a, message, signature));
    }
}
