//! `embed-text`: text to vectors, with the model of a layer.

use std::process::ExitCode;

use embed_text::{Context, answer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda_kit::run(Context::from_environment, answer).await
}
