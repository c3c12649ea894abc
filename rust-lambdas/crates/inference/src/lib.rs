//! Text to vectors: tokenise, pack into batches, run the model in ONNX Runtime, pool, normalise.
//!
//! [`Engine`] is the whole of it. The parts are separate because each has a rule of its own: `runtime` loads the shared
//! library once and never panics about it, `tokenise` cuts long texts without losing special tokens, `pack` keeps
//! padding small, `pool` makes one row of many.

mod embedding_engine;
mod engine;
mod error;
mod pack;
mod pool;
mod runtime;
mod session;
mod tokenise;
mod turns;

pub use embedding_engine::{Embedding, EmbeddingEngine};
pub use engine::{Embedded, Engine, EngineOptions, InputType, Prefixes, Truncate};
pub use error::InferenceError;
pub use pool::Pooling;
pub use runtime::{RuntimeInfo, load_runtime};
