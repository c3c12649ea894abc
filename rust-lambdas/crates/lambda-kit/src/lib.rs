//! What the Rust Lambdas share.
