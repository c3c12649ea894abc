use crate::isa::active;

/// Levels of a code: how many top bits are read.
pub const LEVELS: [u32; 3] = [1, 4, 8];

/// What turns <R(q), v> back into an inner product with the row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// |x'|
    pub residual: f64,
    /// |x'|² / <x', v> of each level; 0 for a zero row.
    pub levels: [f64; 3],
}

/// One byte a component: floor((x/m + 1) × 128), at most 255, m the largest size, so that the grid is never clipped. The
/// top b bits c of a code stand for v = (2c + 1 - 2^b) / 2^b. Sums are `f64` in the order of the components: the same
/// bits everywhere. A zero row has codes 128 and factors 0.
pub fn encode(residual: &[f32], codes: &mut [u8]) -> Factors {
    assert_eq!(residual.len(), codes.len(), "a code for each component");
    (active().encode)(residual, codes)
}

#[inline(always)]
pub(crate) fn encode_in(residual: &[f32], codes: &mut [u8]) -> Factors {
    // Sixteen partial maxima vectorise; a maximum is the same in every order.
    let (blocks, tail) = residual.as_chunks::<16>();
    let mut largest = [0.0f32; 16];
    for block in blocks {
        for lane in 0..16 {
            largest[lane] = if block[lane].abs() > largest[lane] {
                block[lane].abs()
            } else {
                largest[lane]
            };
        }
    }
    let largest = largest
        .iter()
        .chain(tail)
        .fold(0.0f32, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        codes.fill(128);
        return Factors {
            residual: 0.0,
            levels: [0.0; 3],
        };
    }
    for (code, x) in codes.iter_mut().zip(residual) {
        // Not negative, so that the cut is the floor.
        *code = (((x / largest + 1.0) * 128.0) as i32).min(255) as u8;
    }
    // <x, v> = (2 <x, c> + (1 - 2^b) <x, 1>) / 2^b, but summed as it stands, so that the definition fixes the bits.
    let (mut squares, mut products) = (0f64, [0f64; 3]);
    for (code, x) in codes.iter().zip(residual) {
        let x = f64::from(*x);
        squares += x * x;
        for (product, bits) in products.iter_mut().zip(LEVELS) {
            let top = f64::from(2 * i32::from(code >> (8 - bits)) + 1 - (1 << bits));
            *product += x * (top / f64::from(1 << bits));
        }
    }
    Factors {
        residual: squares.sqrt(),
        levels: products.map(|product| squares / product),
    }
}
