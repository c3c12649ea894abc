//! What a run prints: the beginning for its completion, all of it (up to a cap) as events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{io, pin::Pin};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// An event is worth a frame of its own from here on; smaller ones wait for the next host call or timer.
const EVENT_BYTES: usize = 8192;
const WRITE_BYTES_MAX: usize = 65_536;

#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<State>>);

struct State {
    kept: Vec<u8>,
    kept_max: usize,
    pending: Vec<u8>,
    events_left: usize,
    written: u64,
    on_event: Box<dyn Fn(String) + Send>,
}

/// Text of at most the cap, cut at a character border.
pub(crate) struct Kept {
    pub text: String,
    pub truncated: bool,
    pub bytes: u64,
}

impl Output {
    pub(crate) fn new(
        kept_max: usize,
        events_max: usize,
        on_event: impl Fn(String) + Send + 'static,
    ) -> Self {
        Self(Arc::new(Mutex::new(State {
            kept: Vec::new(),
            kept_max,
            pending: Vec::new(),
            events_left: events_max,
            written: 0,
            on_event: Box::new(on_event),
        })))
    }

    /// Sends what waits, but for the beginning of a character whose end has not come.
    pub(crate) fn flush_events(&self) {
        self.state().send_pending(false);
    }

    pub(crate) fn finish(&self) -> Kept {
        let mut state = self.state();
        state.send_pending(true);
        let truncated = state.written > state.kept_max as u64;
        let end = if truncated {
            whole_characters(&state.kept)
        } else {
            state.kept.len()
        };
        let mut text = String::from_utf8_lossy(&state.kept[..end]).into_owned();
        // A byte that is no UTF-8 became three.
        let fits = text.floor_char_boundary(state.kept_max);
        let truncated = truncated || fits < text.len();
        text.truncate(fits);
        Kept {
            text,
            truncated,
            bytes: state.written,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.written += bytes.len() as u64;
        let kept = bytes.len().min(state.kept_max - state.kept.len());
        state.kept.extend_from_slice(&bytes[..kept]);
        let event = bytes.len().min(state.events_left);
        state.events_left -= event;
        state.pending.extend_from_slice(&bytes[..event]);
        if state.pending.len() >= EVENT_BYTES {
            state.send_pending(false);
        }
    }
}

impl State {
    fn send_pending(&mut self, last: bool) {
        let end = if last {
            self.pending.len()
        } else {
            whole_characters(&self.pending)
        };
        if end == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&self.pending[..end]).into_owned();
        self.pending.drain(..end);
        (self.on_event)(text);
    }
}

/// Length without the beginning of a character that is cut off at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let needs = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if needs > back {
            bytes.len() - back
        } else {
            bytes.len()
        };
    }
    bytes.len()
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn collecting(kept_max: usize, events_max: usize) -> (Output, mpsc::Receiver<String>) {
        let (sender, events) = mpsc::channel();
        let output = Output::new(kept_max, events_max, move |text| {
            sender.send(text).expect("the test listens")
        });
        (output, events)
    }

    #[test]
    fn cuts_at_a_character_border_and_says_so() {
        let (output, events) = collecting(8, 1000);
        output.take("aaaaaaaé".as_bytes());
        let kept = output.finish();
        assert_eq!(
            (kept.text.as_str(), kept.truncated, kept.bytes),
            ("aaaaaaa", true, 9)
        );
        assert_eq!(events.try_iter().collect::<String>(), "aaaaaaaé");
    }

    #[test]
    fn exactly_the_cap_is_not_truncated() {
        let (output, _events) = collecting(3, 1000);
        output.take(b"abc");
        let kept = output.finish();
        assert_eq!((kept.text.as_str(), kept.truncated), ("abc", false));
    }

    #[test]
    fn an_event_never_splits_a_character() {
        let (output, events) = collecting(100, 100);
        output.take(&"é".as_bytes()[..1]);
        output.flush_events();
        output.take(&"é".as_bytes()[1..]);
        output.flush_events();
        assert_eq!(events.try_iter().collect::<Vec<_>>(), ["é"]);
    }

    #[test]
    fn events_stop_at_their_cap_and_bytes_are_still_counted() {
        let (output, events) = collecting(4, 6);
        output.take(&[b'x'; 20]);
        assert_eq!(output.finish().bytes, 20);
        assert_eq!(events.try_iter().collect::<String>(), "xxxxxx");
    }

    #[test]
    fn bytes_that_are_no_text_become_replacement_characters_within_the_cap() {
        let (output, _events) = collecting(4, 100);
        output.take(&[0xff, 0xfe]);
        let kept = output.finish();
        assert_eq!((kept.text.as_str(), kept.truncated), ("\u{fffd}", true));
    }
}
