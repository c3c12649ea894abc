//! `snr/1`: how much a text looks like language. It measures form, not truth.
//!
//! Six features fall linearly from 10,000 where a measure is as in prose to 0 where it is not. Their weighted geometric
//! mean, at most 1,500 above the lowest, is taken at the end of each word from the twentieth on, and the lowest of these is
//! the score: whatever is appended, the words before it have been judged, so noise cannot be diluted and text cannot be
//! added to raise a score. All measures are counted on as words come, so a text costs time in proportion to its length.
//!
//! 1. Only `clean` sees noise (see `characters`); words and all other measures are without it, so that a hidden
//!    character can lower a score but never raise one.
//! 2. Shares of `repeat` and `copies` are of at least 600 characters: in a short text any pair of words is a large share.
//! 3. An open window of LZ78 counts as if phrases came as `n / log2 n` does: short texts have more phrases to the
//!    character by nature.
//! 4. Words are compared by number, n-grams by (number of the n-gram one shorter, number of the last word): exact, and
//!    each in one look-up. An n-gram gets a number when the one that it continues was seen twice: before that it cannot
//!    repeat, and most of a text is never looked up beyond its words.

use crate::function_words::{LANGUAGES, languages_of};
use crate::intern::{Interner, key_of, mixed, seed_of};
use crate::log2::{exp2_floor, log2_table};
use crate::lz78::{Phrases, WINDOW, Windows};
use crate::pace::{Late, Pace};
use crate::words::{Reader, Run, read};

mod features;

pub use features::Features;
use features::Measures;

/// From this word on a prefix has a score.
pub const WORDS_MIN: u32 = 20;
/// What the best feature can make up for the lowest.
pub const ABOVE_LOWEST_MAX: u32 = 1500;
/// Weights of the features, in their order.
pub const WEIGHTS: [u32; 6] = [2, 2, 2, 2, 1, 1];

/// A score and the prefix that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snr {
    /// 0 to 10,000.
    pub score: u32,
    /// The word that ends the lowest prefix, counted from 1.
    pub at_word: u32,
    /// Words that were read; reading ends where nothing can lower the score.
    pub words: u32,
    /// Features of that prefix.
    pub features: Features,
    /// The list that fits the prefix best.
    pub language: &'static str,
}

/// Why there is no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unscored {
    /// Fewer than twenty words.
    Short,
    /// No prefix is mostly in the script of a list.
    Language,
}

impl Unscored {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Language => "language",
        }
    }
}

/// Scores a text. Bytes that are no UTF-8 count as U+FFFD, which is noise.
pub fn snr(text: &[u8], pace: &mut Pace<'_>) -> Result<Result<Snr, Unscored>, Late> {
    let mut scoring = Scoring::new(seed_of(text));
    read(&String::from_utf8_lossy(text), &mut scoring, pace)?;
    Ok(scoring.finish())
}

/// In the place of an n-gram that has no number.
const NONE: u32 = u32::MAX;
/// The longest n-gram that counts as a copy.
const GRAM_MAX: usize = 10;

struct Scoring {
    windows: Windows,
    words: Words,
    /// Numbers of the words in the order of the text.
    sequence: Vec<u32>,
    grams: Interner,
    nodes: Vec<Gram>,
    /// The n-grams that end at the last word, shortest first.
    ending: [u32; GRAM_MAX],
    /// Characters of all words up to each of the last ones, by word number modulo the length.
    characters: [u32; 16],
    count: u32,
    letterless: u32,
    /// Most characters that the occurrences of one 2-, 3-, 4-gram have together.
    top: [u32; 3],
    /// Characters in second and later occurrences of 5- to 10-grams, and the word that the last one ended at.
    copied: [Copied; 6],
    lines: Lines,
    function: [u32; LANGUAGES.len()],
    lowest: Option<Lowest>,
    /// Prefixes of twenty words or more were in no language of a list.
    was_foreign: bool,
}

/// An n-gram with a number.
#[derive(Clone, Copy)]
struct Gram {
    /// The word that its first occurrence ended at, counted from 1.
    first: u32,
    /// Occurrences that overlap none before them, and the word that the last of these ended at.
    count: u32,
    ended_at: u32,
    /// It was seen twice: what follows it has numbers.
    is_repeated: bool,
}

#[derive(Clone, Copy, Default)]
struct Copied {
    characters: u32,
    ended_at: u32,
}

/// The prefixes with the lowest mean and with the lowest single feature; the score is the lower of what they give.
#[derive(Clone, Copy)]
struct Lowest {
    mean: Prefix,
    /// Weighted sum of logarithms.
    sum: u32,
    feature: Prefix,
}

#[derive(Clone, Copy)]
struct Prefix {
    at_word: u32,
    features: Features,
    language: usize,
}

impl Scoring {
    fn new(seed: u64) -> Self {
        Self {
            windows: Windows::new(seed),
            words: Words::new(seed),
            sequence: Vec::new(),
            grams: Interner::new(seed),
            nodes: Vec::new(),
            ending: [NONE; GRAM_MAX],
            characters: [0; 16],
            count: 0,
            letterless: 0,
            top: [0; 3],
            copied: [Copied::default(); 6],
            lines: Lines::new(seed),
            function: [0; LANGUAGES.len()],
            lowest: None,
            was_foreign: false,
        }
    }

