//! Several queries against the same rows, so that a row is read once for all of them.
//!
//! Up to eight queries: register tiles, lanes along the dimension, one horizontal sum for each pair. From nine on: panels
//! of 32 queries, `[dimension][32]`, lanes along the queries: one component of a row is spread over a register and
//! multiplied with the panel's line, and nothing is summed horizontally.

use crate::dot_scalar;
use crate::isa::active;
use crate::simd::Simd;

/// Queries of a panel.
const PANEL: usize = 32;

/// Dot products of all queries with all rows, `out[query × rows + row]`. Queries and rows begin each `stride` floats and
/// have `dimension` components. Sums beyond `f32` are cut to its range.
pub fn tile_f32(queries: &[f32], dimension: usize, rows: &[f32], stride: usize, out: &mut [f32]) {
    let count = check(queries.len(), dimension, rows.len(), stride, out.len());
    if count == 0 {
        return;
    }
    (active().tile_f32)(queries, dimension, rows, stride, out);
    for (at, value) in out
        .iter_mut()
        .enumerate()
        .filter(|(_, value)| !value.is_finite())
    {
        let (query, row) = (
            &queries[at / count * stride..][..dimension],
            &rows[at % count * stride..][..dimension],
        );
        *value = dot_scalar(query, row).clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
    }
}

/// As [`tile_f32`], of int8, exactly. At most 65,536 components.
pub fn tile_i8(queries: &[i8], dimension: usize, rows: &[i8], stride: usize, out: &mut [i32]) {
    assert!(
        dimension <= 65_536,
        "products of {dimension} components fit i32"
    );
    if check(queries.len(), dimension, rows.len(), stride, out.len()) > 0 {
        (active().tile_i8)(queries, dimension, rows, stride, out);
    }
}

fn check(queries: usize, dimension: usize, rows: usize, stride: usize, out: usize) -> usize {
    assert!(
        dimension <= stride && stride > 0,
        "a row of {stride} holds {dimension} components"
    );
    assert!(
        queries.is_multiple_of(stride) && rows.is_multiple_of(stride),
        "whole queries and rows of {stride}"
    );
    assert_eq!(
        queries / stride * (rows / stride),
        out,
        "a place for each pair"
    );
    rows / stride
}

/// `TALL` rows times `PANEL` queries stay in registers: as many as there are accumulators for, which hide the latency.
#[inline(always)]
pub(crate) fn tile_in<S: Simd, const REGISTERS: usize, const TALL: usize>(
    simd: S,
    queries: &[f32],
    dimension: usize,
    rows: &[f32],
    stride: usize,
    out: &mut [f32],
) {
    let count = rows.len() / stride;
    let mut queries = queries.chunks_exact(stride);
    let mut out = out;
    let mut panel = Vec::new();
    while queries.len() > 0 {
        let wide = if queries.len() > 8 {
            queries.len().min(PANEL)
        } else {
            queries.len()
        };
        let (here, rest) = out.split_at_mut(wide * count);
        out = rest;
        if wide > 8 {
            fill_panel(&mut panel, queries.by_ref().take(wide), dimension);
            panel_in::<S, REGISTERS, TALL>(simd, &panel, rows, stride, wide, here);
            continue;
        }
        let mut taken = queries.by_ref().take(wide).map(|query| &query[..dimension]);
        let mut here = here;
        let mut left = wide;
        while left > 0 {
            let height = if left == 8 {
                8
            } else if left >= 4 {
                4
            } else {
                1
            };
            let (lines, others) = here.split_at_mut(height * count);
            here = others;
            left -= height;
            if height == 8 {
                let eight: [&[f32]; 8] = std::array::from_fn(|_| taken.next().unwrap_or_default());
                register_tile(simd, eight, rows, stride, lines);
            } else if height == 4 {
                let four: [&[f32]; 4] = std::array::from_fn(|_| taken.next().unwrap_or_default());
                register_tile(simd, four, rows, stride, lines);
            } else {
                register_tile(
                    simd,
                    [taken.next().unwrap_or_default()],
                    rows,
                    stride,
                    lines,
                );
            }
        }
    }
}

fn fill_panel<'a>(
    panel: &mut Vec<f32>,
    queries: impl Iterator<Item = &'a [f32]>,
    dimension: usize,
) {
    panel.clear();
    panel.resize(dimension * PANEL, 0.0);
    for (lane, query) in queries.enumerate() {
        for (line, x) in panel.as_chunks_mut::<PANEL>().0.iter_mut().zip(query) {
            line[lane] = *x;
        }
    }
}

