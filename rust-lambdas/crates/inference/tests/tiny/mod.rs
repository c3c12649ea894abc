//! A BERT in miniature: 2 layers, hidden 32, 4 heads, FFN 64, vocabulary 512, 64 positions. Its weights are drawn from
//! a fixed seed, so every machine writes the same bytes; `twin` computes the same network without ONNX.
#![allow(dead_code, reason = "each test and the example use a part of it")]

pub mod graph;
pub mod protobuf;
pub mod random;
pub mod twin;
pub mod vocabulary;
pub mod weights;

use std::path::{Path, PathBuf};

pub const LAYERS: usize = 2;
pub const HIDDEN: usize = 32;
pub const HEADS: usize = 4;
pub const FEED_FORWARD: usize = 64;
pub const VOCABULARY: usize = 512;
pub const POSITIONS: usize = 64;

/// Writes `model.onnx` and `tokenizer.json` into `folder`. With `has_types` the graph declares `token_type_ids` too.
pub fn write(folder: &Path, has_types: bool) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(
        folder.join("model.onnx"),
        graph::onnx(&weights::Weights::draw(), has_types),
    )?;
    std::fs::write(folder.join("tokenizer.json"), vocabulary::tokenizer_json())
}

/// The shared library that these tests run: `SIGNET_ORT_LIB`, or the one of the npm package.
pub fn onnx_runtime() -> PathBuf {
    if let Some(path) = std::env::var_os("SIGNET_ORT_LIB") {
        return path.into();
    }
    let arch = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    let package = "../../../node_modules/onnxruntime-node/bin/napi-v6";
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(package)
            .join(if cfg!(target_os = "macos") {
                "darwin/arm64/libonnxruntime.1.dylib".to_owned()
            } else {
                format!("linux/{arch}/libonnxruntime.so.1")
            });
    assert!(
        path.exists(),
        "{} is missing: run npm ci --ignore-scripts",
        path.display()
    );
    path
}
