use inference::InferenceError;
use lambda_kit::{Failure, InvalidRequest};

/// Why there is no reply. A text that cannot be embedded is a value of the reply instead.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Not a request of this function.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// A number is over its bound.
    #[error("expected {expected}, got {got}")]
    TooMuch {
        /// In words.
        expected: String,
        /// Its value.
        got: usize,
    },
    /// Another model than the one in the layer.
    #[error("expected `model` to be `{0}`")]
    OtherModel(String),
    /// A precision that the layer's model does not have.
    #[error("expected `precision` to be one of {0}")]
    OtherPrecision(String),
    /// The layer's model says something of itself that no engine can do.
    #[error("{0}")]
    Unusable(String),
    /// The invocation was about to end.
    #[error("the texts took longer than the invocation may")]
    OutOfTime,
    /// The model failed on texts that it should take.
    #[error(transparent)]
    Failed(InferenceError),
}

impl Failure for EmbedError {
    fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_)
            | Self::TooMuch { .. }
            | Self::OtherModel(_)
            | Self::OtherPrecision(_) => "InvalidRequest",
            Self::OutOfTime => "OutOfTime",
            Self::Failed(_) | Self::Unusable(_) => "EmbeddingFailed",
        }
    }
}
