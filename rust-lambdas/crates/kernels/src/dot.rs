use wide::f32x8;

use crate::{BLOCK, LANES, sum};

/// Dot product of two rows of equal length.
///
/// A sum that overflows on the way is formed again in `f64` and cut to the range of `f32`, so that finite rows have a
/// finite product.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "rows of one length");
    let product = dot_wide(a, b);
    if product.is_finite() {
        product
    } else {
        dot_scalar(a, b).clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
    }
}

/// The plain twin.
pub fn dot_scalar(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| f64::from(*x) * f64::from(*y))
        .sum()
}

pub(crate) fn dot_wide(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<BLOCK>();
    let (b_blocks, b_rest) = b.as_chunks::<BLOCK>();
    let mut sums = [f32x8::ZERO; 4];
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        let (x, y) = (x.as_chunks::<LANES>().0, y.as_chunks::<LANES>().0);
        for lane in 0..4 {
            sums[lane] = f32x8::from(x[lane]).mul_add(f32x8::from(y[lane]), sums[lane]);
        }
    }
    let (a_eights, a_tail) = a_rest.as_chunks::<LANES>();
    let (b_eights, b_tail) = b_rest.as_chunks::<LANES>();
    for (lane, (x, y)) in a_eights.iter().zip(b_eights).enumerate() {
        sums[lane] = f32x8::from(*x).mul_add(f32x8::from(*y), sums[lane]);
    }
    sum(sums) + a_tail.iter().zip(b_tail).map(|(x, y)| x * y).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{norm, pairs};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_agrees_with_its_twin((a, b) in pairs()) {
            let difference = f64::from(dot(&a, &b)) - dot_scalar(&a, &b);
            prop_assert!(difference.abs() <= 1e-5 * norm(&a) * norm(&b));
        }
    }

    #[test]
    fn stays_finite_where_a_partial_sum_overflows() {
        let a = [f32::MAX; 40];
        assert_eq!(dot(&a, &a), f32::MAX);
        let mut b = [1.0; 40];
        b[20..].fill(-1.0);
        assert_eq!(dot(&a, &b), 0.0);
    }

    #[test]
    fn of_nothing_is_zero() {
        assert_eq!(dot(&[], &[]), 0.0);
    }
}
