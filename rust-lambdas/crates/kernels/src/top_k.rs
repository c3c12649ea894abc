use crate::best_rows::{BestRows, Hit};
use crate::cosine::cosine_of_sums;
use crate::isa::active;
use crate::l2sq::safe_root;
use crate::pair::Sum;
use crate::{cosine, cosine_scalar, dot, dot_scalar, l2, l2sq, l2sq_scalar};

/// How two rows are compared. The number crosses the language border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Metric {
    /// score = cosine
    Cosine = 0,
    /// score = dot product
    DotProduct = 1,
    /// score = 1 / (1 + distance)
    Euclidean = 2,
    /// score = 1 / (1 + squared distance)
    SquaredEuclidean = 3,
}

impl Metric {
    /// The metric of a number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Cosine,
            1 => Self::DotProduct,
            2 => Self::Euclidean,
            3 => Self::SquaredEuclidean,
            _ => return None,
        })
    }

    /// Larger is better.
    pub fn score(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Cosine => cosine(a, b),
            Self::DotProduct => dot(a, b),
            Self::Euclidean => 1.0 / (1.0 + l2(a, b)),
            Self::SquaredEuclidean => 1.0 / (1.0 + l2sq(a, b)),
        }
    }
}

impl Metric {
    /// Smaller is closer: 1 - cosine, the distances themselves, minus the dot product.
    pub fn distance(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Cosine => 1.0 - cosine(a, b),
            Self::DotProduct => -dot(a, b),
            Self::Euclidean => l2(a, b),
            Self::SquaredEuclidean => l2sq(a, b),
        }
    }
}

/// The plain twin of [`Metric::score`].
pub fn score_scalar(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    match metric {
        Metric::Cosine => cosine_scalar(a, b),
        Metric::DotProduct => dot_scalar(a, b),
        Metric::Euclidean => 1.0 / (1.0 + l2sq_scalar(a, b).sqrt()),
        Metric::SquaredEuclidean => 1.0 / (1.0 + l2sq_scalar(a, b)),
    }
}

/// A component of the query or of a row is NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonFinite {
    /// At this component.
    Query(u32),
    /// In this row.
    Row(u32),
}

/// The k best rows of all that were added, in one pass.
#[derive(Debug)]
pub struct TopK<Q> {
    metric: Metric,
    query: Q,
    query_squared: f32,
    rows_seen: u32,
    best: BestRows,
}

impl<Q: AsRef<[f32]>> TopK<Q> {
    /// `query` has at least one component. Only min(`k`, `rows`) places are reserved, `rows` being how many will come.
    pub fn new(metric: Metric, query: Q, k: usize, rows: usize) -> Result<Self, NonFinite> {
        assert!(!query.as_ref().is_empty(), "a query has components");
        if let Some(at) = query.as_ref().iter().position(|x| !x.is_finite()) {
            return Err(NonFinite::Query(at as u32));
        }
        let query_squared = (active().three_sums)(query.as_ref(), query.as_ref(), 1.0, 1.0)[1];
        Ok(Self {
            metric,
            query,
            query_squared,
            rows_seen: 0,
            best: BestRows::new(k, rows),
        })
    }

    /// Adds whole rows of the query's length, row-major. After an error the rest of the block is not looked at.
    pub fn add_rows(&mut self, rows: &[f32]) -> Result<(), NonFinite> {
        let dimension = self.query.as_ref().len();
        let mut scores = [0.0; STEP_ROWS];
        for rows in rows.chunks(dimension * STEP_ROWS) {
            let scores = &mut scores[..rows.len() / dimension];
            self.score(rows, scores)?;
            self.best.add_block(self.rows_seen, scores);
            self.rows_seen += scores.len() as u32;
        }
        Ok(())
    }

    /// One pass over the rows. A sum that is finite is one of finite numbers, so only rows of the other sums are looked at
    /// again: those are refused, or summed with more care.
    fn score(&self, rows: &[f32], scores: &mut [f32]) -> Result<(), NonFinite> {
        let query = self.query.as_ref();
        let again = |at: usize| {
            let row = &rows[at * query.len()..][..query.len()];
            if is_finite(row) {
                Ok(self.metric.score(query, row))
            } else {
                Err(NonFinite::Row(self.rows_seen + at as u32))
            }
        };
        if self.metric == Metric::Cosine {
            let mut sums = [[0.0; 2]; STEP_ROWS];
            let sums = &mut sums[..scores.len()];
            (active().scan_two_sums)(query, rows, sums);
            for (at, (score, [product, squared])) in scores.iter_mut().zip(sums).enumerate() {
                let cosine = cosine_of_sums([*product, self.query_squared, *squared]);
                *score = cosine.map_or_else(|| again(at), Ok)?;
            }
            return Ok(());
        }
        let sum = if self.metric == Metric::DotProduct {
            Sum::Dot
        } else {
            Sum::L2sq
        };
        (active().scan_f32)(sum, query, rows, query.len(), scores);
        for (at, score) in scores.iter_mut().enumerate() {
            let safe = match self.metric {
                Metric::Euclidean => safe_root(*score).map(|distance| 1.0 / (1.0 + distance)),
                Metric::SquaredEuclidean => {
                    Some(1.0 / (1.0 + *score)).filter(|_| score.is_finite())
                }
                Metric::Cosine | Metric::DotProduct => Some(*score).filter(|_| score.is_finite()),
            };
            *score = safe.map_or_else(|| again(at), Ok)?;
        }
        Ok(())
    }

