//! Arithmetic on rows of numbers: no I/O, and no allocation in an inner loop.
//!
//! Every kernel is written once, over `simd::Simd`, and is compiled for each instruction set of [`Isa`]: with `wide` for the
//! baseline of a target, and beside it for what a machine may have more. Which one serves is chosen once, at the first
//! call. Each has a plain scalar twin:
//!
//! - integer kernels, [`Rotation`], [`encode`] and [`estimates`] give the same bits on every path;
//! - float kernels stay within 1e-5 × |a||b| of their twin in `f64`.
//!
//! Inputs are finite; who takes rows from outside refuses others ([`TopK::add_rows`] does). Lengths are the caller's
//! affair: a wrong one panics.

mod arena;
mod best_rows;
mod cosine;
mod dot;
mod encode;
mod estimates;
mod half;
mod hamming;
mod isa;
mod l2sq;
mod level_dot;
mod lut_scan;
mod normalise;
mod pair;
mod rotation;
mod scan;
mod simd;
mod split_mix;
mod tile;
mod top_k;
mod tuning;

pub use arena::{ARENA_ALIGNMENT, Arena, Number};
pub use best_rows::{BestRows, Hit};
pub use cosine::{cosine, cosine_scalar};
pub use dot::{dot, dot_scalar};
pub use encode::{Factors, LEVELS, encode};
pub use estimates::{Estimate, estimates};
pub use half::{f16_of, f32_of, widen_f16};
pub use hamming::{hamming, hamming_scalar};
pub use isa::{Isa, isa};
pub use l2sq::{l2, l2sq, l2sq_scalar};
pub use level_dot::{level_dot_scalar, level_dot4, level_dot8, planes_of};
pub use lut_scan::{BLOCK_ROWS, Lut, lut, lut_scan, lut_scan_scalar, pack_signs, signs_of_row};
pub use normalise::{normalise, normalise_scalar};
pub use pair::Sum;
pub use rotation::Rotation;
pub use scan::{dot_i8_scalar, rerank_f16, rerank_f32, scan_f16, scan_f32, scan_i8, sum_scalar};
pub use split_mix::SplitMix64;
pub use tile::{tile_f32, tile_i8};
pub use top_k::{Metric, NonFinite, TopK, score_scalar};

#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;
