//! AWS KMS, as far as a signer needs it.
