//! Arithmetic on rows of `f32`: no I/O, and no allocation in an inner loop.
//!
//! Every kernel is written once with `wide` (eight lanes, four accumulators, one fixed tree of sums) and has a plain
//! scalar twin in `f64` that a property test compares it with: the difference stays within 1e-5 × |a||b|.
//! Inputs are finite; who takes rows from outside refuses others ([`TopK::add_rows`] does).

mod cosine;
mod dot;
mod l2sq;
mod normalise;
mod top_k;

pub use cosine::{cosine, cosine_scalar};
pub use dot::{dot, dot_scalar};
pub use l2sq::{l2sq, l2sq_scalar};
pub use normalise::{normalise, normalise_scalar};
pub use top_k::{Hit, Metric, NonFinite, TopK, score_scalar};

use wide::f32x8;

/// Rows are read in blocks of four accumulators of eight lanes.
const LANES: usize = 8;
const BLOCK: usize = 4 * LANES;

/// The fixed tree: pairs first, so that the result does not depend on how the compiler would have summed.
fn sum(accumulators: [f32x8; 4]) -> f32 {
    let [a, b, c, d] = accumulators;
    ((a + b) + (c + d)).reduce_add()
}

#[cfg(test)]
mod rows;
