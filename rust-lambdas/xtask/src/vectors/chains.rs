//! `document/chain`: documents 0 to n of a node, and what is wrong with them. Rotation, revocation, forks.

use serde_json::{Value, json};

use super::node_keys::{canonical, key_id, listed, node_document, sha256, signed_document};

const FIRST: u8 = 51;
const SECOND: u8 = 52;
const THIRD: u8 = 53;
const ISSUER: u8 = 54;
const END: &str = "2030-03-18T17:46:40Z";

pub fn cases() -> Vec<Value> {
    let id = format!("did:key:{}", key_id(FIRST));
    let root = |seed: u8, more: &[(&str, Value)]| listed(&id, seed, "root", more);
    let issuer = |more: &[(&str, Value)]| listed(&id, ISSUER, "issuer", more);
    let ends: &[(&str, Value)] = &[("notAfter", json!(END))];
    let revoked: &[(&str, Value)] = &[("notAfter", json!(END)), ("revokedAt", json!(7))];

    let zero = signed_document(
        &node_document(&id, 0, None, &[root(FIRST, &[]), issuer(&[])]),
        &id,
        &[FIRST],
    );
    let rotation = [root(FIRST, ends), issuer(&[]), root(SECOND, &[])];
    let one = node_document(&id, 1, Some(&zero), &rotation);
    let rotated = signed_document(&one, &id, &[FIRST, SECOND]);
    let after = [root(FIRST, revoked), issuer(&[]), root(SECOND, &[])];
    let two = node_document(&id, 2, Some(&rotated), &after);
    let taken_back = signed_document(&two, &id, &[SECOND]);
    let whole = [&zero, &rotated, &taken_back];

    let chain = |last: Value| vec![zero.clone(), rotated.clone(), last];
    let third = |keys: &[Value], seeds: &[u8]| {
        chain(signed_document(
            &node_document(&id, 2, Some(&rotated), keys),
            &id,
            seeds,
        ))
    };
    let placed = |name: &str, value: Value| {
        let mut document = two.clone();
        document[name] = value;
        chain(signed_document(&document, &id, &[SECOND]))
    };
    let one_by = |seeds: &[u8]| vec![zero.clone(), signed_document(&one, &id, seeds)];
    let mut changed = taken_back.clone();
    changed["service"] = json!(["x"]);
    let mut role = after.to_vec();
    role[1]["role"] = json!("log");
    let unrevoked = [root(FIRST, ends), issuer(&[]), root(SECOND, &[])];
    let fourth = signed_document(
        &node_document(&id, 3, Some(&taken_back), &unrevoked),
        &id,
        &[SECOND],
    );
    let again_keys = [
        root(FIRST, &[("notAfter", json!(END)), ("revokedAt", json!(9))]),
        issuer(&[]),
        root(SECOND, &[]),
    ];
    let again = signed_document(
        &node_document(&id, 3, Some(&taken_back), &again_keys),
        &id,
        &[SECOND],
    );
    let longer = |last: Value| vec![zero.clone(), rotated.clone(), taken_back.clone(), last];

    let lost: &[(&str, Value)] = &[("revokedAt", json!(7))];
    let without_first = [root(FIRST, lost), issuer(&[]), root(SECOND, &[])];
    let handed_over = signed_document(
        &node_document(&id, 1, Some(&zero), &without_first),
        &id,
        &[FIRST, SECOND],
    );
    let by_thief = signed_document(
        &node_document(&id, 2, Some(&handed_over), &without_first),
        &id,
        &[FIRST],
    );
    let revoked_signs_on = vec![zero.clone(), handed_over, by_thief];

    let other = "did:key:z6MkOther";
    let foreign = signed_document(
        &node_document(other, 0, None, &[listed(other, FIRST, "root", &[])]),
        other,
        &[FIRST],
    );
    let usurped = signed_document(
        &node_document(&id, 0, None, &[root(FIRST, &[]), root(SECOND, &[])]),
        &id,
        &[SECOND],
    );
    let mut unreadable = after.to_vec();
    unreadable.push(json!({ "publicKeyMultibase": key_id(THIRD), "role": "issuer" }));

    let good = |name: &str, documents: Vec<Value>| {
        let digests: Vec<String> = documents
            .iter()
            .map(|one| sha256(&canonical(one)))
            .collect();
        json!({ "name": name, "node_id": id, "documents": documents, "ok": { "sha256": digests } })
    };
    let bad = |name: &str, documents: Vec<Value>, seq: u64, code: &str| json!({ "name": name, "node_id": id, "documents": documents, "seq": seq, "code": code });
    let shape = "schema.mismatch";
    vec![
        good("one document", vec![zero.clone()]),
        good(
            "a root key is rotated: both have signed",
            one_by(&[FIRST, SECOND]),
        ),
        good("the order of the proofs is free", one_by(&[SECOND, FIRST])),
        good(
            "the rotated key is revoked, by its successor alone",
            whole.map(Clone::clone).to_vec(),
        ),
        good(
            "an issuer key gets its end",
            third(
                &[root(FIRST, ends), issuer(ends), root(SECOND, &[])],
                &[SECOND],
            ),
        ),
        bad("no document", vec![], 0, shape),
        bad("the first is missing", vec![rotated.clone()], 0, shape),
        bad(
            "one is missing",
            vec![zero.clone(), taken_back.clone()],
            1,
            shape,
        ),
        bad(
            "one stands twice",
            vec![zero.clone(), zero.clone()],
            1,
            shape,
        ),
        bad(
            "another node's",
            placed("id", json!("did:key:z6MkOther")),
            2,
            shape,
        ),
        bad("all of another node", vec![foreign], 0, shape),
        bad(
            "the first by a root key that the id does not name",
            vec![usurped],
            0,
            "sig.invalid",
        ),
        bad(
            "a key that cannot be read",
            third(&unreadable, &[SECOND]),
            2,
            shape,
        ),
        bad("out of its place", placed("seq", json!(3)), 2, shape),
        bad(
            "after another document",
            placed("prev", json!(sha256("x"))),
            2,
            shape,
        ),
        bad(
            "without its predecessor",
            placed("prev", json!(null)),
            2,
            shape,
        ),
        bad(
            "the new root key has not signed",
            one_by(&[FIRST]),
            1,
            "sig.invalid",
        ),
        bad(
            "the old root key has not signed",
            one_by(&[SECOND]),
            1,
            "sig.invalid",
        ),
        bad("a stranger has signed", one_by(&[THIRD]), 1, "sig.invalid"),
        bad(
            "the rotated key signs on",
            third(&after, &[FIRST]),
            2,
            "sig.invalid",
        ),
        bad("a revoked key signs on", revoked_signs_on, 2, "sig.invalid"),
        bad(
            "changed after it was signed",
            chain(changed),
            2,
            "sig.invalid",
        ),
        bad("nobody has signed", chain(two.clone()), 2, "envelope.shape"),
        bad(
            "a key is forgotten",
            third(&after[..2], &[SECOND]),
            2,
            shape,
        ),
        bad("a role is changed", third(&role, &[SECOND]), 2, shape),
        bad(
            "a key stands twice",
            third(&[after.as_slice(), &[issuer(&[])]].concat(), &[SECOND]),
            2,
            shape,
        ),
        bad(
            "no root key is left",
            third(
                &[root(FIRST, ends), issuer(&[]), root(SECOND, ends)],
                &[SECOND],
            ),
            2,
            shape,
        ),
        bad("a revocation is taken back", longer(fourth), 3, shape),
        bad("a key is revoked a second time", longer(again), 3, shape),
    ]
}
