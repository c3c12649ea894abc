//! Frames on the pipes: `u32 header length, u32 binary length` (little-endian), a JSON header, bytes.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::limits::LIMITS;

/// Room for a header: argv and input travel in it, escaped.
const HEADER_SLACK: usize = 65_536;

/// What the orchestrator sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Incoming {
    /// Binary part: the script's source, UTF-8.
    Start(Box<Start>),
    /// Binary part: the reply as JSON, handed to the guest as it is.
    Reply { run_id: String, seq: u64 },
    /// Ends a run; unknown ids are fine, for the run may just have ended.
    Cancel { run_id: String },
}

/// One run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    pub run_id: String,
    /// Goes back in every call of this run, and never to the guest.
    pub token: String,
    pub file_name: String,
    pub argv: Vec<String>,
    pub input: serde_json::Value,
    /// 64 bits, decimal.
    pub seed: String,
    pub clock_base_ms: u64,
    pub dry_run: bool,
    pub limits: RunLimits,
    #[serde(default)]
    pub call_tool: Option<serde_json::Value>,
    /// Names that the script's own tools may not take.
    #[serde(default)]
    pub registry_tools: Vec<String>,
}

/// Limits of one run; units are in the names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunLimits {
    pub wall_ms: u64,
    pub cpu_ms: u64,
    pub memory_mb: usize,
    pub output_bytes: usize,
    pub host_calls: u64,
    pub script_tool_ms: u64,
}

/// What the process sends.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outgoing {
    /// First frame: what runs here and which walls hold.
    Hello(Box<Hello>),
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
    /// Binary part: result (JSON), stdout, stderr, as long as `parts` says.
    Completion(Box<Completion>),
}

#[derive(Debug, Serialize)]
pub struct Hello {
    pub protocol: u32,
    pub version: &'static str,
    pub wasmtime: &'static str,
    pub architecture: &'static str,
    /// SHA-256 of the image, hexadecimal.
    pub image: String,
    pub load_ms: f64,
    pub walls: crate::walls::Walls,
}

#[derive(Debug, Serialize)]
pub struct Completion {
    pub run_id: String,
    pub state: State,
    pub exit_code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ScriptError>,
    pub result_type: String,
    pub stdout_truncated: bool,
    pub stderr_truncated: bool,
    pub usage: Usage,
    pub timings: Timings,
    pub image: String,
    pub parts: [usize; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptError {
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Usage {
    pub wall_ms: f64,
    pub cpu_ms: f64,
    pub memory_bytes: usize,
    pub host_calls: u64,
    pub stdout_bytes: u64,
    pub stderr_bytes: u64,
}

#[derive(Debug, Serialize)]
pub struct Timings {
    pub instantiate_ms: f64,
    pub run_ms: f64,
}

/// Why a frame cannot be read. The other end is ours: it is broken, and the process ends.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the pipe broke")]
    Pipe(#[from] io::Error),
    #[error("a frame of {header} + {binary} bytes is larger than any of ours")]
    TooLarge { header: usize, binary: usize },
    #[error("a header is not one of ours: {0}")]
    Header(#[from] serde_json::Error),
}

/// The next frame, or `None` where the pipe ends between frames.
pub fn read(pipe: &mut impl Read) -> Result<Option<(Incoming, Vec<u8>)>, FrameError> {
    let mut lengths = [0; 8];
    if pipe.read(&mut lengths[..1])? == 0 {
        return Ok(None);
    }
    pipe.read_exact(&mut lengths[1..])?;
    let [a, b, c, d, e, f, g, h] = lengths;
    let header = u32::from_le_bytes([a, b, c, d]) as usize;
    let binary = u32::from_le_bytes([e, f, g, h]) as usize;
    if header > LIMITS.frame_bytes_max + HEADER_SLACK || binary > LIMITS.frame_bytes_max {
        return Err(FrameError::TooLarge { header, binary });
    }
    let mut bytes = vec![0; header + binary];
    pipe.read_exact(&mut bytes)?;
    let rest = bytes.split_off(header);
    Ok(Some((serde_json::from_slice(&bytes)?, rest)))
}

/// Writes one frame and flushes it.
pub fn write(pipe: &mut impl Write, header: &Outgoing, binary: &[u8]) -> io::Result<()> {
    let text = serde_json::to_vec(header)?;
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len()).map_err(|_| io::Error::other("a frame over 4 GiB"))
    };
    let mut frame = Vec::with_capacity(8 + text.len() + binary.len());
    frame.extend_from_slice(&length(&text)?.to_le_bytes());
    frame.extend_from_slice(&length(binary)?.to_le_bytes());
    frame.extend_from_slice(&text);
    frame.extend_from_slice(binary);
    pipe.write_all(&frame)?;
    pipe.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(header: &[u8], binary: &[u8]) -> Vec<u8> {
        let mut frame = (header.len() as u32).to_le_bytes().to_vec();
        frame.extend_from_slice(&(binary.len() as u32).to_le_bytes());
        frame.extend_from_slice(header);
        frame.extend_from_slice(binary);
        frame
    }

    #[test]
    fn reads_a_frame_and_then_the_end() {
        let bytes = framed(br#"{"kind":"reply","run_id":"r","seq":3}"#, b"{}");
        let mut pipe = bytes.as_slice();
        let (header, binary) = read(&mut pipe).expect("reads").expect("a frame");
        assert!(matches!(header, Incoming::Reply { run_id, seq: 3 } if run_id == "r"));
        assert_eq!(binary, b"{}");
        assert!(read(&mut pipe).expect("reads").is_none());
    }

    #[test]
    fn refuses_cut_oversized_and_unknown_frames() {
        let good = framed(br#"{"kind":"cancel","run_id":"r"}"#, b"");
        assert!(matches!(
            read(&mut &good[..good.len() - 1]),
            Err(FrameError::Pipe(_))
        ));
        assert!(matches!(
            read(&mut [255u8; 16].as_slice()),
            Err(FrameError::TooLarge { .. })
        ));
        for header in [
            &br#"{"kind":"exec"}"#[..],
            br#"{"kind":"cancel","run_id":"r","x":1}"#,
            b"[]",
            b"\xff",
        ] {
            assert!(matches!(
                read(&mut framed(header, b"").as_slice()),
                Err(FrameError::Header(_))
            ));
        }
    }
}
