use crate::dot_scalar;
use crate::isa::active;

/// Squared norms outside it lose digits (below) or overflow (above) in `f32`.
pub(crate) const SAFE_SQUARED_NORMS: std::ops::RangeInclusive<f32> = 1e-30..=1e30;

/// Cosine of the angle between two rows of equal length, in [-1, 1]; 0 if one of them is zero.
///
/// One pass forms the three sums. Rows with extreme norms are summed again with each row scaled by a power of two, which
/// is exact and cancels in the quotient.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "rows of one length");
    let three_sums = active().three_sums;
    let sums = three_sums(a, b, 1.0, 1.0);
    cosine_of_sums(sums).unwrap_or_else(|| {
        let (Some(a_scale), Some(b_scale)) = (scale_of(a), scale_of(b)) else {
            return 0.0;
        };
        quotient(three_sums(a, b, a_scale, b_scale))
    })
}

/// Of the product and both squares; none where a square has lost digits.
#[inline]
pub(crate) fn cosine_of_sums(sums: [f32; 3]) -> Option<f32> {
    let is_safe = SAFE_SQUARED_NORMS.contains(&sums[1]) && SAFE_SQUARED_NORMS.contains(&sums[2]);
    is_safe.then(|| quotient(sums))
}

#[inline]
fn quotient([product, a_squared, b_squared]: [f32; 3]) -> f32 {
    if a_squared == b_squared && product.abs() == a_squared {
        // A row with itself, or with its opposite: the roots would lose the last bit of 1.
        return product.signum();
    }
    (product / (a_squared.sqrt() * b_squared.sqrt())).clamp(-1.0, 1.0)
}

/// The plain twin.
pub fn cosine_scalar(a: &[f32], b: &[f32]) -> f64 {
    let norms = dot_scalar(a, a).sqrt() * dot_scalar(b, b).sqrt();
    if norms == 0.0 {
        0.0
    } else {
        (dot_scalar(a, b) / norms).clamp(-1.0, 1.0)
    }
}

/// The power of two that brings the largest component to [1, 2); none for a zero row.
pub(crate) fn scale_of(row: &[f32]) -> Option<f32> {
    let largest = row.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        return None;
    }
    // 2^±127 are normal numbers; the two ends of the exponent's range are brought as near as they reach.
    let exponent = largest.log2().floor().clamp(-127.0, 126.0);
    Some((-exponent).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::pairs;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_agrees_with_its_twin((a, b) in pairs(), a_exponent in -37..37, b_exponent in -37..37) {
            let scaled = |row: &[f32], exponent: i32| -> Vec<f32> { row.iter().map(|x| x * 10f32.powi(exponent)).collect() };
            let (a, b) = (scaled(&a, a_exponent), scaled(&b, b_exponent));
            let difference = f64::from(cosine(&a, &b)) - cosine_scalar(&a, &b);
            prop_assert!(difference.abs() <= 1e-5, "{difference}");
        }
    }

    #[test]
    fn of_extreme_rows_is_exact_enough() {
        for x in [f32::MAX, 1e30, 1e-30, f32::MIN_POSITIVE, f32::from_bits(1)] {
            assert!((cosine(&[x; 33], &[x; 33]) - 1.0).abs() <= 1e-5, "{x}");
            assert!((cosine(&[x; 33], &[-x; 33]) + 1.0).abs() <= 1e-5, "{x}");
            assert!(
                (cosine(&[x; 33], &[f32::MAX; 33]) - 1.0).abs() <= 1e-5,
                "{x}"
            );
        }
    }

    #[test]
    fn of_a_row_with_itself_is_exactly_one() {
        for length in 1..200 {
            let row: Vec<f32> = (0..length)
                .map(|at| (at * at % 37) as f32 / 7.0 - 2.3)
                .collect();
            let opposite: Vec<f32> = row.iter().map(|x| -x).collect();
            assert_eq!(cosine(&row, &row), 1.0, "{length}");
            assert_eq!(cosine(&row, &opposite), -1.0, "{length}");
        }
    }

    #[test]
    fn of_a_zero_row_is_zero() {
        assert_eq!(cosine(&[0.0; 40], &[1.0; 40]), 0.0);
        assert_eq!(cosine(&[], &[]), 0.0);
    }
}
