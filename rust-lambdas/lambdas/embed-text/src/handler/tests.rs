use super::*;
use lambda_kit::Failure;
use serde_json::json;

fn model() -> ModelFacts {
    serde_json::from_value(json!({
        "id": "m", "weights_sha256": "00", "dimension": 4096, "max_tokens": 8, "pooling": "mean", "normalize": true,
        "prefixes": {}, "output": "o", "precisions": [{ "name": "fp32", "file": "m.onnx" }],
        "default_precision": "fp32",
    }))
    .unwrap()
}

fn texts(count: usize, length: usize) -> Vec<String> {
    vec!["x".repeat(length); count]
}

#[test]
fn refuses_another_model_and_what_is_over_a_bound() {
    let refusal = |asked, texts: Vec<String>| check(&model(), asked, &texts).unwrap_err();
    assert!(check(&model(), "m", &texts(256, 8)).is_ok());
    for (error, part) in [
        (refusal("other", texts(1, 1)), "`model` to be `m`"),
        // 16 KiB a vector: the reply's bound comes before that of texts.
        (refusal("m", texts(257, 1)), "at most 256 texts, got 257"),
        (
            refusal("m", texts(1, LIMITS.text_bytes_max + 1)),
            "at most 2097152 bytes together",
        ),
    ] {
        assert_eq!(error.name(), "InvalidRequest");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_text_at_fault_is_a_value_with_its_facts() {
    let too_long = refusal(InferenceError::InputTooLong {
        index: 3,
        tokens: 300,
        max: 256,
    })
    .unwrap();
    assert_eq!(
        serde_json::to_value(too_long).unwrap(),
        json!({
            "ok": false, "code": "input_too_long", "index": 3,
            "message": "text 3 has 300 tokens, the model reads at most 256",
            "facts": { "tokens": 300, "max": 256 },
        })
    );
    let empty = refusal(InferenceError::EmptyText { index: 0 }).unwrap();
    assert_eq!(serde_json::to_value(empty).unwrap()["facts"], json!({}));
}

#[test]
fn a_fault_of_ours_is_an_error() {
    let name = |error| refusal(error).unwrap_err().name();
    assert_eq!(name(InferenceError::Cancelled), "OutOfTime");
    assert_eq!(
        name(InferenceError::Run { reason: "x".into() }),
        "EmbeddingFailed"
    );
    assert_eq!(
        name(InferenceError::Panic { reason: "x".into() }),
        "EmbeddingFailed"
    );
}

#[test]
fn reads_requests_of_the_schema_and_no_others() {
    let good = json!({
        "operation": "embed", "model": "m", "texts": ["a"], "input_type": "query", "truncate": "end",
    });
    assert!(serde_json::from_value::<Request>(good.clone()).is_ok());
    assert!(serde_json::from_value::<Request>(json!({ "operation": "describe" })).is_ok());
    let mut precise = good.clone();
    precise["precision"] = json!("int8");
    assert!(serde_json::from_value::<Request>(precise).is_ok());
    for (name, value) in [
        ("operation", json!("embed_all")),
        ("texts", json!("a")),
        ("texts", json!([1])),
        ("input_type", json!("search_query")),
        ("truncate", json!("start")),
        ("precision", json!("int4")),
        ("more", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(
            serde_json::from_value::<Request>(bad.clone()).is_err(),
            "{bad}"
        );
    }
    assert!(
        serde_json::from_value::<Request>(json!({ "operation": "describe", "more": 1 })).is_err()
    );
}
