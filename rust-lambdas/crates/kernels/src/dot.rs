use crate::isa::active;

/// Dot product of two rows of equal length.
///
/// A sum that overflows on the way is formed again in `f64` and cut to the range of `f32`, so that finite rows have a
/// finite product.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "rows of one length");
    let product = (active().dot)(a, b);
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
