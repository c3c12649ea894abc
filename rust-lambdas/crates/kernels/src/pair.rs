//! Sums over two rows: the bodies of `dot`, `l2sq`, `cosine`, of the scans and of `rerank`.
//!
//! Four accumulators hide the latency of the addition; they are summed by one fixed tree.

use crate::simd::{Simd, Stored, tree};

/// What a scan sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// a × b
    Dot,
    /// (a - b)²
    L2sq,
}

/// One sum over rows of one length. `AHEAD` bytes before they are needed, the lines of `b` are asked for; 0: never.
#[inline(always)]
pub(crate) fn sum_in<S: Simd, T: Stored, const SQUARED: bool>(
    simd: S,
    a: &[f32],
    b: &[T],
    ahead: usize,
) -> f32 {
    let step = |x: S::Floats, y: S::Floats, sum: S::Floats| {
        if SQUARED {
            let difference = simd.sub(x, y);
            simd.mul_add(difference, difference, sum)
        } else {
            simd.mul_add(x, y, sum)
        }
    };
    let mut sums = [simd.zero(); 4];
    let (mut a_blocks, mut b_blocks) = (a.chunks_exact(4 * S::WIDTH), b.chunks_exact(4 * S::WIDTH));
    for (x, y) in a_blocks.by_ref().zip(b_blocks.by_ref()) {
        if ahead > 0 {
            let block = y.as_ptr().cast::<u8>();
            for line in 0..size_of_val(y) / 64 {
                simd.prefetch(block.wrapping_add(ahead + 64 * line));
            }
        }
        for (lane, sum) in sums.iter_mut().enumerate() {
            let at = lane * S::WIDTH;
            *sum = step(simd.load(&x[at..]), T::load(simd, &y[at..]), *sum);
        }
    }
    let (mut a_lanes, mut b_lanes) = (
        a_blocks.remainder().chunks_exact(S::WIDTH),
        b_blocks.remainder().chunks_exact(S::WIDTH),
    );
    for ((x, y), sum) in a_lanes.by_ref().zip(b_lanes.by_ref()).zip(&mut sums) {
        *sum = step(simd.load(x), T::load(simd, y), *sum);
    }
    let (a_tail, b_tail) = (a_lanes.remainder(), b_lanes.remainder());
    if !a_tail.is_empty() {
        sums[3] = step(simd.load_part(a_tail), T::load_part(simd, b_tail), sums[3]);
    }
    tree(simd, sums)
}

/// `[a·b, a·a, b·b]` of rows of one length, in one pass, each row scaled.
#[inline(always)]
pub(crate) fn three_sums_in<S: Simd>(
    simd: S,
    a: &[f32],
    b: &[f32],
    a_scale: f32,
    b_scale: f32,
) -> [f32; 3] {
    let scales = (simd.splat(a_scale), simd.splat(b_scale));
    let mut sums = [[simd.zero(); 4]; 3];
    let (mut a_blocks, mut b_blocks) = (a.chunks_exact(4 * S::WIDTH), b.chunks_exact(4 * S::WIDTH));
    for (x, y) in a_blocks.by_ref().zip(b_blocks.by_ref()) {
        for lane in 0..4 {
            let at = lane * S::WIDTH;
            add_three(
                simd,
                scales,
                (simd.load(&x[at..]), simd.load(&y[at..])),
                lane,
                &mut sums,
            );
        }
    }
    let (mut a_lanes, mut b_lanes) = (
        a_blocks.remainder().chunks_exact(S::WIDTH),
        b_blocks.remainder().chunks_exact(S::WIDTH),
    );
    for (x, y) in a_lanes.by_ref().zip(b_lanes.by_ref()) {
        add_three(simd, scales, (simd.load(x), simd.load(y)), 0, &mut sums);
    }
    let (a_tail, b_tail) = (a_lanes.remainder(), b_lanes.remainder());
    if !a_tail.is_empty() {
        add_three(
            simd,
            scales,
            (simd.load_part(a_tail), simd.load_part(b_tail)),
            3,
            &mut sums,
        );
    }
    let [products, a_squares, b_squares] = sums;
    [
        tree(simd, products),
        tree(simd, a_squares),
        tree(simd, b_squares),
    ]
}

/// `[a·b, b·b]`, the same bits as [`three_sums_in`] gives without scales. `ahead` as for [`sum_in`].
#[inline(always)]
pub(crate) fn two_sums_in<S: Simd>(simd: S, a: &[f32], b: &[f32], ahead: usize) -> [f32; 2] {
    let (mut products, mut squares) = ([simd.zero(); 4], [simd.zero(); 4]);
    let (mut a_blocks, mut b_blocks) = (a.chunks_exact(4 * S::WIDTH), b.chunks_exact(4 * S::WIDTH));
    for (x, y) in a_blocks.by_ref().zip(b_blocks.by_ref()) {
        let block = y.as_ptr().cast::<u8>();
        for line in 0..size_of_val(y) / 64 {
            simd.prefetch(block.wrapping_add(ahead + 64 * line));
        }
        for lane in 0..4 {
            let at = lane * S::WIDTH;
            let (x, y) = (simd.load(&x[at..]), simd.load(&y[at..]));
            products[lane] = simd.mul_add(x, y, products[lane]);
            squares[lane] = simd.mul_add(y, y, squares[lane]);
        }
    }
    let (mut a_lanes, mut b_lanes) = (
        a_blocks.remainder().chunks_exact(S::WIDTH),
        b_blocks.remainder().chunks_exact(S::WIDTH),
    );
    for (x, y) in a_lanes.by_ref().zip(b_lanes.by_ref()) {
        let (x, y) = (simd.load(x), simd.load(y));
        products[0] = simd.mul_add(x, y, products[0]);
        squares[0] = simd.mul_add(y, y, squares[0]);
    }
    let (a_tail, b_tail) = (a_lanes.remainder(), b_lanes.remainder());
    if !a_tail.is_empty() {
        let (x, y) = (simd.load_part(a_tail), simd.load_part(b_tail));
        products[3] = simd.mul_add(x, y, products[3]);
        squares[3] = simd.mul_add(y, y, squares[3]);
    }
    [tree(simd, products), tree(simd, squares)]
}

#[inline(always)]
fn add_three<S: Simd>(
    simd: S,
    (a_scale, b_scale): (S::Floats, S::Floats),
    (x, y): (S::Floats, S::Floats),
    lane: usize,
    sums: &mut [[S::Floats; 4]; 3],
) {
    let (x, y) = (simd.mul(x, a_scale), simd.mul(y, b_scale));
    sums[0][lane] = simd.mul_add(x, y, sums[0][lane]);
    sums[1][lane] = simd.mul_add(x, x, sums[1][lane]);
    sums[2][lane] = simd.mul_add(y, y, sums[2][lane]);
}

/// Multiplies a row, in place.
#[inline(always)]
pub(crate) fn scale_in<S: Simd>(simd: S, row: &mut [f32], by: f32) {
    let factor = simd.splat(by);
    let mut lanes = row.chunks_exact_mut(S::WIDTH);
    for lane in lanes.by_ref() {
        simd.store(simd.mul(simd.load(lane), factor), lane);
    }
    for x in lanes.into_remainder() {
        *x *= by;
    }
}
