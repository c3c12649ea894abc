//! Which languages a word belongs to the grammar of.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Languages with a pinned list, in the order of their bits; of equal shares the first wins.
pub(crate) const LANGUAGES: [(&str, &str); 7] = [
    ("en", include_str!("../lists/function-words.en.txt")),
    ("pt", include_str!("../lists/function-words.pt.txt")),
    ("es", include_str!("../lists/function-words.es.txt")),
    ("fr", include_str!("../lists/function-words.fr.txt")),
    ("de", include_str!("../lists/function-words.de.txt")),
    ("it", include_str!("../lists/function-words.it.txt")),
    ("nl", include_str!("../lists/function-words.nl.txt")),
];

/// Bit i is set when the word, without punctuation around it, is in the list of language i. `l'uomo` and `don't` are found
/// by what stands before the apostrophe.
pub(crate) fn languages_of(word: &str) -> u8 {
    let bare = word.trim_matches(|one: char| !one.is_alphabetic());
    match LISTS.get(bare) {
        Some(bits) => *bits,
        None => bare
            .split_once(['\'', '’'])
            .and_then(|(before, _)| LISTS.get(before))
            .copied()
            .unwrap_or(0),
    }
}

static LISTS: LazyLock<HashMap<&'static str, u8>> = LazyLock::new(|| {
    let mut lists = HashMap::new();
    for (bit, (_, list)) in LANGUAGES.into_iter().enumerate() {
        for word in list.split_whitespace() {
            *lists.entry(word).or_default() |= 1 << bit;
        }
    }
    lists
});
