//! The engine against a twin that shares nothing with it: no ONNX, no batches, no padding, f64 throughout.

mod tiny;

use inference::{
    EmbeddingEngine, Engine, EngineOptions, InferenceError, InputType, Pooling, Prefixes, Truncate,
};
use model_shapes::{SplitMix64, TINY, TINY_SEED, Weights};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use tiny::{HIDDEN, POSITIONS, twin};

const QUERY_PREFIX: &str = "qu: ";
const POOLINGS: [&str; 4] = ["mean", "cls", "max", "last"];

#[test]
fn agrees_with_the_twin_in_every_pooling_type_and_batch() {
    let (weights, texts) = (Weights::draw(TINY, TINY_SEED), texts());
    for pooling in POOLINGS {
        let engine = open(pooling, false);
        for (input_type, prefix) in [(InputType::Query, QUERY_PREFIX), (InputType::Document, "")] {
            let prefixed = texts
                .iter()
                .map(|text| format!("{prefix}{text}"))
                .collect::<Vec<_>>();
            let ids = engine.token_ids(&prefixed, Truncate::End).expect("ids");
            let expected = ids
                .iter()
                .map(|ids| twin::pooled(pooling, &twin::forward(&weights, ids)));
            let expected = expected.collect::<Vec<_>>();
            for size in [1, 2, 7, 32] {
                for (chunk, expected) in texts.chunks(size).zip(expected.chunks(size)) {
                    let vectors = embed(&engine, chunk, input_type).vectors;
                    for (row, expected) in vectors.chunks_exact(HIDDEN).zip(expected) {
                        let far = distance(
                            row.iter().map(|value| f64::from(*value)),
                            expected.iter().copied(),
                        );
                        assert!(far <= 1e-4, "{pooling} {input_type:?} in {size}: {far}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_vector_does_not_depend_on_its_neighbours() {
    let (engine, texts) = (open("mean", false), texts());
    let alone = texts
        .iter()
        .flat_map(|text| embed(&engine, &[text], InputType::Document).vectors)
        .collect::<Vec<_>>();
    let together = embed(&engine, &texts, InputType::Document).vectors;
    let mut order = (0..texts.len()).collect::<Vec<_>>();
    let mut random = SplitMix64(7);
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at + 1));
    }
    let shuffled = order.iter().map(|index| &texts[*index]).collect::<Vec<_>>();
    let mixed = shuffled
        .chunks(23)
        .flat_map(|chunk| embed(&engine, chunk, InputType::Document).vectors);
    let mixed = mixed.collect::<Vec<_>>();
    let widen = |rows: &[f32]| {
        rows.iter()
            .map(|value| f64::from(*value))
            .collect::<Vec<_>>()
    };
    assert!(distance(widen(&alone), widen(&together)) <= 1e-5);
    for (place, index) in order.iter().enumerate() {
        let row = |rows: &[f32], at: usize| widen(&rows[at * HIDDEN..][..HIDDEN]);
        assert!(distance(row(&alone, *index), row(&mixed, place)) <= 1e-5);
    }
}

#[test]
fn rows_have_length_one_and_counts_without_padding() {
    let engine = open("mean", false);
    let embedded = embed(&engine, &["ab", "ab cd ef", "AB"], InputType::Document);
    assert_eq!(embedded.tokens, [3, 5, 3]);
    assert!(embedded.truncated.is_empty());
    for row in embedded.vectors.chunks_exact(HIDDEN) {
        let norm = row
            .iter()
            .map(|value| f64::from(*value).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!((norm - 1.0).abs() <= 1e-5);
    }
    assert_eq!(embedded.vectors[..HIDDEN], embedded.vectors[2 * HIDDEN..]);
}

#[test]
fn no_texts_are_no_vectors() {
    let embedded = embed(&open("mean", false), &[] as &[&str], InputType::Document);
    assert!(embedded.vectors.is_empty() && embedded.tokens.is_empty());
}

#[test]
fn only_declared_inputs_are_fed() {
    let texts = ["ab cd", "ef"];
    let typed = embed(&open("mean", true), &texts, InputType::Document);
    assert_eq!(
        typed.vectors,
        embed(&open("mean", false), &texts, InputType::Document).vectors
    );
}

#[test]
fn a_long_text_loses_its_end_but_neither_prefix_nor_special_tokens() {
    let engine = open("mean", false);
    let long = "ab ".repeat(100);
    let ids = &engine
        .token_ids(&[format!("{QUERY_PREFIX}{long}")], Truncate::End)
        .expect("ids")[0];
    let prefix = &engine
        .token_ids(&[QUERY_PREFIX], Truncate::End)
        .expect("ids")[0];
    assert_eq!(ids.len(), POSITIONS);
    assert_eq!(ids[..prefix.len() - 1], prefix[..prefix.len() - 1]);
    assert_eq!(
        (ids[0], ids[POSITIONS - 1]),
        (model_shapes::CLS, model_shapes::SEP)
    );
    let embedded = embed(&engine, &["ab", &long], InputType::Query);
    assert_eq!(
        (embedded.truncated, embedded.tokens[1] as usize),
        (vec![1], POSITIONS)
    );
}

#[test]
fn a_long_text_is_refused_by_place_and_count_where_cutting_is_not_wanted() {
    let long = "ab ".repeat(POSITIONS - 1);
    let (engine, go_on) = (open("mean", false), AtomicBool::new(false));
    let refused = engine.embed(&["ab", &long], InputType::Document, Truncate::Error, &go_on);
    let expected = (1, POSITIONS + 1, POSITIONS);
    assert!(
        matches!(refused, Err(InferenceError::InputTooLong { index, tokens, max }) if (index, tokens, max) == expected)
    );
    let fits = "ab ".repeat(POSITIONS - 2);
    assert!(
        engine
            .embed(&[fits], InputType::Document, Truncate::Error, &go_on)
            .is_ok()
    );
}

#[test]
fn blank_texts_are_refused_by_place() {
    let engine = open("mean", false);
    for blank in ["", " \n\t", "\u{200b}", "\u{7}"] {
        let refused = engine.embed(
            &["ab", blank],
            InputType::Document,
            Truncate::End,
            &AtomicBool::new(false),
        );
        assert!(
            matches!(refused, Err(InferenceError::EmptyText { index: 1 })),
            "{blank:?}: {refused:?}"
        );
    }
}

#[test]
fn a_cancelled_request_ends_without_vectors() {
    let engine = open("mean", false);
    let refused = engine.embed(
        &["ab"],
        InputType::Document,
        Truncate::End,
        &AtomicBool::new(true),
    );
    assert!(matches!(refused, Err(InferenceError::Cancelled)));
}

#[test]
fn threads_share_one_engine() {
    let (engine, texts) = (open("mean", false), texts());
    let expected = embed(&engine, &texts, InputType::Document);
    std::thread::scope(|scope| {
        let threads = (0..4).map(|_| scope.spawn(|| embed(&engine, &texts, InputType::Document)));
        for thread in threads.collect::<Vec<_>>() {
            assert_eq!(thread.join().expect("no panic"), expected);
        }
    });
}

#[test]
fn the_named_engine_says_what_it_embedded_and_adds_the_prefix_once() {
    let engine = EmbeddingEngine::open("tiny", options(&model(false), "mean")).expect("opens");
    engine.health_check().expect("healthy");
    let text = format!("{QUERY_PREFIX}ab");
    let embedding = engine.embed_query(&text).expect("embedded");
    assert_eq!(
        (embedding.text.as_str(), embedding.model.as_str()),
        (text.as_str(), "tiny")
    );
    let prefixed = engine
        .embed(&format!("{QUERY_PREFIX}{text}"))
        .expect("embedded");
    assert_eq!(embedding.embedding, prefixed.embedding);
    assert_eq!(embedding.token_count, prefixed.token_count);
    let long = "ab ".repeat(100);
    let both = engine.embed_batch(&["ab", &long]).expect("embedded");
    assert_eq!(
        both.iter().map(|one| one.truncated).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(
        (engine.dimension(), engine.max_tokens()),
        (HIDDEN, POSITIONS)
    );
    assert!(engine.embed(" ").is_err());
}

#[test]
fn what_is_no_model_is_refused_with_its_path() {
    let folder = model(false);
    let good = options(&folder, "mean");
    let opened = |change: &dyn Fn(&mut EngineOptions)| {
        let mut options = good.clone();
        change(&mut options);
        Engine::open(options).err().map(|error| error.code())
    };
    assert_eq!(opened(&|_| {}), None);
    assert_eq!(
        opened(&|options| options.model = "/nowhere.onnx".into()),
        Some("model_unreadable")
    );
    assert_eq!(
        opened(&|options| options.model = folder.join("tokenizer.json")),
        Some("model_unreadable")
    );
    assert_eq!(
        opened(&|options| options.tokenizer = folder.join("model.onnx")),
        Some("tokenizer_unreadable")
    );
    assert_eq!(
        opened(&|options| options.output = "logits".into()),
        Some("model_unreadable")
    );
    assert_eq!(
        opened(&|options| options.dimension = 33),
        Some("model_unreadable")
    );
    assert_eq!(
        opened(&|options| options.runtime_library = "/nowhere.so".into()),
        Some("runtime_unavailable")
    );
}

#[test]
fn the_tiny_model_is_the_same_on_every_machine() {
    let bytes = model_shapes::tiny_graph(&Weights::draw(TINY, TINY_SEED), false);
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(
        (bytes.len(), format!("{sum:016x}").as_str()),
        (148_491, "57107ee1856d519b")
    );
}

fn embed(engine: &Engine, texts: &[impl AsRef<str>], input_type: InputType) -> inference::Embedded {
    engine
        .embed(texts, input_type, Truncate::End, &AtomicBool::new(false))
        .expect("embedded")
}

fn open(pooling: &str, has_types: bool) -> Engine {
    Engine::open(options(&model(has_types), pooling)).expect("opens")
}

fn options(folder: &Path, pooling: &str) -> EngineOptions {
    EngineOptions {
        runtime_library: tiny::onnx_runtime(),
        model: folder.join("model.onnx"),
        tokenizer: folder.join("tokenizer.json"),
        dimension: HIDDEN,
        max_tokens: POSITIONS,
        pooling: pooling.parse::<Pooling>().expect("a pooling"),
        normalize: true,
        prefixes: Prefixes {
            query: QUERY_PREFIX.to_owned(),
            ..Prefixes::default()
        },
        output: "last_hidden_state".to_owned(),
        threads: std::num::NonZeroUsize::new(2).expect("not zero"),
    }
}

/// Written once a test run, below the target folder.
fn model(has_types: bool) -> PathBuf {
    static FOLDERS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let write = || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(if has_types {
            "tiny-types"
        } else {
            "tiny"
        });
        model_shapes::write_tiny(&folder, has_types).expect("writable");
        folder
    };
    FOLDERS[usize::from(has_types)].get_or_init(write).clone()
}

/// 200 texts of 1 to 70 words: some are cut, lengths repeat, some words are unknown.
fn texts() -> Vec<String> {
    let mut random = SplitMix64(2);
    let entries = model_shapes::entries(TINY.vocabulary);
    let word = |random: &mut SplitMix64| match random.below(20) {
        0 => "é!".to_owned(),
        _ => entries[5 + random.below(entries.len() - 5)]
            .trim_start_matches("##")
            .to_owned(),
    };
    let text = |random: &mut SplitMix64| {
        (0..1 + random.below(70))
            .map(|_| word(random))
            .collect::<Vec<_>>()
    };
    (0..200).map(|_| text(&mut random).join(" ")).collect()
}

fn distance(a: impl IntoIterator<Item = f64>, b: impl IntoIterator<Item = f64>) -> f64 {
    a.into_iter()
        .zip(b)
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f64::max)
}
