//! Rows for the property tests: every length where a tail can go wrong, and the lengths of real models.

use proptest::prelude::*;

/// Two rows of one length.
pub fn pairs() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
    let dimensions =
        prop_oneof![4 => 1usize..=130, 1 => prop::sample::select(vec![384, 768, 1000, 1536])];
    dimensions.prop_flat_map(|dimension| {
        let row = || prop::collection::vec(-1.0f32..1.0, dimension);
        (row(), row())
    })
}

pub fn norm(row: &[f32]) -> f64 {
    crate::dot_scalar(row, row).sqrt()
}
