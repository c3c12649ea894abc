use super::*;
use crate::note::signature_line;
use signing::{PrivateKey, Role};

const TEXT: &str = "log.example\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn log(seed: u8, name: &str) -> (PrivateKey, VerifierKey) {
    let private = PrivateKey::from_seed(Role::Log, &[seed; 32]);
    let key = VerifierKey::new(name, Kind::Note, private.public().clone()).unwrap();
    (private, key)
}

fn witness(seed: u8) -> (PrivateKey, VerifierKey) {
    let private = PrivateKey::from_seed(Role::Witness, &[seed; 32]);
    let name = format!("witness.example/{seed}");
    let key = VerifierKey::new(&name, Kind::Cosignature, private.public().clone()).unwrap();
    (private, key)
}

fn note(witnesses: &[u8]) -> String {
    let (private, key) = log(1, "log.example");
    let signature = signing::note::sign_checkpoint(&private, "log.example", TEXT).unwrap();
    let mut note = format!("{TEXT}\n{}", signature_line(&key, None, &signature));
    for seed in witnesses {
        let (private, key) = witness(*seed);
        let signature = signing::note::cosign(&private, 7, TEXT).unwrap();
        note.push_str(&signature_line(&key, Some(7), &signature));
    }
    note
}

/// The example of the specification, two groups of three.
fn policy(quorum: &str) -> String {
    let mut text = format!(
        "# trust\n\n \tlog {} https://log.example/\n",
        log(1, "log.example").1
    );
    for (name, seed) in [
        ("X1", 11),
        ("X2", 12),
        ("X3", 13),
        ("Y1", 21),
        ("Y2", 22),
        ("Y3", 23),
    ] {
        text.push_str(&format!("witness {name} {}\n", witness(seed).1));
    }
    text.push_str("group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\ngroup X-and-Y all X Y\n");
    format!("{text}quorum {quorum}\n")
}

fn judged(policy: &str, note: &str) -> Result<usize, Reject> {
    let policy = Policy::read(policy.as_bytes())?;
    let note = Note::read(note.as_bytes())?;
    policy.judge(&note).map(|accepted| accepted.witnesses.len())
}

#[test]
fn counts_witnesses_by_group() {
    let cases: [(&str, &[u8], Result<usize, Reject>); 9] = [
        ("none", &[], Ok(0)),
        ("none", &[11], Ok(1)),
        ("X1", &[], Err(Reject::Quorum)),
        ("X1", &[11], Ok(1)),
        ("X1", &[12], Err(Reject::Quorum)),
        ("X", &[11], Err(Reject::Quorum)),
        ("X", &[11, 13], Ok(2)),
        ("X-and-Y", &[11, 12, 13], Err(Reject::Quorum)),
        ("X-and-Y", &[11, 12, 23], Ok(3)),
    ];
    for (quorum, witnesses, expected) in cases {
        assert_eq!(
            judged(&policy(quorum), &note(witnesses)),
            expected,
            "{quorum} {witnesses:?}"
        );
    }
}

#[test]
fn one_witness_counts_once_however_often_it_signs() {
    assert_eq!(judged(&policy("X"), &note(&[11, 11])), Err(Reject::Quorum));
}

#[test]
fn refuses_other_logs_and_notes_that_the_log_did_not_sign() {
    let other = policy("none").replace("log.example+", "other.example+");
    assert_eq!(judged(&other, &note(&[])), Err(Reject::Malformed));
    let line = format!("log {}\nquorum none\n", log(2, "other.example").1);
    assert_eq!(judged(&line, &note(&[])), Err(Reject::Origin));
    let same_name = format!("log {}\nquorum none\n", log(2, "log.example").1);
    assert_eq!(
        judged(&same_name, &note(&[])),
        Err(signing::Reject::KeyUnknown.into())
    );
    // A known log under another name does not speak for this one.
    let both = format!(
        "log {}\nlog {}\nquorum none\n",
        log(2, "log.example").1,
        log(1, "third.example").1
    );
    assert_eq!(
        judged(&both, &note(&[])),
        Err(signing::Reject::KeyUnknown.into())
    );
    assert_eq!(judged("quorum none\n", &note(&[])), Err(Reject::Origin));
    let forged = note(&[11]).replace("\n3\n", "\n4\n");
    assert_eq!(
        judged(&policy("none"), &forged),
        Err(signing::Reject::SignatureInvalid.into())
    );
}

#[test]
fn refuses_every_other_form() {
    let whole = policy("X");
    assert!(Policy::read(whole.as_bytes()).is_ok());
    let log = log(1, "log.example").1;
    let key = witness(11).1;
    for text in [
        String::new(),
        "\n".to_owned(),
        whole.trim_end().to_owned(),
        format!("{whole}quorum X\n"),
        format!("log {log}\n"),
        format!("log {log}\nlog {log}\nquorum none\n"),
        format!("log {key}\nquorum none\n"),
        "log\nquorum none\n".to_owned(),
        format!("log {log} url more\nquorum none\n"),
        format!("witness A {log}\nquorum none\n"),
        format!("witness A {key}\nwitness B {key}\nquorum none\n"),
        format!(
            "witness A {key}\nwitness A {}\nquorum none\n",
            witness(12).1
        ),
        format!("witness none {key}\nquorum none\n"),
        format!("quorum A\nwitness A {key}\n"),
        format!("witness A {key}\ngroup G 0 A\nquorum G\n"),
        format!("witness A {key}\ngroup G 2 A\nquorum G\n"),
        format!("witness A {key}\ngroup G 01 A\nquorum G\n"),
        format!("witness A {key}\ngroup G all\nquorum G\n"),
        format!("witness A {key}\ngroup G all A A\nquorum G\n"),
        format!("witness A {key}\ngroup G all A\ngroup H all A\nquorum G\n"),
        format!("witness A {key}\ngroup A all A\nquorum A\n"),
        "group G all G\nquorum G\n".to_owned(),
        "group G any none\nquorum G\n".to_owned(),
        "vote A\nquorum none\n".to_owned(),
        "quorum none\r\n".to_owned(),
        format!("quorum none\n{}\n", "#".repeat(BYTES_MAX)),
    ] {
        assert!(Policy::read(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn takes_as_many_as_the_specification_asks_for() {
    let mut text = String::new();
    for seed in 0..32 {
        text.push_str(&format!("log {}\n", log(seed, "log.example").1));
        text.push_str(&format!("witness W{seed} {}\n", witness(100 + seed).1));
        text.push_str(&format!("group G{seed} any W{seed}\n"));
    }
    text.push_str("quorum G31\n");
    assert!(Policy::read(text.as_bytes()).is_ok());
}
