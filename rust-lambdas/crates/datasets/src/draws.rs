/// SplitMix64 by counter: any draw of a stream without those before it.
#[derive(Debug, Clone)]
pub struct Draws {
    seed: u64,
    counter: u64,
    spare: Option<f64>,
}

impl Draws {
    /// The draws of `seed` from `counter` on.
    pub fn new(seed: u64, counter: u64) -> Self {
        Self {
            seed,
            counter,
            spare: None,
        }
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(1);
        let mut x = self
            .seed
            .wrapping_add(self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// In [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * 2f64.powi(-53)
    }

    /// Of mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // 1 - u is never 0.
        let (length, angle) = (
            (-2.0 * (1.0 - self.uniform()).ln()).sqrt(),
            std::f64::consts::TAU * self.uniform(),
        );
        self.spare = Some(length * angle.sin());
        length * angle.cos()
    }

    /// So many normals.
    pub fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.normal()).collect()
    }
}
