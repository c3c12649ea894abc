//! The default model against `layers/models/reference.json`: ids by the Python package `tokenizers`, vectors by NumPy.
//! Needs the built model; `npm test` builds it first.

use inference::{Engine, EngineOptions, InputType, Pooling, Prefixes, Truncate};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

mod tiny;

#[test]
fn ids_and_vectors_are_those_of_other_software() {
    let folder =
        built_model().expect("the model is not built: run node scripts/build-artefacts.mjs models");
    let engine = Engine::open(EngineOptions {
        runtime_library: tiny::onnx_runtime(),
        model: folder.join("model.fp32.onnx"),
        tokenizer: folder.join("tokenizer.json"),
        dimension: 384,
        max_tokens: 256,
        pooling: Pooling::Mean,
        normalize: true,
        prefixes: Prefixes::default(),
        output: "last_hidden_state".to_owned(),
        threads: std::num::NonZeroUsize::new(2).expect("not zero"),
    });
    let engine = engine.expect("opens");
    let reference = read(&repository().join("layers/models/reference.json"));
    for case in cases(&reference, "ids")
        .iter()
        .chain(cases(&reference, "vectors"))
    {
        let text = case["text"].as_str().expect("a text");
        let ids = &engine.token_ids(&[text], Truncate::End).expect("ids")[0];
        let expected = case["ids"]
            .as_array()
            .expect("ids")
            .iter()
            .map(|id| id.as_u64().expect("an id") as u32);
        assert_eq!(*ids, expected.collect::<Vec<_>>(), "{text:?}");
    }
    let texts = cases(&reference, "vectors")
        .iter()
        .map(|case| case["text"].as_str().expect("a text"));
    let texts = texts.collect::<Vec<_>>();
    let embedded = engine
        .embed(
            &texts,
            InputType::Document,
            Truncate::End,
            &AtomicBool::new(false),
        )
        .expect("embedded");
    for (row, case) in embedded
        .vectors
        .chunks_exact(384)
        .zip(cases(&reference, "vectors"))
    {
        let expected = floats(case["vector_base64"].as_str().expect("base64"));
        let far = row
            .iter()
            .zip(&expected)
            .map(|(x, y)| (x - y).abs())
            .fold(0.0, f32::max);
        assert!(far <= 1e-5, "{far} for {}", case["text"]);
    }
}

fn built_model() -> Option<PathBuf> {
    let home = repository().join(".signet-build/models");
    let manifest = home.join("manifest.json");
    let folder = manifest
        .exists()
        .then(|| read(&manifest)["folder"].as_str().map(str::to_owned))
        .flatten()?;
    Some(home.join(folder))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON")
}

fn cases<'a>(reference: &'a Value, name: &str) -> &'a Vec<Value> {
    reference[name].as_array().expect("cases")
}

/// Little-endian f32 out of base64.
fn floats(text: &str) -> Vec<f32> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6
            | ALPHABET
                .iter()
                .position(|letter| *letter == byte)
                .expect("base64") as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect()
}
