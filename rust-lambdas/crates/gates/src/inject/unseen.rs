//! Characters of `inject/2` that hide text. Ordinary texts have them too: zero-width spaces from web pages, marks around
//! telephone numbers, directions in Arabic and Hebrew, flags of countries that are written in tags, variants of ideographs.

use crate::characters::is_hidden;
use crate::pace::{Late, Pace};

/// More of them in a row are text that nobody sees.
const IN_A_ROW: u32 = 4;
/// Bytes in which a letter of the other direction follows a mark that asks for it.
const DIRECTED: usize = 64;

/// All such characters begin with one of two bytes in UTF-8, which few texts have: blocks without them are skipped.
pub(super) fn unseen(text: &str, pace: &mut Pace<'_>) -> Result<u32, Late> {
    pace.again();
    let bytes = text.as_bytes();
    let (mut hits, mut in_a_row, mut next) = (0, 0, 0);
    for (index, block) in bytes.chunks(256).enumerate() {
        pace.reach(index * 256)?;
        if !block.iter().any(|byte| matches!(byte, 0xE2 | 0xF3)) {
            continue;
        }
        for (offset, byte) in block.iter().enumerate() {
            let at = index * 256 + offset;
            if !matches!(byte, 0xE2 | 0xF3) {
                continue;
            }
            let Some(character) = text[at..].chars().next().filter(|one| is_hidden(*one)) else {
                continue;
            };
            let place = Place {
                text,
                at,
                end: at + character.len_utf8(),
            };
            in_a_row = if at == next { in_a_row + 1 } else { 1 };
            next = place.end;
            hits += u32::from(place.hides(character) || (in_a_row == IN_A_ROW && !place.is_flag()));
        }
    }
    Ok(hits)
}

struct Place<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl Place<'_> {
    fn hides(&self, character: char) -> bool {
        match character {
            '\u{200B}' | '\u{2060}'..='\u{2064}' => self.is_inside_of_word(),
            '\u{202B}' | '\u{2067}' => !self.is_before_right_to_left(),
            // These cannot turn text around that goes from left to right.
            '\u{202A}' | '\u{202C}' | '\u{202D}' | '\u{2066}' | '\u{2068}' | '\u{2069}' => false,
            '\u{E0000}'..='\u{E007F}' => !self.is_flag(),
            '\u{E0100}'..='\u{E01EF}' => !self.is_behind_ideograph(),
            _ => true,
        }
    }

    /// Between two letters of ASCII, where nothing may be parted or joined.
    fn is_inside_of_word(&self) -> bool {
        let bytes = self.text.as_bytes();
        let before = self.at.checked_sub(1).map(|at| bytes[at]);
        let is_letter = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphabetic());
        is_letter(before) && is_letter(bytes.get(self.end).copied())
    }

    fn is_before_right_to_left(&self) -> bool {
        let behind = &self.text.as_bytes()[self.end..];
        // Hebrew, Arabic and their neighbours in UTF-8.
        behind
            .iter()
            .take(DIRECTED)
            .any(|byte| (0xD6..=0xDF).contains(byte))
    }

    /// Tags behind a black flag, at most a region's five letters and the end.
    fn is_flag(&self) -> bool {
        let before = &self.text[..self.at];
        let tags = before
            .chars()
            .rev()
            .take(6)
            .take_while(|one| is_tag(*one))
            .count();
        tags < 6 && before.chars().rev().nth(tags) == Some('\u{1F3F4}')
    }

    fn is_behind_ideograph(&self) -> bool {
        let before = self.text[..self.at].chars().next_back();
        before.is_some_and(|one| matches!(one, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}'))
    }
}

fn is_tag(character: char) -> bool {
    matches!(character, '\u{E0020}'..='\u{E007F}')
}
