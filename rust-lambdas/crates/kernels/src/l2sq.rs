use wide::f32x8;

use crate::{BLOCK, LANES, sum};

/// Squared Euclidean distance of two rows of equal length. Over the range of `f32` it is `f32::MAX`.
pub fn l2sq(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "rows of one length");
    let distance = l2sq_wide(a, b);
    if distance.is_finite() {
        distance
    } else {
        l2sq_scalar(a, b).min(f64::from(f32::MAX)) as f32
    }
}

/// The plain twin.
pub fn l2sq_scalar(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
        .sum()
}

pub(crate) fn l2sq_wide(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<BLOCK>();
    let (b_blocks, b_rest) = b.as_chunks::<BLOCK>();
    let mut sums = [f32x8::ZERO; 4];
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        let (x, y) = (x.as_chunks::<LANES>().0, y.as_chunks::<LANES>().0);
        for lane in 0..4 {
            let difference = f32x8::from(x[lane]) - f32x8::from(y[lane]);
            sums[lane] = difference.mul_add(difference, sums[lane]);
        }
    }
    let (a_eights, a_tail) = a_rest.as_chunks::<LANES>();
    let (b_eights, b_tail) = b_rest.as_chunks::<LANES>();
    for (lane, (x, y)) in a_eights.iter().zip(b_eights).enumerate() {
        let difference = f32x8::from(*x) - f32x8::from(*y);
        sums[lane] = difference.mul_add(difference, sums[lane]);
    }
    sum(sums)
        + a_tail
            .iter()
            .zip(b_tail)
            .map(|(x, y)| (x - y) * (x - y))
            .sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{norm, pairs};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_agrees_with_its_twin((a, b) in pairs()) {
            let exact = l2sq_scalar(&a, &b);
            let difference = f64::from(l2sq(&a, &b)) - exact;
            // |a - b|² is at most (|a| + |b|)², and each term carries one rounding of its own difference.
            prop_assert!(difference.abs() <= 1e-5 * (norm(&a) + norm(&b)).powi(2));
        }
    }

    #[test]
    fn stays_in_range_where_it_overflows() {
        assert_eq!(l2sq(&[f32::MAX; 9], &[f32::MIN; 9]), f32::MAX);
        assert_eq!(l2sq(&[f32::MAX; 9], &[f32::MAX; 9]), 0.0);
    }
}
