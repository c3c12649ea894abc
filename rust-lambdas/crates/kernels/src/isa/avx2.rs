//! AVX2 with FMA and F16C: what every x86-64-v3 machine has.
//!
//! All `unsafe` of this path stands here: making the token, unaligned loads behind a length check, and intrinsics whose
//! instructions the token promises.

use core::arch::x86_64::*;

use crate::simd::Simd;

/// Whoever holds one runs on a machine with `avx2`, `fma`, `f16c` and `popcnt`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The machine has `avx2`, `fma`, `f16c` and `popcnt`.
    #[inline(always)]
    pub(crate) unsafe fn promised() -> Self {
        Self(())
    }
}

/// Lanes 0..n of eight: the mask of n starts at 8 - n.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

// Each block below rests on the same two facts: `self` promises the instructions, and the length is checked above it.
impl Simd for Avx2 {
    type Floats = __m256;
    const WIDTH: usize = 8;

    #[inline(always)]
    fn zero(self) -> __m256 {
        // SAFETY: the token.
        unsafe { _mm256_setzero_ps() }
    }
    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: the token.
        unsafe { _mm256_set1_ps(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        let from = &from[..8];
        // SAFETY: the token; eight floats stand there.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m256 {
        let mask = &MASKS[8 - from.len()..][..8];
        // SAFETY: the token; lanes beyond the length are masked and so not read.
        unsafe { _mm256_maskload_ps(from.as_ptr(), _mm256_loadu_si256(mask.as_ptr().cast())) }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the token.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the token.
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: the token.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: the token.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn store(self, values: __m256, to: &mut [f32]) {
        let to = &mut to[..8];
        // SAFETY: the token; eight floats fit there.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), values) }
    }
    #[inline(always)]
    fn sum(self, values: __m256) -> f32 {
        // SAFETY: the token.
        unsafe {
            let four = _mm_add_ps(
                _mm256_castps256_ps128(values),
                _mm256_extractf128_ps::<1>(values),
            );
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
    #[inline(always)]
    fn load_half(self, from: &[u16]) -> __m256 {
        let from = &from[..8];
        // SAFETY: the token; 16 bytes stand there.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn dot_i8(self, a: &[i8], b: &[i8]) -> i32 {
        let (a_blocks, a_tail) = a.as_chunks::<32>();
        let (b_blocks, b_tail) = b.as_chunks::<32>();
        // SAFETY: the token; each half is read inside its block of 32 bytes.
        let sums = unsafe {
            let (mut first, mut second) = (_mm256_setzero_si256(), _mm256_setzero_si256());
            let wide = |half: *const i8| _mm256_cvtepi8_epi16(_mm_loadu_si128(half.cast()));
            for (x, y) in a_blocks.iter().zip(b_blocks) {
                let (x, y) = (x.as_ptr(), y.as_ptr());
                first = _mm256_add_epi32(first, _mm256_madd_epi16(wide(x), wide(y)));
                second =
                    _mm256_add_epi32(second, _mm256_madd_epi16(wide(x.add(16)), wide(y.add(16))));
            }
            sum_i32(_mm256_add_epi32(first, second))
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
        // Two groups a register, one in each half: the byte shuffle looks up within halves.
        let (codes, table) = (codes.as_chunks::<32>().0, table.as_chunks::<32>().0);
        sums.fill(0);
        for (codes, table) in codes.chunks(128).zip(table.chunks(128)) {
            // SAFETY: the token; each load reads one block of 32 bytes, each store one of 32 bytes of `halves`.
            unsafe {
                let low = _mm256_set1_epi8(15);
                // The sums of odd rows are exact; those of even rows still carry 256 times the odd ones, modulo 2^16.
                let mut both = [_mm256_setzero_si256(); 2];
                let mut odd = [_mm256_setzero_si256(); 2];
                for (codes, table) in codes.iter().zip(table) {
                    let codes = _mm256_loadu_si256(codes.as_ptr().cast());
                    let table = _mm256_loadu_si256(table.as_ptr().cast());
                    let first = _mm256_shuffle_epi8(table, _mm256_and_si256(codes, low));
                    let second = _mm256_shuffle_epi8(
                        table,
                        _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low),
                    );
                    both[0] = _mm256_add_epi16(both[0], first);
                    both[1] = _mm256_add_epi16(both[1], second);
                    odd[0] = _mm256_add_epi16(odd[0], _mm256_srli_epi16::<8>(first));
                    odd[1] = _mm256_add_epi16(odd[1], _mm256_srli_epi16::<8>(second));
                }
                for half in 0..2 {
                    let even = _mm256_sub_epi16(both[half], _mm256_slli_epi16::<8>(odd[half]));
                    let mut pairs = [[0u16; 16]; 2];
                    _mm256_storeu_si256(pairs[0].as_mut_ptr().cast(), even);
                    _mm256_storeu_si256(pairs[1].as_mut_ptr().cast(), odd[half]);
                    for row in 0..16 {
                        let values = &pairs[row % 2];
                        sums[16 * half + row] +=
                            u32::from(values[row / 2]) + u32::from(values[8 + row / 2]);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn level_dot<const PLANES: usize>(self, query: &[i8], planes: [&[u8]; PLANES]) -> i32 {
        let (query, _) = query.as_chunks::<32>();
        let planes = planes.map(|plane| plane.as_chunks::<4>().0);
        // SAFETY: the token; the loads read 32 bytes of the query's block.
        unsafe {
            // Byte i of four goes to lanes 8i..8i+8, where each lane keeps its own bit.
            let own_byte = _mm256_setr_epi64x(
                0,
                0x0101_0101_0101_0101,
                0x0202_0202_0202_0202,
                0x0303_0303_0303_0303,
            );
            let own_bit = _mm256_set1_epi64x(0x8040_2010_0804_0201u64 as i64);
            let mut sums = _mm256_setzero_si256();
            for (at, query) in query.iter().enumerate() {
                let mut codes = _mm256_setzero_si256();
                for (plane, bits) in planes.iter().enumerate() {
                    let bytes = _mm256_shuffle_epi8(
                        _mm256_set1_epi32(i32::from_le_bytes(bits[at])),
                        own_byte,
                    );
                    let is_set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, own_bit), own_bit);
                    let weight = _mm256_set1_epi8((1u8 << (PLANES - 1 - plane)) as i8);
                    codes = _mm256_or_si256(codes, _mm256_and_si256(is_set, weight));
                }
                let query = query.as_ptr();
                let first = _mm256_cvtepi8_epi16(_mm_loadu_si128(query.cast()));
                let second = _mm256_cvtepi8_epi16(_mm_loadu_si128(query.add(16).cast()));
                let low = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(codes));
                let high = _mm256_cvtepu8_epi16(_mm256_extracti128_si256::<1>(codes));
                sums = _mm256_add_epi32(sums, _mm256_madd_epi16(first, low));
                sums = _mm256_add_epi32(sums, _mm256_madd_epi16(second, high));
            }
            sum_i32(sums)
        }
    }

    #[inline(always)]
    fn prefetch(self, address: *const u8) {
        // SAFETY: the token; a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}

/// # Safety
/// The machine has `avx2`.
#[inline(always)]
unsafe fn sum_i32(values: __m256i) -> i32 {
    // SAFETY: the caller's promise.
    unsafe {
        let four = _mm_add_epi32(
            _mm256_castsi256_si128(values),
            _mm256_extracti128_si256::<1>(values),
        );
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
        _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
    }
}
