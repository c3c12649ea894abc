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
    }
}
