//! Trees, checkpoints, policies, log proofs and witness requests. Entry i of a tree is i in decimal.

use serde_json::{Value, json};
use signing::{PrivateKey, Role};
use translog::checkpoint::Checkpoint;
use translog::edge::Edge;
use translog::hash;
use translog::log_proof::LogProof;
use translog::note::{Note, signature_line};
use translog::policy::Policy;
use translog::proof::Claim;
use translog::verifier_key::{Kind, VerifierKey};
use translog::witness_request::WitnessRequest;
use translog::{Hash, Reject};

use super::{hex, key};

const ORIGIN: &str = "log.example/vectors";
const SIZES: [u64; 8] = [0, 1, 2, 255, 256, 257, 65_536, 70_000];

/// Root, edge and proofs of trees where tiles and powers of two begin and end.
pub fn trees() -> Vec<Value> {
    let entries: Vec<String> = (0..70_000).map(|index: u64| index.to_string()).collect();
    let whole = tiles_of(&entries);
    SIZES
        .iter()
        .map(|&size| {
            let grown = grow(&entries[..size as usize]);
            let prove = |claim: Claim| -> Vec<String> {
                let tiles: Vec<u8> = claim
                    .tiles()
                    .expect("a claim that makes sense")
                    .iter()
                    .flat_map(|tile| {
                        whole[&(tile.level, tile.index)][..usize::from(tile.width)].concat()
                    })
                    .collect();
                let proof = claim.prove(&tiles).expect("the tiles of the claim");
                proof.iter().map(|hash| hex(hash)).collect()
            };
            let mut places: Vec<u64> = [0, 1, 254, 255, 256, size / 2, size.saturating_sub(1)]
                .into_iter()
                .filter(|index| *index < size)
                .collect();
            places.sort_unstable();
            places.dedup();
            let olds = SIZES.iter().copied().filter(|old| *old <= size);
            json!({
                "size": size,
                "root": hex(&grown.root()),
                "edge": Edge::tiles(size).iter().map(ToString::to_string).collect::<Vec<_>>(),
                "inclusion": places
                    .iter()
                    .map(|&index| json!({ "index": index, "proof": prove(Claim::Inclusion { index, size }) }))
                    .collect::<Vec<_>>(),
                "consistency": olds
                    .map(|old| json!({ "old": old, "proof": prove(Claim::Consistency { old, new: size }) }))
                    .collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// Checkpoints with the keys that they are opened by.
pub fn checkpoints() -> Vec<Value> {
    let (text, line) = (text(), log_line(1));
    let witness = witness_line(2, 1_700_000_000);
    let both = [log_key(1).to_string(), witness_key(2).to_string()];
    let cases: [(&str, String, Vec<String>); 12] = [
        ("signed", format!("{text}\n{line}"), vec![both[0].clone()]),
        (
            "signed and cosigned",
            format!("{text}\n{line}{witness}"),
            both.to_vec(),
        ),
        (
            "a stranger's line is ignored",
            format!("{text}\n{}{line}", log_line(9)),
            vec![both[0].clone()],
        ),
        (
            "by strangers alone",
            format!("{text}\n{}", log_line(9)),
            vec![both[0].clone()],
        ),
        (
            "another size",
            format!("{text}\n{line}").replace("\n7\n", "\n8\n"),
            vec![both[0].clone()],
        ),
        (
            "a known witness with another time",
            {
                let forged = witness_line(2, 1_700_000_000).replace("AABlU/EA", "AABlU/EB");
                format!("{text}\n{line}{forged}")
            },
            both.to_vec(),
        ),
        ("no signature", text.clone(), vec![both[0].clone()]),
        (
            "no empty line",
            format!("{text}{line}"),
            vec![both[0].clone()],
        ),
        (
            "no last newline",
            format!("{text}\n{}", line.trim_end()),
            vec![both[0].clone()],
        ),
        (
            "a size with a zero before it",
            format!("{text}\n{line}").replace("\n7\n", "\n07\n"),
            vec![both[0].clone()],
        ),
        (
            "base64 without padding",
            format!("{text}\n{}\n", line.trim_end().trim_end_matches('=')),
            vec![both[0].clone()],
        ),
        (
            "a key that contradicts its id",
            format!("{text}\n{line}"),
            vec![both[0].replacen('+', "+0", 1)],
        ),
    ];
    cases
        .into_iter()
        .map(|(name, note, vkeys)| {
            let answer =
                opened(&note, &vkeys).unwrap_or_else(|reject| json!({ "code": reject.code() }));
            json!({ "name": name, "note": note, "vkeys": vkeys, "answer": answer })
        })
        .collect()
}

/// Policies over checkpoints.
pub fn policies() -> Vec<Value> {
    let logs = format!("log {}\n", log_key(1));
    let witnesses: String = [2, 3, 4]
        .map(|seed| format!("witness W{seed} {}\n", witness_key(seed)))
        .concat();
    let two = format!("{logs}{witnesses}group G 2 W2 W3 W4\nquorum G\n");
    let note = |seeds: &[u8]| {
        let lines = seeds
            .iter()
            .map(|seed| witness_line(*seed, 7))
            .collect::<String>();
        format!("{}\n{}{lines}", text(), log_line(1))
    };
    let cases: Vec<(&str, String, String)> = vec![
        ("no quorum", format!("{logs}quorum none\n"), note(&[])),
        ("two of three", two.clone(), note(&[2, 4])),
        ("one of three", two.clone(), note(&[3])),
        ("one of three, twice", two.clone(), note(&[3, 3])),
        (
            "all of three",
            two.replace("G 2", "G all"),
            note(&[2, 3, 4]),
        ),
        ("any of three", two.replace("G 2", "G any"), note(&[4])),
        (
            "a single witness",
            format!("{logs}{witnesses}quorum W3\n"),
            note(&[3]),
        ),
        (
            "another log",
            format!("log {}\nquorum none\n", log_named(1, "other.example")),
            note(&[]),
        ),
        (
            "another key of the log",
            format!("log {}\nquorum none\n", log_key(9)),
            note(&[]),
        ),
        (
            "two quorum lines",
            format!("{logs}quorum none\nquorum none\n"),
            note(&[]),
        ),
        ("no quorum line", logs.clone(), note(&[])),
        (
            "the same log twice",
            format!("{logs}{logs}quorum none\n"),
            note(&[]),
        ),
        (
            "a member of two groups",
            format!("{logs}{witnesses}group G any W2\ngroup H any W2\nquorum G\n"),
            note(&[2]),
        ),
        (
            "a threshold above its members",
            two.replace("G 2", "G 4"),
            note(&[2, 3, 4]),
        ),
        ("a threshold of none", two.replace("G 2", "G 0"), note(&[2])),
        (
            "a group of none",
            format!("{logs}group G any none\nquorum G\n"),
            note(&[]),
        ),
        (
            "a comment, tabs and spaces",
            format!("# c\n\n \tlog\t{} \nquorum  none\n", log_key(1)),
            note(&[]),
        ),
        ("no last newline", format!("{logs}quorum none"), note(&[])),
    ];
    cases
        .into_iter()
        .map(|(name, policy, note)| {
            let answer =
                judged(&policy, &note).unwrap_or_else(|reject| json!({ "code": reject.code() }));
            json!({ "name": name, "policy": policy, "note": note, "answer": answer })
        })
        .collect()
}

/// Log proofs as texts.
pub fn log_proofs() -> Vec<Value> {
    let checkpoint = format!("{}\n{}", text(), log_line(1));
    let proof = |index, extra: &[u8], hashes: usize| {
        let proof = vec![[7; 32]; hashes];
        LogProof {
            extra: extra.to_vec(),
            index,
            proof,
            checkpoint: &checkpoint,
        }
        .write()
    };
    let plain = proof(6, b"extra", 3);
    let cases = [
        ("with extra data", plain.clone()),
        ("without extra data", proof(6, b"", 3)),
        ("without hashes", proof(0, b"extra", 0)),
        ("of 63 hashes", proof(6, b"extra", 63)),
        ("of 64 hashes", proof(6, b"extra", 64)),
        ("of another version", plain.replacen("@v1", "@v2", 1)),
        (
            "with a zero before the index",
            plain.replacen("index 6", "index 06", 1),
        ),
        (
            "with extra data behind the index",
            proof(6, b"", 3).replacen("index 6\n", "index 6\nextra AA==\n", 1),
        ),
        (
            "without a checkpoint",
            plain[..plain.find("\n\n").expect("an empty line") + 2].to_owned(),
        ),
        ("with carriage returns", plain.replace('\n', "\r\n")),
    ];
    cases
        .into_iter()
        .map(|(name, text)| {
            let answer = match LogProof::read(text.as_bytes()) {
                Ok(read) => json!({
                    "extra": hex(&read.extra), "index": read.index, "proof": hex(&read.proof.concat()), "checkpoint": read.checkpoint,
                }),
                Err(reject) => json!({ "code": reject.code() }),
            };
            json!({ "name": name, "text": text, "answer": answer })
        })
        .collect()
}

/// Bodies of `add-checkpoint`.
pub fn witness_requests() -> Vec<Value> {
    let checkpoint = format!("{}\n{}", text(), log_line(1));
    let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n";
    let cases = [
        ("the first", format!("old 0\n\n{checkpoint}")),
        ("with a proof", format!("old 3\n{hash}{hash}\n{checkpoint}")),
        (
            "with 63 hashes",
            format!("old 3\n{}\n{checkpoint}", hash.repeat(63)),
        ),
        (
            "with 64 hashes",
            format!("old 3\n{}\n{checkpoint}", hash.repeat(64)),
        ),
        (
            "with a zero before the size",
            format!("old 03\n\n{checkpoint}"),
        ),
        ("without an empty line", format!("old 3\n{checkpoint}")),
        ("with a short hash", format!("old 3\nBwcH\n\n{checkpoint}")),
        ("without a checkpoint", "old 3\n\n".to_owned()),
        (
            "too large",
            format!("old 3\n\n{checkpoint}{}", log_line(9).repeat(600)),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, body)| {
            let answer = match WitnessRequest::read(body.as_bytes()) {
                Ok(read) => json!({ "old": read.old, "proof": hex(&read.proof.concat()), "origin": read.said.origin, "size": read.said.size }),
                Err(reject) => json!({ "code": reject.code() }),
            };
            json!({ "name": name, "body": body, "answer": answer })
        })
        .collect()
}

fn opened(note: &str, vkeys: &[String]) -> Result<Value, Reject> {
    let keys: Vec<VerifierKey> = vkeys
        .iter()
        .map(|key| VerifierKey::parse(key))
        .collect::<Result<_, _>>()?;
    let note = Note::read(note.as_bytes())?;
    let said = Checkpoint::read(note.text)?;
    let signed = note.verify(&keys)?;
    if signed.is_empty() {
        return Err(signing::Reject::KeyUnknown.into());
    }
    let places: Vec<usize> = signed.iter().map(|one| one.key).collect();
    Ok(
        json!({ "origin": said.origin, "size": said.size, "root": hex(&said.root), "signed": places }),
    )
}

fn judged(policy: &str, note: &str) -> Result<Value, Reject> {
    let policy = Policy::read(policy.as_bytes())?;
    let accepted = policy.judge(&Note::read(note.as_bytes())?)?;
    Ok(json!({ "witnesses": accepted.witnesses, "has_quorum": accepted.has_quorum }))
}

fn text() -> String {
    let root = hash::leaf(b"vectors");
    Checkpoint {
        origin: ORIGIN,
        size: 7,
        root,
    }
    .write()
}

fn log_key(seed: u8) -> VerifierKey {
    log_named(seed, ORIGIN)
}

fn log_named(seed: u8, name: &str) -> VerifierKey {
    VerifierKey::new(name, Kind::Note, key(Role::Log, seed).public().clone()).expect("a name")
}

fn witness_key(seed: u8) -> VerifierKey {
    let public = key(Role::Witness, seed).public().clone();
    VerifierKey::new(
        &format!("witness.example/w{seed}"),
        Kind::Cosignature,
        public,
    )
    .expect("a name")
}

fn log_line(seed: u8) -> String {
    let private: PrivateKey = key(Role::Log, seed);
    let signature = signing::note::sign_checkpoint(&private, ORIGIN, &text()).expect("a log key");
    signature_line(&log_key(seed), None, &signature)
}

fn witness_line(seed: u8, time: u64) -> String {
    let signature =
        signing::note::cosign(&key(Role::Witness, seed), time, &text()).expect("a witness key");
    signature_line(&witness_key(seed), Some(time), &signature)
}

fn grow(entries: &[String]) -> Edge {
    let entries: Vec<&[u8]> = entries.iter().map(String::as_bytes).collect();
    Edge::empty()
        .grow(&[], &entries)
        .expect("small entries")
        .edge
}

/// Every tile of the largest tree; one of a smaller tree is the beginning of it.
fn tiles_of(entries: &[String]) -> std::collections::BTreeMap<(u8, u64), Vec<Hash>> {
    let mut tiles = std::collections::BTreeMap::new();
    let mut row: Vec<Hash> = entries
        .iter()
        .map(|entry| hash::leaf(entry.as_bytes()))
        .collect();
    for level in 0.. {
        for (index, tile) in row.chunks(256).enumerate() {
            tiles.insert((level, index as u64), tile.to_vec());
        }
        row = row.chunks_exact(256).map(hash::complete).collect();
        if row.is_empty() {
            return tiles;
        }
    }
    tiles
}
