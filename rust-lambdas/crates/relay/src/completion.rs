//! The end of a run: as a sandbox says it, and as the relay says it when no sandbox did.

use serde::{Deserialize, Serialize};

use crate::json::{self, Object};

/// A `completion` frame's header.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    #[serde(skip_serializing)]
    pub run_id: String,
    state: State,
    exit_code: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ScriptError>,
    result_type: String,
    stdout_truncated: bool,
    stderr_truncated: bool,
    usage: Usage,
    timings: Timings,
    image: String,
    #[serde(skip_serializing)]
    parts: [usize; 3],
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ScriptError {
    #[serde(rename = "type")]
    kind: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Usage {
    wall_ms: f64,
    cpu_ms: f64,
    memory_bytes: u64,
    host_calls: u64,
    stdout_bytes: u64,
    stderr_bytes: u64,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Timings {
    instantiate_ms: f64,
    run_ms: f64,
}

/// Each end that is not the sandbox's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The process was silent past the run's wall limit, in milliseconds.
    Overdue(u64),
    /// The invocation's own time is used up.
    OutOfTime,
    /// Asked to stop, and it did not say that it had.
    Cancelled,
    /// The process is gone.
    Lost(String),
    /// It sent what none of ours sends.
    Violation(String),
    /// The orchestrator does not take its completion: it is too large, or not one.
    Refused(u16),
}

/// What the relay itself knows of a run.
pub(crate) struct Measured {
    pub wall_ms: f64,
    pub host_calls: u64,
    pub image: String,
}

/// `ScriptCompletion` as JSON, from a frame's two parts; `None` if they do not fit each other.
pub(crate) fn from_frame(header: &Header, binary: &[u8]) -> Option<String> {
    let [result, stdout, stderr] = header.parts;
    if result.checked_add(stdout)?.checked_add(stderr)? != binary.len() {
        return None;
    }
    let (result, rest) = binary.split_at_checked(result)?;
    let (stdout, stderr) = rest.split_at_checked(stdout)?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let amounts = [
        header.usage.wall_ms,
        header.usage.cpu_ms,
        header.timings.instantiate_ms,
        header.timings.run_ms,
    ];
    if amounts.iter().any(|amount| *amount < 0.0) {
        return None;
    }
    Some(written(
        header,
        json::value(result)?,
        text(stdout)?,
        text(stderr)?,
    ))
}

/// `ScriptCompletion` as JSON, of a run that no sandbox ended.
pub(crate) fn without_sandbox(end: &End, measured: &Measured) -> String {
    let (state, exit_code, kind, code, message) = match end {
        End::Overdue(wall_ms) => {
            let message = format!("wall time of {wall_ms} ms is used up");
            (State::TimedOut, 3, "TimeLimit", None, message)
        }
        End::OutOfTime => {
            let message = "the time of the function that ran it is used up".into();
            (State::TimedOut, 3, "TimeLimit", None, message)
        }
        End::Cancelled => (
            State::Cancelled,
            130,
            "Cancelled",
            None,
            "the run was cancelled".into(),
        ),
        End::Lost(reason) => {
            let message = format!("the sandbox process was lost: {reason}");
            (
                State::Failed,
                70,
                "InterpreterCrash",
                Some("interpreter_crash"),
                message,
            )
        }
        End::Violation(reason) => {
            let message = format!("the sandbox process was stopped: it sent {reason}");
            (State::Failed, 4, "SandboxViolation", None, message)
        }
        End::Refused(status) => {
            let message = format!("what the run left is larger than can be kept (status {status})");
            (
                State::Failed,
                6,
                "LimitExceeded",
                Some("limit_exceeded"),
                message,
            )
        }
    };
    let is_cut = matches!(end, End::Refused(_));
    let header = Header {
        run_id: String::new(),
        state,
        exit_code,
        error: Some(ScriptError {
            kind: kind.into(),
            message,
            line: None,
            traceback: None,
            code: code.map(Into::into),
        }),
        result_type: "NoneType".into(),
        stdout_truncated: is_cut,
        stderr_truncated: is_cut,
        usage: Usage {
            wall_ms: measured.wall_ms,
            host_calls: measured.host_calls,
            ..Usage::default()
        },
        timings: Timings::default(),
        image: measured.image.clone(),
        parts: [0; 3],
    };
    written(&header, "null", "", "")
}

fn written(header: &Header, result: &str, stdout: &str, stderr: &str) -> String {
    Object::beginning_with(header)
        .text("result", result)
        .member("stdout", &stdout)
        .member("stderr", &stderr)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(parts: [usize; 3], wall_ms: f64) -> Header {
        serde_json::from_value(serde_json::json!({
            "run_id": "r", "state": "succeeded", "exit_code": 0, "result_type": "dict",
            "stdout_truncated": false, "stderr_truncated": true,
            "usage": {"wall_ms": wall_ms, "cpu_ms": 1.5, "memory_bytes": 2, "host_calls": 3, "stdout_bytes": 4, "stderr_bytes": 5},
            "timings": {"instantiate_ms": 0.25, "run_ms": 2}, "image": "ab", "parts": parts,
        }))
        .expect("a header")
    }

    #[test]
    fn keeps_the_result_as_the_script_left_it() {
        let text =
            from_frame(&header([13, 2, 0], 1.0), br#"{"b":1,"a":2}hi"#).expect("a completion");
        assert!(
            text.ends_with(r#""result":{"b":1,"a":2},"stdout":"hi","stderr":""}"#),
            "{text}"
        );
        assert!(
            text.starts_with(r#"{"state":"succeeded","exit_code":0,"result_type":"dict""#),
            "{text}"
        );
        assert!(
            !text.contains("run_id") && !text.contains("parts"),
            "{text}"
        );
    }

    #[test]
    fn refuses_parts_that_do_not_fit() {
        for (parts, binary) in [
            ([4, 0, 0], &b"null!"[..]),
            ([5, 0, 0], b"null"),
            ([usize::MAX, 5, 0], b"null"),
            ([0, 4, 0], b"null"),
            ([4, 1, 0], b"null\xff"),
            ([6, 0, 0], br#"1,"x":"#),
        ] {
            assert!(
                from_frame(&header(parts, 1.0), binary).is_none(),
                "{parts:?}"
            );
        }
        assert!(from_frame(&header([4, 0, 0], -1.0), b"null").is_none());
    }

    #[test]
    fn says_each_end_of_its_own_with_its_exit_code() {
        let said = |end: End| -> serde_json::Value {
            let measured = Measured {
                wall_ms: 12.5,
                host_calls: 2,
                image: "ab".into(),
            };
            serde_json::from_str(&without_sandbox(&end, &measured)).expect("JSON")
        };
        for (end, state, exit_code, kind) in [
            (End::Overdue(30), "timed_out", 3, "TimeLimit"),
            (End::OutOfTime, "timed_out", 3, "TimeLimit"),
            (End::Cancelled, "cancelled", 130, "Cancelled"),
            (End::Lost("x".into()), "failed", 70, "InterpreterCrash"),
            (End::Violation("x".into()), "failed", 4, "SandboxViolation"),
            (End::Refused(413), "failed", 6, "LimitExceeded"),
        ] {
            let completion = said(end);
            assert_eq!(completion["state"], state);
            assert_eq!(completion["exit_code"], exit_code);
            assert_eq!(completion["error"]["type"], kind);
            assert_eq!(completion["usage"]["host_calls"], 2);
        }
        assert_eq!(said(End::Refused(413))["stdout_truncated"], true);
        assert_eq!(
            said(End::Lost("x".into()))["error"]["code"],
            "interpreter_crash"
        );
    }
}
