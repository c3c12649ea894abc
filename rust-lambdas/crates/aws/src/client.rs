//! One way to call a service of AWS that speaks its JSON protocol: signed, repeated, and given up in time.

use std::time::{Duration, Instant, SystemTime};

use lambda_kit::{Environment, HttpsClient, Post, PostError, StartError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::credentials::Credentials;
use crate::wire::{self, Endpoint, Service};

/// One attempt; the services answer in a few milliseconds.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Waits between attempts double from the first to the second and are drawn between half and all of it.
const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_millis(1000);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A service in one region.
#[derive(Debug)]
pub(crate) struct Client {
    service: &'static Service,
    https: HttpsClient,
    pub(crate) endpoint: Endpoint,
    credentials: Credentials,
}

/// Why a service gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// Throttled, failing or unreachable until the deadline.
    #[error("AWS did not answer `{call}` in time, the last attempt ended with {reason}")]
    Unavailable {
        /// Such as `Sign`.
        call: &'static str,
        /// AWS's name of the error, or what happened to the connection.
        reason: String,
    },
    /// The service will say the same the next time.
    #[error("AWS refused `{call}` with `{reason}`")]
    Refused {
        /// Such as `Sign`.
        call: &'static str,
        /// AWS's name of the error.
        reason: String,
    },
    /// What is there is of another kind, or an answer has another form than AWS documents.
    #[error("expected AWS to answer `{call}` with {expected}")]
    Unexpected {
        /// Such as `Sign`.
        call: &'static str,
        /// What is documented.
        expected: &'static str,
    },
}

impl Client {
    /// Region and credentials as Lambda gives them. Opens no connection.
    pub(crate) fn from_environment(
        environment: &Environment,
        service: &'static Service,
    ) -> Result<Self, StartError> {
        Ok(Self {
            credentials: Credentials::from_environment(environment)?,
            endpoint: Endpoint::from_environment(environment, service)?,
            https: HttpsClient::new(environment)?,
            service,
        })
    }

    /// Repeats what may pass, with growing waits, until there is no time for another attempt. Our calls change nothing,
    /// so an attempt whose answer was lost may be made again.
    pub(crate) async fn call<A: DeserializeOwned>(
        &self,
        call: &'static str,
        request: &Value,
        deadline: Instant,
    ) -> Result<A, AwsError> {
        let mut wait = WAIT_FIRST;
        loop {
            let reason = match self.attempt(call, request, deadline).await? {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Passing(reason) => reason,
            };
            let pause = drawn(wait);
            if Instant::now() + pause >= deadline {
                return Err(AwsError::Unavailable { call, reason });
            }
            tracing::warn!(call, reason, "AWS is asked again");
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    async fn attempt<A: DeserializeOwned>(
        &self,
        call: &'static str,
        request: &Value,
        deadline: Instant,
    ) -> Result<Attempt<A>, AwsError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let body = request.to_string().into_bytes();
        let headers = self.endpoint.headers(
            self.service,
            call,
            &body,
            &self.credentials,
            SystemTime::now(),
        );
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
                return Err(AwsError::Refused {
                    call,
                    reason: error.to_string(),
                });
            }
            Err(error) => return Ok(Attempt::Passing(error.to_string())),
        };
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map(Attempt::Answered)
                .map_err(|_| AwsError::Unexpected {
                    call,
                    expected: "the documented members",
                });
        }
        let reason = wire::error_name(&answer);
        if wire::passes(answer.status, &reason) {
            Ok(Attempt::Passing(reason))
        } else {
            Err(AwsError::Refused { call, reason })
        }
    }
}

enum Attempt<A> {
    Answered(A),
    Passing(String),
}

/// Between half and all of `wait`: callers that were throttled together do not come back together.
fn drawn(wait: Duration) -> Duration {
    let mut byte = [0; 1];
    // Without randomness the wait is the shortest, which is still a wait.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut byte);
    wait / 2 + wait / 2 * u32::from(byte[0]) / 256
}
