use crate::dot::dot_scalar;
use crate::half::f32_of;
use crate::isa::active;
use crate::l2sq::l2sq_scalar;
use crate::pair::{Sum, sum_in};
use crate::simd::{Simd, Stored};

/// One query against rows of f32 that begin each `stride` floats: one sum for each row.
///
/// Sums beyond the range of `f32` are cut to it, as [`crate::dot`] and [`crate::l2sq`] do.
pub fn scan_f32(sum: Sum, query: &[f32], rows: &[f32], stride: usize, out: &mut [f32]) {
    check(query.len(), rows.len(), stride, out.len());
    (active().scan_f32)(sum, query, rows, stride, out);
    repair(sum, query, out, |row| {
        rows[row * stride..][..query.len()].to_vec()
    });
}

/// As [`scan_f32`], of rows of f16.
pub fn scan_f16(sum: Sum, query: &[f32], rows: &[u16], stride: usize, out: &mut [f32]) {
    check(query.len(), rows.len(), stride, out.len());
    (active().scan_f16)(sum, query, rows, stride, out);
    repair(sum, query, out, |row| {
        widened(&rows[row * stride..][..query.len()])
    });
}

/// Dot products of one query with rows of int8, exactly. At most 65,536 components.
pub fn scan_i8(query: &[i8], rows: &[i8], stride: usize, out: &mut [i32]) {
    check(query.len(), rows.len(), stride, out.len());
    assert!(
        query.len() <= 65_536,
        "products of {} components fit i32",
        query.len()
    );
    (active().scan_i8)(query, rows, stride, out);
}

/// The rows of f32 with these numbers, in their order: full precision for what a scan of codes left over.
pub fn rerank_f32(
    sum: Sum,
    query: &[f32],
    rows: &[f32],
    stride: usize,
    numbers: &[u32],
    out: &mut [f32],
) {
    assert_eq!(numbers.len(), out.len(), "one place for each number");
    (active().rerank_f32)(sum, query, rows, stride, numbers, out);
    repair(sum, query, out, |at| {
        rows[numbers[at] as usize * stride..][..query.len()].to_vec()
    });
}

/// As [`rerank_f32`], of rows of f16.
pub fn rerank_f16(
    sum: Sum,
    query: &[f32],
    rows: &[u16],
    stride: usize,
    numbers: &[u32],
    out: &mut [f32],
) {
    assert_eq!(numbers.len(), out.len(), "one place for each number");
    (active().rerank_f16)(sum, query, rows, stride, numbers, out);
    repair(sum, query, out, |at| {
        widened(&rows[numbers[at] as usize * stride..][..query.len()])
    });
}

/// The plain twin of [`scan_f32`] for one row.
pub fn sum_scalar(sum: Sum, query: &[f32], row: &[f32]) -> f64 {
    match sum {
        Sum::Dot => dot_scalar(query, row),
        Sum::L2sq => l2sq_scalar(query, row),
    }
}

/// The plain twin of [`scan_i8`] for one row.
pub fn dot_i8_scalar(query: &[i8], row: &[i8]) -> i32 {
    query
        .iter()
        .zip(row)
        .map(|(x, y)| i32::from(*x) * i32::from(*y))
        .sum()
}

pub(crate) fn widened(row: &[u16]) -> Vec<f32> {
    row.iter().map(|half| f32_of(*half)).collect()
}

fn check(components: usize, stored: usize, stride: usize, count: usize) {
    assert!(
        components <= stride && stride > 0,
        "a row of {stride} holds {components} components"
    );
    assert!(
        stored >= count * stride,
        "{count} rows of {stride} stand in {stored}"
    );
}

/// A row whose sum left the range is summed again in `f64`.
fn repair(sum: Sum, query: &[f32], out: &mut [f32], row: impl Fn(usize) -> Vec<f32>) {
    // One pass that vectorises: 0 × infinity and 0 × NaN are NaN.
    if out.iter().map(|value| value * 0.0).sum::<f32>() == 0.0 {
        return;
    }
    for (at, value) in out.iter_mut().enumerate() {
        if !value.is_finite() {
            let exact = sum_scalar(sum, query, &row(at));
            *value = exact.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
        }
    }
}

#[inline(always)]
pub(crate) fn scan_in<S: Simd, T: Stored>(
    simd: S,
    sum: Sum,
    query: &[f32],
    rows: &[T],
    stride: usize,
    ahead: usize,
    out: &mut [f32],
) {
    let rows = rows.chunks_exact(stride).zip(out);
    match sum {
        Sum::Dot => {
            for (row, out) in rows {
                *out = sum_in::<S, T, false>(simd, query, &row[..query.len()], ahead);
            }
        }
        Sum::L2sq => {
            for (row, out) in rows {
                *out = sum_in::<S, T, true>(simd, query, &row[..query.len()], ahead);
            }
        }
    }
}

#[inline(always)]
pub(crate) fn scan_i8_in<S: Simd>(
    simd: S,
    query: &[i8],
    rows: &[i8],
    stride: usize,
    ahead: usize,
    out: &mut [i32],
) {
    for (row, out) in rows.chunks_exact(stride).zip(out) {
        if ahead > 0 {
            for line in (0..row.len()).step_by(64) {
                simd.prefetch(row.as_ptr().wrapping_add(ahead + line).cast());
            }
        }
        *out = simd.dot_i8(query, &row[..query.len()]);
    }
}

/// How many rows ahead a scattered read is asked for: enough to hide one access to memory behind two dot products.
const ROWS_AHEAD: usize = 2;

#[inline(always)]
pub(crate) fn rerank_in<S: Simd, T: Stored>(
    simd: S,
    sum: Sum,
    query: &[f32],
    rows: &[T],
    stride: usize,
    numbers: &[u32],
    out: &mut [f32],
) {
    for (at, (number, out)) in numbers.iter().zip(out).enumerate() {
        if let Some(coming) = numbers.get(at + ROWS_AHEAD) {
            let first = rows
                .as_ptr()
                .wrapping_add(*coming as usize * stride)
                .cast::<u8>();
            for line in (0..query.len() * size_of::<T>()).step_by(64) {
                simd.prefetch(first.wrapping_add(line));
            }
        }
        let row = &rows[*number as usize * stride..][..query.len()];
        *out = match sum {
            Sum::Dot => sum_in::<S, T, false>(simd, query, row, 0),
            Sum::L2sq => sum_in::<S, T, true>(simd, query, row, 0),
        };
    }
}
