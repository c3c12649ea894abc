use std::sync::LazyLock;

use crate::pace::{Late, Pace};

/// Characters behind a `?` that no address of a page needs.
const QUERY_MAX: usize = 256;
/// Characters of a value that says how an image looks.
const VALUE_MAX: usize = 32;

/// A link of HTTP and whether it stands for an image.
pub(super) struct Link<'t> {
    query: &'t [u8],
    is_image: bool,
}

impl Link<'_> {
    /// `inject/1`: an image with any query, a placeholder, or a long query.
    pub(super) fn carries_anything(&self) -> bool {
        !self.query.is_empty() && (self.is_image || self.carries_always())
    }

    /// `inject/2`: an image may say how it is to look.
    pub(super) fn carries_data(&self) -> bool {
        !self.query.is_empty()
            && (self.carries_always()
                || (self.is_image
                    && !self
                        .query
                        .split(|byte| *byte == b'&')
                        .all(says_how_it_looks)))
    }

    fn carries_always(&self) -> bool {
        let has_placeholder = self
            .query
            .iter()
            .any(|byte| matches!(byte, b'{' | b'[' | b'<' | b'$'));
        has_placeholder || self.query.len() > QUERY_MAX
    }
}

/// Links that do not overlap, from the left.
pub(super) fn each_link(
    text: &str,
    pace: &mut Pace<'_>,
    mut note: impl FnMut(Link<'_>),
) -> Result<(), Late> {
    pace.again();
    let bytes = text.as_bytes();
    let mut at = 0;
    // The end of a scheme is rare in text, its first letter is not.
    for block in blocks(bytes) {
        pace.reach(block.start)?;
        let mut from = block.start;
        while let Some(found) = bytes[from..block.end].iter().position(|byte| *byte == b':') {
            let colon = from + found;
            from = colon + 1;
            let Some(start) = scheme_start(bytes, colon).filter(|start| *start >= at) else {
                continue;
            };
            let length = bytes[start..]
                .iter()
                .take_while(|byte| is_link(**byte))
                .count();
            let link = &bytes[start..start + length];
            at = start + length;
            let query = link
                .iter()
                .position(|byte| *byte == b'?')
                .map_or(&[][..], |mark| &link[mark + 1..]);
            note(Link {
                query,
                is_image: is_image(bytes, start),
            });
        }
    }
    Ok(())
}

fn blocks(bytes: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let length = bytes.len();
    (0..length)
        .step_by(4096)
        .map(move |start| start..(start + 4096).min(length))
}

/// Where `http://` or `https://` begins, of which this is the colon.
pub(super) fn scheme_start(bytes: &[u8], colon: usize) -> Option<usize> {
    if !bytes[colon..].starts_with(b"://") {
        return None;
    }
    let before = &bytes[..colon];
    [&b"https"[..], b"http"]
        .into_iter()
        .find(|scheme| before.ends_with(scheme))
        .map(|scheme| colon - scheme.len())
}

/// `![…](` stands before it; the label is looked for no further than a line of text is long.
fn is_image(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(256)..start];
    let Some(label) = before.strip_suffix(b"](") else {
        return false;
    };
    label
        .windows(2)
        .rposition(|pair| pair == b"![")
        .is_some_and(|open| !label[open..].contains(&b'\n'))
}

pub(super) fn is_link(byte: u8) -> bool {
    byte > b' ' && byte < 0x7F && !matches!(byte, b')' | b'"' | b'\'' | b'`')
}

/// A parameter of the list with a short value.
fn says_how_it_looks(parameter: &[u8]) -> bool {
    let (name, value) = match parameter.iter().position(|byte| *byte == b'=') {
        Some(at) => (&parameter[..at], &parameter[at + 1..]),
        None => (parameter, &[][..]),
    };
    value.len() <= VALUE_MAX
        && IMAGE_PARAMETERS
            .binary_search(&&*name.to_ascii_lowercase())
            .is_ok()
}

/// In the order of their bytes.
static IMAGE_PARAMETERS: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let list = include_str!("../../lists/image-parameters.txt");
    list.split_whitespace().map(str::as_bytes).collect()
});