    fn finish(self) -> Result<Snr, Unscored> {
        let Some(lowest) = self.lowest else {
            return Err(if self.was_foreign {
                Unscored::Language
            } else {
                Unscored::Short
            });
        };
        let mean = mean_of(lowest.mean.features, lowest.sum);
        let above_lowest = lowest.feature.features.lowest() + ABOVE_LOWEST_MAX;
        let is_zero = lowest.feature.features.lowest() == 0;
        let (score, prefix) = if is_zero {
            (0, lowest.feature)
        } else if mean <= above_lowest {
            (mean, lowest.mean)
        } else {
            (above_lowest, lowest.feature)
        };
        Ok(Snr {
            score,
            at_word: prefix.at_word,
            words: self.count,
            features: prefix.features,
            language: LANGUAGES[prefix.language].0,
        })
    }

    /// Every n-gram that ends at this word, the longest first: whether the shorter one before it repeats must be as it was
    /// when that ended.
    fn note_grams(&mut self, word: &Word, is_new: bool) {
        let before = self.ending;
        self.ending = [NONE; GRAM_MAX];
        for n in (2..=GRAM_MAX).rev() {
            let shorter = before[n - 2];
            if shorter == NONE || !self.nodes[shorter as usize].is_repeated {
                continue;
            }
            let (gram, was_there) = self.continuation(shorter, word.number, self.count);
            self.ending[n - 1] = gram;
            if was_there {
                if n <= 4 {
                    self.note_top(n, gram);
                } else {
                    self.note_copy(n);
                }
                self.note_repeat(n, gram);
            }
        }
        self.ending[0] = word.gram;
        if !is_new {
            self.note_repeat(1, word.gram);
        }
    }

    /// The n-gram that `word` makes of `gram`, and whether it was there; a new one ends at `end` for the first time.
    fn continuation(&mut self, gram: u32, word: u32, end: u32) -> (u32, bool) {
        let key = u64::from(gram) << 32 | u64::from(word);
        let (number, was_there) = self.grams.intern(key, self.nodes.len() as u32);
        if !was_there {
            self.nodes.push(Gram::ending_at(end));
        }
        (number, was_there)
    }

    /// At its second occurrence the continuation of its first one gets a number.
    fn note_repeat(&mut self, n: usize, gram: u32) {
        let node = &mut self.nodes[gram as usize];
        if node.is_repeated || n == GRAM_MAX {
            return;
        }
        node.is_repeated = true;
        let first = node.first;
        let next = self.sequence[first as usize];
        let (longer, _) = self.continuation(gram, next, first + 1);
        // Its first continuation may end at this very word, as in `no no`.
        if first + 1 == self.count {
            self.ending[n] = longer;
        }
    }

    /// Occurrences that overlap the one before are not counted.
    fn note_top(&mut self, n: usize, gram: u32) {
        let characters = self.characters_of_last(n as u32);
        let node = &mut self.nodes[gram as usize];
        if self.count - (n as u32) < node.ended_at {
            return;
        }
        node.count += 1;
        node.ended_at = self.count;
        let top = &mut self.top[n - 2];
        *top = (*top).max(node.count * characters);
    }

    /// Each word counts once, however many copies it is part of.
    fn note_copy(&mut self, n: usize) {
        let begins_after = self.count - n as u32;
        let fresh = self.count - begins_after.max(self.copied[n - 5].ended_at);
        let characters = self.characters_of_last(fresh);
        let copied = &mut self.copied[n - 5];
        copied.characters += characters;
        copied.ended_at = self.count;
    }

    fn characters_of_last(&self, words: u32) -> u32 {
        self.characters_until(self.count) - self.characters_until(self.count - words)
    }

    fn characters_until(&self, word: u32) -> u32 {
        self.characters[word as usize % self.characters.len()]
    }

    fn note_languages(&mut self, languages: u8) {
        for (bit, count) in self.function.iter_mut().enumerate() {
            *count += u32::from(languages >> bit & 1);
        }
    }

    /// False when the score is 0 and nothing can change that.
    fn judge(&mut self, run: &Run) -> bool {
        if self.count < WORDS_MIN {
            return true;
        }
        if run.latin * 2 < run.letters {
            self.was_foreign = true;
            return true;
        }
        let (language, function) = best_of(&self.function);
        let features = Features::of(&Measures {
            words: self.count,
            characters: self.characters_until(self.count),
            top: self.top,
            copied: self.copied.map(|copied| copied.characters),
            repeated_lines: self.lines.repeated,
            phrases: self.windows.phrases(),
            letterless: self.letterless,
            symbols: run.symbols,
            function,
            noise: run.noise,
            all_characters: run.characters,
        });
        let prefix = Prefix {
            at_word: self.count,
            features,
            language,
        };
        let sum = log_sum(features);
        match &mut self.lowest {
            None => {
                self.lowest = Some(Lowest {
                    mean: prefix,
                    sum,
                    feature: prefix,
                })
            }
            Some(lowest) => {
                if sum < lowest.sum {
                    (lowest.mean, lowest.sum) = (prefix, sum);
                }
                if features.lowest() < lowest.feature.features.lowest() {
                    lowest.feature = prefix;
                }
            }
        }
        features.lowest() > 0
    }
}

