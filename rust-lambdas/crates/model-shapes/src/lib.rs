//! Models whose weights are drawn from a seed, for tests and benchmarks: the same bytes on every machine.
//!
//! [`TINY`] is written as a graph and computed again by a plain twin in the tests of `inference`. [`MINILM`] has the exact
//! shape of the default model: what it takes is real, what it answers is not. It is written as weights, so that the very
//! recipe of the default model makes its graphs.

mod graph;
mod protobuf;
mod random;
mod safetensors;
mod vocabulary;
mod weights;

pub use random::SplitMix64;
pub use vocabulary::{CLS, SEP, entries, tokenizer_json};
pub use weights::{Layer, Linear, Matrix, Norm, Weights};

use std::io;
use std::path::Path;

/// Sizes of a BERT encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the architecture")]
pub struct Shape {
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub feed_forward: usize,
    pub vocabulary: usize,
    pub positions: usize,
}

/// A BERT in miniature.
pub const TINY: Shape = Shape {
    layers: 2,
    hidden: 32,
    heads: 4,
    feed_forward: 64,
    vocabulary: 512,
    positions: 64,
};

/// The shape of `all-MiniLM-L6-v2`.
pub const MINILM: Shape = Shape {
    layers: 6,
    hidden: 384,
    heads: 12,
    feed_forward: 1536,
    vocabulary: 30_522,
    positions: 512,
};

/// The seed of [`TINY`], which the tests' twin draws from too.
pub const TINY_SEED: u64 = 1;

/// Writes `model.onnx` and `tokenizer.json` of [`TINY`]. With `has_types` the graph declares `token_type_ids` too.
pub fn write_tiny(folder: &Path, has_types: bool) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let weights = Weights::draw(TINY, TINY_SEED);
    std::fs::write(folder.join("model.onnx"), tiny_graph(&weights, has_types))?;
    std::fs::write(
        folder.join("tokenizer.json"),
        tokenizer_json(TINY.vocabulary),
    )
}

/// The graph of `weights` as an ONNX file.
pub fn tiny_graph(weights: &Weights, has_types: bool) -> Vec<u8> {
    graph::onnx(weights, has_types)
}

/// Writes `model.safetensors`, with the tensor names of the default model, and `tokenizer.json` of [`MINILM`].
pub fn write_minilm(folder: &Path, seed: u64) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let weights = Weights::draw(MINILM, seed);
    std::fs::write(
        folder.join("model.safetensors"),
        safetensors::bytes(&weights),
    )?;
    std::fs::write(
        folder.join("tokenizer.json"),
        tokenizer_json(MINILM.vocabulary),
    )
}
