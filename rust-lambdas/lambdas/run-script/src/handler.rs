//! One invocation: one run.

use lambda_kit::Call;
use relay::invocation::Invocation;
use relay::relay::{Outcome, relay};
use serde::Serialize;

use crate::context::Context;
use crate::error::RunScriptError;

/// For whoever reads the log of an invocation; nobody waits for it.
#[derive(Debug, Serialize)]
pub struct Reply {
    outcome: &'static str,
}

/// Runs the script to its end and sees to it that the orchestrator knows of it.
pub async fn run_script(
    context: &Context,
    invocation: Invocation,
    call: &Call,
) -> Result<Reply, RunScriptError> {
    let callback = invocation.checked()?;
    let mut keeper = context.keeper.lock().await;
    let outcome = relay(
        &mut keeper,
        &context.client,
        &callback,
        &context.times,
        call.deadline.into(),
    )
    .await?;
    let outcome = match outcome {
        Outcome::Delivered => "delivered",
        Outcome::NotOurs => "not_ours",
    };
    Ok(Reply { outcome })
}
