use super::*;
use crate::{Role, multikey};

const CREATED: &str = "2026-11-24T09:00:00Z";
const METHOD: &str = "did:key:z6Mk#root";

fn root(seed: u8) -> PrivateKey {
    PrivateKey::from_seed(Role::Root, &[seed; 32])
}

fn signed(document: &str) -> String {
    String::from_utf8(sign(&root(1), document.as_bytes(), METHOD, CREATED).unwrap()).unwrap()
}

/// "Data Integrity EdDSA Cryptosuites v1.0", appendix B.2: document, options and the published signature.
const W3C: &str = include_str!("w3c.json");

#[test]
fn verifies_the_example_of_the_specification() {
    let key = multikey::decode("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2").unwrap();
    let key = PublicKey::from_bytes(&key).unwrap();
    assert_eq!(verify(W3C.as_bytes(), &key), Ok(()));
    assert_eq!(
        verify(
            W3C.replace("Alumni Credential\"", "Alumni\"").as_bytes(),
            &key
        ),
        Err(Reject::SignatureInvalid)
    );
}

#[test]
fn verifies_what_it_signed_and_refuses_every_flipped_bit() {
    let document =
        signed(r#"{"@context":["https://www.w3.org/ns/cid/v1"],"id":"did:key:z6Mk","seq":0}"#)
            .into_bytes();
    assert_eq!(verify(&document, root(1).public()), Ok(()));
    assert_eq!(
        verify(&document, root(2).public()),
        Err(Reject::SignatureInvalid)
    );
    for bit in 0..document.len() * 8 {
        let mut flipped = document.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(verify(&flipped, root(1).public()).is_err(), "bit {bit}");
    }
}

#[test]
fn puts_a_second_proof_beside_the_first() {
    let once = signed(r#"{"id":"x"}"#);
    let twice = sign(&root(2), once.as_bytes(), METHOD, CREATED).unwrap();
    let value = json::parse(&twice, BYTES_MAX).unwrap();
    assert!(matches!(value.get("proof"), Some(Value::Array(proofs)) if proofs.len() == 2));
    for seed in [1, 2] {
        assert_eq!(verify(&twice, root(seed).public()), Ok(()));
    }
    assert_eq!(
        verify(&twice, root(3).public()),
        Err(Reject::SignatureInvalid)
    );
}

#[test]
fn signs_for_root_keys_only_and_documents_only() {
    let session = PrivateKey::from_seed(Role::Session, &[1; 32]);
    assert_eq!(sign(&session, b"{}", METHOD, CREATED), Err(Reject::KeyRole));
    for created in [
        "",
        "2026-11-24",
        "2026-11-24T09:00:00.1Z",
        "2026-11-24T09:00:00+00:00",
    ] {
        assert_eq!(
            sign(&root(1), b"{}", METHOD, created),
            Err(Reject::EnvelopeShape)
        );
    }
    assert_eq!(
        sign(&root(1), b"[]", METHOD, CREATED),
        Err(Reject::EnvelopeShape)
    );
    assert_eq!(
        sign(&root(1), br#"{"proof":1}"#, METHOD, CREATED),
        Err(Reject::EnvelopeShape)
    );
    assert_eq!(
        sign(&root(1), b"{}", "\u{ffff}", CREATED),
        Err(Reject::JsonString)
    );
}

#[test]
fn refuses_proofs_of_another_kind() {
    let good = signed(r#"{"id":"x"}"#);
    let cases = [
        (r#"{"id":"x"}"#.to_owned(), Reject::EnvelopeShape),
        (
            good.replace("eddsa-jcs-2022", "eddsa-rdfc-2022"),
            Reject::EnvelopeShape,
        ),
        (
            good.replace("assertionMethod", "authentication"),
            Reject::EnvelopeShape,
        ),
        (
            good.replace("DataIntegrityProof", "Ed25519Signature2020"),
            Reject::EnvelopeShape,
        ),
        (
            good.replace("\"proofValue\":\"z", "\"proofValue\":\"u"),
            Reject::SignatureMalformed,
        ),
        (
            good.replace("\"proofValue\":\"z", "\"proofValue\":\"z2"),
            Reject::SignatureMalformed,
        ),
        (
            good.replace(CREATED, "2026-11-24T09:00:01Z"),
            Reject::SignatureInvalid,
        ),
        (format!("[{good}]"), Reject::EnvelopeShape),
        (
            good.replace("\"id\"", "\"id\":1,\"id\""),
            Reject::JsonDuplicateKey,
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(
            verify(text.as_bytes(), root(1).public()),
            Err(expected),
            "{text}"
        );
    }
}

#[test]
fn binds_the_context_on_both_sides() {
    let good = signed(r#"{"@context":["a"],"id":"x"}"#);
    let with_contexts = |document: &str, proof: &str| {
        good.replacen(r#"["a"]"#, "@document", 1)
            .replacen(r#"["a"]"#, proof, 1)
            .replacen("@document", document, 1)
    };
    assert_eq!(
        verify(
            with_contexts(r#"["a","b"]"#, r#"["a"]"#).as_bytes(),
            root(1).public()
        ),
        Ok(())
    );
    for (document, proof) in [
        (r#"["b","a"]"#, r#"["a"]"#),
        (r#"["a"]"#, r#"["a","b"]"#),
        ("[]", r#"["a"]"#),
    ] {
        let text = with_contexts(document, proof);
        assert_eq!(
            verify(text.as_bytes(), root(1).public()),
            Err(Reject::SignatureInvalid),
            "{text}"
        );
    }
}

#[test]
fn a_signature_from_elsewhere_makes_the_same_document_or_none() {
    let text = br#"{"@context":["a"],"id":"x"}"#;
    let unsigned = || prepare(Role::Root, text, "did:key:x#x", "2026-11-24T09:00:00Z").unwrap();
    let signature = root(1).sign(unsigned().bytes_to_sign());
    assert_eq!(
        unsigned().assemble(root(1).public(), &signature),
        sign(&root(1), text, "did:key:x#x", "2026-11-24T09:00:00Z")
    );
    assert_eq!(
        unsigned().assemble(root(2).public(), &signature),
        Err(Reject::SignatureInvalid)
    );
    assert_eq!(
        prepare(Role::Issuer, text, "did:key:x#x", "2026-11-24T09:00:00Z").unwrap_err(),
        Reject::KeyRole
    );
}
