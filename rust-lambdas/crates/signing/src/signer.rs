//! The private half of Ed25519, from whichever implementation the build has: AWS-LC where the `aws-lc` feature is on (the
//! Node addon), else `ed25519-dalek` (WebAssembly, the Lambdas). Both sign deterministically (RFC 8032), so nobody can
//! tell from a signature which it was. Verification has one implementation in every build: `crate::ed25519`.

#[cfg(any(test, feature = "aws-lc"))]
mod aws_lc;
#[cfg(any(test, not(feature = "aws-lc")))]
mod dalek;

#[cfg(feature = "aws-lc")]
pub(crate) use aws_lc::Signer;
#[cfg(not(feature = "aws-lc"))]
pub(crate) use dalek::Signer;

#[cfg(test)]
mod tests;
