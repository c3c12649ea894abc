use crate::SplitMix64;
use crate::isa::active;

/// Rounds of signs, Walsh-Hadamard, permutation.
const ROUNDS: usize = 3;

/// A seeded random rotation: it spreads what a row carries over all dimensions, so that one bit of each says about equally
/// much. Orthonormal up to rounding; the same bits on every machine.
#[derive(Debug, Clone)]
pub struct Rotation {
    padded: usize,
    rounds: [Round; ROUNDS],
}

#[derive(Debug, Clone)]
struct Round {
    /// 1 or -1.
    signs: Vec<f32>,
    /// Output i takes input `order[i]`.
    order: Vec<u32>,
}

impl Rotation {
    /// Of rows of `dimension` components. One SplitMix64 stream begins at `key`; each round takes from it one draw for
    /// each 64 signs (lowest bit first, 1 is minus), then one for each step of a Fisher-Yates shuffle from the last place
    /// down: the place is draw mod (i + 1).
    pub fn new(dimension: usize, key: u64) -> Self {
        let padded = dimension.next_multiple_of(64);
        let mut draws = SplitMix64(key);
        let rounds = std::array::from_fn(|_| {
            let words: Vec<u64> = (0..padded / 64).map(|_| draws.draw()).collect();
            let is_minus = |at: usize| words[at / 64] >> (at % 64) & 1 == 1;
            let signs = (0..padded)
                .map(|at| if is_minus(at) { -1.0 } else { 1.0 })
                .collect();
            let mut order: Vec<u32> = (0..padded as u32).collect();
            for last in (1..padded).rev() {
                order.swap(last, (draws.draw() % (last as u64 + 1)) as usize);
            }
            Round { signs, order }
        });
        Self { padded, rounds }
    }

    /// The dimension rounded up to 64: the length of a rotated row.
    pub fn padded(&self) -> usize {
        self.padded
    }

    /// `out` becomes R(row).
    pub fn rotate(&self, row: &[f32], out: &mut [f32]) {
        assert!(
            row.len() <= self.padded && out.len() == self.padded,
            "a row of at most {}",
            self.padded
        );
        let mut values = vec![0.0; self.padded];
        out[..row.len()].copy_from_slice(row);
        out[row.len()..].fill(0.0);
        for Round { signs, order } in &self.rounds {
            for ((value, x), sign) in values.iter_mut().zip(out.iter()).zip(signs) {
                *value = x * sign;
            }
            (active().hadamard)(&mut values);
            for (x, from) in out.iter_mut().zip(order) {
                *x = values[*from as usize];
            }
        }
    }
}

/// Blocks of the largest powers of two, largest first: 384 is 256 and 128. Each is transformed by butterflies from the
/// widest down, then multiplied by f32(1/√block). Sums and products alone, none fused: the same bits in every order of
/// lanes.
#[inline(always)]
pub(crate) fn hadamard_in(values: &mut [f32]) {
    let mut rest = values;
    while !rest.is_empty() {
        let length = 1 << rest.len().ilog2();
        let (block, others) = rest.split_at_mut(length);
        hadamard_block(block);
        rest = others;
    }
}

#[inline(always)]
fn hadamard_block(block: &mut [f32]) {
    let mut width = block.len() / 2;
    while width >= 8 {
        for pair in block.chunks_exact_mut(2 * width) {
            let (low, high) = pair.split_at_mut(width);
            for (low, high) in low
                .as_chunks_mut::<8>()
                .0
                .iter_mut()
                .zip(high.as_chunks_mut::<8>().0)
            {
                for lane in 0..8 {
                    (low[lane], high[lane]) = (low[lane] + high[lane], low[lane] - high[lane]);
                }
            }
        }
        width /= 2;
    }
    let scale = (1.0 / (block.len() as f64).sqrt()) as f32;
    for eight in block.as_chunks_mut::<8>().0 {
        for width in [4, 2, 1] {
            let before = *eight;
            for lane in 0..8 {
                let other = before[lane ^ width];
                eight[lane] = if lane & width == 0 {
                    before[lane] + other
                } else {
                    other - before[lane]
                };
            }
        }
        for x in eight {
            *x *= scale;
        }
    }
}
