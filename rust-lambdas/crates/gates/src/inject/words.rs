use std::ops::Range;

use crate::characters::{Kind, kind_of};
use crate::pace::{Late, Pace};

/// Words of the text in lower case, in order: runs of characters between white space, without noise, and without what is
/// no letter at either end. What is then empty is left out. With each comes where the run begins and ends.
///
/// Most words are ASCII and none of the longest: these are cut out of the bytes. The others go character by character, as
/// `words::read` does; a property test holds the two together.
pub(super) fn each_word(
    text: &str,
    pace: &mut Pace<'_>,
    mut note: impl FnMut(&str, Range<usize>),
) -> Result<(), Late> {
    pace.again();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        pace.reach(at)?;
        if CLASSES[usize::from(bytes[at])] == Class::Space {
            at += 1;
            continue;
        }
        let rest = &bytes[at..];
        let length = rest
            .iter()
            .position(|byte| CLASSES[usize::from(*byte)] != Class::Graphic)
            .unwrap_or(rest.len());
        let end = at + length;
        if bytes
            .get(end)
            .is_none_or(|byte| CLASSES[usize::from(*byte)] == Class::Space)
        {
            note_ascii(&bytes[at..end], |word| note(word, at..end));
            at = end;
        } else {
            let end = note_other(&text[at..], at, pace, |word, end| note(word, at..at + end))?;
            at += end;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Graphic,
    Space,
    Other,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | b' ' => Class::Space,
            0x21..=0x7E => Class::Graphic,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// No word of a list is as long.
const SHORT: usize = 32;

fn note_ascii(word: &[u8], mut note: impl FnMut(&str)) {
    let Some(from) = word.iter().position(u8::is_ascii_alphabetic) else {
        return;
    };
    let to = word
        .iter()
        .rposition(u8::is_ascii_alphabetic)
        .map_or(from, |last| last + 1);
    let bare = &word[from..to];
    let mut lower = [0; SHORT];
    let Some(place) = lower.get_mut(..bare.len()) else {
        return note(LONG);
    };
    place.copy_from_slice(bare);
    place.make_ascii_lowercase();
    note(std::str::from_utf8(place).expect("letters of ASCII"));
}

/// In the place of a word that is in no list by its length.
const LONG: &str = "0123456789012345678901234567890123456789";

/// One word with other characters; answers its bytes.
fn note_other(
    text: &str,
    offset: usize,
    pace: &mut Pace<'_>,
    mut note: impl FnMut(&str, usize),
) -> Result<usize, Late> {
    let mut word = String::new();
    let mut end = text.len();
    for (at, character) in text.char_indices() {
        pace.reach(offset + at)?;
        match kind_of(character) {
            Kind::Space => {
                end = at;
                break;
            }
            Kind::Noise | Kind::Selector => {}
            _ => word.extend(character.to_lowercase()),
        }
    }
    let bare = word.trim_matches(|one: char| !one.is_alphabetic());
    if !bare.is_empty() {
        note(bare, end);
    }
    // A character that parts words is passed over by whoever calls: it may be of several bytes.
    Ok(end + text[end..].chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::{Reader, Run, read};

    #[derive(Default)]
    struct Words(Vec<String>);

    impl Reader for Words {
        fn character(&mut self, _lower: char) {}

        fn word(&mut self, word: &str, _run: &Run) -> bool {
            let bare = word.trim_matches(|one: char| !one.is_alphabetic());
            if !bare.is_empty() {
                self.0.push(bare.to_owned());
            }
            true
        }

        fn line(&mut self) {}
    }

    proptest! {
        #[test]
        fn prop_words_are_those_of_the_reader(text in "([a-zA-Z0-9é.,()'_-]{0,9}|[ \\n\\t\u{A0}\u{3000}\u{200B}\u{1}\u{FE0F}İß]|\\PC{0,4}|[a-z]{30,40}){0,30}") {
            let mut twin = Words::default();
            read(&text, &mut twin, &mut Pace::unlimited()).expect("all the time");
            let mut words = Vec::new();
            each_word(&text, &mut Pace::unlimited(), |word, _| words.push(word.to_owned())).expect("all the time");
            let twin: Vec<String> = twin
                .0
                .into_iter()
                .map(|word| if word.is_ascii() && word.len() > SHORT { LONG.to_owned() } else { word })
                .collect();
            let words: Vec<String> = words
                .into_iter()
                .map(|word| if word.is_ascii() && word.len() > SHORT { LONG.to_owned() } else { word })
                .collect();
            prop_assert_eq!(words, twin);
        }
    }
}
