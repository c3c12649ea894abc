//! Payloads: `shared/schemas/sign-envelope.json`.

mod checkpoint;
mod context;
mod error;
mod handler;

pub use context::Context;
pub use error::SignError;
pub use handler::{Reply, Request, answer};
