mod published;
mod torsion;

use serde_json::{Value, json};
use signing::{PublicKey, Reject};

pub use published::{seeds, wycheproof};
pub use torsion::{malleable, pairs, taming};

use super::{from_hex, hex, with_outcome};

/// RFC 8032, section 7.1: public key, message, signature.
const RFC_8032: [(&str, &str, &str, &str); 4] = [
    (
        "1",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "2",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "3",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "SHA(abc)",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
];

const SMALL_ORDER: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
];

const ORDER_L: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

pub fn cases() -> Vec<Value> {
    let mut cases = Vec::new();
    let mut add = |name: String,
                   public_key: &[u8],
                   message: &[u8],
                   signature: &[u8],
                   stated: Option<Reject>| {
        cases.push(self::stated(name, public_key, message, signature, stated));
    };

    for (name, public_key, message, signature) in RFC_8032 {
        add(
            format!("RFC 8032 test {name}"),
            &from_hex(public_key),
            &from_hex(message),
            &from_hex(signature),
            None,
        );
    }

    let (_, public_key, message, signature) = RFC_8032[2];
    let (key, message, signature) = (from_hex(public_key), from_hex(message), from_hex(signature));
    let (r, s) = signature.split_at(32);
    for (length, bytes) in [
        (0, &key[..0]),
        (31, &key[..31]),
        (33, &[&key[..], &[0]].concat()[..]),
    ] {
        add(
            format!("key of {length} bytes"),
            bytes,
            &message,
            &signature,
            Some(Reject::KeyMalformed),
        );
    }
    for (length, bytes) in [
        (0, &signature[..0]),
        (63, &signature[..63]),
        (65, &[&signature[..], &[0]].concat()[..]),
    ] {
        add(
            format!("signature of {length} bytes"),
            &key,
            &message,
            bytes,
            Some(Reject::SignatureMalformed),
        );
    }
    for encoding in SMALL_ORDER {
        let point = from_hex(encoding);
        add(
            format!("key of small order {encoding}"),
            &point,
            &message,
            &signature,
            Some(Reject::KeyMalformed),
        );
        let signature = [&point, s].concat();
        add(
            format!("R of small order {encoding}"),
            &key,
            &message,
            &signature,
            Some(Reject::SignatureSmallOrder),
        );
    }
    for k in [3, 4, 5, 6, 9, 10, 14, 15, 16, 18] {
        for last in [0x7f, 0xff] {
            let mut y = [0xff; 32];
            (y[0], y[31]) = (0xed + k, last);
            add(
                format!("key y = p+{k}, last byte {last:02x}"),
                &y,
                &message,
                &signature,
                Some(Reject::KeyMalformed),
            );
            let signature = [&y, s].concat();
            add(
                format!("R y = p+{k}, last byte {last:02x}"),
                &key,
                &message,
                &signature,
                Some(Reject::SignatureInvalid),
            );
        }
    }
    // 2 is no y of a point on the curve.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    add(
        "key that is no point".into(),
        &no_point,
        &message,
        &signature,
        Some(Reject::KeyMalformed),
    );

    let order = from_hex(ORDER_L);
    add(
        "S + L".into(),
        &key,
        &message,
        &[r, &sum(s, &order)].concat(),
        Some(Reject::SignatureMalformed),
    );
    add(
        "S = L".into(),
        &key,
        &message,
        &[r, &order].concat(),
        Some(Reject::SignatureMalformed),
    );
    add(
        "S of all ones".into(),
        &key,
        &message,
        &[r, &[0xff; 32]].concat(),
        Some(Reject::SignatureMalformed),
    );
    add(
        "S = 0".into(),
        &key,
        &message,
        &[r, &[0; 32]].concat(),
        Some(Reject::SignatureInvalid),
    );
    add(
        "other message".into(),
        &key,
        b"other",
        &signature,
        Some(Reject::SignatureInvalid),
    );
    let other = from_hex(RFC_8032[0].1);
    add(
        "other key".into(),
        &other,
        &message,
        &signature,
        Some(Reject::SignatureInvalid),
    );
    cases
}

/// A case whose answer is known from how it was made.
fn stated(
    name: String,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
    stated: Option<Reject>,
) -> Value {
    let outcome = verify(public_key, message, signature).map(|()| json!({}));
    with_outcome(
        case_of(name, public_key, message, signature),
        stated,
        outcome,
    )
}

/// A case that is answered by the crates.
fn case(name: String, public_key: &[u8], message: &[u8], signature: &[u8]) -> Value {
    let outcome = verify(public_key, message, signature).map(|()| json!({}));
    let stated = outcome.as_ref().err().copied();
    with_outcome(
        case_of(name, public_key, message, signature),
        stated,
        outcome,
    )
}

fn case_of(name: String, public_key: &[u8], message: &[u8], signature: &[u8]) -> Value {
    json!({
        "name": name,
        "public_key": hex(public_key),
        "message": hex(message),
        "signature": hex(signature),
    })
}

/// As the compute port does it.
fn verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Reject> {
    let public_key = signing::ed25519::key_of(public_key)?;
    signing::ed25519::signature_of(signature)?;
    PublicKey::from_bytes(public_key)?.verify(message, signature)
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0u16;
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            carry += u16::from(*a) + u16::from(*b);
            let byte = carry as u8;
            carry >>= 8;
            byte
        })
        .collect()
}
