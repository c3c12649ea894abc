//! AVX-512 with VNNI and VPOPCNTDQ (Ice Lake, Zen 4 and later): 16 lanes, masked tails, exact byte products in one step.
//!
//! All `unsafe` of this path stands here, for the same reasons as in the AVX2 module.

use core::arch::x86_64::*;

use crate::simd::Simd;

/// Whoever holds one runs on a machine with `avx512{f,bw,vl,dq,vnni,vpopcntdq}` and all that AVX2's token promises.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The machine has `avx512f`, `avx512bw`, `avx512vl`, `avx512dq`, `avx512vnni`, `avx512vpopcntdq` and AVX2's features.
    #[inline(always)]
    pub(crate) unsafe fn promised() -> Self {
        Self(())
    }
}

impl Simd for Avx512 {
    type Floats = __m512;
    const WIDTH: usize = 16;

    #[inline(always)]
    fn zero(self) -> __m512 {
        // SAFETY: the token.
        unsafe { _mm512_setzero_ps() }
    }
    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: the token.
        unsafe { _mm512_set1_ps(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        let from = &from[..16];
        // SAFETY: the token; 16 floats stand there.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }
    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m512 {
        let mask = (1u32 << from.len()) - 1;
        // SAFETY: the token; masked lanes are not read.
        unsafe { _mm512_maskz_loadu_ps(mask as __mmask16, from.as_ptr()) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the token.
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the token.
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: the token.
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: the token.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn store(self, values: __m512, to: &mut [f32]) {
        let to = &mut to[..16];
        // SAFETY: the token; 16 floats fit there.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), values) }
    }
    #[inline(always)]
    fn sum(self, values: __m512) -> f32 {
        // SAFETY: the token.
        unsafe { _mm512_reduce_add_ps(values) }
    }
    #[inline(always)]
    fn load_half(self, from: &[u16]) -> __m512 {
        let from = &from[..16];
        // SAFETY: the token; 32 bytes stand there.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn dot_i8(self, a: &[i8], b: &[i8]) -> i32 {
        let (a_blocks, a_tail) = a.as_chunks::<64>();
        let (b_blocks, b_tail) = b.as_chunks::<64>();
        // SAFETY: the token; whole blocks are read whole, the tails under a mask.
        unsafe {
            // The instruction multiplies unsigned by signed: a + 128 is unsigned, and 128 × the sum of b is taken off.
            let offset = _mm512_set1_epi8(-128);
            let (mut products, mut offsets) = (_mm512_setzero_si512(), _mm512_setzero_si512());
            let mut add = |x: __m512i, y: __m512i| {
                products = _mm512_dpbusd_epi32(products, _mm512_xor_si512(x, offset), y);
                offsets = _mm512_dpbusd_epi32(offsets, offset, y);
            };
            for (x, y) in a_blocks.iter().zip(b_blocks) {
                add(
                    _mm512_loadu_si512(x.as_ptr().cast()),
                    _mm512_loadu_si512(y.as_ptr().cast()),
                );
            }
            if !a_tail.is_empty() {
                let mask = (1u64 << a_tail.len()) - 1;
                add(
                    _mm512_maskz_loadu_epi8(mask, a_tail.as_ptr()),
                    _mm512_maskz_loadu_epi8(mask, b_tail.as_ptr()),
                );
            }
            _mm512_reduce_add_epi32(_mm512_sub_epi32(products, offsets))
        }
    }

    #[inline(always)]
    fn lut_block(self, codes: &[u8], table: &[u8], sums: &mut [u32; 32]) {
        // Four groups a register, one in each quarter.
        let (codes, table) = (codes.as_chunks::<64>().0, table.as_chunks::<64>().0);
        sums.fill(0);
        for (codes, table) in codes.chunks(64).zip(table.chunks(64)) {
            // SAFETY: the token; each load reads one block of 64 bytes, each store writes 32 bytes of an array of 32.
            unsafe {
                let low = _mm512_set1_epi8(15);
                // As on AVX2: the sums of odd rows are exact, those of even rows carry them modulo 2^16.
                let mut both = [_mm512_setzero_si512(); 2];
                let mut odd = [_mm512_setzero_si512(); 2];
                for (codes, table) in codes.iter().zip(table) {
                    let codes = _mm512_loadu_si512(codes.as_ptr().cast());
                    let table = _mm512_loadu_si512(table.as_ptr().cast());
                    let first = _mm512_shuffle_epi8(table, _mm512_and_si512(codes, low));
                    let second = _mm512_shuffle_epi8(
                        table,
                        _mm512_and_si512(_mm512_srli_epi16::<4>(codes), low),
                    );
                    both[0] = _mm512_add_epi16(both[0], first);
                    both[1] = _mm512_add_epi16(both[1], second);
                    odd[0] = _mm512_add_epi16(odd[0], _mm512_srli_epi16::<8>(first));
                    odd[1] = _mm512_add_epi16(odd[1], _mm512_srli_epi16::<8>(second));
                }
                for half in 0..2 {
                    let even = _mm512_sub_epi16(both[half], _mm512_slli_epi16::<8>(odd[half]));
                    let at = &mut sums[16 * half..][..16];
                    // Rows 0, 2, 4 … of the quarters' sums, then 1, 3, 5 …, then both woven together.
                    let (even, odd) = (quarters(even), quarters(odd[half]));
                    let (first, second) = (
                        _mm256_unpacklo_epi32(even, odd),
                        _mm256_unpackhi_epi32(even, odd),
                    );
                    let rows = [
                        _mm256_permute2x128_si256::<0x20>(first, second),
                        _mm256_permute2x128_si256::<0x31>(first, second),
                    ];
                    for (eight, rows) in at.as_chunks_mut::<8>().0.iter_mut().zip(rows) {
                        let before = _mm256_loadu_si256(eight.as_ptr().cast());
                        _mm256_storeu_si256(
                            eight.as_mut_ptr().cast(),
                            _mm256_add_epi32(before, rows),
                        );
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn level_dot<const PLANES: usize>(self, query: &[i8], planes: [&[u8]; PLANES]) -> i32 {
        let (query, _) = query.as_chunks::<64>();
        let planes = planes.map(|plane| plane.as_chunks::<8>().0);
        // SAFETY: the token; the load reads one block of 64 bytes.
        unsafe {
            let mut sums = _mm512_setzero_si512();
            for (at, query) in query.iter().enumerate() {
                let mut codes = _mm512_setzero_si512();
                for (plane, bits) in planes.iter().enumerate() {
                    let weight = _mm512_set1_epi8((1u8 << (PLANES - 1 - plane)) as i8);
                    let is_set: __mmask64 = u64::from_le_bytes(bits[at]);
                    codes = _mm512_or_si512(codes, _mm512_maskz_mov_epi8(is_set, weight));
                }
                sums = _mm512_dpbusd_epi32(sums, codes, _mm512_loadu_si512(query.as_ptr().cast()));
            }
            _mm512_reduce_add_epi32(sums)
        }
    }

    #[inline(always)]
    fn prefetch(self, address: *const u8) {
        // SAFETY: the token; a prefetch never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}

/// The sum of four quarters of eight u16, as eight u32.
///
/// # Safety
/// The machine has `avx512f`, `avx512bw`, `avx2`.
#[inline(always)]
unsafe fn quarters(values: __m512i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let first = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(values));
        let second = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<1>(values));
        let both = _mm512_add_epi32(first, second);
        _mm256_add_epi32(
            _mm512_castsi512_si256(both),
            _mm512_extracti64x4_epi64::<1>(both),
        )
    }
}
