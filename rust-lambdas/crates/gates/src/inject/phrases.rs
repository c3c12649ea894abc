//! The override of `inject/2`: a verb that tells a model to drop or to tell what it was told, its object close behind it,
//! and what makes an order of the two. "Don't forget to read the instructions" and "prints a prompt" are none.

use std::ops::Range;
use std::sync::LazyLock;

use super::near::{Near, has_word};
use super::senses::Senses;
use super::words::each_word;
use crate::pace::{Late, Pace};

/// Words from verb to object at most, the object among them.
const REACH: u32 = 6;
/// Words behind the object that may still qualify it: "instructions above".
const BEHIND: u32 = 2;

/// Overrides of the text that are orders and not only spoken of.
pub(super) fn overrides(text: &str, pace: &mut Pace<'_>) -> Result<u32, Late> {
    let mut reader = Reader::default();
    let mut hits = 0;
    let mut judge = |found: Range<usize>| hits += u32::from(!is_spoken_of(text, &found));
    each_word(text, pace, |word, place| {
        let raw = &text[place.clone()];
        let end = raw.as_bytes().last().copied();
        let mut note = |word: &str| {
            if let Some(found) = reader.note(SENSES.of(word), place.clone()) {
                judge(found);
            }
        };
        if !raw.bytes().any(is_joint) {
            note(word);
        } else {
            // Markup and data stand against a word without white space.
            let word = if raw.is_ascii() { raw } else { word };
            each_part(word, &mut note);
        }
        if let Some(found) = end.and_then(|end| reader.pause(end)) {
            judge(found);
        }
    })?;
    if let Some(found) = reader.phrase.take().and_then(Phrase::ended) {
        judge(found);
    }
    Ok(hits)
}

fn is_joint(byte: u8) -> bool {
    matches!(
        byte,
        b'"' | b'>' | b'<' | b'(' | b'[' | b'{' | b':' | b'=' | b'\\'
    )
}