#[inline(always)]
fn panel_in<S: Simd, const REGISTERS: usize, const TALL: usize>(
    simd: S,
    panel: &[f32],
    rows: &[f32],
    stride: usize,
    wide: usize,
    out: &mut [f32],
) {
    let count = rows.len() / stride;
    let lines = panel.as_chunks::<PANEL>().0;
    let mut products = [[0.0; PANEL]; TALL];
    for first in (0..count).step_by(TALL) {
        // Behind the last row the last one stands in: its sums are not written.
        let tall: [&[f32]; TALL] = std::array::from_fn(|row| {
            &rows[(first + row).min(count - 1) * stride..][..lines.len()]
        });
        let mut sums = [[simd.zero(); REGISTERS]; TALL];
        for (at, line) in lines.iter().enumerate() {
            let mut parts = [simd.zero(); REGISTERS];
            for part in 0..REGISTERS {
                parts[part] = simd.load(&line[part * S::WIDTH..]);
            }
            for row in 0..TALL {
                let x = simd.splat(tall[row][at]);
                for part in 0..REGISTERS {
                    sums[row][part] = simd.mul_add(parts[part], x, sums[row][part]);
                }
            }
            if at % 16 == 0 {
                // Too many rows at once for the hardware to see where they go: the next ones are asked for here.
                for row in &tall {
                    let coming = row.as_ptr().wrapping_add(at + TALL * stride);
                    simd.prefetch(coming.cast());
                }
            }
        }
        for (products, sums) in products.iter_mut().zip(sums) {
            for (part, sum) in sums.into_iter().enumerate() {
                simd.store(sum, &mut products[part * S::WIDTH..]);
            }
        }
        let written = TALL.min(count - first);
        for lane in 0..wide {
            for (row, products) in products.iter().enumerate().take(written) {
                out[lane * count + first + row] = products[lane];
            }
        }
    }
}

/// Rows in pairs, so that each load of a query serves two products.
///
/// No closures here: one that is not inlined would be compiled without the instructions of its surroundings.
#[inline(always)]
fn register_tile<S: Simd, const QUERIES: usize>(
    simd: S,
    queries: [&[f32]; QUERIES],
    rows: &[f32],
    stride: usize,
    out: &mut [f32],
) {
    let count = rows.len() / stride;
    let dimension = queries[0].len();
    for first in (0..count).step_by(2) {
        let second = (first + 1).min(count - 1);
        let (row, next) = (
            &rows[first * stride..][..dimension],
            &rows[second * stride..][..dimension],
        );
        let mut sums = [[simd.zero(); 2]; QUERIES];
        let whole = dimension - dimension % S::WIDTH;
        for at in (0..whole).step_by(S::WIDTH) {
            let (y, z) = (simd.load(&row[at..]), simd.load(&next[at..]));
            for query in 0..QUERIES {
                let x = simd.load(&queries[query][at..]);
                sums[query][0] = simd.mul_add(x, y, sums[query][0]);
                sums[query][1] = simd.mul_add(x, z, sums[query][1]);
            }
        }
        if whole < dimension {
            let (y, z) = (
                simd.load_part(&row[whole..]),
                simd.load_part(&next[whole..]),
            );
            for query in 0..QUERIES {
                let x = simd.load_part(&queries[query][whole..]);
                sums[query][0] = simd.mul_add(x, y, sums[query][0]);
                sums[query][1] = simd.mul_add(x, z, sums[query][1]);
            }
        }
        for query in 0..QUERIES {
            out[query * count + first] = simd.sum(sums[query][0]);
            out[query * count + second] = simd.sum(sums[query][1]);
        }
    }
}

#[inline(always)]
pub(crate) fn tile_i8_in<S: Simd>(
    simd: S,
    queries: &[i8],
    dimension: usize,
    rows: &[i8],
    stride: usize,
    out: &mut [i32],
) {
    let count = rows.len() / stride;
    // Rows outside, so that one row is read from memory for all queries.
    for (at, row) in rows.chunks_exact(stride).enumerate() {
        for (number, query) in queries.chunks_exact(stride).enumerate() {
            out[number * count + at] = simd.dot_i8(&query[..dimension], &row[..dimension]);
        }
    }
}
