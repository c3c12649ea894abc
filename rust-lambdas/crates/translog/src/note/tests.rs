use super::*;
use crate::checkpoint::Checkpoint;
use proptest::prelude::*;
use signing::{PrivateKey, Role};

const TEXT: &str = "example.com/log\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn log_key() -> (PrivateKey, VerifierKey) {
    let private = PrivateKey::from_seed(Role::Log, &[1; 32]);
    let verifier = VerifierKey::new("example.com/log", Kind::Note, private.public().clone());
    (private, verifier.unwrap())
}

fn witness_key(seed: u8) -> (PrivateKey, VerifierKey) {
    let private = PrivateKey::from_seed(Role::Witness, &[seed; 32]);
    let name = format!("witness.example/{seed}");
    let verifier = VerifierKey::new(&name, Kind::Cosignature, private.public().clone());
    (private, verifier.unwrap())
}

fn log_line() -> String {
    let (private, verifier) = log_key();
    let signature = signing::note::sign_checkpoint(&private, "example.com/log", TEXT).unwrap();
    signature_line(&verifier, None, &signature)
}

fn witness_line(seed: u8, time: u64) -> String {
    let (private, verifier) = witness_key(seed);
    let signature = signing::note::cosign(&private, time, TEXT).unwrap();
    signature_line(&verifier, Some(time), &signature)
}

fn verified(note: &str, keys: &[VerifierKey]) -> Result<Vec<Signed>, Reject> {
    Note::read(note.as_bytes())?.verify(keys)
}

/// The example of Go's `golang.org/x/mod/sumdb/note`.
#[test]
fn verifies_the_example_of_the_note_package() {
    let key =
        VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let signed = verified(note, &[key.unwrap()]).unwrap();
    assert_eq!(signed, [Signed { key: 0, time: None }]);
}

#[test]
fn verifies_the_signatures_of_log_and_witnesses() {
    let note = format!(
        "{TEXT}\n{}{}{}",
        log_line(),
        witness_line(2, 1_700_000_000),
        witness_line(3, 9)
    );
    let keys = [witness_key(3).1, log_key().1, witness_key(2).1];
    let signed = verified(&note, &keys).unwrap();
    let [log, second, third] = signed.as_slice() else {
        panic!("{signed:?}");
    };
    assert_eq!((log.key, log.time), (1, None));
    assert_eq!((second.key, second.time), (2, Some(1_700_000_000)));
    assert_eq!((third.key, third.time), (0, Some(9)));
}

#[test]
fn ignores_strangers_and_refuses_a_known_key_that_did_not_sign() {
    let note = format!("{TEXT}\n{}", log_line());
    assert_eq!(verified(&note, &[witness_key(2).1]), Ok(vec![]));
    let forged = note.replace("\n3\n", "\n4\n");
    assert_eq!(
        verified(&forged, &[log_key().1]),
        Err(signing::Reject::SignatureInvalid.into())
    );
    let twice = format!("{TEXT}\n{}{}", log_line(), log_line());
    assert_eq!(
        verified(&twice, &[log_key().1]).map(|signed| signed.len()),
        Ok(1)
    );
    // A cosignature says when: another time is another signature, and none is no cosignature.
    let (_, verifier) = witness_key(2);
    let signature = signing::note::cosign(&witness_key(2).0, 7, TEXT).unwrap();
    let note = format!("{TEXT}\n{}", signature_line(&verifier, Some(8), &signature));
    assert_eq!(
        verified(&note, std::slice::from_ref(&verifier)),
        Err(signing::Reject::SignatureInvalid.into())
    );
    let note = format!("{TEXT}\n{}", signature_line(&verifier, None, &signature));
    assert_eq!(
        verified(&note, std::slice::from_ref(&verifier)),
        Err(signing::Reject::SignatureMalformed.into())
    );
}

#[test]
fn a_signature_of_one_role_is_none_of_the_other() {
    let (log, verifier) = log_key();
    let signature = signing::note::sign_checkpoint(&log, "example.com/log", TEXT).unwrap();
    let as_witness = VerifierKey::new(verifier.name(), Kind::Cosignature, log.public().clone());
    let as_witness = as_witness.unwrap();
    let note = format!(
        "{TEXT}\n{}",
        signature_line(&as_witness, Some(1), &signature)
    );
    assert_eq!(
        verified(&note, &[as_witness]),
        Err(signing::Reject::SignatureInvalid.into())
    );
}

#[test]
fn refuses_every_other_form() {
    let line = log_line();
    let encoded = line.trim_end().rsplit(' ').next().unwrap();
    for note in [
        String::new(),
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}{line}"),
        format!("{TEXT}\n{}", line.trim_end()),
        format!("{TEXT}\n{line}\n"),
        format!("{TEXT}\r\n{line}"),
        format!("{TEXT}\t\n{line}"),
        format!("{TEXT}\n- example.com/log {encoded}\n"),
        format!("{TEXT}\n—  {encoded}\n"),
        format!("{TEXT}\n— a+b {encoded}\n"),
        format!("{TEXT}\n— a\u{a0}b {encoded}\n"),
        format!(
            "{TEXT}\n— example.com/log {}\n",
            encoded.trim_end_matches('=')
        ),
        format!("{TEXT}\n— example.com/log  {encoded}\n"),
        format!("{TEXT}\n— example.com/log AAAAAA==\n"),
        format!("{TEXT}\n{}", line.repeat(101)),
        format!("{}{TEXT}\n{line}", "x".repeat(BYTES_MAX)),
    ] {
        assert_eq!(
            Note::read(note.as_bytes()),
            Err(Reject::Malformed),
            "{note:?}"
        );
    }
    let mut broken = format!("{TEXT}\n{line}").into_bytes();
    broken[0] = 0xff;
    assert_eq!(Note::read(&broken), Err(Reject::Malformed));
}

#[test]
fn a_text_may_have_empty_lines_and_a_checkpoint_may_not() {
    let text = "one\n\ntwo\n";
    let line = log_line();
    let whole = format!("{text}\n{line}");
    let note = Note::read(whole.as_bytes()).unwrap();
    assert_eq!(note.text, text);
    assert_eq!(Checkpoint::read(note.text), Err(Reject::Malformed));
}

proptest! {
    #[test]
    fn prop_no_flipped_bit_leaves_a_signed_note(place in 0usize..240, bit in 0u8..8) {
        let note = format!("{TEXT}\n{}", log_line());
        let mut bytes = note.clone().into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        let signed = Note::read(&bytes).and_then(|note| note.verify(&[log_key().1]));
        prop_assert!(signed.map_or(true, |signed| signed.is_empty()));
    }
}
