use kernels::{Metric, f16_of, f32_of};

use crate::layout::{RowType, Shape};

/// Below it no component counts: such a row has no direction.
const ZERO_BELOW: f32 = 1e-37;
/// Rotating and squaring stay far inside of f32.
const NORM_MAX: f64 = 1e18;

/// A row as it is scored: in a cosine collection divided by its norm, and rounded to what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// d components.
    pub values: Vec<f32>,
    /// What `values` times gives the row back: its norm for cosine, else 1.
    pub norm: f32,
}

/// Why a row or a query cannot be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// A component is NaN or infinite; its index.
    NonFinite(usize),
    /// Beyond f16 where rows are stored so, or a norm over 1e18.
    OutOfRange,
    /// Cosine has no answer for it.
    Zero,
}

/// Sums are `f64` in the order of the components, so that every build of this crate stores the same bytes.
pub fn prepare(shape: &Shape, row: &[f32]) -> Result<Prepared, Unfit> {
    if let Some(at) = row.iter().position(|x| !x.is_finite()) {
        return Err(Unfit::NonFinite(at));
    }
    let norm = norm(row);
    let mut values = row.to_vec();
    let is_cosine = shape.metric == Metric::Cosine;
    if is_cosine {
        if row.iter().all(|x| x.abs() < ZERO_BELOW) {
            return Err(Unfit::Zero);
        }
        values
            .iter_mut()
            .for_each(|x| *x = (f64::from(*x) / norm) as f32);
    } else if norm > NORM_MAX {
        return Err(Unfit::OutOfRange);
    }
    if shape.row_type == RowType::F16 {
        values.iter_mut().for_each(|x| *x = f32_of(f16_of(*x)));
        if values.iter().any(|x| !x.is_finite()) {
            return Err(Unfit::OutOfRange);
        }
    }
    let norm = if is_cosine {
        norm.min(f64::from(f32::MAX)) as f32
    } else {
        1.0
    };
    Ok(Prepared { values, norm })
}

/// |row|, in `f64`.
pub fn norm(row: &[f32]) -> f64 {
    squared_norm(row).sqrt()
}

/// |row|², in `f64`.
pub fn squared_norm(row: &[f32]) -> f64 {
    row.iter()
        .fold(0.0, |sum, x| sum + f64::from(*x) * f64::from(*x))
}
