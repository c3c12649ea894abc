//! NEON with the dot product of int8 (every Graviton since the second). `f32` stays with `wide`, whose lanes are NEON's.

use core::arch::aarch64::*;
use core::arch::asm;

use super::portable::Portable;
use crate::simd::Simd;
use wide::f32x8;

/// Whoever holds one runs on a machine with `dotprod`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// # Safety
    /// The machine has `dotprod`.
    #[inline(always)]
    pub(crate) unsafe fn promised() -> Self {
        Self(())
    }
}

impl Simd for Neon {
    type Floats = f32x8;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn zero(self) -> f32x8 {
        Portable.zero()
    }
    #[inline(always)]
    fn splat(self, value: f32) -> f32x8 {
        Portable.splat(value)
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> f32x8 {
        Portable.load(from)
    }
    #[inline(always)]
    fn load_part(self, from: &[f32]) -> f32x8 {
        Portable.load_part(from)
    }
    #[inline(always)]
    fn add(self, a: f32x8, b: f32x8) -> f32x8 {
        Portable.add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: f32x8, b: f32x8) -> f32x8 {
        Portable.sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: f32x8, b: f32x8) -> f32x8 {
        Portable.mul(a, b)
    }
    #[inline(always)]
    fn mul_add(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        Portable.mul_add(a, b, c)
    }
    #[inline(always)]
    fn store(self, values: f32x8, to: &mut [f32]) {
        Portable.store(values, to);
    }
    #[inline(always)]
    fn sum(self, values: f32x8) -> f32 {
        Portable.sum(values)
    }
    #[inline(always)]
    fn load_half(self, from: &[u16]) -> f32x8 {
        Portable.load_half(from)
    }

    #[inline(always)]
    fn dot_i8(self, a: &[i8], b: &[i8]) -> i32 {
        let (a_blocks, a_tail) = a.as_chunks::<16>();
        let (b_blocks, b_tail) = b.as_chunks::<16>();
        // SAFETY: the token; each load reads one block of 16 bytes.
        let sums = unsafe {
            let mut sums = [vdupq_n_s32(0); 4];
            for (at, (x, y)) in a_blocks.iter().zip(b_blocks).enumerate() {
                let sum = &mut sums[at % 4];
                *sum = sdot(*sum, vld1q_s8(x.as_ptr()), vld1q_s8(y.as_ptr()));
            }
            let [a, b, c, d] = sums;
            vaddvq_s32(vaddq_s32(vaddq_s32(a, b), vaddq_s32(c, d)))
        };
        let tail: i32 = a_tail
            .iter()
            .zip(b_tail)
            .map(|(x, y)| i32::from(*x) * i32::from(*y))
            .sum();
        sums + tail
    }

    #[inline(always)]
    fn lut_block(self, codes: &[u8], table: &[u8], sums: &mut [u32; 32]) {
        let (codes, table) = (codes.as_chunks::<16>().0, table.as_chunks::<16>().0);
        sums.fill(0);
        for (codes, table) in codes.chunks(256).zip(table.chunks(256)) {
            // SAFETY: NEON is the baseline of aarch64; each load reads one block of 16 bytes, each store writes 16 bytes.
            unsafe {
                let low = vdupq_n_u8(15);
                let mut partial = [vdupq_n_u16(0); 4];
                for (codes, table) in codes.iter().zip(table) {
                    let (codes, table) = (vld1q_u8(codes.as_ptr()), vld1q_u8(table.as_ptr()));
                    let first = vqtbl1q_u8(table, vandq_u8(codes, low));
                    let second = vqtbl1q_u8(table, vshrq_n_u8::<4>(codes));
                    partial[0] = vaddw_u8(partial[0], vget_low_u8(first));
                    partial[1] = vaddw_high_u8(partial[1], first);
                    partial[2] = vaddw_u8(partial[2], vget_low_u8(second));
                    partial[3] = vaddw_high_u8(partial[3], second);
                }
                for (sums, partial) in sums.as_chunks_mut::<8>().0.iter_mut().zip(partial) {
                    let mut eight = [0u16; 8];
                    vst1q_u16(eight.as_mut_ptr(), partial);
                    for (sum, partial) in sums.iter_mut().zip(eight) {
                        *sum += u32::from(partial);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn level_dot<const PLANES: usize>(self, query: &[i8], planes: [&[u8]; PLANES]) -> i32 {
        Portable.level_dot(query, planes)
    }
}

/// Four products of int8 added to each of four i32. The intrinsic is not stable yet.
///
/// # Safety
/// The machine has `dotprod`.
#[inline(always)]
unsafe fn sdot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: the caller's promise; registers alone.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}
