//! `leak/2`: what `leak/1` looks for, in a text that comes in pieces.
//!
//! Whether bytes are a match is known after at most [`HELD_MAX`] of them, so whoever passes a text on holds back no more
//! than these and never lets a byte of a match go. Three rules are narrower than those of `leak/1`:
//!
//! 1. The entropy of a key is that of the first 96 bytes behind its prefix: the end of a longer run need not be seen.
//! 2. A card number has the length of its network and is written in the groups that cards have, or in one. Columns of
//!    numbers, of which one in ten would pass Luhn's check, are none.
//! 3. The digits behind a decimal point are no number of their own.

use super::window::{Open, Window};
use super::{IBAN_LENGTHS, KEY_PREFIXES, KEY_STARTS, Leaks, PEM_HEAD, PEM_TAIL};
use super::{has_entropy, is_key, is_word, passes_luhn, remainder_97};
use crate::pace::{Late, Pace};

/// Bytes that may wait for those behind them. The longest that do are a prefix of 11 and 96 bytes of a key.
pub const HELD_MAX: usize = 128;
/// Bytes of a key that are looked at.
const KEY_WINDOW: usize = 96;

/// What stands before the next byte, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Context {
    /// Nothing, or a character of no word.
    #[default]
    Free = 0,
    /// A word that is no match and goes on.
    Word = 1,
    /// The same, and a digit was the last of it.
    Number = 2,
    /// A decimal point behind a digit.
    Fraction = 3,
}

impl Context {
    /// Of the number that stands for it between two scans.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Free),
            1 => Some(Self::Word),
            2 => Some(Self::Number),
            3 => Some(Self::Fraction),
            _ => None,
        }
    }
}

/// What a scan found, and where the next one goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scan {
    /// Matches that ended.
    pub leaks: Leaks,
    /// Before the byte that follows the released ones.
    pub context: Context,
    /// Bytes that belong to no match that is still open. The next scan begins behind them.
    pub released: usize,
}

/// Scores a whole text.
pub fn leak_2(text: &[u8], pace: &mut Pace<'_>) -> Result<Leaks, Late> {
    Ok(scan(text, Context::Free, true, pace)?.leaks)
}

/// Looks at what has come of a text. `text` begins with what the scan before did not release, `context` is that scan's;
/// with `is_last` it ends here and everything is released.
pub fn scan(
    text: &[u8],
    context: Context,
    is_last: bool,
    pace: &mut Pace<'_>,
) -> Result<Scan, Late> {
    let window = Window {
        bytes: text,
        is_last,
    };
    let mut scan = Scan {
        context,
        ..Scan::default()
    };
    let mut at = 0;
    while let Some(byte) = text.get(at).copied() {
        pace.reach(at)?;
        let is_inside = match scan.context {
            Context::Free => false,
            Context::Word | Context::Number => is_word(byte),
            Context::Fraction => byte.is_ascii_digit(),
        };
        let found = match byte {
            _ if is_inside => Ok(None),
            b'-' => pem_end(window, at).map(|end| end.inspect(|_| scan.leaks.keys += 1)),
            _ if byte.is_ascii_alphanumeric() => match_end(window, at, &mut scan.leaks),
            _ => Ok(None),
        };
        match found {
            Err(Open) => break,
            Ok(Some(end)) => {
                // A key may be longer than what was looked at: the rest of it is no other word.
                scan.context = Context::Word;
                at = end;
            }
            Ok(None) if is_word(byte) => {
                at = word_end(text, at);
                scan.context = if text[at - 1].is_ascii_digit() {
                    Context::Number
                } else {
                    Context::Word
                };
            }
            Ok(None) => {
                scan.context = match (byte, scan.context) {
                    (b'.', Context::Number) => Context::Fraction,
                    _ => Context::Free,
                };
                at += 1;
            }
        }
    }
    scan.released = at;
    Ok(scan)
}

fn word_end(text: &[u8], at: usize) -> usize {
    let rest = &text[at..];
    at + rest
        .iter()
        .position(|byte| !is_word(*byte))
        .unwrap_or(rest.len())
}

fn match_end(window: Window<'_>, at: usize, leaks: &mut Leaks) -> Result<Option<usize>, Open> {
    let first = window.bytes[at];
    if matches!(first, b'2'..=b'6') {
        let end = card_end(window, at)?;
        leaks.cards += u32::from(end.is_some());
        return Ok(end);
    }
    if first.is_ascii_uppercase()
        && let Some(end) = iban_end(window, at)?
    {
        leaks.ibans += 1;
        return Ok(Some(end));
    }
    if !KEY_STARTS[usize::from(first)] {
        return Ok(None);
    }
    let end = key_end(window, at)?;
    leaks.keys += u32::from(end.is_some());
    Ok(end)
}

