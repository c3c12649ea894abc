use super::{Phrases, WINDOW};
use crate::FULL;
use crate::log2::{FRACTION, log2_table};

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
        let limited = |part: u32, limit: u32| falling(part, whole, limit / 2, limit * 2);
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
            density: density(measures.phrases),
            form: form(measures),
            function: rising(measures.function, measures.words, 800, 2500),
            clean: clean(measures),
        }
    }
}

/// Phrases per 10,000 characters: the mean of the windows by their characters.
fn density(phrases: Phrases) -> u32 {
    let characters = phrases.full_windows * WINDOW + phrases.filled;
    let all = u64::from(phrases.in_full) * 1000 + in_a_full_window(phrases.in_open, phrases.filled);
    let (part, whole) = (all * 10, u64::from(characters));
    let from = rising_ratio(part, whole, 800, 2000);
    from.min(falling_ratio(part, whole, 5600, 7200))
}

/// Thousandths of phrases: n characters of one source have about n · h / log2 n, so a short window is brought to the rate
/// that a full one would have.
fn in_a_full_window(phrases: u32, characters: u32) -> u64 {
    let kept = |n: u32| u64::from(log2_table()[n as usize]) >> (FRACTION - 10);
    u64::from(phrases) * 1000 * kept(characters) / (u64::from(WINDOW.ilog2()) << 10)
}

fn form(measures: &Measures) -> u32 {
    let words = measures.words;
    let (length, each) = (u64::from(measures.characters) * 100, u64::from(words));
    rising(words - measures.letterless, words, 4000, 8000)
        .min(rising_ratio(length, each, 100, 300))
        .min(falling_ratio(length, each, 1000, 2000))
        .min(falling(measures.symbols, words, 1000, 5000))
}

/// Rounded up: one hidden character is never nothing.
fn clean(measures: &Measures) -> u32 {
    if measures.noise == 0 {
        return FULL;
    }
    let whole = u64::from(measures.all_characters);
    falling_ratio(
        (u64::from(measures.noise) * u64::from(FULL)).div_ceil(whole),
        1,
        0,
        100,
    )
}

/// [`falling_ratio`] of a share in basis points.
fn falling(part: u32, whole: u32, full: u32, zero: u32) -> u32 {
    falling_ratio(
        u64::from(part) * u64::from(FULL),
        u64::from(whole),
        full,
        zero,
    )
}

/// [`rising_ratio`] of a share in basis points.
fn rising(part: u32, whole: u32, zero: u32, full: u32) -> u32 {
    rising_ratio(
        u64::from(part) * u64::from(FULL),
        u64::from(whole),
        zero,
        full,
    )
}

/// 10,000 where `floor(part / whole)` is at most `full`, 0 from `zero`, a line between. Most prefixes of most texts are at
/// an end of it, which a product tells without a division: some thirty of them a word would be half of the whole cost.
fn falling_ratio(part: u64, whole: u64, full: u32, zero: u32) -> u32 {
    if part < u64::from(full + 1) * whole {
        return FULL;
    }
    if part >= u64::from(zero) * whole {
        return 0;
    }
    let value = part / whole;
    ((u64::from(zero) - value) * u64::from(FULL) / u64::from(zero - full)) as u32
}

/// 0 where `floor(part / whole)` is at most `zero`, 10,000 from `full`, a line between.
fn rising_ratio(part: u64, whole: u64, zero: u32, full: u32) -> u32 {
    if part >= u64::from(full) * whole {
        return FULL;
    }
    if part < u64::from(zero + 1) * whole {
        return 0;
    }
    let value = part / whole;
    ((value - u64::from(zero)) * u64::from(FULL) / u64::from(full - zero)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: u64, zero: u64, full: u64) -> u64 {
        let (low, high) = (zero.min(full), zero.max(full));
        let value = value.clamp(low, high);
        value.abs_diff(zero) * u64::from(FULL) / (high - low)
    }

    #[test]
    fn the_products_decide_as_the_division_does() {
        for whole in [1u64, 2, 3, 7, 20, 599, 600, 601] {
            for part in (0..whole * 120).step_by(1 + whole as usize / 40) {
                let value = part / whole;
                assert_eq!(
                    u64::from(falling_ratio(part, whole, 20, 100)),
                    line(value, 100, 20),
                    "{part}/{whole}"
                );
                assert_eq!(
                    u64::from(rising_ratio(part, whole, 20, 100)),
                    line(value, 20, 100),
                    "{part}/{whole}"
                );
            }
        }
    }

    #[test]
    fn noise_is_rounded_up() {
        let measures = |noise, all_characters| Measures {
            words: 20,
            characters: 100,
            top: [0; 3],
            copied: [0; 6],
            repeated_lines: 0,
            phrases: Phrases {
                full_windows: 0,
                in_full: 0,
                filled: 0,
                in_open: 0,
            },
            letterless: 0,
            symbols: 0,
            function: 0,
            noise,
            all_characters,
        };
        assert_eq!(clean(&measures(0, 262_144)), 10_000);
        assert_eq!(clean(&measures(1, 262_144)), 9900);
        assert_eq!(clean(&measures(1, 100)), 0);
        assert_eq!(clean(&measures(1, 102)), 100);
    }
}
