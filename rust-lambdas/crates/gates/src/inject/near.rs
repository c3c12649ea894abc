//! Words that stand near a finding and make more or less of it.

use std::sync::LazyLock;

/// What a word near by says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Near {
    /// Names what a link would carry away.
    Carried,
    /// Something to be decoded.
    Coded,
    /// To put something into a link.
    Filling,
    /// To do what is said.
    Order,
    /// What is not for others.
    Private,
    /// Injections are the subject.
    Talk,
}

/// Whether one of the words stands in it, in any case.
pub(super) fn has_word(text: &[u8], near: Near) -> bool {
    let words = &WORDS[near as usize];
    text.split(|byte| !byte.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .any(|word| words.iter().any(|one| one.eq_ignore_ascii_case(word)))
}

static WORDS: LazyLock<[Vec<&'static [u8]>; 6]> = LazyLock::new(|| {
    ["carried", "coded", "filling", "order", "private", "talk"].map(|kind| {
        include_str!("../../lists/near-words.txt")
            .lines()
            .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
            .map(str::as_bytes)
            .collect()
    })
});
