//! Frames on the pipes of a sandbox: `u32 header length, u32 binary length` (little-endian), a JSON header, bytes.
//! `crates/sandbox/src/frames.rs` holds the other end. What comes from there is read as if a stranger had written it.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::completion::Header;
use crate::json::Object;
use crate::start::Start;

const HEADER_BYTES_MAX: usize = 65_536;
/// A completion: result, stdout, stderr at their most, each as UTF-8.
const BINARY_BYTES_MAX: usize = 4 << 20;

/// In place of the run's token, which never enters the sandbox.
pub(crate) const NO_TOKEN: &str = "held-by-the-relay";

/// What a sandbox says.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Said {
    /// First frame: what runs there and which walls hold.
    Hello(serde_json::Map<String, serde_json::Value>),
    /// Binary part: the arguments as JSON.
    Call {
        run_id: String,
        token: String,
        seq: u64,
        method: String,
    },
    /// Binary part: UTF-8 text.
    Stdout { run_id: String },
    /// Binary part: UTF-8 text.
    Stderr { run_id: String },
    /// Binary part: result (JSON), stdout, stderr.
    Completion(Box<Header>),
}

/// Why a frame cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the pipe broke")]
    Pipe(#[from] io::Error),
    #[error("a frame of {header} + {binary} bytes")]
    TooLarge { header: usize, binary: usize },
    /// The cause is not told: it quotes what the sandbox wrote.
    #[error("a header that is none of ours")]
    Header(#[source] serde_json::Error),
}

/// The next frame, or `None` where the pipe ends between frames.
pub(crate) fn read(pipe: &mut impl Read) -> Result<Option<(Said, Vec<u8>)>, FrameError> {
    let mut lengths = [0; 8];
    if pipe.read(&mut lengths[..1])? == 0 {
        return Ok(None);
    }
    pipe.read_exact(&mut lengths[1..])?;
    let [h0, h1, h2, h3, b0, b1, b2, b3] = lengths;
    let header = u32::from_le_bytes([h0, h1, h2, h3]) as usize;
    let binary = u32::from_le_bytes([b0, b1, b2, b3]) as usize;
    if header > HEADER_BYTES_MAX || binary > BINARY_BYTES_MAX {
        return Err(FrameError::TooLarge { header, binary });
    }
    let mut bytes = vec![0; header + binary];
    pipe.read_exact(&mut bytes)?;
    let said = serde_json::from_slice(&bytes[..header]).map_err(FrameError::Header)?;
    Ok(Some((said, bytes.split_off(header))))
}

/// Starts a run.
pub(crate) fn start(start: &Start) -> Vec<u8> {
    #[derive(Serialize)]
    struct Header<'a> {
        kind: &'a str,
        token: &'a str,
        #[serde(flatten)]
        start: &'a Start,
    }
    let header = Header {
        kind: "start",
        token: NO_TOKEN,
        start,
    };
    frame(
        &Object::beginning_with(&header).finish(),
        start.script.as_bytes(),
    )
}

/// Answers a call with `reply`, JSON.
pub(crate) fn reply(run_id: &str, seq: u64, reply: &[u8]) -> Vec<u8> {
    let header = Object::of_kind("reply")
        .member("run_id", &run_id)
        .member("seq", &seq);
    frame(&header.finish(), reply)
}

/// Ends a run.
pub(crate) fn cancel(run_id: &str) -> Vec<u8> {
    frame(
        &Object::of_kind("cancel").member("run_id", &run_id).finish(),
        b"",
    )
}

fn frame(header: &str, binary: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .expect("what the orchestrator sends is capped")
            .to_le_bytes()
    };
    [
        &length(header.as_bytes())[..],
        &length(binary),
        header.as_bytes(),
        binary,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_frame_and_then_the_end() {
        let bytes = frame(
            r#"{"kind":"call","run_id":"r","token":"t","seq":1,"method":"llm.chat"}"#,
            b"{}",
        );
        let mut pipe = bytes.as_slice();
        let (said, binary) = read(&mut pipe).expect("reads").expect("a frame");
        assert!(matches!(said, Said::Call { seq: 1, method, .. } if method == "llm.chat"));
        assert_eq!(binary, b"{}");
        assert!(read(&mut pipe).expect("reads").is_none());
    }

    #[test]
    fn refuses_cut_oversized_and_unknown_frames() {
        let good = frame(r#"{"kind":"stdout","run_id":"r"}"#, b"x");
        assert!(matches!(
            read(&mut &good[..good.len() - 1]),
            Err(FrameError::Pipe(_))
        ));
        assert!(matches!(read(&mut &good[..3]), Err(FrameError::Pipe(_))));
        assert!(matches!(
            read(&mut [255_u8; 16].as_slice()),
            Err(FrameError::TooLarge { .. })
        ));
        for header in [
            r#"{"kind":"fetch","url":"https://example.org"}"#,
            r#"{"kind":"stdout","run_id":"r","url":"https://example.org"}"#,
            r#"{"kind":"call","run_id":"r","token":"t","seq":-1,"method":"m"}"#,
            "[]",
            "",
        ] {
            assert!(
                matches!(
                    read(&mut frame(header, b"").as_slice()),
                    Err(FrameError::Header(_))
                ),
                "{header}"
            );
        }
    }
}
