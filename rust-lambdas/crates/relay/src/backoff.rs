//! Pauses between attempts.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// Full jitter: any pause up to a ceiling that doubles with each attempt, so that relays that lost their orchestrator in
/// the same moment do not come back in the same moment.
pub(crate) fn pause(attempt: u32, (base, most): (Duration, Duration)) -> Duration {
    let ceiling = base.saturating_mul(2_u32.saturating_pow(attempt)).min(most);
    ceiling.mul_f64(random_part())
}

/// 0 ≤ part < 1. The standard library seeds each hasher from the system's randomness, which is enough for a pause.
fn random_part() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_under_a_ceiling_that_doubles_up_to_the_most() {
        let times = (Duration::from_millis(200), Duration::from_secs(5));
        for (attempt, ceiling_ms) in [(0, 200), (1, 400), (4, 3_200), (5, 5_000), (400, 5_000)] {
            for _ in 0..100 {
                assert!(pause(attempt, times) < Duration::from_millis(ceiling_ms));
            }
        }
    }

    #[test]
    fn differs_from_one_time_to_the_next() {
        let parts: Vec<f64> = (0..8).map(|_| random_part()).collect();
        assert!(parts.iter().any(|part| (part - parts[0]).abs() > 1e-6));
    }
}
