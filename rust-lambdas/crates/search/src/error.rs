use segments::{BuildError, SegmentError, Unfit};
use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SearchError {
    /// A segment is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A row or the query cannot be scored; `row` of the request, or the component of a query.
    #[error("number {index} cannot be scored: {code}")]
    Unfit {
        /// `non_finite`, `out_of_range` or `zero_vector`.
        code: &'static str,
        /// Of the row, or of the query's component.
        index: usize,
    },
    /// A row or query has another number of components.
    #[error("vector length mismatch: {got} vs {expected}")]
    Dimension {
        /// Of the row; 0 of a query.
        index: usize,
        /// That of the view.
        expected: usize,
        /// What came.
        got: usize,
    },
    /// Not a filter, and where.
    #[error("{detail} at `{path}`")]
    Filter {
        /// In words.
        detail: String,
        /// Such as `filter.$and[1].price`.
        path: String,
    },
    /// Exact scores of rows that are not kept.
    #[error("no rows are stored")]
    NoStoredRows,
    /// An id is empty or over 512 bytes; the row.
    #[error("row {0} has an id that is not 1 to 512 bytes")]
    Id(usize),
    /// Metadata that is no JSON object; the row.
    #[error("row {0} has metadata that is no JSON object")]
    Metadata(usize),
    /// A segment of another shape.
    #[error("a segment has other settings than the view")]
    Mismatch,
    /// Tombstones that are no ascending row numbers of their segment.
    #[error("tombstones are not ascending row numbers")]
    Tombstones,
    /// No segment came of the rows.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl SearchError {
    /// Crosses the language border.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Segment(error) => error.code(),
            Self::Unfit { code, .. } => code,
            Self::Dimension { .. } => "dimension_mismatch",
            Self::Filter { .. } => "invalid_filter",
            Self::NoStoredRows => "no_stored_rows",
            Self::Id(_) => "id_length",
            Self::Metadata(_) => "invalid_metadata",
            Self::Mismatch => "segment_mismatch",
            Self::Tombstones => "segment.tombstones",
            Self::Build(error) => error.code(),
        }
    }

    /// Of the row, or of the number of a query, at fault.
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::Unfit { index, .. } | Self::Dimension { index, .. } => Some(*index),
            Self::Id(row) | Self::Metadata(row) => Some(*row),
            Self::Build(error) => error.row(),
            _ => None,
        }
    }

    pub(crate) fn of_row(unfit: Unfit, row: usize) -> Self {
        Self::Unfit {
            code: code_of(unfit),
            index: row,
        }
    }

    pub(crate) fn of_query(unfit: Unfit) -> Self {
        let index = if let Unfit::NonFinite(at) = unfit {
            at
        } else {
            0
        };
        Self::Unfit {
            code: code_of(unfit),
            index,
        }
    }
}

const fn code_of(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::NonFinite(_) => "non_finite",
        Unfit::OutOfRange => "out_of_range",
        Unfit::Zero => "zero_vector",
    }
}
