//! Rows by formula: the two sets that vector search is measured on. Equal seeds give equal sets up to the rounding of the
//! machine's `ln`, `cos`, `tanh`.
//!
//! Draws are SplitMix64 by counter, u = (x >> 11) 2^-53, normals by Box and Muller. `unit(v)` is v/|v|; G is 384 normals,
//! the i-th times i^-0.35 / sqrt(sum j^-0.7).
//!
//! - [`Topics`] (T): unit(A (t_a + 0.8 s_ab + 0.9 e + 0.5 m)): 300 topics t of weight min(200, floor(u^(-1/0.3))), 20
//!   subtopics s of each, uniform, one m, an e for each row, all of them G; A the Q of a Gaussian matrix. Effective
//!   dimension about 100.
//! - [`Hidden`] (H): unit(W2 tanh(1.6 W1 z / sqrt 32) + 0.25 m + 0.05 n): 32 hidden normals z, the i-th times i^-0.3; W1 512
//!   x 32 normal; W2 384 x 512 normal / sqrt 512; m one, n for each row. Effective dimension about 23.
//!
//! ```
//! use datasets::{Set, Topics};
//! let set = Topics::new(7, 300);
//! let mut row = [0.0; datasets::DIMENSION];
//! set.row(0, &mut row);
//! assert!((row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
//! ```

mod draws;
mod hidden;
mod topics;

pub use draws::Draws;
pub use hidden::Hidden;
pub use topics::Topics;

/// Components of a row.
pub const DIMENSION: usize = 384;

/// A set that gives any of its rows by number; queries are rows that nobody put in.
pub trait Set: Sync {
    /// The row of a number, of norm 1.
    fn row(&self, number: u64, row: &mut [f32]);

    /// What a filter that is tied to topics asks for: the topic of a row, 0 where there are none.
    fn topic(&self, number: u64) -> u32;
}

/// Rows `first..first + count`, row-major, made on all processors.
pub fn rows(set: &dyn Set, first: u64, count: usize) -> Vec<f32> {
    let mut all = vec![0.0; count * DIMENSION];
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (at, part_rows) in all.chunks_mut(part * DIMENSION).enumerate() {
            scope.spawn(move || {
                for (row, values) in part_rows.chunks_exact_mut(DIMENSION).enumerate() {
                    set.row(first + (at * part + row) as u64, values);
                }
            });
        }
    });
    all
}

fn unit(values: &[f64], row: &mut [f32]) {
    let norm = values.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.iter_mut()
        .zip(values)
        .for_each(|(out, x)| *out = (x / norm) as f32);
}

/// The streams of a set: what is drawn for what.
const SHARED: u64 = 0;
const ROWS: u64 = 1 << 62;
