//! `score-vectors`: exact top-k of rows that come along.

use std::process::ExitCode;

use score_vectors::{Context, score};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda_kit::run(Context::from_environment, score).await
}
