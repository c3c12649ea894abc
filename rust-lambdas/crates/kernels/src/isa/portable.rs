//! The baseline of each target by `wide`: SSE2, NEON, simd128. No instruction beyond it, so no promise is needed.

use wide::{f32x8, i8x16, i16x16, i32x8, u8x16, u16x8, u32x8};

use crate::simd::Simd;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type Floats = f32x8;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn zero(self) -> f32x8 {
        f32x8::ZERO
    }
    #[inline(always)]
    fn splat(self, value: f32) -> f32x8 {
        f32x8::splat(value)
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> f32x8 {
        f32x8::from(*from.first_chunk::<8>().expect("eight lanes"))
    }
    #[inline(always)]
    fn load_part(self, from: &[f32]) -> f32x8 {
        let mut whole = [0.0; 8];
        whole[..from.len()].copy_from_slice(from);
        f32x8::from(whole)
    }
    #[inline(always)]
    fn add(self, a: f32x8, b: f32x8) -> f32x8 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32x8, b: f32x8) -> f32x8 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32x8, b: f32x8) -> f32x8 {
        a * b
    }
    #[inline(always)]
    fn mul_add(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn store(self, values: f32x8, to: &mut [f32]) {
        to[..8].copy_from_slice(values.as_array());
    }
    #[inline(always)]
    fn sum(self, values: f32x8) -> f32 {
        values.reduce_add()
    }
    #[inline(always)]
    fn load_half(self, from: &[u16]) -> f32x8 {
        // As `f32_of`, in lanes: one by one the conversion takes ten times as long as the sum.
        let halves = *from.first_chunk::<8>().expect("eight lanes");
        let bits = u32x8::from(halves.map(u32::from));
        let magnitude = (bits & u32x8::splat(0x7fff)) << 13u32;
        let is_special = magnitude.simd_gt(u32x8::splat((0x7c00 << 13) - 1));
        let special = is_special & u32x8::splat(0x7f80_0000);
        let sign = (bits & u32x8::splat(0x8000)) << 16u32;
        let scaled = f32x8::from(magnitude.to_array().map(f32::from_bits))
            * f32x8::splat(f32::from_bits((127 + 112) << 23));
        let scaled = u32x8::from(scaled.to_array().map(f32::to_bits));
        f32x8::from((scaled | special | sign).to_array().map(f32::from_bits))
    }

    #[inline(always)]
    fn dot_i8(self, a: &[i8], b: &[i8]) -> i32 {
        let (a_blocks, a_tail) = a.as_chunks::<16>();
        let (b_blocks, b_tail) = b.as_chunks::<16>();
        let widened = |block: &[i8; 16]| i16x16::from_i8x16(i8x16::from(*block));
        let mut sums = i32x8::ZERO;
        for (x, y) in a_blocks.iter().zip(b_blocks) {
            sums += widened(x).dot(widened(y));
        }
        let tail: i32 = a_tail
            .iter()
            .zip(b_tail)
            .map(|(x, y)| i32::from(*x) * i32::from(*y))
            .sum();
        sums.reduce_add() + tail
    }

    #[inline(always)]
    fn lut_block(self, codes: &[u8], table: &[u8], sums: &mut [u32; 32]) {
        let (codes, table) = (codes.as_chunks::<16>().0, table.as_chunks::<16>().0);
        let low = u8x16::splat(15);
        sums.fill(0);
        // 256 groups of at most 255 fit u16.
        for (codes, table) in codes.chunks(256).zip(table.chunks(256)) {
            let mut partial = [u16x8::ZERO; 4];
            for (codes, table) in codes.iter().zip(table) {
                let (codes, table) = (u8x16::from(*codes), u8x16::from(*table));
                let first = table.shuffle(codes & low);
                let second = table.shuffle(codes >> 4u32);
                partial[0] += u16x8::from_u8x16_low(first);
                partial[1] += u16x8::from_u8x16_high(first);
                partial[2] += u16x8::from_u8x16_low(second);
                partial[3] += u16x8::from_u8x16_high(second);
            }
            for (sums, partial) in sums.as_chunks_mut::<8>().0.iter_mut().zip(partial) {
                for (sum, partial) in sums.iter_mut().zip(partial.to_array()) {
                    *sum += u32::from(partial);
                }
            }
        }
    }

    #[inline(always)]
    fn level_dot<const PLANES: usize>(self, query: &[i8], planes: [&[u8]; PLANES]) -> i32 {
        let mut sums = i32x8::ZERO;
        for (at, query) in query.as_chunks::<16>().0.iter().enumerate() {
            let mut codes = [0u64; 2];
            for (plane, bits) in planes.iter().enumerate() {
                for half in 0..2 {
                    codes[half] |= spread(bits[2 * at + half]) << (PLANES - 1 - plane);
                }
            }
            let mut wide = [0i16; 16];
            for (lane, wide) in wide.iter_mut().enumerate() {
                *wide = i16::from(codes[lane / 8].to_le_bytes()[lane % 8]);
            }
            sums += i16x16::from(wide).dot(i16x16::from_i8x16(i8x16::from(*query)));
        }
        sums.reduce_add()
    }
}

/// Bit i of a byte as the lowest bit of byte i.
#[inline(always)]
fn spread(bits: u8) -> u64 {
    let copies = u64::from(bits) * 0x0101_0101_0101_0101;
    let own = copies & 0x8040_2010_0804_0201;
    // No byte is over 0x80, so that no sum of 0x7f reaches the next one.
    ((own + 0x7f7f_7f7f_7f7f_7f7f) >> 7) & 0x0101_0101_0101_0101
}
