//! What a word of a list means, found at the price of a look for nearly every word that is in none.

use std::collections::HashMap;

/// Words of under 32 bytes, each with its sense.
pub(super) struct Senses<Sense> {
    words: HashMap<&'static str, Sense>,
    /// For each first byte the lengths that a word has, as bits: nearly every word of a text is none of them by these.
    lengths: [u32; 256],
}

impl<Sense: Copy> Senses<Sense> {
    pub(super) fn of(&self, word: &str) -> Option<Sense> {
        let length = u32::try_from(word.len())
            .ok()
            .filter(|length| *length < 32)?;
        let may_be = self.lengths[usize::from(word.as_bytes()[0])] >> length & 1 == 1;
        if may_be {
            self.words.get(word).copied()
        } else {
            None
        }
    }
}

impl<Sense> FromIterator<(&'static str, Sense)> for Senses<Sense> {
    fn from_iter<Pairs: IntoIterator<Item = (&'static str, Sense)>>(pairs: Pairs) -> Self {
        let mut senses = Self {
            words: HashMap::new(),
            lengths: [0; 256],
        };
        for (word, sense) in pairs {
            senses.words.insert(word, sense);
            senses.lengths[usize::from(word.as_bytes()[0])] |= 1 << word.len();
        }
        senses
    }
}
