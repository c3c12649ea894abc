use crate::half::f32_of;
use crate::isa::active;

/// How sums of [`crate::lut_scan`] become scores: `base + factor × factor_scale × (offset + scale × sum)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// <q, c>
    pub base: f32,
    /// The f32 scale of the rows' f16 factors.
    pub factor_scale: f32,
    /// Of the query's tables, times the value of a sign.
    pub offset: f32,
    /// Of the query's tables, times the value of a sign.
    pub scale: f32,
}

/// One score for each sum. No product is fused, so that a score has the same bits on every machine.
pub fn estimates(estimate: Estimate, sums: &[u32], factors: &[u16], scores: &mut [f32]) {
    assert!(
        sums.len() == factors.len() && sums.len() == scores.len(),
        "a factor and a place for each sum"
    );
    (active().estimates)(estimate, sums, factors, scores);
}

#[inline(always)]
pub(crate) fn estimates_in(estimate: Estimate, sums: &[u32], factors: &[u16], scores: &mut [f32]) {
    let Estimate {
        base,
        factor_scale,
        offset,
        scale,
    } = estimate;
    for ((score, sum), factor) in scores.iter_mut().zip(sums).zip(factors) {
        // Sums are below 2^24 and so exact in f32; the conversion from i32 is one instruction, from u32 several.
        let product = offset + scale * (*sum as i32 as f32);
        *score = base + f32_of(*factor) * factor_scale * product;
    }
}
