//! KMS as far as a signer needs it: the public half of an Ed25519 key, and signatures by its private half.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_kit::{Environment, StartError};
use serde::Deserialize;
use serde_json::json;
use signing::PublicKey;

use crate::AwsError;
use crate::client::Client;
use crate::wire::Service;

/// `Sign` takes at most this many raw bytes.
pub const MESSAGE_BYTES_MAX: usize = 4096;

static SERVICE: Service = Service {
    name: "kms",
    endpoint_variable: "AWS_ENDPOINT_URL_KMS",
    target: "TrentService",
    content_type: "application/x-amz-json-1.1",
};

/// KMS in one region.
#[derive(Debug)]
pub struct KeyService(pub(crate) Client);

impl KeyService {
    /// `AWS_ENDPOINT_URL_KMS` or `AWS_ENDPOINT_URL` where it is elsewhere than in the region. Opens no connection.
    pub fn from_environment(environment: &Environment) -> Result<Self, StartError> {
        Client::from_environment(environment, &SERVICE).map(Self)
    }

    /// The public half of the key with this id, ARN or alias, which must be an Ed25519 key for signatures.
    pub async fn public_key(&self, key: &str, deadline: Instant) -> Result<PublicKey, AwsError> {
        const CALL: &str = "GetPublicKey";
        let answer: GotPublicKey = self
            .0
            .call(CALL, &json!({ "KeyId": key }), deadline)
            .await?;
        let unexpected = |expected| AwsError::Unexpected {
            call: CALL,
            expected,
        };
        if answer.key_spec != "ECC_NIST_EDWARDS25519" || answer.key_usage != "SIGN_VERIFY" {
            return Err(unexpected("a key of ECC_NIST_EDWARDS25519 and SIGN_VERIFY"));
        }
        STANDARD
            .decode(answer.public_key)
            .ok()
            .and_then(|der| PublicKey::from_bytes(der.strip_prefix(&SPKI)?.try_into().ok()?).ok())
            .ok_or_else(|| unexpected("an Ed25519 key in 44 bytes of DER"))
    }

    /// The key's signature over the raw message, 64 bytes. Not verified here: the caller knows the public half.
    pub async fn sign(
        &self,
        key: &str,
        message: &[u8],
        deadline: Instant,
    ) -> Result<Vec<u8>, AwsError> {
        const CALL: &str = "Sign";
        let unexpected = |expected| AwsError::Unexpected {
            call: CALL,
            expected,
        };
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(unexpected("at most 4,096 bytes to sign"));
        }
        let request = json!({
            "KeyId": key,
            "Message": STANDARD.encode(message),
            "MessageType": "RAW",
            "SigningAlgorithm": "ED25519_SHA_512",
        });
        let answer: Signed = self.0.call(CALL, &request, deadline).await?;
        STANDARD
            .decode(answer.signature)
            .map_err(|_| unexpected("a signature in base64"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GotPublicKey {
    key_spec: String,
    key_usage: String,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Signed {
    signature: String,
}

/// RFC 8410: SEQUENCE { SEQUENCE { 1.3.101.112 }, BIT STRING of 32 bytes }.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

#[cfg(test)]
mod tests;