fn each_part(word: &str, note: &mut impl FnMut(&str)) {
    for part in word.split(|one: char| one.is_ascii() && is_joint(one as u8)) {
        let bare = part.trim_matches(|one: char| !one.is_alphabetic());
        if !bare.is_empty() && bare.len() < 32 {
            note(&bare.to_lowercase());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// Drops something: "ignore".
    Verb,
    /// The same, where programs do it too or where it is told: "override", "ignoring".
    Technical,
    /// Tells something: "reveal".
    Disclosure,
    /// What a model was told: "instructions".
    Object,
    /// A word for it that has other uses: "prompt".
    Narrow,
    /// "the", "all".
    Weak,
    /// "previous".
    Former,
    /// "your", "system".
    Inner,
    /// Who does it, when it is a tale and no order.
    Told,
    /// "can".
    Modal,
    To,
    Not,
}

#[derive(Default)]
struct Reader {
    /// Senses of the two words before, the nearer one last.
    before: [Option<Sense>; 2],
    phrase: Option<Phrase>,
}

struct Phrase {
    verb: Sense,
    place: Range<usize>,
    left: u32,
    is_first: bool,
    /// "The jury may …".
    is_permitted: bool,
    object: Option<Sense>,
    is_weak: bool,
    is_former: bool,
    is_inner: bool,
}

impl Reader {
    fn note(&mut self, sense: Option<Sense>, place: Range<usize>) -> Option<Range<usize>> {
        let before = self.before;
        self.before = [before[1], sense];
        if sense.is_none() && self.phrase.is_none() {
            return None;
        }
        let mut found = None;
        if let Some(mut phrase) = self.phrase.take() {
            match phrase.goes_on(sense, place.end) {
                Going::On => self.phrase = Some(phrase),
                Going::Ended => found = phrase.ended(),
            }
        }
        if let Some(verb @ (Sense::Verb | Sense::Technical | Sense::Disclosure)) = sense
            && !is_no_order(verb, before)
        {
            self.phrase = Some(Phrase::begun(verb, place, before[1]));
        }
        found
    }

    /// What was denied or told in one clause is not in the next, and a phrase does not go on over the end of a sentence.
    fn pause(&mut self, end: u8) -> Option<Range<usize>> {
        if !matches!(end, b'.' | b'!' | b'?' | b',' | b';' | b':') {
            return None;
        }
        self.before = [None; 2];
        if matches!(end, b'.' | b'!' | b'?') {
            return self.phrase.take().and_then(Phrase::ended);
        }
        None
    }
}

/// Denied, told of somebody, or said of a program.
fn is_no_order(verb: Sense, before: [Option<Sense>; 2]) -> bool {
    before.contains(&Some(Sense::Not))
        || before[1] == Some(Sense::Told)
        || (verb == Sense::Technical && matches!(before[1], Some(Sense::Modal | Sense::To)))
}

enum Going {
    On,
    Ended,
}

impl Phrase {
    fn begun(verb: Sense, place: Range<usize>, before: Option<Sense>) -> Self {
        Self {
            verb,
            place,
            left: REACH,
            is_first: true,
            is_permitted: before == Some(Sense::Modal),
            object: None,
            is_weak: false,
            is_former: false,
            is_inner: false,
        }
    }

    fn goes_on(&mut self, sense: Option<Sense>, end: usize) -> Going {
        let is_first = std::mem::take(&mut self.is_first);
        self.left -= 1;
        match sense {
            // "Forget to", "vergiss nicht".
            Some(Sense::Not | Sense::Modal | Sense::To) if is_first => return Going::Ended,
            Some(Sense::Weak) => self.is_weak |= self.object.is_none(),
            Some(Sense::Former) => self.is_former = true,
            Some(Sense::Inner) => self.is_inner = true,
            Some(Sense::Object | Sense::Narrow) if self.object.is_none() => {
                self.object = sense;
                self.left = BEHIND;
                self.place.end = end;
            }
            Some(Sense::Verb | Sense::Technical | Sense::Disclosure) => return Going::Ended,
            _ => {}
        }
        if self.left == 0 || self.is_order() {
            Going::Ended
        } else {
            Going::On
        }
    }

    fn is_order(&self) -> bool {
        let Some(object) = self.object else {
            return false;
        };
        match self.verb {
            Sense::Disclosure => self.is_inner,
            Sense::Verb if object == Sense::Object => {
                (self.is_weak && !self.is_permitted) || self.is_former || self.is_inner
            }
            _ => self.is_former || self.is_inner,
        }
    }

    fn ended(self) -> Option<Range<usize>> {
        self.is_order().then_some(self.place)
    }
}

/// Bytes from a quotation mark to the verb, and from the object to the mark that closes.
const QUOTED: usize = 32;
/// Bytes around it in which it is said what is spoken of.
const AROUND: usize = 160;

/// In quotation marks, in a line, and a word near by says that such sentences are the subject.
fn is_spoken_of(text: &str, found: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let before = &bytes[found.start.saturating_sub(QUOTED)..(found.start + 4).min(bytes.len())];
    let line = before.iter().rposition(|byte| *byte == b'\n');
    let before = &before[line.map_or(0, |at| at + 1)..];
    let behind = &bytes[found.end..(found.end + QUOTED).min(bytes.len())];
    let behind = behind
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let last = &bytes[found.end.saturating_sub(4)..found.end];
    let is_quoted = has_quotation(before) && (has_quotation(behind) || has_quotation(last));
    is_quoted && is_talk(text, found)
}

fn has_quotation(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'`'))
        || ["\u{201C}", "\u{201D}", "\u{201E}", "\u{AB}", "\u{BB}"]
            .iter()
            .any(|mark| {
                bytes
                    .windows(mark.len())
                    .any(|window| window == mark.as_bytes())
            })
}

fn is_talk(text: &str, found: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let sides = [
        &bytes[found.start.saturating_sub(AROUND)..found.start],
        &bytes[found.end..(found.end + AROUND).min(bytes.len())],
    ];
    sides.into_iter().any(|side| has_word(side, Near::Talk))
}

static SENSES: LazyLock<Senses<Sense>> = LazyLock::new(|| {
    include_str!("../../lists/phrase-words.txt")
        .lines()
        .map(|line| line.split_once(' ').expect("a word and its sense"))
        .map(|(word, sense)| (word, sense_named(sense)))
        .collect()
});

fn sense_named(name: &str) -> Sense {
    match name {
        "verb" => Sense::Verb,
        "technical" => Sense::Technical,
        "disclosure" => Sense::Disclosure,
        "object" => Sense::Object,
        "narrow" => Sense::Narrow,
        "weak" => Sense::Weak,
        "former" => Sense::Former,
        "inner" => Sense::Inner,
        "told" => Sense::Told,
        "modal" => Sense::Modal,
        "to" => Sense::To,
        "not" => Sense::Not,
        _ => panic!("`{name}` is no sense of a word"),
    }
}
