use crate::{DIMENSION, Draws, ROWS, SHARED, Set, unit};

/// 20 subtopics of each topic.
const SUBTOPICS: usize = 20;
/// Draws that a row may take; each has its own part of the stream.
const DRAWS_A_ROW: u64 = 1024;

/// The set T.
#[derive(Debug)]
pub struct Topics {
    seed: u64,
    /// Running sums of the weights.
    weights: Vec<f64>,
    topics: Vec<Vec<f64>>,
    subtopics: Vec<Vec<f64>>,
    mean: Vec<f64>,
    /// Of G, by component.
    scales: Vec<f64>,
    /// A, row-major, 384 x 384.
    rotation: Vec<f64>,
}

impl Topics {
    /// `topics`: 300 in the set that is measured; others stand for topics that came later.
    pub fn new(seed: u64, topics: usize) -> Self {
        let mut draws = Draws::new(seed, SHARED);
        let square = (1..=DIMENSION)
            .map(|j| (j as f64).powf(-0.7))
            .sum::<f64>()
            .sqrt();
        let scales: Vec<f64> = (1..=DIMENSION)
            .map(|i| (i as f64).powf(-0.35) / square)
            .collect();
        let rotation = orthogonal(&mut draws);
        let mut g = || -> Vec<f64> { scales.iter().map(|scale| draws.normal() * scale).collect() };
        let mean = g();
        let centres: Vec<Vec<f64>> = (0..topics).map(|_| g()).collect();
        let subtopics = (0..topics * SUBTOPICS).map(|_| g()).collect();
        let mut sum = 0.0;
        let weights = (0..topics)
            .map(|_| {
                // 1 - u, so that the power is finite.
                sum += (1.0 - draws.uniform()).powf(-1.0 / 0.3).floor().min(200.0);
                sum
            })
            .collect();
        Self {
            seed,
            weights,
            topics: centres,
            subtopics,
            mean,
            scales,
            rotation,
        }
    }

    fn begin(&self, number: u64) -> (Draws, usize) {
        let mut draws = Draws::new(self.seed, ROWS + number * DRAWS_A_ROW);
        let total = self.weights.last().copied().unwrap_or(0.0);
        let at = draws.uniform() * total;
        (
            draws,
            self.weights
                .partition_point(|sum| *sum <= at)
                .min(self.topics.len() - 1),
        )
    }
}

impl Set for Topics {
    fn row(&self, number: u64, row: &mut [f32]) {
        let (mut draws, topic) = self.begin(number);
        let subtopic = topic * SUBTOPICS + (draws.uniform() * SUBTOPICS as f64) as usize;
        let mut inner = [0.0; DIMENSION];
        for (at, x) in inner.iter_mut().enumerate() {
            *x = self.topics[topic][at]
                + 0.8 * self.subtopics[subtopic][at]
                + 0.9 * draws.normal() * self.scales[at]
                + 0.5 * self.mean[at];
        }
        let turned: Vec<f64> = self
            .rotation
            .chunks_exact(DIMENSION)
            .map(|line| product(line, &inner))
            .collect();
        unit(&turned, row);
    }

    fn topic(&self, number: u64) -> u32 {
        self.begin(number).1 as u32
    }
}

/// The Q of a Gaussian matrix, by Gram and Schmidt, twice for its rounding.
fn orthogonal(draws: &mut Draws) -> Vec<f64> {
    let mut lines: Vec<Vec<f64>> = (0..DIMENSION).map(|_| draws.normals(DIMENSION)).collect();
    for at in 0..DIMENSION {
        let (before, rest) = lines.split_at_mut(at);
        let line = &mut rest[0];
        for _ in 0..2 {
            for other in before.iter() {
                let along = product(line, other);
                line.iter_mut()
                    .zip(other)
                    .for_each(|(x, y)| *x -= along * y);
            }
        }
        let norm = product(line, line).sqrt();
        line.iter_mut().for_each(|x| *x /= norm);
    }
    lines.concat()
}

/// Eight partial sums, which vectorise.
pub(crate) fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}
