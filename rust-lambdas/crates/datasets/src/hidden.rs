use crate::topics::product;
use crate::{DIMENSION, Draws, ROWS, SHARED, Set, unit};

const HIDDEN: usize = 32;
const UNITS: usize = 512;
const DRAWS_A_ROW: u64 = 1024;

/// The set H.
#[derive(Debug)]
pub struct Hidden {
    seed: u64,
    /// 512 x 32
    first: Vec<f64>,
    /// 384 x 512
    second: Vec<f64>,
    mean: Vec<f64>,
}

impl Hidden {
    /// All of a seed.
    pub fn new(seed: u64) -> Self {
        let mut draws = Draws::new(seed, SHARED);
        let first = draws.normals(UNITS * HIDDEN);
        let scale = (UNITS as f64).sqrt();
        let second = draws
            .normals(DIMENSION * UNITS)
            .iter()
            .map(|x| x / scale)
            .collect();
        Self {
            seed,
            first,
            second,
            mean: draws.normals(DIMENSION),
        }
    }
}

impl Set for Hidden {
    fn row(&self, number: u64, row: &mut [f32]) {
        let mut draws = Draws::new(self.seed, ROWS + number * DRAWS_A_ROW);
        let z: Vec<f64> = (1..=HIDDEN)
            .map(|i| draws.normal() * (i as f64).powf(-0.3))
            .collect();
        let scale = 1.6 / (HIDDEN as f64).sqrt();
        let units: Vec<f64> = self
            .first
            .chunks_exact(HIDDEN)
            .map(|line| (scale * product(line, &z)).tanh())
            .collect();
        let mixed: Vec<f64> = (self.second.chunks_exact(UNITS).zip(&self.mean))
            .map(|(line, mean)| product(line, &units) + 0.25 * mean + 0.05 * draws.normal())
            .collect();
        unit(&mixed, row);
    }

    fn topic(&self, _: u64) -> u32 {
        0
    }
}
