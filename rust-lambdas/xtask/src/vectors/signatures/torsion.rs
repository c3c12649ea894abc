//! Keys and nonces with a part of small order, by formula.
//!
//! Every curve point is `xB + T` with T one of the eight points whose order divides 8. With A = aB + T, R = rB + T' and
//! S = r + ka the *cofactored* equation `8SB = 8R + 8kA` always holds, whatever T and T' are; the equation without
//! cofactor, ours, holds only if the residue `T' + kT` is zero. k depends on the message, so counting through messages
//! finds both kinds. The verdict stated for a case follows from how it was made, never from a verifier.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as BASE, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use serde_json::Value;
use sha2::{Digest, Sha512};
use signing::Reject;

use super::super::from_hex;
use super::{ORDER_L, SMALL_ORDER, stated, sum};

/// Half of a key or nonce: what is known of the point behind an encoding.
#[derive(Clone, Copy)]
struct Half {
    encoding: [u8; 32],
    scalar: Scalar,
    torsion: EdwardsPoint,
}

/// All pairs of mixed points, and each small-order encoding beside clean and mixed ones, both with a residue of zero and
/// with another one where there is such a message.
pub fn pairs() -> Vec<Value> {
    let keys: Vec<Half> = EIGHT_TORSION.iter().map(|t| mixed(7, *t)).collect();
    let nonces: Vec<Half> = EIGHT_TORSION.iter().map(|t| mixed(11, *t)).collect();
    let mut pairs: Vec<(String, Half, Half)> = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        for (j, nonce) in nonces.iter().enumerate() {
            pairs.push((format!("A = aB + T{i}, R = rB + T{j}"), *key, *nonce));
        }
    }
    for text in SMALL_ORDER {
        let point = small(text);
        for i in [0, 1] {
            pairs.push((format!("A = {text}, R = rB + T{i}"), point, nonces[i]));
            pairs.push((format!("A = aB + T{i}, R = {text}"), keys[i], point));
        }
        pairs.push((format!("A = R = {text}"), point, point));
    }
    pairs
        .into_iter()
        .flat_map(|(name, key, nonce)| {
            [true, false].into_iter().filter_map(move |is_zero| {
                let message = message_with(is_zero, &key, &nonce)?;
                let residue = if is_zero { "zero" } else { "not zero" };
                Some(stated(
                    format!("{name}, residue {residue}"),
                    &key.encoding,
                    &message,
                    &signature(&nonce.encoding, &key, &nonce, &message),
                    verdict(is_zero, &key, &nonce),
                ))
            })
        })
        .collect()
}

/// The twelve cases of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), table 5, made anew: its file is
/// not in a package.
pub fn taming() -> Vec<Value> {
    let [clean, order_8] = [EdwardsPoint::identity(), EIGHT_TORSION[1]];
    let (key, nonce) = (mixed(17, order_8), mixed(19, EIGHT_TORSION[3]));
    let (clean_key, clean_nonce) = (mixed(17, clean), mixed(19, clean));
    let (small_key, small_nonce) = (small(SMALL_ORDER[10]), small(SMALL_ORDER[11]));
    // y = p stands for y = 0, a point of order 4 that also has a canonical encoding.
    let (other_form, canonical) = (small(SMALL_ORDER[6]), small(SMALL_ORDER[0]));

    let mut cases = Vec::new();
    let mut add = |name: &str, key: &Half, nonce: &Half, is_zero: bool| {
        let message = message_with(is_zero, key, nonce).expect("some message has this residue");
        let signature = signature(&nonce.encoding, key, nonce, &message);
        let verdict = verdict(is_zero, key, nonce);
        cases.push(stated(
            name.to_owned(),
            &key.encoding,
            &message,
            &signature,
            verdict,
        ));
        (message, signature)
    };
    add("0: S = 0, small A, small R", &small_key, &small_nonce, true);
    add("1: small A, mixed R", &small_key, &nonce, true);
    add("2: mixed A, small R", &key, &small_nonce, true);
    add("3: mixed A and R, both equations hold", &key, &nonce, true);
    add(
        "4: mixed A and R, the cofactored one alone holds",
        &key,
        &nonce,
        false,
    );
    add(
        "5: mixed A, clean R, the cofactored one alone holds",
        &key,
        &clean_nonce,
        false,
    );
    let (message, good) = add("clean A and R", &clean_key, &clean_nonce, true);
    for (name, times) in [("6: S + L", 1), ("7: S + 14 L", 14)] {
        cases.push(stated(
            name.to_owned(),
            &clean_key.encoding,
            &message,
            &with_multiple_of_l(&good, times),
            Some(Reject::SignatureMalformed),
        ));
    }
    // The challenge hashes either the bytes as they came or the canonical encoding of what they decoded to.
    for (name, hashed) in [
        ("8: hashed as it came", other_form),
        ("9: hashed canonically", canonical),
    ] {
        let message = b"R that is not canonical";
        let signature = signature(&hashed.encoding, &key, &other_form, message);
        let signature = [&other_form.encoding[..], &signature[32..]].concat();
        let name = format!("{name}, R not canonical");
        let verdict = Some(Reject::SignatureSmallOrder);
        cases.push(stated(name, &key.encoding, message, &signature, verdict));
    }
    for (name, hashed) in [
        ("10: hashed as it came", other_form),
        ("11: hashed canonically", canonical),
    ] {
        let message = b"A that is not canonical";
        let signature = signature(&nonce.encoding, &hashed, &nonce, message);
        let name = format!("{name}, A not canonical");
        let verdict = Some(Reject::KeyMalformed);
        cases.push(stated(
            name,
            &other_form.encoding,
            message,
            &signature,
            verdict,
        ));
    }
    cases
}

