use aws::AwsError;
use compute::FrameError;
use lambda_kit::{Failure, InvalidRequest};
use signing::Reject;

/// Why there is no reply. What a caller did not do wrong with a well-formed request is a value of the reply instead.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Not a request of this function.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),
    /// Not a frame of this operation.
    #[error("the frame cannot be read: {0}")]
    Frame(#[from] FrameError),
    /// The answer would not fit in a reply.
    #[error("expected items whose answers have at most {0} bytes together")]
    TooLarge(usize),
    /// KMS or DynamoDB gave no answer that can be used.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// KMS gave a signature that its own public key does not verify. It stays here.
    #[error("the signature that KMS gave is refused with `{}`", .0.code())]
    Signature(Reject),
}

impl Failure for SignError {
    fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Frame(_) | Self::TooLarge(_) => "InvalidRequest",
            Self::Aws(AwsError::Unavailable { .. }) => "KeyServiceUnavailable",
            Self::Aws(_) => "KeyServiceRefused",
            Self::Signature(_) => "SignatureRefused",
        }
    }
}
