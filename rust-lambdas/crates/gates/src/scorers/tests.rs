use super::*;
use crate::snr;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn parameters(id: &str) -> Value {
    let scorer = scorers()
        .into_iter()
        .find(|scorer| scorer.id == id)
        .unwrap();
    serde_json::from_str(scorer.parameters).unwrap()
}

#[test]
fn parameters_are_canonical_and_name_their_scorer() {
    for scorer in scorers() {
        let value: Value = serde_json::from_str(scorer.parameters).unwrap();
        assert_eq!(
            serde_json::to_string(&value).unwrap() + "\n",
            scorer.parameters
        );
        assert_eq!(value["id"], scorer.id);
    }
}

#[test]
fn parameters_name_the_digests_of_every_list() {
    let named: String = scorers().map(|scorer| scorer.parameters).concat();
    for list in lists() {
        assert!(
            named.contains(&sha256(list.text)),
            "{}: {}",
            list.id,
            sha256(list.text)
        );
    }
    let languages = parameters("snr/1")["lists"].as_array().unwrap().clone();
    let order = crate::function_words::LANGUAGES
        .map(|(language, text)| json!({"language": language, "sha256": sha256(text)}));
    assert_eq!(languages, order);
}

#[test]
fn parameters_are_what_the_code_does() {
    let snr = parameters("snr/1");
    assert_eq!(snr["words_min"], snr::WORDS_MIN);
    assert_eq!(snr["above_lowest_max"], snr::ABOVE_LOWEST_MAX);
    let weights = ["repeat", "copies", "density", "form", "function", "clean"]
        .map(|name| snr["weights"][name].clone());
    assert_eq!(json!(weights), json!(snr::WEIGHTS));
    assert_eq!(snr["window"], crate::lz78::WINDOW);
    assert_eq!(snr["log2_fraction_bits"], crate::log2::FRACTION);
    assert_eq!(
        parameters("ground/1")["citations_max"],
        crate::ground::CITATIONS_MAX
    );
    assert_eq!(parameters("excellence/1")["full"], crate::FULL);
}
