use super::{Phrases, WINDOW};
use crate::FULL;
use crate::log2::{FRACTION, log2};

/// What was counted in a prefix.
pub(super) struct Measures {
    pub(super) words: u32,
    /// Of all words, without white space and noise.
    pub(super) characters: u32,
    pub(super) top: [u32; 3],
    pub(super) copied: [u32; 6],
    pub(super) repeated_lines: u32,
    pub(super) phrases: Phrases,
    pub(super) letterless: u32,
    pub(super) symbols: u32,
    pub(super) function: u32,
    pub(super) noise: u32,
    pub(super) all_characters: u32,
}

/// Basis points, 10,000 is as in prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The share of the most frequent word pair, triple, quadruple.
    pub repeat: u32,
    /// The share of repeated word sequences and lines.
    pub copies: u32,
    /// Information to the character.
    pub density: u32,
    /// Words with letters, their length, symbols among them.
    pub form: u32,
    /// Words of grammar.
    pub function: u32,
    /// Free of control and invisible characters.
    pub clean: u32,
}

/// Shares of `repeat` and `copies` are of at least so many characters.
const CHARACTERS_MIN: u32 = 600;
/// Limits of the top 2-, 3-, 4-gram and of 5- to 10-grams, in basis points of the characters.
const TOP_LIMITS: [u32; 3] = [2000, 1800, 1600];
const COPY_LIMITS: [u32; 6] = [1500, 1400, 1300, 1200, 1100, 1000];
const LINE_LIMIT: u32 = 3000;

impl Features {
    /// In the order of the weights.
    pub fn all(self) -> [u32; 6] {
        [
            self.repeat,
            self.copies,
            self.density,
            self.form,
            self.function,
            self.clean,
        ]
    }

    /// The least of them.
    pub fn lowest(self) -> u32 {
        self.all().into_iter().fold(FULL, u32::min)
    }

    pub(super) fn of(measures: &Measures) -> Self {
        let whole = measures.characters.max(CHARACTERS_MIN);
        let limited = |part: u32, limit: u32| falling(share(part, whole), limit / 2, limit * 2);
        let worst = |parts: &[u32], limits: &[u32]| {
            let each = parts
                .iter()
                .zip(limits)
                .map(|(part, limit)| limited(*part, *limit));
            each.fold(FULL, u32::min)
        };
        let lines = limited(measures.repeated_lines, LINE_LIMIT);
        Self {
            repeat: worst(&measures.top, &TOP_LIMITS),
            copies: worst(&measures.copied, &COPY_LIMITS).min(lines),
            density: density(phrase_rate(measures.phrases)),
            form: form(measures),
            function: rising(share(measures.function, measures.words), 800, 2500),
            clean: falling(share_up(measures.noise, measures.all_characters), 0, 100),
        }
    }
}

fn density(rate: u32) -> u32 {
    rising(rate, 800, 2000).min(falling(rate, 5600, 7200))
}

fn form(measures: &Measures) -> u32 {
    let letters = share(measures.words - measures.letterless, measures.words);
    let length = (u64::from(measures.characters) * 100 / u64::from(measures.words))
        .min(u64::from(u32::MAX)) as u32;
    let symbols = share(measures.symbols, measures.words);
    rising(letters, 4000, 8000)
        .min(rising(length, 100, 300))
        .min(falling(length, 1000, 2000))
        .min(falling(symbols, 1000, 5000))
}

/// Phrases per 10,000 characters: the mean of the windows by their characters.
fn phrase_rate(phrases: Phrases) -> u32 {
    let characters = phrases.full_windows * WINDOW + phrases.filled;
    if characters == 0 {
        return 0;
    }
    let open = in_a_full_window(phrases.in_open, phrases.filled);
    let all = u64::from(phrases.in_full) * 1000 + open;
    (all * u64::from(FULL) / 1000 / u64::from(characters)) as u32
}

/// Thousandths of phrases: n characters of one source have about n · h / log2 n, so a short window is brought to the rate
/// that a full one would have.
fn in_a_full_window(phrases: u32, characters: u32) -> u64 {
    if characters == WINDOW || characters < 2 {
        return u64::from(phrases) * 1000;
    }
    let full = u64::from(log2(WINDOW)) >> (FRACTION - 10);
    u64::from(phrases) * 1000 * (u64::from(log2(characters)) >> (FRACTION - 10)) / full
}

/// Basis points, rounded down.
fn share(part: u32, whole: u32) -> u32 {
    if whole == 0 {
        return 0;
    }
    (u64::from(part) * u64::from(FULL) / u64::from(whole)).min(u64::from(u32::MAX)) as u32
}

/// Basis points, rounded up: one hidden character is never nothing.
fn share_up(part: u32, whole: u32) -> u32 {
    if whole == 0 {
        return 0;
    }
    (u64::from(part) * u64::from(FULL)).div_ceil(u64::from(whole)) as u32
}

/// 10,000 up to `full`, 0 from `zero`.
fn falling(value: u32, full: u32, zero: u32) -> u32 {
    if value <= full {
        FULL
    } else if value >= zero {
        0
    } else {
        ((u64::from(zero - value) * u64::from(FULL)) / u64::from(zero - full)) as u32
    }
}

/// 0 up to `zero`, 10,000 from `full`.
fn rising(value: u32, zero: u32, full: u32) -> u32 {
    if value >= full {
        FULL
    } else if value <= zero {
        0
    } else {
        ((u64::from(value - zero) * u64::from(FULL)) / u64::from(full - zero)) as u32
    }
}
