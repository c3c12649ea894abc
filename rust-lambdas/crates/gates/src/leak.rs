//! `leak/1` and `leak/2`: what looks like a secret or an account. Hits are counted by type; nothing of the text comes out.

use std::sync::LazyLock;

use crate::FULL;
use crate::log2::{FRACTION, log2};
use crate::pace::{Late, Pace};

mod scan;
mod window;

pub use scan::{Context, HELD_MAX, Scan, leak_2, scan};

/// Hits by type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leaks {
    /// Card numbers: 13 to 19 digits that pass Luhn's check.
    pub cards: u32,
    /// Account numbers: a country's length, mod 97 = 1.
    pub ibans: u32,
    /// Keys: a known prefix and enough entropy behind it, or the head of a private key.
    pub keys: u32,
}

impl Leaks {
    /// 10,000 without a hit, else 0.
    pub fn score(self) -> u32 {
        if self == Self::default() { FULL } else { 0 }
    }
}

/// Looks at each token of the text once: what is sought begins where a word begins.
pub fn leak(text: &[u8], pace: &mut Pace<'_>) -> Result<Leaks, Late> {
    let mut leaks = Leaks::default();
    let mut at = 0;
    while at < text.len() {
        pace.reach(at)?;
        at = match text[at] {
            byte if byte.is_ascii_alphanumeric() => {
                token_end(text, at, &mut leaks).unwrap_or_else(|| word_end(text, at))
            }
            byte if is_word(byte) => word_end(text, at),
            b'-' => key_end(text, at)
                .inspect(|_| leaks.keys += 1)
                .unwrap_or(at + 1),
            _ => at + 1,
        };
    }
    Ok(leaks)
}

fn token_end(text: &[u8], at: usize, leaks: &mut Leaks) -> Option<usize> {
    if let Some(end) = card_end(text, at) {
        leaks.cards += 1;
        return Some(end);
    }
    if let Some(end) = iban_end(text, at) {
        leaks.ibans += 1;
        return Some(end);
    }
    let end = key_end(text, at)?;
    leaks.keys += 1;
    Some(end)
}

fn word_end(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| is_word(**byte)).count()
}

const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Digits in groups that single spaces or hyphens part. The first digit is that of a payment network; one digit
/// repeated is a placeholder. Where other digits follow, it may end with any of the groups.
fn card_end(text: &[u8], start: usize) -> Option<usize> {
    if !matches!(text[start], b'2'..=b'6') {
        return None;
    }
    let (mut digits, mut count) = ([0u8; *CARD_DIGITS.end()], 0);
    let (mut end, mut group) = (start, None);
    loop {
        match text.get(end) {
            Some(byte) if byte.is_ascii_digit() => {
                let Some(digit) = digits.get_mut(count) else {
                    return group;
                };
                *digit = byte - b'0';
                count += 1;
            }
            Some(b' ' | b'-') if text.get(end + 1).is_some_and(u8::is_ascii_digit) => {
                group = is_card(&digits[..count]).then_some(end).or(group);
            }
            _ => break,
        }
        end += 1;
    }
    let is_apart = !text.get(end).is_some_and(|byte| is_word(*byte));
    (is_apart && is_card(&digits[..count]))
        .then_some(end)
        .or(group)
}

fn is_card(digits: &[u8]) -> bool {
    let is_one_digit = digits.windows(2).all(|pair| pair[0] == pair[1]);
    CARD_DIGITS.contains(&digits.len()) && !is_one_digit && passes_luhn(digits)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            u32::from(if place % 2 == 1 {
                doubled(*digit)
            } else {
                *digit
            })
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Groups may be parted by single spaces.
fn iban_end(text: &[u8], start: usize) -> Option<usize> {
    let head = text.get(start..start + 4)?;
    let is_head =
        head[..2].iter().all(u8::is_ascii_uppercase) && head[2..].iter().all(u8::is_ascii_digit);
    if !is_head {
        return None;
    }
    let length = IBAN_LENGTHS
        .iter()
        .find(|(country, _)| country == &head[..2])?
        .1;
    let (mut characters, mut end) = (Vec::with_capacity(34), start);
    while characters.len() < length {
        match text.get(end) {
            Some(byte) if byte.is_ascii_uppercase() || byte.is_ascii_digit() => {
                characters.push(*byte)
            }
            Some(b' ') if !characters.is_empty() && text[end - 1] != b' ' => {}
            _ => return None,
        }
        end += 1;
    }
    let is_whole = !text.get(end).is_some_and(|byte| is_word(*byte));
    (is_whole && remainder_97(&characters) == 1).then_some(end)
}

/// ISO 13616: the first four characters go to the end, letters become 10 to 35.
fn remainder_97(characters: &[u8]) -> u32 {
    let (head, rest) = characters.split_at(4);
    rest.iter()
        .chain(head)
        .fold(0, |remainder, byte| match byte {
            b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
            _ => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
        })
}

const PEM_HEAD: &[u8] = b"-----BEGIN ";
const PEM_TAIL: &[u8] = b"PRIVATE KEY-----";

fn key_end(text: &[u8], start: usize) -> Option<usize> {
    let left = &text[start..];
    if !KEY_STARTS[usize::from(left[0])] {
        return None;
    }
    if left.starts_with(PEM_HEAD) {
        let label = &left[PEM_HEAD.len()..];
        let length = label
            .iter()
            .take(24)
            .take_while(|byte| byte.is_ascii_uppercase() || **byte == b' ')
            .count();
        let head = &label[..(length + 5).min(label.len())];
        return head
            .ends_with(PEM_TAIL)
            .then_some(start + PEM_HEAD.len() + head.len());
    }
    for (prefix, characters_min) in &*KEY_PREFIXES {
        if !left.starts_with(prefix) {
            continue;
        }
        let tail = &left[prefix.len()..];
        let length = tail.iter().take_while(|byte| is_key(**byte)).count();
        if length >= *characters_min && has_entropy(&tail[..length]) {
            return Some(start + prefix.len() + length);
        }
    }
    None
}

/// Shannon entropy of the bytes, at least 3 bits to the character: a word or a placeholder has less.
fn has_entropy(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(256)];
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = bytes.len() as u64;
    let spent: u64 = counts
        .iter()
        .filter(|count| **count > 1)
        .map(|count| u64::from(*count) * u64::from(log2(*count)))
        .sum();
    length * u64::from(log2(length as u32)) - spent >= length * (3 << FRACTION)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

static IBAN_LENGTHS: LazyLock<Vec<([u8; 2], usize)>> = LazyLock::new(|| {
    pairs(include_str!("../lists/iban-lengths.txt"))
        .map(|(country, length)| (country.as_bytes().try_into().expect("two letters"), length))
        .collect()
});

static KEY_PREFIXES: LazyLock<Vec<(&'static [u8], usize)>> = LazyLock::new(|| {
    pairs(include_str!("../lists/key-prefixes.txt"))
        .map(|(prefix, length)| (prefix.as_bytes(), length))
        .collect()
});

/// First bytes of keys: most words are none by theirs.
static KEY_STARTS: LazyLock<[bool; 256]> = LazyLock::new(|| {
    let mut starts = [false; 256];
    starts[usize::from(PEM_HEAD[0])] = true;
    for (prefix, _) in &*KEY_PREFIXES {
        starts[usize::from(prefix[0])] = true;
    }
    starts
});

fn pairs(list: &'static str) -> impl Iterator<Item = (&'static str, usize)> {
    list.lines().map(|line| {
        let (name, number) = line.split_once(' ').expect("a name and a number");
        (name, number.parse().expect("a number"))
    })
}

#[cfg(test)]
mod tests;