impl Reader for Scoring {
    fn character(&mut self, lower: char) {
        self.windows.push(lower as u32);
    }

    fn word(&mut self, text: &str, run: &Run) -> bool {
        if text.is_empty() {
            return self.judge(run);
        }
        // One separator for any white space between words.
        self.windows.push(u32::from(' '));
        let (word, is_new) = self.words.number(text, self.nodes.len() as u32);
        self.count += 1;
        self.sequence.push(word.number);
        if is_new {
            self.nodes.push(Gram::ending_at(self.count));
        }
        let before = self.characters_until(self.count - 1);
        self.characters[self.count as usize % self.characters.len()] = before + run.word_characters;
        self.letterless += u32::from(!run.word_has_letter);
        self.note_languages(word.languages);
        self.note_grams(&word, is_new);
        self.lines.open += run.word_characters;
        self.judge(run)
    }

    /// A line counts when it ends: the last one might still go on.
    fn line(&mut self) {
        self.lines.end(&self.sequence);
    }
}

impl Gram {
    fn ending_at(end: u32) -> Self {
        Self {
            first: end,
            count: 1,
            ended_at: end,
            is_repeated: false,
        }
    }
}

/// Lines that ended, and the one that is open.
struct Lines {
    table: Interner,
    /// Words of each different line, by number: from, to.
    ranges: Vec<(usize, usize)>,
    begins: usize,
    /// Characters of the line that is open, and of those that ended and were there before.
    open: u32,
    repeated: u32,
    seed: u64,
}

impl Lines {
    fn new(seed: u64) -> Self {
        Self {
            table: Interner::new(seed),
            ranges: Vec::new(),
            begins: 0,
            open: 0,
            repeated: 0,
            seed,
        }
    }

    fn end(&mut self, sequence: &[u32]) {
        let line = &sequence[self.begins..];
        let mut key = line.iter().fold(line.len() as u64, |key, word| {
            mixed(key ^ u64::from(*word), self.seed)
        });
        while !line.is_empty() {
            let (number, was_there) = self.table.intern(key, self.ranges.len() as u32);
            if !was_there {
                self.ranges.push((self.begins, sequence.len()));
                break;
            }
            let (from, to) = self.ranges[number as usize];
            if sequence[from..to] == *line {
                self.repeated += self.open;
                break;
            }
            key = next_key(key, self.seed);
        }
        (self.begins, self.open) = (sequence.len(), 0);
    }
}

/// For another thing of the same 64 bits: the next key is as good.
fn next_key(key: u64, seed: u64) -> u64 {
    mixed(key, seed).wrapping_add(1)
}

/// Words by number, with what is known of each.
struct Words {
    table: Interner,
    words: Vec<Word>,
    texts: String,
    seed: u64,
}

#[derive(Clone, Copy)]
struct Word {
    number: u32,
    /// Of the word as a 1-gram.
    gram: u32,
    languages: u8,
    /// Where its text ends; it begins where the one before ends.
    end: u32,
}

impl Words {
    fn new(seed: u64) -> Self {
        Self {
            table: Interner::new(seed),
            words: Vec::new(),
            texts: String::new(),
            seed,
        }
    }

    /// The word and whether it is new.
    fn number(&mut self, text: &str, fresh_gram: u32) -> (Word, bool) {
        let mut key = key_of(text.as_bytes(), self.seed);
        loop {
            let (number, was_there) = self.table.intern(key, self.words.len() as u32);
            if !was_there {
                self.texts.push_str(text);
                let end = self.texts.len() as u32;
                let word = Word {
                    number,
                    gram: fresh_gram,
                    languages: languages_of(text),
                    end,
                };
                self.words.push(word);
                return (word, true);
            }
            if self.text(number) == text {
                return (self.words[number as usize], false);
            }
            key = next_key(key, self.seed);
        }
    }

    fn text(&self, number: u32) -> &str {
        let index = number as usize;
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.words[before].end as usize);
        &self.texts[start..self.words[index].end as usize]
    }
}

/// The language with the most function words, the first of equals, and how many.
fn best_of(counts: &[u32; LANGUAGES.len()]) -> (usize, u32) {
    let mut best = (0, counts[0]);
    for (language, count) in counts.iter().enumerate() {
        if *count > best.1 {
            best = (language, *count);
        }
    }
    best
}

fn log_sum(features: Features) -> u32 {
    let table = log2_table();
    let logarithms = features.all().map(|feature| table[feature as usize]);
    logarithms
        .iter()
        .zip(WEIGHTS)
        .map(|(logarithm, weight)| logarithm * weight)
        .sum()
}

fn mean_of(features: Features, sum: u32) -> u32 {
    if features.lowest() == 0 {
        return 0;
    }
    exp2_floor(sum / WEIGHTS.iter().sum::<u32>())
}

#[cfg(test)]
mod tests;
