//! Payloads: `shared/schemas/score-vectors.json`.

mod context;
mod error;
mod handler;

pub use context::Context;
pub use error::ScoreError;
pub use handler::{Reply, Request, score};
