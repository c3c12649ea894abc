//! Base-2 logarithms in fixed point, by repeated squaring: the same bits on every machine.

use std::sync::LazyLock;

use crate::FULL;

/// Fraction bits.
pub(crate) const FRACTION: u32 = 20;

/// `floor(log2(n) · 2^20)` for n from 1 to 10,000; entry 0 is 0 and stands for nothing.
pub fn log2_table() -> &'static [u32] {
    static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| {
        (0..=FULL)
            .map(|n| if n == 0 { 0 } else { log2(n) })
            .collect()
    });
    &TABLE
}

/// The largest n from 1 to 10,000 whose logarithm in the table is at most `logarithm`.
pub fn exp2_floor(logarithm: u32) -> u32 {
    let above = log2_table().partition_point(|entry| *entry <= logarithm);
    (above as u32).saturating_sub(1).max(1)
}

/// n ≥ 1. The mantissa is squared once for each bit; whatever is beyond 31 bits is cut, so the result never exceeds the
/// true logarithm.
pub(crate) fn log2(n: u32) -> u32 {
    let whole = n.ilog2();
    let mut mantissa = u64::from(n) << (31 - whole);
    let mut result = whole;
    for _ in 0..FRACTION {
        mantissa = (mantissa * mantissa) >> 31;
        result = result << 1 | (mantissa >> 32) as u32;
        if mantissa >> 32 == 1 {
            mantissa >>= 1;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_logarithm_rounded_down() {
        for n in 1..=FULL {
            let exact = f64::from(n).log2() * f64::from(1 << FRACTION);
            let entry = f64::from(log2_table()[n as usize]);
            assert!(
                entry <= exact && exact - entry < 1.001,
                "{n}: {entry} for {exact}"
            );
            assert_eq!(exp2_floor(log2_table()[n as usize]), n);
        }
        assert_eq!(exp2_floor(0), 1);
        assert_eq!(exp2_floor(u32::MAX), FULL);
    }
}
