use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::{aws_lc, dalek};

fn both(seed: &[u8; 32], message: &[u8]) -> [[u8; 64]; 2] {
    let public = SigningKey::from_bytes(seed).verifying_key();
    [
        aws_lc::Signer::new(seed, &public).sign(message),
        dalek::Signer::new(seed, &public).sign(message),
    ]
}

#[test]
fn both_sign_what_rfc_8032_says() {
    let vectors = include_str!("../../../../../shared/vectors/ed25519/seeds.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let bytes = |value: &serde_json::Value| hex(value.as_str().unwrap());
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let seed = bytes(&case["seed"]).try_into().unwrap();
        for signature in both(&seed, &bytes(&case["message"])) {
            assert_eq!(
                signature.to_vec(),
                bytes(&case["ok"]["signature"]),
                "{}",
                case["name"]
            );
        }
        let public = SigningKey::from_bytes(&seed).verifying_key();
        assert_eq!(public.as_bytes().to_vec(), bytes(&case["public_key"]));
    }
}

#[test]
fn both_sign_alike_around_the_blocks_of_the_hash() {
    for length in (0..300).chain([1023, 1024, 4095, 4096, 65_536]) {
        let [a, b] = both(&[5; 32], &vec![0xa5; length]);
        assert_eq!(a, b, "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn prop_both_sign_alike(seed: [u8; 32], message in prop::collection::vec(any::<u8>(), 0..600)) {
        let [a, b] = both(&seed, &message);
        prop_assert_eq!(a, b);
        let public = crate::PublicKey::from_verifying(SigningKey::from_bytes(&seed).verifying_key());
        prop_assert_eq!(public.verify(&message, &a), Ok(()));
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}