    /// Best first; equal scores by lower row.
    pub fn finish(self) -> Vec<Hit> {
        self.best.finish()
    }
}

/// Rows whose sums are looked at together.
const STEP_ROWS: usize = 64;

/// x × 0 is 0 for finite x and NaN else; the sum keeps a NaN and the loop vectorises.
fn is_finite(row: &[f32]) -> bool {
    let (blocks, tail) = row.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for block in blocks {
        for lane in 0..8 {
            sums[lane] += block[lane] * 0.0;
        }
    }
    sums.iter().chain(tail).all(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const METRICS: [Metric; 4] = [
        Metric::Cosine,
        Metric::DotProduct,
        Metric::Euclidean,
        Metric::SquaredEuclidean,
    ];

    fn top(metric: Metric, query: &[f32], rows: &[f32], k: usize) -> Vec<Hit> {
        let mut top = TopK::new(metric, query, k, rows.len() / query.len()).unwrap();
        top.add_rows(rows).unwrap();
        top.finish()
    }

    proptest! {
        #[test]
        fn prop_is_the_head_of_the_sorted_scores(
            dimension in 1usize..40, count in 0usize..80, k in 1usize..20, split in 0usize..80, seed in any::<u64>(),
        ) {
            // Few distinct values, so that ties are common.
            let mut state = seed | 1;
            let mut next = || { state ^= state << 13; state ^= state >> 7; state ^= state << 17; (state % 5) as f32 - 2.0 };
            let query: Vec<f32> = (0..dimension).map(|_| next()).collect();
            let rows: Vec<f32> = (0..dimension * count).map(|_| next()).collect();
            for metric in METRICS {
                let mut all: Vec<Hit> = rows.chunks_exact(dimension).enumerate()
                    .map(|(row, values)| Hit { row: row as u32, score: metric.score(&query, values) }).collect();
                all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then(a.row.cmp(&b.row)));
                all.truncate(k);
                prop_assert_eq!(&top(metric, &query, &rows, k), &all);

                let (head, tail) = rows.split_at(split.min(count) * dimension);
                let mut in_blocks = TopK::new(metric, query.as_slice(), k, count).unwrap();
                in_blocks.add_rows(head).unwrap();
                in_blocks.add_rows(tail).unwrap();
                prop_assert_eq!(&in_blocks.finish(), &all);
            }
        }

        #[test]
        fn prop_scores_agree_with_their_twins((a, b) in crate::rows::pairs()) {
            for metric in METRICS {
                let scale = if metric == Metric::DotProduct { crate::rows::norm(&a) * crate::rows::norm(&b) } else { 1.0 };
                let difference = f64::from(metric.score(&a, &b)) - score_scalar(metric, &a, &b);
                prop_assert!(difference.abs() <= 1e-5 * scale.max(1e-5), "{metric:?} {difference}");
            }
        }
    }

    #[test]
    fn gives_equal_scores_to_the_lower_row_and_never_more_than_there_are() {
        let rows = [0.0, -0.0, 1.0, 1.0, 0.0];
        let found: Vec<u32> = top(Metric::DotProduct, &[1.0], &rows, 9)
            .iter()
            .map(|hit| hit.row)
            .collect();
        assert_eq!(found, [2, 3, 0, 1, 4]);
        assert_eq!(top(Metric::Cosine, &[1.0], &[], 3), []);
    }

    #[test]
    fn refuses_what_is_not_finite_and_says_where() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(
                TopK::new(Metric::Cosine, [1.0, bad], 1, 1).unwrap_err(),
                NonFinite::Query(1)
            );
            for at in 0..19 {
                let mut rows = [0.5; 38];
                rows[19 + at] = bad;
                let mut top = TopK::new(Metric::Cosine, [1.0; 19], 1, 2).unwrap();
                assert_eq!(top.add_rows(&rows), Err(NonFinite::Row(1)), "{at}");
            }
        }
    }
}
