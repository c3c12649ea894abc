//! `delegation/cases`: an entry, the delegation of its session key, the node documents; and how `signet verify` ends.

use serde_json::{Value, json};

use super::node_keys::{
    MESSAGE, NOW, STATEMENT, envelope, envelope_id, key_id, listed, node_document, signed_document,
};

const ROOT: u8 = 71;
const ISSUER: u8 = 72;
const SESSION: u8 = 73;
const SUCCESSOR: u8 = 74;
const OTHER: u8 = 75;
const SECOND_ROOT: u8 = 76;
/// 2030-03-17T17:46:40Z is [`NOW`].
const DAY_LATER: &str = "2030-03-18T17:46:40Z";
const HOUR_EARLIER: &str = "2030-03-17T16:46:40Z";

pub fn cases() -> Vec<Value> {
    let good = Receipt::default();
    let with = |change: fn(&mut Receipt)| {
        let mut receipt = Receipt::default();
        change(&mut receipt);
        receipt
    };
    let revoked = |by: Value| with_chain(&good, &[("revokedAt", by)]);
    let index = revoked(json!(100));
    let retired = |end: &str| with_chain(&good, &[("notAfter", json!(end))]);
    let rotated = after_root_rotation();
    vec![
        good.case(
            "by a key that the issuer vouches for",
            None,
            None,
            (0, "ok"),
        ),
        good.case(
            "over the chain of the node",
            Some(&retired(DAY_LATER)),
            None,
            (0, "ok"),
        ),
        with(|one| one.iat = NOW + 1800).case("in its last second", None, None, (0, "ok")),
        with(|one| one.iat = NOW + 1801).case("a second late", None, None, (14, "key.delegation")),
        with(|one| one.iat = NOW - 601).case("a second early", None, None, (14, "key.delegation")),
        with(|one| one.naf = NOW + 3001).case(
            "for an hour and a second",
            None,
            None,
            (14, "key.delegation"),
        ),
        with(|one| one.naf = NOW - 700).case(
            "that ends before it begins",
            None,
            None,
            (14, "key.delegation"),
        ),
        with(|one| one.role = "agent").case("for another role", None, None, (14, "key.role")),
        with(|one| one.kinds = "urn:signet:run:v1").case(
            "for another kind",
            None,
            None,
            (14, "key.role"),
        ),
        with(|one| one.delegation_iss = "did:key:z6MkOther").case(
            "of another node",
            None,
            None,
            (14, "key.issuer"),
        ),
        with(|one| one.entry_iss = "did:key:z6MkOther").case(
            "and an entry of another node",
            None,
            None,
            (14, "key.issuer"),
        ),
        with(|one| one.del = Some("d".repeat(64))).case(
            "and an entry that names another",
            None,
            None,
            (14, "key.delegation"),
        ),
        with(|one| one.signer = OTHER).case(
            "and an entry by another key",
            None,
            None,
            (14, "key.delegation"),
        ),
        with(|one| one.issuer = OTHER).case(
            "by a key that is not listed",
            None,
            None,
            (14, "key.unknown"),
        ),
        with(|one| one.issuer = ROOT).case("by the root key", None, None, (14, "key.unknown")),
        with(|one| one.issuer = SUCCESSOR).case(
            "by an issuer key that only a later document lists",
            Some(&with_chain(&good, &[])),
            None,
            (14, "key.unknown"),
        ),
        with(|one| one.types = [MESSAGE, STATEMENT]).case(
            "in a message",
            None,
            None,
            (10, "schema.mismatch"),
        ),
        with(|one| one.types = [STATEMENT, MESSAGE]).case(
            "and an entry in a message",
            None,
            None,
            (10, "schema.mismatch"),
        ),
        good.case(
            "by an issuer key after its end",
            Some(&retired(HOUR_EARLIER)),
            None,
            (14, "key.delegation"),
        ),
        good.case(
            "by an issuer key revoked later in the log",
            Some(&index),
            Some(99),
            (0, "ok"),
        ),
        good.case(
            "by an issuer key revoked at that entry",
            Some(&index),
            Some(100),
            (14, "key.revoked"),
        ),
        good.case(
            "by an issuer key revoked earlier in the log",
            Some(&index),
            Some(4000),
            (14, "key.revoked"),
        ),
        good.case(
            "by a revoked issuer key, not logged",
            Some(&index),
            None,
            (14, "key.revoked"),
        ),
        good.case(
            "by an issuer key revoked a day later by time",
            Some(&revoked(json!(DAY_LATER))),
            None,
            (0, "ok"),
        ),
        good.case(
            "by an issuer key revoked before by time",
            Some(&revoked(json!(HOUR_EARLIER))),
            None,
            (14, "key.revoked"),
        ),
        good.case(
            "by an issuer key revoked in that very second",
            Some(&revoked(json!("2030-03-17T17:46:40Z"))),
            None,
            (14, "key.revoked"),
        ),
        // The delegation is of ten minutes before, less half a minute.
        with(|one| one.iat = NOW - 580).case(
            "made after the revocation, for an entry from before it",
            Some(&revoked(json!("2030-03-17T17:37:05Z"))),
            None,
            (14, "key.revoked"),
        ),
        good.case(
            "by an issuer key revoked in a way nobody can read",
            Some(&revoked(json!("soon"))),
            Some(0),
            (14, "key.revoked"),
        ),
        rotated.case(
            "under a second root key, without the chain",
            None,
            None,
            (11, "sig.invalid"),
        ),
        rotated.case(
            "under a second root key, over the chain",
            Some(&rotated.chain()),
            None,
            (0, "ok"),
        ),
        rotated.case(
            "beyond the pinned chain",
            Some(&rotated.chain()[..1]),
            None,
            (14, "key.unknown"),
        ),
    ]
}

