//! The kernels of an instruction set, each body compiled with its features.

use super::Isa;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use crate::encode::{Factors, encode_in};
use crate::estimates::{Estimate, estimates_in};
use crate::half::widen_in;
use crate::hamming::hamming_in;
use crate::lut_scan::lut_scan_in;
use crate::pair::{Sum, scale_in, sum_in, three_sums_in, two_sums_in};
use crate::rotation::hadamard_in;
use crate::scan::{rerank_in, scan_i8_in, scan_in};
use crate::simd::Simd as _;
use crate::tile::{tile_i8_in, tile_in};
use crate::tuning::AHEAD_BYTES;

/// What the public functions call after they checked lengths; each is the body of the public function of its name.
pub(crate) struct Kernels {
    pub isa: Isa,
    pub dot: fn(&[f32], &[f32]) -> f32,
    pub l2sq: fn(&[f32], &[f32]) -> f32,
    pub three_sums: fn(&[f32], &[f32], f32, f32) -> [f32; 3],
    /// Query, rows that follow each other, products, squares of the rows.
    pub scan_two_sums: fn(&[f32], &[f32], &mut [[f32; 2]]),
    pub scale: fn(&mut [f32], f32),
    pub scan_f32: fn(Sum, &[f32], &[f32], usize, &mut [f32]),
    pub scan_f16: fn(Sum, &[f32], &[u16], usize, &mut [f32]),
    pub scan_i8: fn(&[i8], &[i8], usize, &mut [i32]),
    pub rerank_f32: Rerank<f32>,
    pub rerank_f16: Rerank<u16>,
    pub tile_f32: fn(&[f32], usize, &[f32], usize, &mut [f32]),
    pub tile_i8: fn(&[i8], usize, &[i8], usize, &mut [i32]),
    pub hamming: fn(&[u64], &[u64], &mut [u32]),
    pub lut_scan: fn(&[u8], &[u8], &mut [u32]),
    pub estimates: fn(Estimate, &[u32], &[u16], &mut [f32]),
    pub level_dot4: fn(&[i8], [&[u8]; 4]) -> i32,
    pub level_dot8: fn(&[i8], [&[u8]; 8]) -> i32,
    pub hadamard: fn(&mut [f32]),
    pub encode: fn(&[f32], &mut [u8]) -> Factors,
    pub widen: fn(&[u16], &mut [f32]),
}

/// Sum, query, rows, stride, numbers, out.
type Rerank<T> = fn(Sum, &[f32], &[T], usize, &[u32], &mut [f32]);

/// One function compiled with features, as a plain pointer.
macro_rules! entry {
    ({$($features:tt)*} ($($name:ident: $type:ty),*) $(-> $result:ty)? $body:block) => {{
        $($features)*
        fn compiled($($name: $type),*) $(-> $result)? $body
        // SAFETY: a table is only handed out by `Isa::kernels`, which asks the machine for these features first.
        #[allow(unused_unsafe, reason = "the baseline has no features")]
        |$($name: $type),*| unsafe { compiled($($name),*) }
    }};
}

