//! A k-means tree: rows near each other get numbers near each other.
//!
//! Sums and distances are formed in a fixed order without fused steps, so that every machine makes the same tree.

use crate::prepare::squared_norm;

/// One cluster below; more than one from here on.
pub(crate) const CLUSTERED_FROM: usize = 65_536;
const CLUSTER_ROWS: usize = 1024;
/// What clusters may take of the opening block.
const CLUSTER_BYTES_MAX: usize = 2 << 20;
const BRANCHES: usize = 16;
const ROUNDS: usize = 4;
/// Rows a branch that k-means looks at.
const SAMPLE_ROWS: usize = 192;

/// Row numbers in their new order, cut into clusters. `rotated`: rows × `padded`.
pub(crate) fn cluster(rotated: &[f32], padded: usize) -> Vec<Vec<u32>> {
    let rows = rotated.len() / padded;
    let all: Vec<u32> = (0..rows as u32).collect();
    if rows < CLUSTERED_FROM {
        return vec![all];
    }
    let mut target = CLUSTER_ROWS;
    loop {
        let mut clusters = Vec::new();
        split(rotated, padded, all.clone(), target, &mut clusters);
        if clusters.len() * (16 + padded) <= CLUSTER_BYTES_MAX {
            return clusters;
        }
        target *= 2;
    }
}

fn split(
    rotated: &[f32],
    padded: usize,
    rows: Vec<u32>,
    target: usize,
    clusters: &mut Vec<Vec<u32>>,
) {
    if rows.len() <= target + target / 2 {
        clusters.push(rows);
        return;
    }
    let branches = rows.len().div_ceil(target).min(BRANCHES);
    let centroids = k_means(rotated, padded, &rows, branches);
    let mut parts = vec![Vec::new(); branches];
    for row in &rows {
        parts[nearest(row_of(rotated, padded, *row), &centroids)].push(*row);
    }
    if parts.iter().any(|part| part.len() == rows.len()) {
        // Rows that no centroid tells apart, such as duplicates: any cut is as good as another.
        clusters.extend(rows.chunks(target).map(<[u32]>::to_vec));
        return;
    }
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        split(rotated, padded, part, target, clusters);
    }
}

struct Centroid {
    values: Vec<f32>,
    half_square: f32,
}

impl Centroid {
    fn of(values: Vec<f32>) -> Self {
        let half_square = (squared_norm(&values) / 2.0) as f32;
        Self {
            values,
            half_square,
        }
    }
}

fn k_means(rotated: &[f32], padded: usize, rows: &[u32], branches: usize) -> Vec<Centroid> {
    let step = (rows.len() / (branches * SAMPLE_ROWS)).max(1);
    let sample: Vec<u32> = rows.iter().copied().step_by(step).collect();
    let first = |branch: usize| sample[branch * sample.len() / branches];
    let mut centroids: Vec<Centroid> = (0..branches)
        .map(|branch| Centroid::of(row_of(rotated, padded, first(branch)).to_vec()))
        .collect();
    for _ in 0..ROUNDS {
        let mut sums = vec![vec![0f64; padded]; branches];
        let mut counts = vec![0usize; branches];
        for row in &sample {
            let row = row_of(rotated, padded, *row);
            let branch = nearest(row, &centroids);
            counts[branch] += 1;
            sums[branch]
                .iter_mut()
                .zip(row)
                .for_each(|(sum, x)| *sum += f64::from(*x));
        }
        for ((centroid, sum), count) in centroids.iter_mut().zip(sums).zip(counts) {
            // A branch without rows stays where it was.
            if count > 0 {
                *centroid = Centroid::of(sum.iter().map(|x| (x / count as f64) as f32).collect());
            }
        }
    }
    centroids
}

/// The first of the nearest.
fn nearest(row: &[f32], centroids: &[Centroid]) -> usize {
    let mut best = (f32::NEG_INFINITY, 0);
    for (branch, centroid) in centroids.iter().enumerate() {
        let score = ordered_dot(row, &centroid.values) - centroid.half_square;
        if score > best.0 {
            best = (score, branch);
        }
    }
    best.1
}

/// Sixteen partial sums; a multiple of 64 components.
fn ordered_dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 16];
    for (a, b) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

fn row_of(rotated: &[f32], padded: usize, row: u32) -> &[f32] {
    &rotated[row as usize * padded..][..padded]
}
