//! How many batches run at once.

use std::sync::{Condvar, Mutex, PoisonError};

/// Permits for the batches of all requests of an engine. One is held for one batch, so a short text waits for at most a
/// batch of a long request and not for all of it.
pub(crate) struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Turns {
    pub fn new(count: usize) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        }
    }

    /// Waits for a permit and does `work` with it.
    pub fn take<T>(&self, work: impl FnOnce() -> T) -> T {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        drop(free);
        let _permit = Permit(self);
        work()
    }
}

/// Gives the permit back, after a panic too.
struct Permit<'a>(&'a Turns);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_work_at_once_than_permits_and_none_is_lost_to_a_panic() {
        let (turns, running, most) = (Turns::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for at in 0..8 {
                let (turns, running, most) = (&turns, &running, &most);
                scope.spawn(move || {
                    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        turns.take(|| {
                            most.fetch_max(
                                running.fetch_add(1, Ordering::SeqCst) + 1,
                                Ordering::SeqCst,
                            );
                            std::thread::yield_now();
                            running.fetch_sub(1, Ordering::SeqCst);
                            assert!(at % 4 != 0, "a batch that fails");
                        });
                    }));
                    assert_eq!(outcome.is_err(), at % 4 == 0);
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(*turns.free.lock().expect("not poisoned"), 2);
    }
}
