//! `inject/1`: what tries to speak to a model behind the reader's back. 2,500 less for each class with a hit.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::FULL;
use crate::characters::is_hidden;
use crate::words::{Reader, Run, read};

/// Hits by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Injections {
    /// A verb of overriding with a word for instructions close behind it.
    pub overrides: u32,
    /// Direction overrides, tags and characters that take no room.
    pub hidden: u32,
    /// Links that carry something away: an image with a query, a placeholder or a long run behind `?`.
    pub links: u32,
    /// Long runs of base64.
    pub runs: u32,
}

impl Injections {
    /// 10,000 less 2,500 for each class.
    pub fn score(self) -> u32 {
        let classes = [self.overrides, self.hidden, self.links, self.runs];
        FULL - 2500 * classes.iter().filter(|hits| **hits > 0).count() as u32
    }
}

/// Bytes that are no UTF-8 count as U+FFFD.
pub fn inject(text: &[u8]) -> Injections {
    let text = String::from_utf8_lossy(text);
    let mut overrides = Overrides { hits: 0, left: 0 };
    read(&text, &mut overrides);
    Injections {
        overrides: overrides.hits,
        hidden: text
            .chars()
            .filter(|one| !one.is_ascii() && is_hidden(*one))
            .count() as u32,
        links: links(text.as_bytes()),
        runs: base64_runs(text.as_bytes()),
    }
}

/// Words from verb to object at most, the object among them.
const REACH: u32 = 6;

struct Overrides {
    hits: u32,
    left: u32,
}

impl Reader for Overrides {
    fn character(&mut self, _lower: char) {}

    fn word(&mut self, word: &str, _run: &Run) -> bool {
        let bare = word.trim_matches(|one: char| !one.is_alphabetic());
        if bare.is_empty() {
            return true;
        }
        match sense_of(bare) {
            Some(Sense::System) if self.left > 0 => {
                self.hits += 1;
                self.left = 0;
            }
            Some(Sense::Override) => self.left = REACH,
            _ => self.left = self.left.saturating_sub(1),
        }
        true
    }

    fn line(&mut self) {}
}

const SCHEMES: [&[u8]; 2] = [b"http://", b"https://"];
/// Characters behind a `?` that no address of a page needs.
const QUERY_MAX: usize = 256;

fn links(text: &[u8]) -> u32 {
    let mut hits = 0;
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| *byte == b'h') {
        let start = at + found;
        let Some(scheme) = SCHEMES
            .into_iter()
            .find(|scheme| text[start..].starts_with(scheme))
        else {
            at = start + 1;
            continue;
        };
        let length = text[start..]
            .iter()
            .take_while(|byte| is_link(**byte))
            .count();
        let end = start + length.max(scheme.len());
        let link = &text[start..start + length];
        hits += u32::from(carries(link, is_image(text, start)));
        at = end;
    }
    hits
}

fn carries(link: &[u8], is_image: bool) -> bool {
    let Some(mark) = link.iter().position(|byte| *byte == b'?') else {
        return false;
    };
    let query = &link[mark + 1..];
    let has_placeholder = query
        .iter()
        .any(|byte| matches!(byte, b'{' | b'[' | b'<' | b'$'));
    !query.is_empty() && (is_image || has_placeholder || query.len() > QUERY_MAX)
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

fn is_link(byte: u8) -> bool {
    byte > b' ' && byte < 0x7F && !matches!(byte, b')' | b'"' | b'\'' | b'`')
}

/// A digest of 64 hex digits, or one in base64, is shorter.
const RUN_MIN: usize = 120;

fn base64_runs(text: &[u8]) -> u32 {
    let is_mixed = |run: &[u8]| {
        run.len() >= RUN_MIN
            && run.iter().any(u8::is_ascii_lowercase)
            && run.iter().any(u8::is_ascii_uppercase)
            && run.iter().any(u8::is_ascii_digit)
    };
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.split(|byte| !is_base64(byte))
        .filter(|run| is_mixed(run))
        .count() as u32
}

#[derive(Clone, Copy)]
enum Sense {
    Override,
    System,
}

struct Senses {
    words: HashMap<&'static str, Sense>,
    /// For each first byte the lengths that a word of the lists has, as bits: nearly every word is none of them by these.
    lengths: [u32; 256],
}

fn sense_of(word: &str) -> Option<Sense> {
    let length = u32::try_from(word.len())
        .ok()
        .filter(|length| *length < 32)?;
    let may_be = SENSES.lengths[usize::from(word.as_bytes()[0])] >> length & 1 == 1;
    if may_be {
        SENSES.words.get(word).copied()
    } else {
        None
    }
}

static SENSES: LazyLock<Senses> = LazyLock::new(|| {
    let mut senses = Senses {
        words: HashMap::new(),
        lengths: [0; 256],
    };
    for (list, sense) in [
        (include_str!("../lists/override-verbs.txt"), Sense::Override),
        (include_str!("../lists/system-words.txt"), Sense::System),
    ] {
        for word in list.split_whitespace() {
            senses.words.insert(word, sense);
            senses.lengths[usize::from(word.as_bytes()[0])] |= 1 << word.len();
        }
    }
    senses
});

#[cfg(test)]
mod tests;
