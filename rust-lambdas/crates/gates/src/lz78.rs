//! Counts LZ78 phrases in windows. LZ78 and not deflate, whose result depends on the version that made it.

/// Characters after which a window is full and the dictionary begins anew.
pub(crate) const WINDOW: u32 = 512;

const SLOTS: usize = 2048;

/// A dictionary of one window: at most [`WINDOW`] phrases, found by (phrase, character). Slots of earlier windows are told
/// by their window number, so that a new window costs nothing.
pub(crate) struct Windows {
    slots: Vec<Slot>,
    seed: u64,
    window: u32,
    phrase: u32,
    next: u32,
    /// Characters in the window that is open.
    filled: u32,
    /// Phrases that ended in it.
    ended: u32,
    full_windows: u32,
    phrases_in_full: u32,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    window: u32,
    phrase: u32,
}

/// Phrases seen so far, by windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phrases {
    pub(crate) full_windows: u32,
    /// Of all full windows together.
    pub(crate) in_full: u32,
    /// Of the window that is open: its characters, and its phrases, one that is under way among them.
    pub(crate) filled: u32,
    pub(crate) in_open: u32,
}

impl Windows {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS],
            seed,
            window: 1,
            phrase: 0,
            next: 1,
            filled: 0,
            ended: 0,
            full_windows: 0,
            phrases_in_full: 0,
        }
    }

    pub(crate) fn push(&mut self, character: u32) {
        let key = u64::from(self.phrase) << 32 | u64::from(character);
        let mut at = (key.wrapping_mul(self.seed) >> 40) as usize % SLOTS;
        loop {
            let slot = &mut self.slots[at];
            if slot.window != self.window {
                *slot = Slot {
                    key,
                    window: self.window,
                    phrase: self.next,
                };
                self.next += 1;
                self.ended += 1;
                self.phrase = 0;
                break;
            }
            if slot.key == key {
                self.phrase = slot.phrase;
                break;
            }
            at = (at + 1) % SLOTS;
        }
        self.filled += 1;
        if self.filled == WINDOW {
            self.full_windows += 1;
            self.phrases_in_full += self.ended + u32::from(self.phrase != 0);
            self.window += 1;
            (self.phrase, self.next, self.filled, self.ended) = (0, 1, 0, 0);
        }
    }

    pub(crate) fn phrases(&self) -> Phrases {
        Phrases {
            full_windows: self.full_windows,
            in_full: self.phrases_in_full,
            filled: self.filled,
            in_open: self.ended + u32::from(self.phrase != 0),
        }
    }
}
