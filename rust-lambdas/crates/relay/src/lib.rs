//! Runs one script on a machine that has no way to the orchestrator but HTTPS.
//!
//! The relay stands between two parties. The sandbox (`sandbox`, `frames`) is its child process and runs what nobody
//! trusts; the orchestrator (`orchestrator`) is reached at one URL with the run's token and decides everything. The relay
//! owns URL, headers and token: the sandbox never sees them, and what it writes reaches the orchestrator only as values
//! inside a body that the relay wrote (`json`). `relay` is the loop; `keeper` holds a process ready between runs.

pub mod invocation;
pub mod keeper;
pub mod orchestrator;
pub mod relay;
pub mod times;

mod backoff;
mod completion;
mod conversation;
mod frames;
mod json;
mod limits;
mod output;
mod question;
mod sandbox;
mod start;
