use crate::cosine::{SAFE_SQUARED_NORMS, scale_of};
use crate::dot_scalar;
use crate::isa::active;

/// Divides a row by its norm, in place, and returns the norm (`f32::MAX` where it is beyond the range). A zero row stays
/// zero and returns 0.
pub fn normalise(row: &mut [f32]) -> f32 {
    let kernels = active();
    let squared = (kernels.dot)(row, row);
    if SAFE_SQUARED_NORMS.contains(&squared) {
        let norm = squared.sqrt();
        // One division and a product for each component cost a third of a division for each, and half a last bit.
        (kernels.scale)(row, 1.0 / norm);
        return norm;
    }
    let Some(scale) = scale_of(row) else {
        return 0.0;
    };
    (kernels.scale)(row, scale);
    let norm = (kernels.dot)(row, row).sqrt();
    (kernels.scale)(row, 1.0 / norm);
    (f64::from(norm) / f64::from(scale)).min(f64::from(f32::MAX)) as f32
}

/// The plain twin.
pub fn normalise_scalar(row: &mut [f32]) -> f64 {
    let norm = dot_scalar(row, row).sqrt();
    if norm > 0.0 {
        row.iter_mut()
            .for_each(|x| *x = (f64::from(*x) / norm) as f32);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::pairs;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_agrees_with_its_twin((row, _) in pairs(), exponent in -37..37) {
            let mut row: Vec<f32> = row.iter().map(|x| x * 10f32.powi(exponent)).collect();
            let mut twin = row.clone();
            let (norm, exact) = (f64::from(normalise(&mut row)), normalise_scalar(&mut twin));
            prop_assert!((norm - exact).abs() <= 1e-5 * exact + f64::from(f32::from_bits(1)));
            for (x, y) in row.iter().zip(&twin) {
                prop_assert!((x - y).abs() <= 1e-5);
            }
        }
    }

    #[test]
    fn leaves_a_zero_row_alone() {
        let mut row = [0.0; 9];
        assert_eq!(normalise(&mut row), 0.0);
        assert_eq!(row, [0.0; 9]);
    }
}
