use std::ops::Range;

use super::links::{is_link, scheme_start};
use super::near::{Near, has_word};
use super::phrases::overrides;
use crate::pace::{Late, Pace};

/// A digest of 64 hex digits, or one in base64, is shorter.
pub(super) const RUN_MIN: usize = 120;
/// `inject/2` reads what a run says, so that shorter ones can be asked.
pub(super) const RUN_MIN_2: usize = 64;
/// Bytes before and behind a run in which it is said what is to be done with it.
const AROUND: usize = 160;

/// The runs of base64 that are long enough and have letters of both cases and digits.
///
/// Most places are never looked at: where the last byte that a run would need is none of base64, no run begins before it.
pub(super) fn each_run(
    text: &[u8],
    pace: &mut Pace<'_>,
    run_min: usize,
    mut note: impl FnMut(Range<usize>),
) -> Result<(), Late> {
    pace.again();
    let mut start = 0;
    while start + run_min <= text.len() {
        pace.reach(start)?;
        let needed = &text[start..start + run_min];
        if let Some(stranger) = needed.iter().rposition(|byte| !is_base64(*byte)) {
            start += stranger + 1;
            continue;
        }
        let mut end = start + run_min;
        while text.get(end).is_some_and(|byte| is_base64(*byte)) {
            end += 1;
            pace.reach(end)?;
        }
        if is_mixed(&text[start..end]) {
            note(start..end);
        }
        start = end + 1;
    }
    Ok(())
}

/// `inject/2`: what it says when it is decoded gives orders, or the words around tell to decode and to follow it.
pub(super) fn gives_orders(
    text: &[u8],
    run: &Range<usize>,
    pace: &mut Pace<'_>,
) -> Result<bool, Late> {
    if is_in_link(text, run.start) || is_picture(text, run.start) {
        return Ok(false);
    }
    let before = &text[run.start.saturating_sub(AROUND)..run.start];
    let behind = &text[run.end..(run.end + AROUND).min(text.len())];
    let is_told = [Near::Coded, Near::Order]
        .into_iter()
        .all(|near| has_word(before, near) || has_word(behind, near));
    if is_told {
        return Ok(true);
    }
    let decoded = decoded(&text[run.clone()]);
    Ok(overrides(&String::from_utf8_lossy(&decoded), pace)? > 0)
}

/// Of both alphabets; what is left of a last group is let go.
fn decoded(run: &[u8]) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    run.chunks(4)
        .flat_map(|group| {
            let bits = group
                .iter()
                .fold(0u32, |bits, byte| bits << 6 | u32::from(value(*byte)));
            let missing = 4 - group.len();
            let bytes = (bits << (6 * missing)).to_be_bytes();
            bytes.into_iter().skip(1).take(3 - missing.min(3))
        })
        .collect()
}

/// A path of a long link is the link's matter.
fn is_in_link(text: &[u8], start: usize) -> bool {
    let furthest = start.saturating_sub(1024);
    let link = text[furthest..start]
        .iter()
        .rposition(|byte| !is_link(*byte))
        .map_or(furthest, |at| furthest + at + 1);
    (link..start).any(|at| text[at] == b':' && scheme_start(text, at).is_some())
}

/// `data:image/…;base64,` stands before it: it is shown, not read.
fn is_picture(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(64)..start];
    before.strip_suffix(b";base64,").is_some_and(|head| {
        head.windows(11)
            .rposition(|part| part == b"data:image/")
            .is_some_and(|at| head[at..].iter().all(|byte| is_link(*byte)))
    })
}

fn is_mixed(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_lowercase)
        && run.iter().any(u8::is_ascii_uppercase)
        && run.iter().any(u8::is_ascii_digit)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}
