use std::ops::Range;
use std::sync::LazyLock;

use super::near::{Near, has_word};
use crate::pace::{Late, Pace};

/// Characters behind a `?` that no address of a page needs.
const QUERY_MAX: usize = 256;
/// Characters of a value that says how an image looks.
const VALUE_MAX: usize = 32;
/// Bytes before and behind a link in which it is said what becomes of it.
const AROUND: usize = 256;

/// A link of HTTP and whether it stands for an image.
pub(super) struct Link<'t> {
    text: &'t [u8],
    place: Range<usize>,
    query: &'t [u8],
    is_image: bool,
}

impl Link<'_> {
    /// `inject/1`: an image with any query, a placeholder, or a long query.
    pub(super) fn carries_anything(&self) -> bool {
        let has_placeholder = self
            .query
            .iter()
            .any(|byte| matches!(byte, b'{' | b'[' | b'<' | b'$'));
        !self.query.is_empty() && (self.is_image || has_placeholder || self.query.len() > QUERY_MAX)
    }

    /// `inject/2`: a parameter that takes something away with it. What stands behind `#` is not sent.
    pub(super) fn carries_data(&self) -> bool {
        let query = self.query.split(|byte| *byte == b'#').next();
        query
            .unwrap_or_default()
            .split(|byte| *byte == b'&')
            .any(|parameter| self.carries(&Parameter::of(parameter)))
    }

    fn carries(&self, parameter: &Parameter<'_>) -> bool {
        let value = parameter.value;
        // Prose that is to be shared is long too; its words are parted.
        let longest = value
            .split(|byte| matches!(byte, b'%' | b'+'))
            .map(<[u8]>::len)
            .max();
        if longest.is_some_and(|longest| longest > QUERY_MAX) {
            return true;
        }
        let has_placeholder = has_placeholder(value) || has_placeholder(parameter.name);
        if self.is_image {
            return has_placeholder || parameter.may_carry();
        }
        let is_open = has_placeholder || parameter.is_to_be_filled();
        is_open && (has_word(value, Near::Carried) || self.is_told_to_fill())
    }

    /// Words around it say what is to be put into it.
    fn is_told_to_fill(&self) -> bool {
        let Range { start, end } = self.place;
        let before = &self.text[start.saturating_sub(AROUND)..start];
        let behind = &self.text[end..(end + AROUND).min(self.text.len())];
        [Near::Filling, Near::Private]
            .into_iter()
            .all(|near| has_word(before, near) || has_word(behind, near))
    }
}

struct Parameter<'t> {
    name: &'t [u8],
    value: &'t [u8],
    has_value: bool,
}

impl<'t> Parameter<'t> {
    fn of(text: &'t [u8]) -> Self {
        let sign = text.iter().position(|byte| *byte == b'=');
        let (name, value) = sign.map_or((text, &[][..]), |at| (&text[..at], &text[at + 1..]));
        Self {
            name,
            value,
            has_value: sign.is_some(),
        }
    }

    /// In the link of an image, which is fetched without anybody's doing.
    fn may_carry(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let is_among = |list: &[&[u8]]| list.binary_search(&&*name).is_ok();
        if self.value.len() > VALUE_MAX {
            return !(matches!(&*name, b"uri" | b"url") && is_address(self.value));
        }
        let says_nothing =
            self.value.iter().all(u8::is_ascii_digit) || matches!(self.value, b"true" | b"false");
        if is_among(&IMAGE_PARAMETERS) || (!self.value.is_empty() && says_nothing) {
            return false;
        }
        self.is_to_be_filled() || (self.has_value && is_among(&CARRYING_PARAMETERS))
    }

    /// `q=` and `q=SECRET`.
    fn is_to_be_filled(&self) -> bool {
        let is_name = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
        self.has_value
            && (self.value.is_empty() || (self.value.len() > 2 && self.value.iter().all(is_name)))
    }
}

/// Of what an image is about, such as the file that a badge is read from; nothing goes to that address.
fn is_address(value: &[u8]) -> bool {
    let rest = value
        .strip_prefix(b"https%3A%2F%2F")
        .or(value.strip_prefix(b"https://"));
    rest.is_some_and(|rest| {
        !rest
            .windows(3)
            .any(|escape| escape.eq_ignore_ascii_case(b"%3f"))
    })
}

/// `{x}`, `[x]`, `<x>`, `${x}` and `$x`, and braces as an address writes them.
fn has_placeholder(text: &[u8]) -> bool {
    let opens = |pair: &[u8]| match pair[0] {
        b'{' => true,
        b'[' | b'<' | b'$' => pair[1].is_ascii_alphabetic(),
        _ => false,
    };
    text.windows(2).any(opens)
        || text
            .windows(3)
            .any(|escape| escape.eq_ignore_ascii_case(b"%7b"))
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
                text: bytes,
                place: start..at,
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

/// In the order of their bytes.
static IMAGE_PARAMETERS: LazyLock<Vec<&'static [u8]>> =
    LazyLock::new(|| words(include_str!("../../lists/image-parameters.txt")));
static CARRYING_PARAMETERS: LazyLock<Vec<&'static [u8]>> =
    LazyLock::new(|| words(include_str!("../../lists/carrying-parameters.txt")));

fn words(list: &'static str) -> Vec<&'static [u8]> {
    list.split_whitespace().map(str::as_bytes).collect()
}
