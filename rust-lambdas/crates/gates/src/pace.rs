//! How long a scorer may go on. A scorer has no clock of its own: whoever asks gives it one.

/// The time of the caller was over before the text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late;

/// Asks whether time is over each time another 4 KiB of a text were read. A scorer reaches positions in rising order; one
/// that reads a text several times begins each with [`Pace::again`].
pub struct Pace<'c> {
    is_over: &'c dyn Fn() -> bool,
    next: usize,
}

/// Bytes between two looks at the clock: some 40 us of the slowest scorer.
const STEP: usize = 4096;

impl<'c> Pace<'c> {
    /// Looks at once: a deadline of the past scores nothing.
    pub fn until(is_over: &'c dyn Fn() -> bool) -> Self {
        Self { is_over, next: 0 }
    }

    /// For who has all the time.
    pub fn unlimited() -> Pace<'static> {
        Pace::until(&|| false)
    }

    /// Reading has come to byte `at`.
    #[inline]
    pub(crate) fn reach(&mut self, at: usize) -> Result<(), Late> {
        if at < self.next {
            return Ok(());
        }
        self.next = at + STEP;
        if (self.is_over)() { Err(Late) } else { Ok(()) }
    }

    /// The text is read from its beginning once more.
    pub(crate) fn again(&mut self) {
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn looks_at_the_clock_every_four_kibibytes() {
        let looks = Cell::new(0);
        let clock = || {
            looks.set(looks.get() + 1);
            looks.get() > 3
        };
        let mut pace = Pace::until(&clock);
        let reached = (0..40_000).find(|at| pace.reach(*at).is_err());
        assert_eq!((reached, looks.get()), (Some(3 * STEP), 4));
    }
}
