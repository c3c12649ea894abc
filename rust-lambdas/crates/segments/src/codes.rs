//! Clusters, planes, factors and bounds of rotated rows: sections 1 to 6.

use kernels::{encode, f16_of, f32_of, pack_signs, planes_of};

use crate::layout::BLOCK_ROWS;
use crate::prepare::squared_norm;

pub(crate) struct Codes {
    pub clusters: Vec<u8>,
    pub plane0: Vec<u8>,
    pub factors: Vec<u8>,
    pub bounds: Vec<u8>,
    pub planes1_3: Vec<u8>,
    pub planes4_7: Vec<u8>,
    pub factor_scale: f32,
}

/// What is known of a row between its code and the scale of all factors.
struct Measured {
    residual: f64,
    levels: [f64; 3],
    /// |v|² of each level.
    squares: [f64; 3],
}

/// `rotated`: rows × `padded`, in any order; `clusters`: their numbers, in the order that they get.
pub(crate) fn encode_rows(rotated: &[f32], padded: usize, clusters: &[Vec<u32>]) -> Codes {
    let rows = rotated.len() / padded;
    let mut codes = Codes {
        clusters: Vec::with_capacity(clusters.len() * (16 + padded)),
        plane0: vec![0; rows.div_ceil(BLOCK_ROWS) * 4 * padded],
        factors: Vec::new(),
        bounds: Vec::new(),
        planes1_3: vec![0; rows * 3 * padded / 8],
        planes4_7: vec![0; rows * 4 * padded / 8],
        factor_scale: 1.0,
    };
    let mut measured = Vec::with_capacity(rows);
    let (mut code, mut residual, mut planes) =
        (vec![0; padded], vec![0.0; padded], vec![0; padded]);
    let mut of_block: Vec<u8> = Vec::with_capacity(BLOCK_ROWS * padded);
    let (three, four) = (3 * padded / 8, 4 * padded / 8);
    for members in clusters {
        let (step, bytes) = centroid_of(rotated, padded, members);
        let centroid: Vec<f32> = bytes.iter().map(|byte| step * f32::from(*byte)).collect();
        let mut radius = 0f64;
        let first = measured.len();
        for member in members {
            let row = &rotated[*member as usize * padded..][..padded];
            residual
                .iter_mut()
                .zip(row)
                .zip(&centroid)
                .for_each(|((out, x), c)| *out = x - c);
            let factors = encode(&residual, &mut code);
            radius = radius.max(factors.residual);
            let at = measured.len();
            planes_of(&code, &mut planes);
            codes.planes1_3[at * three..][..three].copy_from_slice(&planes[padded / 8..padded / 2]);
            codes.planes4_7[at * four..][..four].copy_from_slice(&planes[padded / 2..]);
            of_block.extend_from_slice(&code);
            measured.push(Measured {
                residual: factors.residual,
                levels: factors.levels,
                squares: squares_of(&code),
            });
            if of_block.len() == BLOCK_ROWS * padded || measured.len() == rows {
                let block = (measured.len() - 1) / BLOCK_ROWS;
                pack_signs(
                    &of_block,
                    padded,
                    &mut codes.plane0[block * 4 * padded..][..4 * padded],
                );
                of_block.clear();
            }
        }
        for number in [first as u32, members.len() as u32] {
            codes.clusters.extend_from_slice(&number.to_le_bytes());
        }
        codes
            .clusters
            .extend_from_slice(&rounded_up(radius).to_le_bytes());
        codes.clusters.extend_from_slice(&step.to_le_bytes());
        codes.clusters.extend(bytes.iter().map(|byte| *byte as u8));
    }
    codes.factor_scale = scale_of(&measured);
    write_factors(&measured, &mut codes);
    codes
}

/// Step and bytes of the mean, in the order of the rows.
fn centroid_of(rotated: &[f32], padded: usize, members: &[u32]) -> (f32, Vec<i8>) {
    let mut sums = vec![0f64; padded];
    for member in members {
        let row = &rotated[*member as usize * padded..][..padded];
        sums.iter_mut()
            .zip(row)
            .for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let means: Vec<f64> = sums.iter().map(|sum| sum / members.len() as f64).collect();
    let largest = means
        .iter()
        .fold(0f64, |largest, mean| largest.max(mean.abs()));
    let step = (largest / 127.0) as f32;
    if !step.is_normal() {
        return (0.0, vec![0; padded]);
    }
    let byte = |mean: &f64| (mean / f64::from(step)).round().clamp(-127.0, 127.0) as i8;
    (step, means.iter().map(byte).collect())
}

/// |v|² of a code at 1, 4 and 8 bits; integers, so exact.
fn squares_of(code: &[u8]) -> [f64; 3] {
    let sum = |bits: u32| -> u64 {
        let odd = |code: &u8| 2 * i32::from(code >> (8 - bits)) + 1 - (1 << bits);
        code.iter()
            .map(|code| u64::from((odd(code) * odd(code)) as u32))
            .sum()
    };
    [
        code.len() as f64 / 4.0,
        sum(4) as f64 / 256.0,
        sum(8) as f64 / 65_536.0,
    ]
}

/// The power of two that brings the largest factor below 2^15, which f16 holds with room.
fn scale_of(measured: &[Measured]) -> f32 {
    let largest = measured
        .iter()
        .flat_map(|row| row.levels.iter().chain([&row.residual]))
        .fold(0f64, |a, b| a.max(*b));
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = (largest.to_bits() >> 52) as i32 - 1023;
    f32::from_bits(((exponent - 14).clamp(-126, 127) + 127).cast_unsigned() << 23)
}

fn write_factors(measured: &[Measured], codes: &mut Codes) {
    let scale = f64::from(codes.factor_scale);
    let half = |value: f64| f16_of((value / scale) as f32);
    for block in measured.chunks(BLOCK_ROWS) {
        let mut bounds = [0f64; 3];
        let mut lists = [[0u16; BLOCK_ROWS]; 4];
        for (at, row) in block.iter().enumerate() {
            lists[0][at] = half(row.residual);
            for level in 0..3 {
                let stored = half(row.levels[level]);
                lists[level + 1][at] = stored;
                bounds[level] =
                    bounds[level].max(left_over(row, level, f64::from(f32_of(stored)) * scale));
            }
        }
        codes
            .factors
            .extend(lists.iter().flatten().flat_map(|half| half.to_le_bytes()));
        codes.bounds.extend(
            bounds
                .iter()
                .flat_map(|bound| rounded_up(*bound).to_le_bytes()),
        );
    }
}

/// |x' − f v| = √(|x'|² − 2 f <x', v> + f² |v|²), and the rounding of the three.
fn left_over(row: &Measured, level: usize, factor: f64) -> f64 {
    let square = row.residual * row.residual;
    let product = if row.levels[level] > 0.0 {
        square / row.levels[level]
    } else {
        0.0
    };
    let terms = [
        square,
        2.0 * factor * product,
        factor * factor * row.squares[level],
    ];
    let rounding = 1e-13 * (terms[0] + terms[1] + terms[2]);
    (terms[0] - terms[1] + terms[2] + rounding).max(0.0).sqrt()
}

fn rounded_up(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) < value {
        nearest.next_up()
    } else {
        nearest
    }
}

/// |row|² for the norms of Euclidean segments.
pub(crate) fn square_as_stored(row: &[f32]) -> f32 {
    squared_norm(row) as f32
}
