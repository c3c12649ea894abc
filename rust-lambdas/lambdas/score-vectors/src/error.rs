use lambda_kit::{Failure, InvalidRequest};

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// Not a request of this function.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// A number is over its bound, or does not fit the others.
    #[error("expected {expected}, got {got}")]
    Unfit {
        /// In words.
        expected: String,
        /// Its value.
        got: usize,
    },
}

impl Failure for ScoreError {
    fn name(&self) -> &'static str {
        "InvalidRequest"
    }
}
