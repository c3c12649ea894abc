//! Numbers for keys, in the order in which they are first seen: what makes n-grams cheap and exact.

/// An open-addressing table from 64-bit keys to numbers. Its multiplier is a hash of the text itself (see [`seed_of`]):
/// whoever chooses words to collide changes the multiplier with them, so a look-up stays constant time, and no random
/// number, which would be another input, is needed.
pub(crate) struct Interner {
    slots: Vec<(u64, u32)>,
    used: usize,
    seed: u64,
}

const EMPTY: u32 = u32::MAX;

impl Interner {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            slots: vec![(0, EMPTY); 256],
            used: 0,
            seed,
        }
    }

    /// The number of `key`; `fresh` becomes it when there is none. Answers it and whether it was there before.
    pub(crate) fn intern(&mut self, key: u64, fresh: u32) -> (u32, bool) {
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let at = self.find(key);
        let slot = &mut self.slots[at];
        if slot.1 != EMPTY {
            return (slot.1, true);
        }
        *slot = (key, fresh);
        self.used += 1;
        (fresh, false)
    }

    fn find(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = (mixed(key, self.seed) >> 20) as usize & mask;
        while self.slots[at].1 != EMPTY && self.slots[at].0 != key {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let doubled = vec![(0, EMPTY); self.slots.len() * 2];
        for (key, number) in std::mem::replace(&mut self.slots, doubled) {
            if number != EMPTY {
                let at = self.find(key);
                self.slots[at] = (key, number);
            }
        }
    }
}

/// A hash of the whole text that nobody can steer.
pub(crate) fn seed_of(text: &[u8]) -> u64 {
    let hash = blake3::hash(text);
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("32 bytes")) | 1
}

/// A word as a key.
pub(crate) fn key_of(word: &[u8], seed: u64) -> u64 {
    let mut chunks = word.chunks_exact(8);
    let mut key = word.len() as u64 ^ seed;
    for chunk in &mut chunks {
        key = mixed(
            u64::from_le_bytes(chunk.try_into().expect("eight bytes")) ^ key,
            seed,
        );
    }
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mixed(u64::from_le_bytes(last) ^ key, seed)
}

/// High bits of a product reach the low ones, and low ones the high.
pub(crate) fn mixed(value: u64, multiplier: u64) -> u64 {
    let product = (value ^ value >> 29).wrapping_mul(multiplier);
    product ^ product >> 32
}
