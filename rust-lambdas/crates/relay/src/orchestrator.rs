//! The orchestrator's end: one URL, one token, JSON bodies.

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use lambda_kit::{HttpsClient, Post, PostError};
use tokio::time::{Instant, sleep, timeout_at};

use crate::backoff;
use crate::invocation::Callback;
use crate::limits::LIMITS;
use crate::times::Times;

/// Room for white space before an answer.
const HEARTBEAT_BYTES_MAX: usize = 65_536;

/// Asks at one URL with one token. What goes wrong on the way is repeated here and nowhere else.
pub(crate) struct Orchestrator<'a> {
    pub client: &'a HttpsClient,
    pub callback: &'a Callback,
    pub times: &'a Times,
}

/// What a body came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    Taken(T),
    /// The run is not ours any more: its token is void, another worker has it, or it is over.
    Gone(u16),
    /// Asking again would be answered in the same way.
    Refused(u16),
    /// The answer is longer than a frame may be.
    TooLarge,
    /// Time was up before an answer came.
    Lost,
}

enum Attempt {
    Answered(Vec<u8>),
    Gone(u16),
    Refused(u16),
    TooLarge,
    /// Nobody knows whether it arrived, or it did not; worth repeating.
    Failed(String),
}

impl Orchestrator<'_> {
    /// Sends `body` until an answer comes that `read` can read, or until `until`.
    pub(crate) async fn deliver<T>(
        &self,
        body: String,
        until: Instant,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Answer<T> {
        let body = Bytes::from(body);
        for attempt in 0.. {
            let failure = match timeout_at(until, self.attempt(body.clone())).await {
                Err(_) => return Answer::Lost,
                Ok(Attempt::Answered(bytes)) => match read(bytes.trim_ascii()) {
                    Some(answer) => return Answer::Taken(answer),
                    // An answer that was begun with white space and then cut looks like this.
                    None => "an answer that cannot be read".into(),
                },
                Ok(Attempt::Gone(status)) => return Answer::Gone(status),
                Ok(Attempt::Refused(status)) => return Answer::Refused(status),
                Ok(Attempt::TooLarge) => return Answer::TooLarge,
                Ok(Attempt::Failed(failure)) => failure,
            };
            tracing::warn!(
                run_id = self.callback.run_id,
                attempt,
                failure,
                "the orchestrator is asked again"
            );
            if timeout_at(until, sleep(backoff::pause(attempt, self.times.retry)))
                .await
                .is_err()
            {
                return Answer::Lost;
            }
        }
        Answer::Lost
    }

    async fn attempt(&self, body: Bytes) -> Attempt {
        let post = Post {
            url: self.callback.url.clone(),
            headers: vec![
                (AUTHORIZATION, self.callback.authorization.clone()),
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            ],
            body,
            idle: self.times.quiet,
            answer_bytes_max: LIMITS.frame_bytes_max + HEARTBEAT_BYTES_MAX,
        };
        let answer = match self.client.post(post).await {
            Ok(answer) => answer,
            Err(PostError::TooLarge(_)) => return Attempt::TooLarge,
            Err(error) => return Attempt::Failed(with_causes(&error)),
        };
        match answer.status {
            200 | 204 => Attempt::Answered(answer.body),
            status @ (401 | 404 | 409 | 410) => Attempt::Gone(status),
            status @ (429 | 500..) => Attempt::Failed(format!("status {status}")),
            status => Attempt::Refused(status),
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
