//! The few calls of AWS that a signer needs: KMS's public keys and signatures, and one row of DynamoDB.
//!
//! Typed calls over `lambda-kit`'s HTTPS client, signed with Signature Version 4. Decisions 0065 and 0118 say why not the
//! SDK.

mod client;
mod credentials;
mod dynamodb;
#[cfg(test)]
mod fake_service;
mod kms;
mod signature_v4;
mod time;
mod wire;

pub use client::AwsError;
pub use dynamodb::Rows;
pub use kms::{KeyService, MESSAGE_BYTES_MAX};