/// The longest card number that begins here: digits in groups that single spaces or hyphens part. Where other groups
/// follow it may end with any; the last one ends where no word goes on.
fn card_end(window: Window<'_>, start: usize) -> Result<Option<usize>, Open> {
    let mut card = Card::default();
    let mut longest = None;
    let mut at = start;
    loop {
        match window.get(at)? {
            Some(byte) if byte.is_ascii_digit() => {
                if !card.push(byte - b'0') {
                    return Ok(longest);
                }
            }
            Some(b' ' | b'-')
                if window
                    .get(at + 1)?
                    .is_some_and(|next| next.is_ascii_digit()) =>
            {
                longest = card.is_valid().then_some(at).or(longest);
                if !card.next_group() {
                    return Ok(longest);
                }
            }
            next => {
                let is_apart = !next.is_some_and(is_word);
                return Ok((is_apart && card.is_valid()).then_some(at).or(longest));
            }
        }
        at += 1;
    }
}

/// Digits as far as they were read.
#[derive(Default)]
struct Card {
    digits: [u8; 19],
    length: usize,
    /// Digits of each group.
    groups: [usize; 5],
    group: usize,
}

impl Card {
    /// False where there are more digits than a card has.
    fn push(&mut self, digit: u8) -> bool {
        let Some(place) = self.digits.get_mut(self.length) else {
            return false;
        };
        *place = digit;
        self.length += 1;
        self.groups[self.group] += 1;
        true
    }

    /// False where there are more groups than a card has.
    fn next_group(&mut self) -> bool {
        self.group += 1;
        self.group < self.groups.len()
    }

    fn is_valid(&self) -> bool {
        let digits = &self.digits[..self.length];
        let is_one_digit = digits.windows(2).all(|pair| pair[0] == pair[1]);
        self.is_grouped() && is_of_network(digits) && !is_one_digit && passes_luhn(digits)
    }

    fn is_grouped(&self) -> bool {
        let groups = &self.groups[..=self.group];
        groups.len() == 1 || matches!(groups, [4, 4, 4, 4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5])
    }
}

/// Numbers that networks give out, by their first digits and length.
fn is_of_network(digits: &[u8]) -> bool {
    let number = |count: usize| {
        digits[..count]
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(*digit))
    };
    if digits.len() < 14 {
        return false;
    }
    match digits.len() {
        14 => matches!(number(2), 36 | 38 | 39) || matches!(number(3), 300..=305),
        15 => matches!(number(2), 34 | 37),
        16 if matches!(number(2), 51..=55) || matches!(number(4), 2221..=2720) => true,
        16 | 19 if digits[0] == 4 => true,
        16..=19 => {
            matches!(number(2), 50 | 56 | 57 | 58 | 62 | 63 | 65 | 67)
                || matches!(number(3), 644..=649)
                || matches!(number(4), 6011 | 3528..=3589)
        }
        _ => false,
    }
}

/// Groups may be parted by single spaces.
fn iban_end(window: Window<'_>, start: usize) -> Result<Option<usize>, Open> {
    let mut head = [0; 4];
    for (offset, place) in head.iter_mut().enumerate() {
        match window.get(start + offset)? {
            Some(byte) if offset < 2 && byte.is_ascii_uppercase() => *place = byte,
            Some(byte) if offset >= 2 && byte.is_ascii_digit() => *place = byte,
            _ => return Ok(None),
        }
    }
    let Some((_, length)) = IBAN_LENGTHS
        .iter()
        .find(|(country, _)| country == &head[..2])
    else {
        return Ok(None);
    };
    let mut characters = [0; 34];
    let (mut count, mut at, mut is_after_space) = (0, start, false);
    while count < *length {
        match window.get(at)? {
            Some(byte) if byte.is_ascii_uppercase() || byte.is_ascii_digit() => {
                characters[count] = byte;
                count += 1;
                is_after_space = false;
            }
            Some(b' ') if !is_after_space => is_after_space = true,
            _ => return Ok(None),
        }
        at += 1;
    }
    let is_whole = !window.get(at)?.is_some_and(is_word);
    Ok((is_whole && remainder_97(&characters[..count]) == 1).then_some(at))
}

fn key_end(window: Window<'_>, start: usize) -> Result<Option<usize>, Open> {
    for (prefix, characters_min) in &*KEY_PREFIXES {
        if !window.starts_with(start, prefix)? {
            continue;
        }
        let from = start + prefix.len();
        let mut end = from;
        while end < from + KEY_WINDOW && window.get(end)?.is_some_and(is_key) {
            end += 1;
        }
        let tail = &window.bytes[from..end];
        if tail.len() >= *characters_min && has_entropy(tail) {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

/// The head of a private key in PEM; the key behind it need not be seen.
fn pem_end(window: Window<'_>, start: usize) -> Result<Option<usize>, Open> {
    if !window.starts_with(start, PEM_HEAD)? {
        return Ok(None);
    }
    let label = start + PEM_HEAD.len();
    let mut end = label;
    while end < label + 24
        && window
            .get(end)?
            .is_some_and(|byte| byte.is_ascii_uppercase() || byte == b' ')
    {
        end += 1;
    }
    if !window.starts_with(end, b"-----")? {
        return Ok(None);
    }
    end += 5;
    Ok(window.bytes[label..end].ends_with(PEM_TAIL).then_some(end))
}

#[cfg(test)]
mod tests;
