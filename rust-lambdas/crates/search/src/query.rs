//! A query against one kind of rows: its exact sums, its tables, its estimates.

use kernels::{Lut, Metric, Rotation, Sum, lut};
use segments::{RowType, Section, Segment, SegmentError, Shape, norm, prepare, squared_norm};

use crate::SearchError;
use crate::levels::LEVEL_BITS;

/// A query whose components were checked; of a cosine collection divided by its norm.
#[derive(Debug)]
pub(crate) struct Query {
    pub values: Vec<f32>,
    pub metric: Metric,
    /// |q|, of `values`.
    pub norm: f64,
}

impl Query {
    pub(crate) fn new(shape: &Shape, values: &[f32]) -> Result<Self, SearchError> {
        if values.len() != shape.dimension {
            return Err(SearchError::Dimension {
                index: 0,
                expected: shape.dimension,
                got: values.len(),
            });
        }
        let unrounded = Shape {
            row_type: RowType::F32,
            ..*shape
        };
        let values = prepare(&unrounded, values)
            .map_err(SearchError::of_query)?
            .values;
        let norm = norm(&values);
        Ok(Self {
            values,
            metric: shape.metric,
            norm,
        })
    }

    /// What the kernels sum for an exact score.
    pub(crate) fn sum(&self) -> Sum {
        match self.metric {
            Metric::Cosine | Metric::DotProduct => Sum::Dot,
            Metric::Euclidean | Metric::SquaredEuclidean => Sum::L2sq,
        }
    }

    /// Larger is better, and as precise as the sum.
    pub(crate) fn rank_of_sum(&self, sum: f32) -> f64 {
        match self.sum() {
            Sum::Dot => f64::from(sum),
            Sum::L2sq => -f64::from(sum),
        }
    }

    /// Estimates stand for <q, x>, less |x|² / 2 where distances are compared: this is their rank.
    pub(crate) fn rank_of_estimate(&self, estimate: f32) -> f64 {
        match self.sum() {
            Sum::Dot => f64::from(estimate),
            Sum::L2sq => (2.0 * f64::from(estimate) - self.norm * self.norm).min(0.0),
        }
    }

    /// The estimate that a rank would have.
    pub(crate) fn estimate_of_rank(&self, rank: f64) -> f64 {
        match self.sum() {
            Sum::Dot => rank,
            Sum::L2sq => f64::midpoint(rank, self.norm * self.norm),
        }
    }

    /// (score, distance)
    pub(crate) fn score(&self, rank: f64) -> (f64, f64) {
        match self.metric {
            Metric::Cosine => {
                let cosine = rank.clamp(-1.0, 1.0);
                (cosine, 1.0 - cosine)
            }
            Metric::DotProduct => (rank, -rank),
            Metric::Euclidean => {
                let distance = (-rank).max(0.0).sqrt();
                (1.0 / (1.0 + distance), distance)
            }
            Metric::SquaredEuclidean => {
                let distance = (-rank).max(0.0);
                (1.0 / (1.0 + distance), distance)
            }
        }
    }
}

/// What the codes of all segments of a collection are compared with.
#[derive(Debug)]
pub(crate) struct Rotated {
    /// R(q), D components.
    pub values: Vec<f32>,
    pub lut: Lut,
    /// R(q) in steps of int8.
    pub bytes: Vec<i8>,
    step: f64,
    /// Sum of the bytes.
    sum: i32,
    /// |R(q) − step × bytes|
    pub rounding: f64,
    pub norm: f64,
}

impl Rotated {
    pub(crate) fn new(query: &Query, rotation: &Rotation) -> Self {
        let mut values = vec![0.0; rotation.padded()];
        rotation.rotate(&query.values, &mut values);
        let largest = values.iter().fold(0f32, |largest, x| largest.max(x.abs()));
        let step = if largest > 0.0 {
            f64::from(largest) / 127.0
        } else {
            1.0
        };
        let bytes: Vec<i8> = values
            .iter()
            .map(|x| (f64::from(*x) / step).round() as i8)
            .collect();
        let error = |(x, byte): (&f32, &i8)| (f64::from(*x) - step * f64::from(*byte)) as f32;
        let errors: Vec<f32> = values.iter().zip(&bytes).map(error).collect();
        Self {
            lut: lut(&values),
            step,
            sum: bytes.iter().map(|byte| i32::from(*byte)).sum(),
            rounding: squared_norm(&errors).sqrt(),
            norm: query.norm,
            bytes,
            values,
        }
    }

    /// <q, v> of a level from the exact sum of products with its codes: v = (2c + 1 − 2^b) / 2^b.
    pub(crate) fn product(&self, level: usize, sum: i32) -> f64 {
        let steps = f64::from(1u32 << LEVEL_BITS[level]);
        self.step * (2.0 * f64::from(sum) + (1.0 - steps) * f64::from(self.sum)) / steps
    }
}

/// <q, c> of each cluster of a segment.
pub(crate) fn bases(segment: &Segment, query: &Rotated) -> Vec<f32> {
    segment
        .clusters()
        .iter()
        .map(|cluster| kernels::dot(&query.values, &cluster.centroid))
        .collect()
}

/// A segment as one query sees it.
#[derive(Clone, Copy)]
pub(crate) struct Lens<'s> {
    pub segment: &'s Segment,
    /// Of [`bases`].
    pub bases: &'s [f32],
}

impl Lens<'_> {
    /// The largest |c|.
    pub(crate) fn centroid_norm(&self) -> f64 {
        let norms = self
            .segment
            .clusters()
            .iter()
            .map(|cluster| norm(&cluster.centroid));
        norms.fold(0.0, f64::max)
    }

    pub(crate) fn base(&self, row: usize) -> f32 {
        self.bases[self.segment.cluster_of(row)]
    }

    /// What an estimate of <q, x> is short of: nothing, or |x|² / 2.
    pub(crate) fn penalty(&self, metric: Metric, row: usize) -> f32 {
        match metric {
            Metric::Cosine | Metric::DotProduct => 0.0,
            Metric::Euclidean | Metric::SquaredEuclidean => self.segment.norm(row) / 2.0,
        }
    }
}

/// Reads what the first scan needs.
pub(crate) fn ensure_scan(segment: &mut Segment) -> Result<(), SegmentError> {
    segment.ensure(Section::Plane0)?;
    segment.ensure(Section::Factors)?;
    segment.ensure(Section::Bounds)?;
    match segment.shape().metric {
        Metric::Cosine | Metric::DotProduct => Ok(()),
        Metric::Euclidean | Metric::SquaredEuclidean => segment.ensure(Section::Norms),
    }
}