/// The good receipt's chain with a second document, in which the issuer key has these members more.
fn with_chain(good: &Receipt, more: &[(&str, Value)]) -> Vec<Value> {
    let id = node_id();
    let zero = good.document();
    let keys = [
        listed(&id, ROOT, "root", &[]),
        listed(&id, ISSUER, "issuer", more),
        listed(&id, SUCCESSOR, "issuer", &[]),
    ];
    let one = signed_document(&node_document(&id, 1, Some(&zero), &keys), &id, &[ROOT]);
    vec![zero, one]
}

/// A receipt whose document only the second root key has signed.
fn after_root_rotation() -> Receipt {
    Receipt {
        seq: 2,
        ..Receipt::default()
    }
}

fn node_id() -> String {
    format!("did:key:{}", key_id(ROOT))
}

struct Receipt {
    issuer: u8,
    signer: u8,
    role: &'static str,
    kinds: &'static str,
    delegation_iss: &'static str,
    entry_iss: &'static str,
    iat: i64,
    naf: i64,
    del: Option<String>,
    seq: usize,
    /// Of the delegation and of the entry.
    types: [&'static str; 2],
}

impl Default for Receipt {
    fn default() -> Self {
        Self {
            issuer: ISSUER,
            signer: SESSION,
            role: "session",
            kinds: "urn:signet:decision:v1",
            delegation_iss: "",
            entry_iss: "",
            iat: NOW,
            naf: NOW + 1800,
            del: None,
            seq: 0,
            types: [STATEMENT; 2],
        }
    }
}

impl Receipt {
    fn chain(&self) -> Vec<Value> {
        let id = node_id();
        let issuer = listed(&id, ISSUER, "issuer", &[]);
        let zero = signed_document(
            &node_document(
                &id,
                0,
                None,
                &[listed(&id, ROOT, "root", &[]), issuer.clone()],
            ),
            &id,
            &[ROOT],
        );
        let keys = [
            listed(&id, ROOT, "root", &[("notAfter", json!(DAY_LATER))]),
            issuer,
            listed(&id, SECOND_ROOT, "root", &[]),
        ];
        let one = signed_document(
            &node_document(&id, 1, Some(&zero), &keys),
            &id,
            &[ROOT, SECOND_ROOT],
        );
        let two = signed_document(
            &node_document(&id, 2, Some(&one), &keys),
            &id,
            &[SECOND_ROOT],
        );
        vec![zero, one, two]
    }

    fn document(&self) -> Value {
        self.chain().swap_remove(self.seq)
    }

    fn case(
        &self,
        name: &str,
        chain: Option<&[Value]>,
        log_index: Option<u64>,
        (exit, code): (u8, &str),
    ) -> Value {
        let id = node_id();
        let or_own = |iss: &str| {
            if iss.is_empty() {
                id.clone()
            } else {
                iss.to_owned()
            }
        };
        let con = "c".repeat(64);
        let statement = |predicate_type: &str, predicate: Value| {
            json!({
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{ "name": "x", "digest": { "sha256": "a".repeat(64) } }],
                "predicateType": predicate_type,
                "predicate": predicate,
            })
            .to_string()
        };
        let delegation = statement(
            "urn:signet:delegation:v1",
            json!({
                "v": 1, "iss": or_own(self.delegation_iss), "iat": NOW - 570, "con": con, "req": "r", "n": 0,
                "key": key_id(SESSION), "role": self.role, "custody": "memory", "kinds": [self.kinds],
                "nbf": NOW - 600, "naf": self.naf,
            }),
        );
        let del = self
            .del
            .clone()
            .unwrap_or_else(|| envelope_id(self.types[0], &delegation));
        let entry = statement(
            "urn:signet:decision:v1",
            json!({
                "v": 1, "iss": or_own(self.entry_iss), "iat": self.iat, "con": con, "req": "r", "n": 0,
                "del": del, "action": "chat", "effect": "allow", "code": "ok",
            }),
        );
        let mut case = json!({
            "name": name,
            "entry": envelope(self.signer, self.types[1], &entry).to_string(),
            "delegation": envelope(self.issuer, self.types[0], &delegation).to_string(),
            "document": self.document(),
            "exit": exit,
            "code": code,
        });
        if let Some(chain) = chain {
            case["chain"] = json!(chain);
        }
        if let Some(log_index) = log_index {
            case["log_index"] = json!(log_index);
        }
        case
    }
}
