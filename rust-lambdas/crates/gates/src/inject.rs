//! `inject/1` and `inject/2`: what tries to speak to a model behind the reader's back. 2,500 less for each class with a hit.
//!
//! The second wants more evidence, because ordinary texts are full of what the first refuses: badges, addresses in code,
//! data in base64, advice not to forget the instructions, telephone numbers between marks of direction.

use std::sync::LazyLock;

use crate::FULL;
use crate::characters::is_hidden;
use crate::pace::{Late, Pace};

mod links;
mod near;
mod phrases;
mod runs;
mod senses;
mod unseen;
mod words;

use links::each_link;
use senses::Senses;
use words::each_word;

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

/// `inject/1`. Bytes that are no UTF-8 count as U+FFFD.
pub fn inject(text: &[u8], pace: &mut Pace<'_>) -> Result<Injections, Late> {
    let text = String::from_utf8_lossy(text);
    let mut injections = Injections::default();
    let mut overrides = Overrides { hits: 0, left: 0 };
    each_word(&text, pace, |word, _| overrides.note(word))?;
    injections.overrides = overrides.hits;
    injections.hidden = hidden(&text, pace)?;
    each_link(&text, pace, |link| {
        injections.links += u32::from(link.carries_anything());
    })?;
    runs::each_run(text.as_bytes(), pace, runs::RUN_MIN, |_| {
        injections.runs += 1;
    })?;
    Ok(injections)
}

/// `inject/2`.
pub fn inject_2(text: &[u8], pace: &mut Pace<'_>) -> Result<Injections, Late> {
    let text = String::from_utf8_lossy(text);
    let mut injections = Injections {
        overrides: phrases::overrides(&text, pace)?,
        hidden: unseen::unseen(&text, pace)?,
        ..Injections::default()
    };
    each_link(&text, pace, |link| {
        injections.links += u32::from(link.carries_data());
    })?;
    let mut found = Vec::new();
    runs::each_run(text.as_bytes(), pace, runs::RUN_MIN_2, |run| {
        found.push(run)
    })?;
    for run in found {
        injections.runs += u32::from(runs::gives_orders(text.as_bytes(), &run, pace)?);
    }
    Ok(injections)
}

/// Words from verb to object at most, the object among them.
const REACH: u32 = 6;

struct Overrides {
    hits: u32,
    left: u32,
}

impl Overrides {
    fn note(&mut self, word: &str) {
        match SENSES.of(word) {
            Some(Sense::System) if self.left > 0 => {
                self.hits += 1;
                self.left = 0;
            }
            Some(Sense::Override) => self.left = REACH,
            _ => self.left = self.left.saturating_sub(1),
        }
    }
}

/// All hidden characters begin with one of two bytes in UTF-8, which few texts have: blocks without them are skipped.
fn hidden(text: &str, pace: &mut Pace<'_>) -> Result<u32, Late> {
    pace.again();
    let bytes = text.as_bytes();
    let mut hits = 0;
    for (index, block) in bytes.chunks(256).enumerate() {
        pace.reach(index * 256)?;
        if !block.iter().any(|byte| matches!(byte, 0xE2 | 0xF3)) {
            continue;
        }
        for (offset, byte) in block.iter().enumerate() {
            if matches!(byte, 0xE2 | 0xF3) {
                let character = text[index * 256 + offset..].chars().next();
                hits += u32::from(character.is_some_and(is_hidden));
            }
        }
    }
    Ok(hits)
}

#[derive(Clone, Copy)]
enum Sense {
    Override,
    System,
}

static SENSES: LazyLock<Senses<Sense>> = LazyLock::new(|| {
    [
        (include_str!("../lists/override-verbs.txt"), Sense::Override),
        (include_str!("../lists/system-words.txt"), Sense::System),
    ]
    .into_iter()
    .flat_map(|(list, sense)| list.split_whitespace().map(move |word| (word, sense)))
    .collect()
});

#[cfg(test)]
mod tests;
