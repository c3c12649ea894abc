//! Cuts text into lower-case words without noise.

use crate::characters::{Kind, is_latin, kind_of};
use crate::pace::{Late, Pace};

/// What a reader of a text is told, in order.
pub(crate) trait Reader {
    /// A character that is part of a word, in lower case (one character may become several).
    fn character(&mut self, lower: char);
    /// A word ended: a run of characters between white space. `word` is its text in lower case and without noise, and
    /// empty when there was nothing else. False ends the reading.
    fn word(&mut self, word: &str, run: &Run) -> bool;
    /// A line feed.
    fn line(&mut self);
}

/// Counts since the text began, at the end of a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// Characters of all kinds.
    pub(crate) characters: u32,
    pub(crate) noise: u32,
    pub(crate) symbols: u32,
    pub(crate) letters: u32,
    pub(crate) latin: u32,
    /// Characters of the word that ended, as many as its lower case has.
    pub(crate) word_characters: u32,
    pub(crate) word_has_letter: bool,
}

pub(crate) fn read(text: &str, reader: &mut impl Reader, pace: &mut Pace<'_>) -> Result<(), Late> {
    let mut run = Run::default();
    let mut word = String::new();
    let mut is_inside = false;
    for (at, character) in text.char_indices() {
        pace.reach(at)?;
        run.characters += 1;
        let kind = kind_of(character);
        if kind == Kind::Space {
            if is_inside {
                if !reader.word(&word, &run) {
                    return Ok(());
                }
                word.clear();
                (run.word_characters, run.word_has_letter, is_inside) = (0, false, false);
            }
            if character == '\n' {
                reader.line();
            }
            continue;
        }
        is_inside = true;
        match kind {
            Kind::Noise => {
                run.noise += 1;
                continue;
            }
            Kind::Selector => continue,
            Kind::Letter => {
                run.letters += 1;
                run.latin += u32::from(is_latin(character));
                run.word_has_letter = true;
            }
            Kind::Symbol => run.symbols += 1,
            Kind::Space | Kind::Other => {}
        }
        if character.is_ascii() {
            let lower = character.to_ascii_lowercase();
            word.push(lower);
            run.word_characters += 1;
            reader.character(lower);
        } else {
            for lower in character.to_lowercase() {
                word.push(lower);
                run.word_characters += 1;
                reader.character(lower);
            }
        }
    }
    if is_inside {
        reader.word(&word, &run);
    }
    Ok(())
}
