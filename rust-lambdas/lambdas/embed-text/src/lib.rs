//! Payloads: `shared/schemas/embed-text.json`.

mod context;
mod error;
mod handler;

pub use context::Context;
pub use error::EmbedError;
pub use handler::{Reply, Request, answer};
