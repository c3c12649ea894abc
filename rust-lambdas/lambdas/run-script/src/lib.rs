//! The Lambda `run-script`: `context` is what it starts with, `handler` one invocation, `error` its failures. What goes on
//! between the script and the orchestrator is in `crates/relay`.

pub mod context;
pub mod error;
pub mod handler;
