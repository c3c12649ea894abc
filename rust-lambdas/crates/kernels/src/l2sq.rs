use crate::cosine::SAFE_SQUARED_NORMS;
use crate::isa::active;

/// Squared Euclidean distance of two rows of equal length. Over the range of `f32` it is `f32::MAX`.
pub fn l2sq(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "rows of one length");
    let distance = (active().l2sq)(a, b);
    if distance.is_finite() {
        distance
    } else {
        l2sq_scalar(a, b).min(f64::from(f32::MAX)) as f32
    }
}

/// Euclidean distance of two rows of equal length. Where the square leaves the range in which `f32` keeps its digits, it is
/// summed in `f64`, which holds the square of every `f32`.
pub fn l2(a: &[f32], b: &[f32]) -> f32 {
    let squared = l2sq(a, b);
    safe_root(squared).unwrap_or_else(|| l2sq_scalar(a, b).sqrt().min(f64::from(f32::MAX)) as f32)
}

/// The root of a square that has all its digits.
#[inline]
pub(crate) fn safe_root(squared: f32) -> Option<f32> {
    SAFE_SQUARED_NORMS
        .contains(&squared)
        .then(|| squared.sqrt())
}

/// The plain twin.
pub fn l2sq_scalar(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
        .sum()
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
        assert_eq!(l2(&[1e30], &[-1e30]), 2e30);
        assert_eq!(l2(&[1e-30, 0.0], &[0.0; 2]), 1e-30);
        assert_eq!(l2(&[3.0, 0.0], &[0.0, 4.0]), 5.0);
        assert_eq!(l2(&[f32::MAX; 9], &[f32::MIN; 9]), f32::MAX);
    }
}
