//! The plain twins behind the table: what `SIGNET_ISA=scalar` serves.

use super::Isa;
use super::table::Kernels;
use crate::dot::dot_scalar;
use crate::encode::encode_in;
use crate::estimates::estimates_in;
use crate::half::widen_in;
use crate::hamming::hamming_scalar;
use crate::l2sq::l2sq_scalar;
use crate::level_dot::level_dot_scalar;
use crate::lut_scan::lut_scan_scalar;
use crate::pair::Sum;
use crate::rotation::hadamard_in;
use crate::scan::{dot_i8_scalar, sum_scalar, widened};

pub(super) static KERNELS: Kernels = Kernels {
    isa: Isa::Scalar,
    dot: |a, b| dot_scalar(a, b) as f32,
    l2sq: |a, b| l2sq_scalar(a, b) as f32,
    three_sums: |a, b, a_scale, b_scale| {
        let scaled = |row: &[f32], scale: f32| row.iter().map(|x| x * scale).collect::<Vec<f32>>();
        let (a, b) = (scaled(a, a_scale), scaled(b, b_scale));
        [dot_scalar(&a, &b), dot_scalar(&a, &a), dot_scalar(&b, &b)].map(|sum| sum as f32)
    },
    scan_two_sums: |query, rows, out| {
        for (row, out) in rows.chunks_exact(query.len()).zip(out) {
            *out = [dot_scalar(query, row), dot_scalar(row, row)].map(|sum| sum as f32);
        }
    },
    scale: |row, by| row.iter_mut().for_each(|x| *x *= by),
    scan_f32: |sum, query, rows, stride, out| {
        for (row, out) in rows.chunks_exact(stride).zip(out) {
            *out = sum_scalar(sum, query, &row[..query.len()]) as f32;
        }
    },
    scan_f16: |sum, query, rows, stride, out| {
        for (row, out) in rows.chunks_exact(stride).zip(out) {
            *out = sum_scalar(sum, query, &widened(&row[..query.len()])) as f32;
        }
    },
    scan_i8: |query, rows, stride, out| {
        for (row, out) in rows.chunks_exact(stride).zip(out) {
            *out = dot_i8_scalar(query, &row[..query.len()]);
        }
    },
    rerank_f32: |sum, query, rows, stride, numbers, out| {
        for (number, out) in numbers.iter().zip(out) {
            *out = sum_scalar(
                sum,
                query,
                &rows[*number as usize * stride..][..query.len()],
            ) as f32;
        }
    },
    rerank_f16: |sum, query, rows, stride, numbers, out| {
        for (number, out) in numbers.iter().zip(out) {
            *out = sum_scalar(
                sum,
                query,
                &widened(&rows[*number as usize * stride..][..query.len()]),
            ) as f32;
        }
    },
    tile_f32: |queries, dimension, rows, stride, out| {
        each_pair(queries, dimension, rows, stride, out, |query, row| {
            sum_scalar(Sum::Dot, query, row) as f32
        });
    },
    tile_i8: |queries, dimension, rows, stride, out| {
        each_pair(queries, dimension, rows, stride, out, dot_i8_scalar)
    },
    hamming: |query, rows, out| {
        for (row, out) in rows.chunks_exact(query.len()).zip(out) {
            *out = hamming_scalar(query, row);
        }
    },
    lut_scan: lut_scan_scalar,
    estimates: estimates_in,
    level_dot4: level_dot_scalar,
    level_dot8: level_dot_scalar,
    hadamard: hadamard_in,
    encode: encode_in,
    widen: widen_in,
};

fn each_pair<T, R>(
    queries: &[T],
    dimension: usize,
    rows: &[T],
    stride: usize,
    out: &mut [R],
    product: impl Fn(&[T], &[T]) -> R,
) {
    let count = rows.len() / stride;
    for (query, out) in queries
        .chunks_exact(stride)
        .zip(out.chunks_exact_mut(count))
    {
        for (row, out) in rows.chunks_exact(stride).zip(out) {
            *out = product(&query[..dimension], &row[..dimension]);
        }
    }
}
