//! What the script printed and the orchestrator has not confirmed.

use std::collections::VecDeque;

use serde::Serialize;

use crate::limits::LIMITS;

/// Text of one body; what is over it waits for the next.
const BODY_BYTES_MAX: usize = 256 << 10;
/// Pieces of one body, likewise.
const BODY_PIECES_MAX: usize = 1_024;
/// A piece grows with what is printed next until it has this size.
const PIECE_BYTES_MAX: usize = 16 << 10;
/// From here on it does not wait for the next watch.
const URGENT_BYTES: usize = 64 << 10;

/// In order, each piece with its place in its stream: a repeated piece is known by that. At most one body with output is
/// under way, so that none overtakes another.
#[derive(Default)]
pub(crate) struct Output {
    waiting: VecDeque<Piece>,
    waiting_bytes: usize,
    under_way: usize,
    printed: [usize; 2],
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

#[derive(Serialize)]
struct Piece {
    kind: Stream,
    text: String,
    /// Bytes of this stream before this piece.
    at: usize,
}

impl Output {
    /// Adds a piece. False if this is more than any run of ours prints: the sandbox stops at its cap by itself.
    pub(crate) fn push(&mut self, kind: Stream, text: String) -> bool {
        let printed = &mut self.printed[kind as usize];
        let at = *printed;
        *printed += text.len();
        if *printed > LIMITS.events_bytes_max {
            return false;
        }
        self.waiting_bytes += text.len();
        match self.growing(kind) {
            Some(piece) => piece.text.push_str(&text),
            None => self.waiting.push_back(Piece { kind, text, at }),
        }
        true
    }

    /// The last piece, if it is of this stream and not under way. A script that prints word by word costs one piece.
    fn growing(&mut self, kind: Stream) -> Option<&mut Piece> {
        if self.waiting.len() == self.under_way {
            return None;
        }
        self.waiting
            .back_mut()
            .filter(|piece| piece.kind == kind && piece.text.len() < PIECE_BYTES_MAX)
    }

    /// The next pieces as JSON, if there are some and none is under way. They stay until [`Output::confirm`].
    pub(crate) fn attach(&mut self) -> Option<String> {
        if self.under_way > 0 || self.waiting.is_empty() {
            return None;
        }
        let mut bytes = 0;
        let fits = |piece: &&Piece| {
            bytes += piece.text.len();
            bytes <= BODY_BYTES_MAX
        };
        // A single larger piece goes alone: the sandbox cuts them far smaller.
        self.under_way = self
            .waiting
            .iter()
            .take(BODY_PIECES_MAX)
            .take_while(fits)
            .count()
            .max(1);
        let pieces: Vec<&Piece> = self.waiting.iter().take(self.under_way).collect();
        serde_json::to_string(&pieces).ok()
    }

    /// The body with the pieces under way was taken.
    pub(crate) fn confirm(&mut self) {
        for piece in self.waiting.drain(..self.under_way) {
            self.waiting_bytes -= piece.text.len();
        }
        self.under_way = 0;
    }

    /// Nobody knows whether it was; they go again.
    pub(crate) fn in_doubt(&mut self) {
        self.under_way = 0;
    }

    pub(crate) fn is_urgent(&self) -> bool {
        self.under_way == 0 && self.waiting_bytes >= URGENT_BYTES
    }

    /// More than one body takes.
    pub(crate) fn is_long(&self) -> bool {
        self.waiting_bytes > BODY_BYTES_MAX || self.waiting.len() > BODY_PIECES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_carry_their_place_in_their_stream() {
        let mut output = Output::default();
        assert!(output.push(Stream::Stdout, "é".into()));
        assert!(output.push(Stream::Stderr, "x".into()));
        assert!(output.push(Stream::Stdout, "b".into()));
        assert_eq!(
            output.attach().as_deref(),
            Some(
                r#"[{"kind":"stdout","text":"é","at":0},{"kind":"stderr","text":"x","at":0},{"kind":"stdout","text":"b","at":2}]"#
            )
        );
    }

    #[test]
    fn only_one_body_with_output_is_under_way_and_one_in_doubt_goes_again() {
        let mut output = Output::default();
        output.push(Stream::Stdout, "a".into());
        let first = output.attach();
        output.push(Stream::Stdout, "b".into());
        assert!(first.is_some());
        assert!(output.attach().is_none());
        output.in_doubt();
        let again = output.attach().expect("again");
        assert!(
            again.contains(r#""text":"a""#) && again.contains(r#""text":"b""#),
            "{again}"
        );
        output.confirm();
        assert!(output.attach().is_none());
    }

    #[test]
    fn a_piece_grows_unless_it_is_under_way() {
        let mut output = Output::default();
        output.push(Stream::Stdout, "a".into());
        output.push(Stream::Stdout, "b".into());
        assert_eq!(
            output.attach().as_deref(),
            Some(r#"[{"kind":"stdout","text":"ab","at":0}]"#)
        );
        output.push(Stream::Stdout, "c".into());
        output.confirm();
        assert_eq!(
            output.attach().as_deref(),
            Some(r#"[{"kind":"stdout","text":"c","at":2}]"#)
        );
    }

    #[test]
    fn a_body_has_a_number_of_pieces() {
        let mut output = Output::default();
        for _ in 0..BODY_PIECES_MAX {
            output.push(Stream::Stdout, "a".into());
            output.push(Stream::Stderr, "b".into());
        }
        let body = output.attach().unwrap_or_default();
        assert_eq!(body.matches("\"at\"").count(), BODY_PIECES_MAX);
    }

    #[test]
    fn a_body_has_a_size() {
        let mut output = Output::default();
        for _ in 0..40 {
            assert!(output.push(Stream::Stdout, "x".repeat(16 << 10)));
        }
        assert!(output.is_urgent() && output.is_long());
        let body = output.attach().expect("some");
        assert!(body.len() < BODY_BYTES_MAX + 4_096, "{}", body.len());
        output.confirm();
        output.attach();
        output.confirm();
        assert!(!output.is_long());
    }

    #[test]
    fn more_than_any_run_prints_is_refused() {
        let mut output = Output::default();
        assert!(output.push(Stream::Stdout, "x".repeat(LIMITS.events_bytes_max)));
        assert!(output.push(Stream::Stderr, "x".into()));
        assert!(!output.push(Stream::Stdout, "x".into()));
    }
}
