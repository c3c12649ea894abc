//! One `signet-sandbox` process.

use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc as blocking;
use std::thread;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::frames::{self, FrameError, Said};

/// A flood waits in the pipe, not in our memory.
const FRAMES_WAITING_MAX: usize = 16;
/// Only the process itself writes here: scripts' output comes in frames.
const COMPLAINT_BYTES_MAX: u64 = 4_096;

/// What is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// `signet-sandbox`.
    pub executable: PathBuf,
    /// The script image.
    pub image: PathBuf,
    /// Of the image, hexadecimal; the process refuses another one.
    pub sha256: String,
}

/// What came from a process.
pub(crate) enum Heard {
    Frame(Said, Vec<u8>),
    /// It wrote what none of ours writes.
    Broken(String),
    /// Its end of the pipe is closed.
    Ended,
}

/// Killed when dropped.
pub(crate) struct Sandbox {
    child: Child,
    to: blocking::Sender<Vec<u8>>,
    from: mpsc::Receiver<Result<(Said, Vec<u8>), FrameError>>,
    has_greeted: bool,
}

/// Why a process is not ready.
#[derive(Debug)]
pub(crate) enum NoGreeting {
    Ended,
    Late,
    /// It said something else, or greets for another protocol.
    Other,
}

impl Sandbox {
    /// Starts it with no environment, no file but its three pipes, and no folder of ours.
    ///
    /// Call it from a thread that lives as long as the program: the kernel kills the process when that thread ends.
    pub(crate) fn start(program: &Program) -> io::Result<Self> {
        let mut child = Command::new(&program.executable)
            .arg(&program.image)
            .arg(&program.sha256)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (to, frames_out) = blocking::channel();
        let (frames_in, from) = mpsc::channel(FRAMES_WAITING_MAX);
        if let Some(pipe) = child.stdin.take() {
            thread::Builder::new()
                .name("to-sandbox".into())
                .spawn(move || write_frames(pipe, &frames_out))?;
        }
        if let Some(pipe) = child.stdout.take() {
            thread::Builder::new()
                .name("from-sandbox".into())
                .spawn(move || read_frames(pipe, &frames_in))?;
        }
        if let Some(pipe) = child.stderr.take() {
            thread::Builder::new()
                .name("complaints".into())
                .spawn(move || note_complaint(pipe))?;
        }
        Ok(Self {
            child,
            to,
            from,
            has_greeted: false,
        })
    }

    /// Settles when the process has loaded its image and built its walls; at once if it had before.
    pub(crate) async fn greeted(&mut self, until: Instant) -> Result<(), NoGreeting> {
        if self.has_greeted {
            return Ok(());
        }
        match timeout_at(until, self.next()).await {
            Ok(Heard::Frame(Said::Hello(words), _)) if words.get("protocol") == Some(&1.into()) => {
                tracing::info!(sandbox = %serde_json::Value::Object(words), "a sandbox process is ready");
                self.has_greeted = true;
                Ok(())
            }
            Ok(Heard::Frame(..) | Heard::Broken(_)) => Err(NoGreeting::Other),
            Ok(Heard::Ended) => Err(NoGreeting::Ended),
            Err(_) => Err(NoGreeting::Late),
        }
    }

    /// A process that is gone says so by its end of the pipe, so nothing is lost here.
    pub(crate) fn send(&self, frame: Vec<u8>) {
        let _ = self.to.send(frame);
    }

    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Heard {
        match self.from.recv().await {
            Some(Ok((said, binary))) => Heard::Frame(said, binary),
            Some(Err(FrameError::Pipe(_))) | None => Heard::Ended,
            Some(Err(error)) => Heard::Broken(error.to_string()),
        }
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_frames(mut pipe: ChildStdin, frames: &blocking::Receiver<Vec<u8>>) {
    for frame in frames {
        if pipe.write_all(&frame).and_then(|()| pipe.flush()).is_err() {
            return;
        }
    }
}

fn read_frames(pipe: ChildStdout, frames: &mpsc::Sender<Result<(Said, Vec<u8>), FrameError>>) {
    let mut pipe = BufReader::new(pipe);
    while let Some(frame) = frames::read(&mut pipe).transpose() {
        let is_last = frame.is_err();
        if frames.blocking_send(frame).is_err() || is_last {
            return;
        }
    }
}

fn note_complaint(mut pipe: ChildStderr) {
    let mut text = Vec::new();
    let _ = (&mut pipe).take(COMPLAINT_BYTES_MAX).read_to_end(&mut text);
    if !text.is_empty() {
        let complaint = String::from_utf8_lossy(&text);
        tracing::warn!(stderr = complaint.trim(), "the sandbox process complains");
    }
    // A process whose pipe is full would stop at its next word.
    let _ = io::copy(&mut pipe, &mut io::sink());
}
