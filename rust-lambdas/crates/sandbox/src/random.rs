//! A run's random bytes: a BLAKE3 stream of its seed, so that a run can be replayed and no two runs share one.

use std::convert::Infallible;

use blake3::OutputReader;
use rand_core::TryRng;

pub(crate) struct RunRandom(OutputReader);

impl RunRandom {
    /// `purpose` keeps the streams of one seed apart.
    pub(crate) fn seeded(seed: &str, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("signet.dev 2026 script run random v1");
        hasher
            .update(purpose.as_bytes())
            .update(&[0])
            .update(seed.as_bytes());
        Self(hasher.finalize_xof())
    }
}

impl TryRng for RunRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(destination);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: &str, purpose: &str) -> u64 {
        let Ok(number) = RunRandom::seeded(seed, purpose).try_next_u64();
        number
    }

    #[test]
    fn repeats_for_a_seed_and_differs_between_seeds_and_purposes() {
        assert_eq!(first("7", "secure"), first("7", "secure"));
        assert_ne!(first("7", "secure"), first("8", "secure"));
        assert_ne!(first("7", "secure"), first("7", "insecure"));
    }
}
