//! Processor time of one run, though many share a thread: what the thread used while the run was being polled.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use rustix::time::{ClockId, clock_gettime};

#[derive(Default)]
pub(crate) struct Meter {
    used_ns: AtomicU64,
    resumed_at_ns: AtomicU64,
}

impl Meter {
    /// Only right while the run is being polled, that is, from its own callbacks.
    pub(crate) fn used_while_polled_ns(&self) -> u64 {
        self.used_ns.load(Relaxed) + thread_ns().saturating_sub(self.resumed_at_ns.load(Relaxed))
    }

    pub(crate) fn used_ns(&self) -> u64 {
        self.used_ns.load(Relaxed)
    }
}

pub(crate) struct Metered<F> {
    pub(crate) future: Pin<Box<F>>,
    pub(crate) meter: Arc<Meter>,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.meter.resumed_at_ns.store(thread_ns(), Relaxed);
        let poll = self.future.as_mut().poll(context);
        let used = self.meter.used_while_polled_ns();
        self.meter.used_ns.store(used, Relaxed);
        poll
    }
}

fn thread_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}
