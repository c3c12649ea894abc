//! What is known about rows that a search left out: whether one of them could be among the best, and how likely that is.

use kernels::BLOCK_ROWS;

use crate::best::Candidate;
use crate::query::{Lens, Query, Rotated};

/// How sure an answer is of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Certainty {
    /// Every allowed row was scored on its stored values.
    Exact = 0,
    /// No row that was left out can be among the best k.
    Bounded = 1,
    /// By the distribution of estimates.
    Estimated = 2,
}

/// Of a dense search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// How sure.
    pub certainty: Certainty,
    /// From 0 to 1.
    pub expected_recall: f64,
    /// Of the first stage.
    pub candidates: usize,
    /// Allowed rows.
    pub rows_scanned: usize,
    /// Of codes and rows.
    pub bytes_read: u64,
}

/// A row that was left out, and after which level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped {
    pub candidate: Candidate,
    pub level: usize,
}

/// L: how fast the number of rows grows as estimates fall, per unit. None where estimates do not tell rows apart.
///
/// `estimates`: of all rows of the first stage, in any order; `kept`: C0.
pub(crate) fn slope(estimates: &mut [f32], kept: usize) -> Option<f64> {
    let (near, far) = (kept, (4 * kept).min(estimates.len()));
    if near == 0 || near >= far {
        return None;
    }
    let mut at = |rank: usize| {
        let (_, value, _) = estimates.select_nth_unstable_by(rank - 1, |a, b| b.total_cmp(a));
        f64::from(*value)
    };
    let fall = at(near) - at(far);
    (fall > 0.0).then(|| 4f64.ln() / fall)
}

/// 1 − (1/k) Σ Q((t − e + L s²) / s): of each row left out, the chance that it belongs to the best k. `worst`: t, the k-th
/// exact score as an estimate.
pub(crate) fn expected_recall(
    dropped: &[Dropped],
    lenses: &[Lens<'_>],
    query: &Rotated,
    worst: f64,
    slope: Option<f64>,
    k: usize,
) -> f64 {
    let Some(slope) = slope else {
        return 1.0;
    };
    let spread = query.norm / ((query.values.len() - 1) as f64).sqrt();
    let missed: f64 = dropped
        .iter()
        .map(|dropped| {
            let lens = &lenses[dropped.candidate.source as usize];
            let s = spread * residual(lens, dropped.candidate.row as usize, dropped.level);
            let gap = worst - f64::from(dropped.candidate.estimate);
            if s > 0.0 {
                upper_tail((gap + slope * s * s) / s)
            } else {
                f64::from(gap <= 0.0)
            }
        })
        .sum();
    (1.0 - missed / k as f64).clamp(0.0, 1.0)
}

/// |x' − f v|: of one bit from the factors of the row itself, of more the largest of its block.
fn residual(lens: &Lens<'_>, row: usize, level: usize) -> f64 {
    if level > 0 {
        return f64::from(lens.segment.bound(row, level));
    }
    let (length, factor) = (
        f64::from(lens.segment.factor(row, 0)),
        f64::from(lens.segment.factor(row, 1)),
    );
    let dimensions = lens.segment.shape().padded() as f64;
    (factor * factor * dimensions / 4.0 - length * length)
        .max(0.0)
        .sqrt()
}

/// Whether no row that was left out can reach `worst`: Cauchy and Schwarz over what its code leaves open, and over what
/// was rounded on the way.
pub(crate) fn is_bounded(
    dropped: &[Dropped],
    lenses: &[Lens<'_>],
    query: &Query,
    rotated: &Rotated,
    worst: f64,
) -> bool {
    let centroid_norms: Vec<f64> = lenses.iter().map(Lens::centroid_norm).collect();
    dropped.iter().all(|dropped| {
        let lens = &lenses[dropped.candidate.source as usize];
        let row = dropped.candidate.row as usize;
        let left = f64::from(lens.segment.bound(row, dropped.level));
        let length = f64::from(lens.segment.factor(row, 0)) * 1.001 + left;
        let coded = length + left;
        let of_query = match dropped.level {
            // Each looked-up byte is off by at most half a step; signs are ±1/2.
            0 => {
                let groups = (rotated.values.len() / 4) as f64;
                let factor = f64::from(lens.segment.factor(row, 1));
                factor * groups * f64::from(rotated.lut.scale) / 4.0
            }
            _ => rotated.rounding * coded,
        };
        let scale = query.norm * (coded + centroid_norms[dropped.candidate.source as usize])
            + f64::from(lens.penalty(query.metric, row));
        let upper =
            f64::from(dropped.candidate.estimate) + rotated.norm * left + of_query + 2e-5 * scale;
        upper < worst
    })
}

/// Bytes of the codes of so many rows at each level.
pub(crate) fn code_bytes(padded: usize, counts: [usize; 3]) -> u64 {
    let row = [padded / 8 + 8, 3 * padded / 8, 4 * padded / 8];
    // Whole blocks are read by the scan.
    let scanned = counts[0].next_multiple_of(BLOCK_ROWS);
    (scanned * row[0] + counts[1] * row[1] + counts[2] * row[2]) as u64
}

/// Q: the chance that a normal variable is above z. Chebyshev's fit of erfc, relative error below 1.2e-7.
fn upper_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let fit = [
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let series = fit.iter().rev().fold(0.0, |sum, c| sum * t + c);
    let tail = 0.5 * t * (-x * x - 1.265_512_23 + t * series).exp();
    if z >= 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_the_normal_distribution_is_the_tables() {
        for (z, q) in [
            (0.0, 0.5),
            (1.0, 0.158_655_25),
            (1.96, 0.024_997_9),
            (3.0, 0.001_349_9),
            (-1.0, 0.841_344_75),
        ] {
            assert!((upper_tail(z) - q).abs() < 1e-6, "{z}");
        }
    }
}
