//! The sign plane of many rows against one query, by table look-ups (FastScan).
//!
//! Four signs make a nibble, and a query has only 16 sums of four components with signs: one table of 16 bytes for each
//! group of four dimensions, which a byte shuffle looks up for 16 rows at once. Rows stand in blocks of 32: for each group
//! 16 bytes, byte j with the nibble of row j below and that of row j + 16 above; bit i of a nibble is the sign of
//! dimension 4g + i, 1 for not negative.

use crate::isa::active;
use crate::simd::Simd;

/// Rows of a block.
pub const BLOCK_ROWS: usize = 32;

/// The tables of a query: <query, ±1> is about `offset + scale × sum of looked-up bytes`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lut {
    /// 16 bytes for each four dimensions.
    pub table: Vec<u8>,
    #[allow(missing_docs, reason = "in the formula above")]
    pub offset: f32,
    #[allow(missing_docs, reason = "in the formula above")]
    pub scale: f32,
}

/// Tables of a finite query; its length is a multiple of 64. One step serves all groups, so that sums can be compared.
pub fn lut(query: &[f32]) -> Lut {
    assert!(
        query.len().is_multiple_of(64),
        "{} dimensions are padded to 64",
        query.len()
    );
    let (groups, _) = query.as_chunks::<4>();
    let spans = groups
        .iter()
        .map(|group| group.iter().map(|x| f64::from(x.abs())).sum::<f64>());
    let (widest, total) = spans.fold((0f64, 0f64), |(widest, total), span| {
        (widest.max(span), total + span)
    });
    let scale = if widest > 0.0 {
        2.0 * widest / 255.0
    } else {
        1.0
    };
    let mut table = Vec::with_capacity(4 * query.len());
    for group in groups {
        for nibble in 0..16u32 {
            let above_least: f64 = (group.iter().enumerate())
                .map(|(bit, x)| {
                    let x = f64::from(*x);
                    x.abs() + if nibble >> bit & 1 == 1 { x } else { -x }
                })
                .sum();
            table.push((above_least / scale).round() as u8);
        }
    }
    Lut {
        table,
        offset: -total as f32,
        scale: scale as f32,
    }
}

/// The sums of looked-up bytes, 32 for each block, exactly.
pub fn lut_scan(blocks: &[u8], table: &[u8], sums: &mut [u32]) {
    assert!(
        !table.is_empty() && table.len().is_multiple_of(256),
        "a table of 64 dimensions at least"
    );
    assert_eq!(
        blocks.len() / table.len() * BLOCK_ROWS,
        sums.len(),
        "32 sums for each block"
    );
    (active().lut_scan)(blocks, table, sums);
}

/// The plain twin.
pub fn lut_scan_scalar(blocks: &[u8], table: &[u8], sums: &mut [u32]) {
    for (block, sums) in blocks
        .chunks_exact(table.len())
        .zip(sums.chunks_exact_mut(BLOCK_ROWS))
    {
        for (row, sum) in sums.iter_mut().enumerate() {
            let nibble = |group: usize| block[16 * group + row % 16] >> (row / 16 * 4) & 15;
            *sum = (0..table.len() / 16)
                .map(|group| u32::from(table[16 * group + usize::from(nibble(group))]))
                .sum();
        }
    }
}

#[inline(always)]
pub(crate) fn lut_scan_in<S: Simd>(
    simd: S,
    blocks: &[u8],
    table: &[u8],
    ahead: usize,
    sums: &mut [u32],
) {
    for (block, sums) in blocks
        .chunks_exact(table.len())
        .zip(sums.as_chunks_mut::<BLOCK_ROWS>().0)
    {
        if ahead > 0 {
            for line in (0..block.len()).step_by(64) {
                simd.prefetch(block.as_ptr().wrapping_add(ahead + line));
            }
        }
        simd.lut_block(block, table, sums);
    }
}

/// Writes the signs (top bits) of up to 32 rows of codes into a block. Absent rows are 0.
pub fn pack_signs(codes: &[u8], dimension: usize, block: &mut [u8]) {
    assert_eq!(block.len(), 4 * dimension, "a block of 32 rows");
    assert!(
        codes.len() <= BLOCK_ROWS * dimension && codes.len().is_multiple_of(dimension),
        "whole rows, at most 32"
    );
    block.fill(0);
    for (row, codes) in codes.chunks_exact(dimension).enumerate() {
        for (group, codes) in codes.as_chunks::<4>().0.iter().enumerate() {
            let nibble = (codes.iter().enumerate())
                .fold(0, |nibble, (bit, code)| nibble | (code >> 7) << bit);
            block[16 * group + row % 16] |= nibble << (row / 16 * 4);
        }
    }
}

/// The signs of one row of a block as a plane of its own: bit i % 8 of byte i / 8 belongs to dimension i.
pub fn signs_of_row(block: &[u8], row: usize, signs: &mut [u8]) {
    assert_eq!(block.len(), BLOCK_ROWS * signs.len(), "a block of 32 rows");
    assert!(row < BLOCK_ROWS, "row {row} of 32");
    let (at, shift) = (row % 16, row / 16 * 4);
    for (groups, signs) in block.as_chunks::<32>().0.iter().zip(signs) {
        *signs = groups[at] >> shift & 15 | (groups[16 + at] >> shift & 15) << 4;
    }
}
