//! What a kernel's body asks of an instruction set. A body is written once over [`Simd`] and compiled once for each
//! implementor, as `memchr` does with its `Vector`.
//!
//! An implementor is a token: whoever holds one runs on a machine that has its instructions, because making one is
//! `unsafe` beyond the baseline. So the methods, and the bodies over them, are safe. They are `#[inline(always)]`, since
//! instructions are only chosen in the function with `#[target_feature]` that all of it ends up in.

use crate::half::f32_of;

pub(crate) trait Simd: Copy {
    type Floats: Copy;
    /// Lanes of `Floats`.
    const WIDTH: usize;

    fn zero(self) -> Self::Floats;
    fn splat(self, value: f32) -> Self::Floats;
    /// The first `WIDTH` of at least as many.
    fn load(self, from: &[f32]) -> Self::Floats;
    /// Fewer than `WIDTH`; the other lanes are 0.
    fn load_part(self, from: &[f32]) -> Self::Floats;
    fn add(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn sub(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// a × b + c, rounded once where the instruction exists.
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn store(self, values: Self::Floats, to: &mut [f32]);
    /// Neighbours first, then halves: the fixed end of every sum.
    fn sum(self, values: Self::Floats) -> f32;
    /// As [`Self::load`], of f16.
    fn load_half(self, from: &[u16]) -> Self::Floats;

    fn load_half_part(self, from: &[u16]) -> Self::Floats {
        let mut wide = [0.0; 16];
        for (wide, half) in wide.iter_mut().zip(from) {
            *wide = f32_of(*half);
        }
        self.load(&wide)
    }

    /// Exact for up to 65,536 components.
    fn dot_i8(self, a: &[i8], b: &[i8]) -> i32;

    /// Sums of 32 rows of plane 0: `codes` and `table` have 16 bytes for each group of four dimensions.
    fn lut_block(self, codes: &[u8], table: &[u8], sums: &mut [u32; 32]);

    /// Sum of query × code, the code's bits standing in `planes`, most significant first. `planes` hold as many bits as
    /// `query` has components, a multiple of 64.
    fn level_dot<const PLANES: usize>(self, query: &[i8], planes: [&[u8]; PLANES]) -> i32;

    /// Asks for the cache line at an address that may lie outside of any object.
    fn prefetch(self, _address: *const u8) {}
}

/// The fixed tree over four accumulators: the result does not depend on how a compiler would have summed.
#[inline(always)]
pub(crate) fn tree<S: Simd>(simd: S, [a, b, c, d]: [S::Floats; 4]) -> f32 {
    simd.sum(simd.add(simd.add(a, b), simd.add(c, d)))
}

/// A number as rows store it.
pub(crate) trait Stored: Copy {
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::Floats;
    fn load_part<S: Simd>(simd: S, from: &[Self]) -> S::Floats;
}

impl Stored for f32 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::Floats {
        simd.load(from)
    }
    #[inline(always)]
    fn load_part<S: Simd>(simd: S, from: &[Self]) -> S::Floats {
        simd.load_part(from)
    }
}

/// f16.
impl Stored for u16 {
    #[inline(always)]
    fn load<S: Simd>(simd: S, from: &[Self]) -> S::Floats {
        simd.load_half(from)
    }
    #[inline(always)]
    fn load_part<S: Simd>(simd: S, from: &[Self]) -> S::Floats {
        simd.load_half_part(from)
    }
}
