//! What the relay is invoked with. No script and no input: those it fetches.

use hyper::Uri;
use hyper::header::HeaderValue;
use serde::Deserialize;

/// Longer than any URL of an API.
const URL_BYTES_MAX: usize = 2_048;
const NAME_BYTES_MAX: usize = 128;

/// The invocation as it arrives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    run_id: String,
    token: String,
    callback_url: String,
}

/// An invocation that was checked: where frames of this run go, and with which authority.
pub struct Callback {
    pub(crate) run_id: String,
    pub(crate) url: Uri,
    pub(crate) authorization: HeaderValue,
}

/// Why it is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// Empty, too long, or with characters that no id of ours has.
    #[error("expected `run_id` of 1 to {NAME_BYTES_MAX} letters, digits, `_` and `-`")]
    RunId,
    /// Not something that a header carries.
    #[error("expected `token` of 1 to {URL_BYTES_MAX} visible ASCII characters")]
    Token,
    /// Not a plain URL, or not encrypted on its way to another machine.
    #[error(
        "expected `callback_url` to be an https URL (http for this machine alone) without user, query and fragment"
    )]
    Url,
    /// The URL is another run's or another route's.
    #[error("expected `callback_url` to end with `/internal/runs/<run_id>/frames`")]
    OtherRun,
}

impl Invocation {
    /// Checks each field.
    pub fn checked(self) -> Result<Callback, InvocationError> {
        let Self {
            run_id,
            token,
            callback_url,
        } = self;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !(1..=NAME_BYTES_MAX).contains(&run_id.len()) || !run_id.bytes().all(is_name) {
            return Err(InvocationError::RunId);
        }
        let url = checked_url(&callback_url).ok_or(InvocationError::Url)?;
        if !url
            .path()
            .ends_with(&format!("/internal/runs/{run_id}/frames"))
        {
            return Err(InvocationError::OtherRun);
        }
        let authorization = authorization(&token).ok_or(InvocationError::Token)?;
        Ok(Callback {
            run_id,
            url,
            authorization,
        })
    }
}

fn checked_url(text: &str) -> Option<Uri> {
    let is_plain = text.len() <= URL_BYTES_MAX && !text.contains(['@', '?', '#']);
    let url: Uri = is_plain.then(|| text.parse().ok())??;
    let host = url.host()?;
    let is_allowed = match url.scheme_str()? {
        "https" => true,
        // An emulator on this machine has no certificate, and nobody listens in between.
        "http" => matches!(host, "127.0.0.1" | "[::1]" | "localhost"),
        _ => false,
    };
    is_allowed.then_some(url)
}

fn authorization(token: &str) -> Option<HeaderValue> {
    let is_sound = (1..=URL_BYTES_MAX).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    let mut value = is_sound.then(|| HeaderValue::try_from(format!("Bearer {token}")).ok())??;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(run_id: &str, token: &str, callback_url: &str) -> Result<Callback, InvocationError> {
        Invocation {
            run_id: run_id.into(),
            token: token.into(),
            callback_url: callback_url.into(),
        }
        .checked()
    }

    #[test]
    fn takes_an_encrypted_url_anywhere_and_a_plain_one_here() {
        for origin in [
            "https://abc.execute-api.eu-central-1.amazonaws.com/dev",
            "http://127.0.0.1:4566/_aws/execute-api/abc/dev",
            "http://localhost:1",
            "http://[::1]:80",
        ] {
            let callback = checked(
                "run_1",
                "t0k.en",
                &format!("{origin}/internal/runs/run_1/frames"),
            )
            .unwrap_or_else(|error| panic!("{origin}: {error}"));
            assert_eq!(callback.authorization.to_str().ok(), Some("Bearer t0k.en"));
            assert!(callback.authorization.is_sensitive());
        }
    }

    #[test]
    fn refuses_urls_that_lead_elsewhere() {
        for url in [
            "http://example.org/internal/runs/r/frames",
            "http://localhost.example.org/internal/runs/r/frames",
            "http://127.0.0.1@example.org/internal/runs/r/frames",
            "http://169.254.169.254/internal/runs/r/frames",
            "https://user@example.org/internal/runs/r/frames",
            "https://example.org/internal/runs/r/frames?x=/internal/runs/r/frames",
            "https://example.org/x#/internal/runs/r/frames",
            "ftp://example.org/internal/runs/r/frames",
            "/internal/runs/r/frames",
            "",
        ] {
            assert_eq!(
                checked("r", "t", url).err(),
                Some(InvocationError::Url),
                "{url}"
            );
        }
    }

    #[test]
    fn refuses_another_runs_url() {
        let url = "https://example.org/internal/runs/r2/frames";
        assert_eq!(
            checked("r", "t", url).err(),
            Some(InvocationError::OtherRun)
        );
    }

    #[test]
    fn refuses_ids_and_tokens_that_are_none() {
        let url = "https://example.org/internal/runs/r/frames";
        for run_id in ["", "../r", "r/frames", &"r".repeat(129)] {
            assert_eq!(
                checked(run_id, "t", url).err(),
                Some(InvocationError::RunId)
            );
        }
        for token in ["", "a b", "a\r\nhost: x", "é"] {
            assert_eq!(checked("r", token, url).err(), Some(InvocationError::Token));
        }
    }
}
