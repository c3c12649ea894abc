use super::links::{is_link, scheme_start};
use crate::pace::{Late, Pace};

/// A digest of 64 hex digits, or one in base64, is shorter.
const RUN_MIN: usize = 120;

/// Starts of the runs of base64 that are long enough and have letters of both cases and digits.
///
/// Most places are never looked at: where the last byte that a run would need is none of base64, no run begins before it.
pub(super) fn each_run(
    text: &[u8],
    pace: &mut Pace<'_>,
    mut note: impl FnMut(usize),
) -> Result<(), Late> {
    pace.again();
    let mut start = 0;
    while start + RUN_MIN <= text.len() {
        pace.reach(start)?;
        let needed = &text[start..start + RUN_MIN];
        if let Some(stranger) = needed.iter().rposition(|byte| !is_base64(*byte)) {
            start += stranger + 1;
            continue;
        }
        let mut end = start + RUN_MIN;
        while text.get(end).is_some_and(|byte| is_base64(*byte)) {
            end += 1;
            pace.reach(end)?;
        }
        if is_mixed(&text[start..end]) {
            note(start);
        }
        start = end + 1;
    }
    Ok(())
}

/// A path of a long link is the link's matter.
pub(super) fn is_in_link(text: &[u8], start: usize) -> bool {
    let furthest = start.saturating_sub(1024);
    let link = text[furthest..start]
        .iter()
        .rposition(|byte| !is_link(*byte))
        .map_or(furthest, |at| furthest + at + 1);
    (link..start).any(|at| text[at] == b':' && scheme_start(text, at).is_some())
}

/// `data:image/…;base64,` stands before it: it is shown, not read.
pub(super) fn is_picture(text: &[u8], start: usize) -> bool {
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