/// S + mL for every m that leaves it in 256 bits, and each high bit of a good S: all name the same S modulo L.
pub fn malleable() -> Vec<Value> {
    let (key, nonce) = (
        mixed(23, EdwardsPoint::identity()),
        mixed(29, EdwardsPoint::identity()),
    );
    let message = b"one signature, one encoding";
    let good = signature(&nonce.encoding, &key, &nonce, message);
    let refused = Some(Reject::SignatureMalformed);
    let mut cases = vec![stated("S".into(), &key.encoding, message, &good, None)];
    for times in 1..=15 {
        let changed = with_multiple_of_l(&good, times);
        cases.push(stated(
            format!("S + {times} L"),
            &key.encoding,
            message,
            &changed,
            refused,
        ));
    }
    for bit in 253..256 {
        let mut changed = good.clone();
        changed[32 + bit / 8] |= 1 << (bit % 8);
        cases.push(stated(
            format!("S + 2^{bit}"),
            &key.encoding,
            message,
            &changed,
            refused,
        ));
    }
    // Just below the bound a value is in range, and only the equation refuses it.
    for (name, low, reject) in [
        ("L - 1", 0xec, Reject::SignatureInvalid),
        ("L", 0xed, Reject::SignatureMalformed),
        ("L + 1", 0xee, Reject::SignatureMalformed),
    ] {
        let mut changed = [&good[..32], &from_hex(ORDER_L)].concat();
        changed[32] = low;
        cases.push(stated(
            format!("S = {name}"),
            &key.encoding,
            message,
            &changed,
            Some(reject),
        ));
    }
    cases
}

fn verdict(is_zero: bool, key: &Half, nonce: &Half) -> Option<Reject> {
    let is_small = |half: &Half| half.scalar == Scalar::ZERO;
    if is_small(key) {
        return Some(Reject::KeyMalformed);
    }
    if is_small(nonce) {
        return Some(Reject::SignatureSmallOrder);
    }
    (!is_zero).then_some(Reject::SignatureInvalid)
}

fn mixed(seed: u8, torsion: EdwardsPoint) -> Half {
    let scalar = Scalar::from_bytes_mod_order([seed; 32]);
    let encoding = (BASE * scalar + torsion).compress().to_bytes();
    Half {
        encoding,
        scalar,
        torsion,
    }
}

fn small(text: &str) -> Half {
    let encoding: [u8; 32] = from_hex(text).try_into().expect("32 bytes");
    let torsion = CompressedEdwardsY(encoding)
        .decompress()
        .expect("a point of small order");
    Half {
        encoding,
        scalar: Scalar::ZERO,
        torsion,
    }
}

/// None if the residue does not depend on the message in this way (T = 0).
fn message_with(is_zero: bool, key: &Half, nonce: &Half) -> Option<Vec<u8>> {
    (0..200u32)
        .map(|n| format!("message {n}").into_bytes())
        .find(|message| {
            let residue =
                nonce.torsion + key.torsion * challenge(&nonce.encoding, &key.encoding, message);
            (residue == EdwardsPoint::identity()) == is_zero
        })
}

fn signature(hashed_r: &[u8; 32], key: &Half, nonce: &Half, message: &[u8]) -> Vec<u8> {
    let s = nonce.scalar + challenge(hashed_r, &key.encoding, message) * key.scalar;
    [&nonce.encoding[..], s.as_bytes()].concat()
}

fn challenge(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new()
        .chain_update(r)
        .chain_update(a)
        .chain_update(message)
        .finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

fn with_multiple_of_l(signature: &[u8], times: usize) -> Vec<u8> {
    let order = from_hex(ORDER_L);
    let (r, s) = signature.split_at(32);
    [r, &(0..times).fold(s.to_vec(), |s, _| sum(&s, &order))].concat()
}
