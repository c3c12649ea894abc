//! AWS KMS as far as a signer needs it: the public half of an Ed25519 key, and signatures by its private half.
//!
//! Two typed calls over `lambda-kit`'s HTTPS client, signed with Signature Version 4. Decision 0065 says why not the SDK.

mod credentials;
mod signature_v4;
mod time;
mod wire;

use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_kit::{Environment, HttpsClient, Post, PostError, StartError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use signing::PublicKey;

use credentials::Credentials;
use wire::Endpoint;

/// `Sign` takes at most this many raw bytes.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// One attempt; KMS answers in a few milliseconds.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Waits between attempts double from the first to the second and are drawn between half and all of it.
const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_millis(1000);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// KMS in one region.
#[derive(Debug)]
pub struct KeyService {
    https: HttpsClient,
    endpoint: Endpoint,
    credentials: Credentials,
}

/// Why KMS gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// Throttled, failing or unreachable until the deadline.
    #[error("KMS did not answer `{call}` in time, the last attempt ended with {reason}")]
    Unavailable {
        /// `Sign` or `GetPublicKey`.
        call: &'static str,
        /// KMS's name of the error, or what happened to the connection.
        reason: String,
    },
    /// KMS will say the same the next time.
    #[error("KMS refused `{call}` with `{reason}`")]
    Refused {
        /// `Sign` or `GetPublicKey`.
        call: &'static str,
        /// KMS's name of the error.
        reason: String,
    },
    /// The key is not an Ed25519 key for signatures, or an answer has another form than KMS documents.
    #[error("expected KMS to answer `{call}` with {expected}")]
    Unexpected {
        /// `Sign` or `GetPublicKey`.
        call: &'static str,
        /// What is documented.
        expected: &'static str,
    },
}

impl KeyService {
    /// Region and credentials as Lambda gives them; `AWS_ENDPOINT_URL_KMS` or `AWS_ENDPOINT_URL` where it is elsewhere.
    /// Opens no connection.
    pub fn from_environment(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self {
            credentials: Credentials::from_environment(environment)?,
            endpoint: Endpoint::from_environment(environment)?,
            https: HttpsClient::new(environment)?,
        })
    }

    /// The public half of the key with this id, ARN or alias, which must be an Ed25519 key for signatures.
    pub async fn public_key(&self, key: &str, deadline: Instant) -> Result<PublicKey, KmsError> {
        const CALL: &str = "GetPublicKey";
        let answer: GotPublicKey = self.call(CALL, &json!({ "KeyId": key }), deadline).await?;
        let unexpected = |expected| KmsError::Unexpected {
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
    ) -> Result<Vec<u8>, KmsError> {
        const CALL: &str = "Sign";
        let unexpected = |expected| KmsError::Unexpected {
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
        let answer: Signed = self.call(CALL, &request, deadline).await?;
        STANDARD
            .decode(answer.signature)
            .map_err(|_| unexpected("a signature in base64"))
    }

    /// Repeats what may pass, with growing waits, until there is no time for another attempt. Both calls change nothing,
    /// so an attempt whose answer was lost may be made again.
    async fn call<A: DeserializeOwned>(
        &self,
        call: &'static str,
        request: &Value,
        deadline: Instant,
    ) -> Result<A, KmsError> {
        let mut wait = WAIT_FIRST;
        loop {
            let reason = match self.attempt(call, request, deadline).await? {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Passing(reason) => reason,
            };
            let pause = drawn(wait);
            if Instant::now() + pause >= deadline {
                return Err(KmsError::Unavailable { call, reason });
            }
            tracing::warn!(call, reason, "KMS is asked again");
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    async fn attempt<A: DeserializeOwned>(
        &self,
        call: &'static str,
        request: &Value,
        deadline: Instant,
    ) -> Result<Attempt<A>, KmsError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let body = request.to_string().into_bytes();
        let headers = self
            .endpoint
            .headers(call, &body, &self.credentials, SystemTime::now());
        let post = Post {
            url: self.endpoint.url.clone(),
            headers,
            body: body.into(),
            idle: ATTEMPT.min(left),
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = match self.https.post(post).await {
            Ok(answer) => answer,
            Err(error @ (PostError::Insecure | PostError::TooLarge(_))) => {
                return Err(KmsError::Refused {
                    call,
                    reason: error.to_string(),
                });
            }
            Err(error) => return Ok(Attempt::Passing(error.to_string())),
        };
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map(Attempt::Answered)
                .map_err(|_| KmsError::Unexpected {
                    call,
                    expected: "the documented members",
                });
        }
        let reason = wire::error_name(&answer);
        if wire::passes(answer.status, &reason) {
            Ok(Attempt::Passing(reason))
        } else {
            Err(KmsError::Refused { call, reason })
        }
    }
}

enum Attempt<A> {
    Answered(A),
    Passing(String),
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

/// Between half and all of `wait`: callers that were throttled together do not come back together.
fn drawn(wait: Duration) -> Duration {
    let mut byte = [0; 1];
    // Without randomness the wait is the shortest, which is still a wait.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut byte);
    wait / 2 + wait / 2 * u32::from(byte[0]) / 256
}

#[cfg(test)]
mod tests;
