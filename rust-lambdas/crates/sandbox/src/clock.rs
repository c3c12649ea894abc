//! A run's own clock: starts where the run says, advances with the machine, in steps of 0.1 ms.

use std::time::{Duration, Instant};

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

const STEP: Duration = Duration::from_micros(100);
/// The interpreter's snapshot remembers instants of its build; ours lie behind them.
const MONOTONIC_START: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy)]
pub(crate) struct RunClock {
    started: Instant,
    base: Duration,
}

impl RunClock {
    pub(crate) fn starting_at(unix_ms: u64) -> Self {
        Self {
            started: Instant::now(),
            base: Duration::from_millis(unix_ms),
        }
    }

    fn elapsed(&self) -> Duration {
        let elapsed = self.started.elapsed().as_micros();
        let steps = elapsed / STEP.as_micros();
        STEP * u32::try_from(steps).unwrap_or(u32::MAX)
    }
}

impl HostWallClock for RunClock {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        self.base + self.elapsed()
    }
}

impl HostMonotonicClock for RunClock {
    fn resolution(&self) -> u64 {
        u64::try_from(STEP.as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        u64::try_from((MONOTONIC_START + self.elapsed()).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_the_base_and_moves_in_steps() {
        let clock = RunClock::starting_at(1_000);
        let now = HostWallClock::now(&clock);
        assert!(now >= Duration::from_millis(1_000) && now < Duration::from_millis(60_000));
        assert_eq!(now.as_nanos() % STEP.as_nanos(), 0);
        assert!(HostMonotonicClock::now(&clock) >= 3_600_000_000_000);
    }
}
