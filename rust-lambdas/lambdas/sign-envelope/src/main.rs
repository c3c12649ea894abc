//! `sign-envelope`: proofs as a function, and the only holder of `kms:Sign`.

use std::process::ExitCode;

use sign_envelope::{Context, answer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda_kit::run(Context::from_environment, answer).await
}
