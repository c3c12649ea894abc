//! How an invocation fails. Nobody is told but the log and its alarm: the orchestrator takes a run of which it hears
//! nothing for lost.

use lambda_kit::{Failure, InvalidRequest};
use relay::invocation::InvocationError;
use relay::relay::RelayError;

/// A script that fails is none of these: that is a completion.
#[derive(Debug, thiserror::Error)]
pub enum RunScriptError {
    /// Not a request of this function.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// A request whose fields cannot be meant.
    #[error(transparent)]
    Unusable(#[from] InvocationError),
    /// The run was not carried through.
    #[error(transparent)]
    Relay(#[from] RelayError),
}

impl Failure for RunScriptError {
    fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Unusable(_) => "InvalidRequest",
            Self::Relay(RelayError::Sandbox(_) | RelayError::Random(_)) => "MachineError",
            Self::Relay(RelayError::Start | RelayError::Completion) => "OrchestratorUnreachable",
            Self::Relay(RelayError::StartRefused(_) | RelayError::CompletionRefused(_)) => {
                "OrchestratorRefused"
            }
        }
    }
}
