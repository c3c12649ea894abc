//! Private keys in PKCS#8 PEM (RFC 8410, RFC 7468): what `openssl genpkey -algorithm ed25519` writes and `openssl pkey`
//! reads.
//!
//! Three encodings are read, byte for byte: version 1, and version 2 with the public key under either tag in use
//! (`[1]` primitive as RFC 5958 says, or constructed around a BIT STRING as some libraries write). Anything else is
//! `key.malformed`; a general ASN.1 reader would only add ways to be wrong about a private key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use crate::Reject;

/// A 32-byte seed, zeroed on drop.
pub type Seed = Zeroizing<[u8; 32]>;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// version 0, algorithm 1.3.101.112, OCTET STRING in an OCTET STRING.
const VERSION_1: [u8; 16] = [
    0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
const VERSION_2: [u8; 16] = [
    0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
const VERSION_2_CONSTRUCTED: [u8; 16] = [
    0x30, 0x53, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
];
const PUBLIC: [u8; 3] = [0x81, 0x21, 0];
const PUBLIC_CONSTRUCTED: [u8; 5] = [0xa1, 0x23, 3, 0x21, 0];

/// The seed in a PEM file, which holds one `PRIVATE KEY` block and nothing else.
pub fn read(pem: &[u8]) -> Result<Seed, Reject> {
    let der = der_of(pem)?;
    let (head, rest) = der.split_first_chunk::<16>().ok_or(Reject::KeyMalformed)?;
    let (seed, public) = rest.split_first_chunk::<32>().ok_or(Reject::KeyMalformed)?;
    let seed = Zeroizing::new(*seed);
    let public = match *head {
        VERSION_1 if public.is_empty() => return Ok(seed),
        VERSION_2 => public.strip_prefix(&PUBLIC),
        VERSION_2_CONSTRUCTED => public.strip_prefix(&PUBLIC_CONSTRUCTED),
        _ => None,
    };
    // A public half of another key would make every signature of this one worthless.
    if public != Some(SigningKey::from_bytes(&seed).verifying_key().as_bytes()) {
        return Err(Reject::KeyMalformed);
    }
    Ok(seed)
}

/// Version 1, with a line feed at the end of each line.
pub fn write(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new([0; 48]);
    der[..16].copy_from_slice(&VERSION_1);
    der[16..].copy_from_slice(seed);
    let mut body = Zeroizing::new([0; 64]);
    STANDARD
        .encode_slice(*der, body.as_mut_slice())
        .expect("48 bytes are 64 digits");
    // Reserved in one piece: a vector that grows leaves copies behind.
    let mut pem = Zeroizing::new(Vec::with_capacity(BEGIN.len() + body.len() + END.len() + 3));
    for line in [BEGIN.as_bytes(), body.as_slice(), END.as_bytes()] {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem
}

fn der_of(pem: &[u8]) -> Result<Zeroizing<Vec<u8>>, Reject> {
    let text = std::str::from_utf8(pem)
        .map_err(|_| Reject::KeyMalformed)?
        .trim_ascii();
    let body = text
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or(Reject::KeyMalformed)?;
    if body.len() > 1024 {
        return Err(Reject::KeyMalformed);
    }
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(
        body.bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect::<Vec<u8>>(),
    );
    // Room for all of it from the start, for the same reason as above.
    let mut der = Zeroizing::new(vec![0; digits.len()]);
    let written = STANDARD
        .decode_slice(&*digits, &mut der)
        .map_err(|_| Reject::KeyMalformed)?;
    der.truncate(written);
    Ok(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410, section 10.3.
    const RFC_8410: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    fn version_2(head: [u8; 16], tag: &[u8], seed: [u8; 32], public: [u8; 32]) -> String {
        let der = [&head[..], &seed, tag, &public].concat();
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
    }

    #[test]
    fn reads_the_example_of_rfc_8410_and_writes_it_again() {
        let seed = read(RFC_8410.as_bytes()).unwrap();
        assert_eq!(write(&seed).as_slice(), RFC_8410.as_bytes());
        assert_eq!(
            read(RFC_8410.replace('\n', "\r\n").as_bytes()).unwrap(),
            seed
        );
    }

    #[test]
    fn reads_version_2_whose_public_key_fits() {
        let public = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
        for (head, tag) in [
            (VERSION_2, &PUBLIC[..]),
            (VERSION_2_CONSTRUCTED, &PUBLIC_CONSTRUCTED[..]),
        ] {
            assert_eq!(
                *read(version_2(head, tag, [7; 32], public).as_bytes()).unwrap(),
                [7; 32]
            );
            let foreign = version_2(head, tag, [7; 32], [9; 32]);
            assert_eq!(read(foreign.as_bytes()), Err(Reject::KeyMalformed));
        }
    }

    #[test]
    fn refuses_other_algorithms_labels_and_damage() {
        let x25519 = [&VERSION_1[..11], &[0x6e][..], &VERSION_1[12..], &[7; 32]].concat();
        let damaged = [
            String::new(),
            RFC_8410.replace("PRIVATE", "EC PRIVATE"),
            RFC_8410.replace("MC4C", "MC4D"),
            RFC_8410.replace("dVhC", "dVh"),
            format!("{RFC_8410}{RFC_8410}"),
            format!("# a comment\n{RFC_8410}"),
            format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(x25519)),
            format!("{BEGIN}{}{END}", "A".repeat(2000)),
            // A public half belongs to version 2.
            version_2(VERSION_1, &[], [7; 32], [9; 32]),
        ];
        for text in damaged {
            assert_eq!(read(text.as_bytes()), Err(Reject::KeyMalformed), "{text}");
        }
    }
}
