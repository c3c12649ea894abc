//! Runs one script for the orchestrator that invoked it.

use std::process::ExitCode;

use run_script::{context::Context, handler};

// One thread does all: the sandbox is a process of its own and dies with the thread that started it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda_kit::run(Context::from_environment, handler::run_script).await
}