/// The table of an instruction set. `token` is evaluated in functions that have the features alone; a panel of 32
/// queries takes `registers`, and `tall` rows of it fill the register file.
macro_rules! kernels {
    ($isa:expr, $token:expr, $registers:literal x $tall:literal, $features:tt) => {
        Kernels {
            isa: $isa,
            dot: entry!($features (a: &[f32], b: &[f32]) -> f32 { sum_in::<_, _, false>($token, a, b, 0) }),
            l2sq: entry!($features (a: &[f32], b: &[f32]) -> f32 { sum_in::<_, _, true>($token, a, b, 0) }),
            three_sums: entry!($features (a: &[f32], b: &[f32], a_scale: f32, b_scale: f32) -> [f32; 3] {
                three_sums_in($token, a, b, a_scale, b_scale)
            }),
            scan_two_sums: entry!($features (query: &[f32], rows: &[f32], out: &mut [[f32; 2]]) {
                for (row, out) in rows.chunks_exact(query.len()).zip(out) {
                    *out = two_sums_in($token, query, row, AHEAD_BYTES);
                }
            }),
            scale: entry!($features (row: &mut [f32], by: f32) { scale_in($token, row, by) }),
            scan_f32: entry!($features (sum: Sum, query: &[f32], rows: &[f32], stride: usize, out: &mut [f32]) {
                scan_in($token, sum, query, rows, stride, AHEAD_BYTES, out)
            }),
            scan_f16: entry!($features (sum: Sum, query: &[f32], rows: &[u16], stride: usize, out: &mut [f32]) {
                scan_in($token, sum, query, rows, stride, AHEAD_BYTES, out)
            }),
            scan_i8: entry!($features (query: &[i8], rows: &[i8], stride: usize, out: &mut [i32]) {
                scan_i8_in($token, query, rows, stride, AHEAD_BYTES, out)
            }),
            rerank_f32: entry!($features (
                sum: Sum, query: &[f32], rows: &[f32], stride: usize, numbers: &[u32], out: &mut [f32]
            ) { rerank_in($token, sum, query, rows, stride, numbers, out) }),
            rerank_f16: entry!($features (
                sum: Sum, query: &[f32], rows: &[u16], stride: usize, numbers: &[u32], out: &mut [f32]
            ) { rerank_in($token, sum, query, rows, stride, numbers, out) }),
            tile_f32: entry!($features (
                queries: &[f32], dimension: usize, rows: &[f32], stride: usize, out: &mut [f32]
            ) { tile_in::<_, $registers, $tall>($token, queries, dimension, rows, stride, out) }),
            tile_i8: entry!($features (
                queries: &[i8], dimension: usize, rows: &[i8], stride: usize, out: &mut [i32]
            ) { tile_i8_in($token, queries, dimension, rows, stride, out) }),
            hamming: entry!($features (query: &[u64], rows: &[u64], out: &mut [u32]) {
                hamming_in(query, rows, out)
            }),
            lut_scan: entry!($features (blocks: &[u8], table: &[u8], sums: &mut [u32]) {
                lut_scan_in($token, blocks, table, AHEAD_BYTES, sums)
            }),
            estimates: entry!($features (estimate: Estimate, sums: &[u32], factors: &[u16], scores: &mut [f32]) {
                estimates_in(estimate, sums, factors, scores)
            }),
            level_dot4: entry!($features (query: &[i8], planes: [&[u8]; 4]) -> i32 { $token.level_dot(query, planes) }),
            level_dot8: entry!($features (query: &[i8], planes: [&[u8]; 8]) -> i32 { $token.level_dot(query, planes) }),
            hadamard: entry!($features (values: &mut [f32]) { hadamard_in(values) }),
            encode: entry!($features (residual: &[f32], codes: &mut [u8]) -> Factors { encode_in(residual, codes) }),
            widen: entry!($features (halves: &[u16], floats: &mut [f32]) { widen_in(halves, floats) }),
        }
    };
}

pub(super) static PORTABLE: Kernels = kernels!(Isa::Portable, Portable, 4 x 2, {});

#[cfg(target_arch = "x86_64")]
pub(super) static AVX2: Kernels = kernels!(
    Isa::Avx2,
    // SAFETY: made in functions with the features below, which only run where the machine has them.
    unsafe { Avx2::promised() },
    4 x 3,
    { #[target_feature(enable = "avx2,fma,f16c,popcnt")] }
);

#[cfg(target_arch = "x86_64")]
pub(super) static AVX512: Kernels = kernels!(
    Isa::Avx512,
    // SAFETY: made in functions with the features below, which only run where the machine has them.
    unsafe { Avx512::promised() },
    2 x 12,
    { #[target_feature(enable = "avx2,fma,f16c,popcnt,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq")] }
);

#[cfg(target_arch = "aarch64")]
pub(super) static NEON: Kernels = kernels!(
    Isa::Neon,
    // SAFETY: made in functions with the features below, which only run where the machine has them.
    unsafe { Neon::promised() },
    4 x 6,
    { #[target_feature(enable = "neon,dotprod")] }
);
