use super::*;
use std::time::Instant;

use lambda_kit::{Environment, Failure};
use serde_json::{Value, json};

fn request() -> Value {
    json!({
        "metric": "dot_product", "dimension": 2, "k": 2,
        "query": floats(&[1.0, 2.0]), "rows": floats(&[1.0, 0.0, 0.0, 1.0, 0.0, 1.0]),
    })
}

fn floats(numbers: &[f32]) -> Value {
    serde_json::to_value(Floats(numbers.to_vec())).unwrap()
}

fn with(name: &str, value: Value) -> Value {
    let mut request = request();
    request[name] = value;
    request
}

async fn reply_to(request: Value) -> Result<Reply, ScoreError> {
    let context = Context::from_environment(&Environment::default()).unwrap();
    let call = Call {
        request_id: String::new(),
        deadline: Instant::now(),
        alias: None,
    };
    score(&context, serde_json::from_value(request).unwrap(), &call).await
}

#[tokio::test]
async fn gives_the_best_rows_and_ties_to_the_lower() {
    let reply = reply_to(request()).await.unwrap();
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({ "ok": true, "rows": [1, 2], "scores": floats(&[2.0, 2.0]) })
    );
    let reply = reply_to(with("rows", floats(&[]))).await.unwrap();
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({ "ok": true, "rows": [], "scores": "" })
    );
}

#[tokio::test]
async fn answers_the_shared_cases_of_scoring() {
    let cases: Value = serde_json::from_str(include_str!(
        "../../../../../shared/vectors/score/cases.json"
    ))
    .unwrap();
    let cases = cases["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let numbers = |value: &Value| -> Vec<f32> {
            let list = value.as_array().unwrap();
            list.iter()
                .map(|one| one.as_f64().unwrap() as f32)
                .collect()
        };
        let query = numbers(&case["query"]);
        let rows: Vec<f32> = case["rows"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(numbers)
            .collect();
        let request = json!({
            "metric": case["metric"], "dimension": query.len(), "k": case["k"],
            "query": floats(&query), "rows": floats(&rows),
        });
        let Reply::Scored { rows, .. } = reply_to(request).await.unwrap() else {
            panic!("refused {case}")
        };
        assert_eq!(json!(rows), case["ok"]["rows"], "{case}");
    }
}

#[tokio::test]
async fn says_where_a_number_is_not_finite() {
    for (name, numbers, place, index) in [
        ("query", vec![1.0, f32::NAN], "query", 1),
        ("rows", vec![1.0, 0.0, f32::INFINITY, 0.0], "rows", 1),
    ] {
        let reply = reply_to(with(name, floats(&numbers))).await.unwrap();
        let reply = serde_json::to_value(reply).unwrap();
        assert_eq!(reply["code"], "non_finite");
        assert_eq!(
            (&reply["index"], &reply["facts"]),
            (&json!(index), &json!({ "in": place }))
        );
    }
}

#[tokio::test]
async fn refuses_what_does_not_fit_or_is_over_a_bound() {
    for (name, value, part) in [
        ("dimension", json!(0), "`dimension` from 1 to 4096, got 0"),
        ("dimension", json!(4097), "`dimension` from 1 to 4096"),
        ("k", json!(0), "`k` from 1 to 10000"),
        ("k", json!(10_001), "`k` from 1 to 10000"),
        ("query", floats(&[1.0]), "`query` to have 2 numbers, got 1"),
        ("rows", floats(&[1.0; 3]), "a multiple of 2 numbers, got 3"),
    ] {
        let error = reply_to(with(name, value)).await.unwrap_err();
        assert_eq!(error.name(), "InvalidRequest");
        assert!(error.to_string().contains(part), "{error}");
    }
    let many = json!({
        "metric": "cosine", "dimension": 1, "k": 1, "query": floats(&[1.0]), "rows": floats(&vec![1.0; 1_000_001]),
    });
    assert!(
        reply_to(many)
            .await
            .unwrap_err()
            .to_string()
            .contains("at most 1000000 rows")
    );
}

#[test]
fn reads_requests_of_the_schema_and_no_others() {
    for (name, value) in [
        ("metric", json!("manhattan")),
        ("dimension", json!(-1)),
        ("dimension", json!(1.5)),
        ("query", json!([1.0])),
        ("rows", json!("AAAA")),
        ("more", json!(1)),
    ] {
        let bad = with(name, value);
        assert!(
            serde_json::from_value::<Request>(bad.clone()).is_err(),
            "{bad}"
        );
    }
}
