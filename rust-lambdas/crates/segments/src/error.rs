use thiserror::Error;

/// Why a file is not read: one kind for each rule of `docs/formats/segment.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SegmentError {
    #[error("the file ends inside of its opening block")]
    Truncated,
    #[error("the file does not begin with `SIGNETV`")]
    Magic,
    #[error("the file is of a newer version than 1")]
    Newer,
    #[error("the opening block is not the one that the name stands for")]
    Name,
    #[error("`open_len` is not a multiple of 4096, over 4 MiB, or another than the header's")]
    OpenLength,
    #[error("the dimension is not from 1 to 4096, or not padded to the next multiple of 64")]
    Dimension,
    #[error("the number of rows is not from 1 to 1048576")]
    Rows,
    #[error("no metric has this number")]
    Metric,
    #[error("no row type has this number")]
    RowType,
    #[error("the lowest `seq` is above the highest")]
    SeqRange,
    #[error("the factor scale is not a power of two")]
    FactorScale,
    #[error("the header has bytes other than zero behind its fields")]
    HeaderZeros,
    #[error("the section table has a wrong, a missing or a misplaced section")]
    SectionTable,
    #[error("a section has a codec that is not known")]
    SectionCodec,
    #[error("a section does not begin on the next multiple of 4096")]
    SectionOffset,
    #[error("a section does not have the length that its count asks for")]
    SectionLength,
    #[error("the file is longer or shorter than its header says")]
    FileLength,
    #[error("the number of chunks does not fit the length of the file")]
    Chunks,
    #[error("there are bytes other than zero between sections")]
    Padding,
    #[error("the clusters do not cover the rows in order, or have numbers that are not finite")]
    Clusters,
    #[error("a chunk does not have its digest")]
    Chunk,
    #[error("a factor or a bound is not finite or negative")]
    Factors,
    #[error("plane 0 has bits behind its last row")]
    Plane0,
    #[error("a stored row or a norm is not finite, or has bytes behind its last component")]
    StoredRows,
    #[error("the ids are not texts of 1 to 512 bytes, each once")]
    Ids,
    #[error("the hashes of ids are not in order, or not those of the ids")]
    IdHashes,
    #[error("the columns are malformed")]
    Columns,
    #[error("a record of metadata and content is malformed")]
    Payload,
    #[error("the terms are malformed or not in order")]
    Terms,
    #[error("the postings are malformed or not those that the terms name")]
    Postings,
    #[error("the bytes could not be read")]
    Source,
}

impl SegmentError {
    /// Crosses the language border.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "segment.truncated",
            Self::Magic => "segment.magic",
            Self::Newer => "segment.newer",
            Self::Name => "segment.name",
            Self::OpenLength => "segment.open_length",
            Self::Dimension => "segment.dimension",
            Self::Rows => "segment.rows",
            Self::Metric => "segment.metric",
            Self::RowType => "segment.row_type",
            Self::SeqRange => "segment.seq_range",
            Self::FactorScale => "segment.factor_scale",
            Self::HeaderZeros => "segment.header_zeros",
            Self::SectionTable => "segment.section_table",
            Self::SectionCodec => "segment.section_codec",
            Self::SectionOffset => "segment.section_offset",
            Self::SectionLength => "segment.section_length",
            Self::FileLength => "segment.file_length",
            Self::Chunks => "segment.chunks",
            Self::Padding => "segment.padding",
            Self::Clusters => "segment.clusters",
            Self::Chunk => "segment.chunk",
            Self::Factors => "segment.factors",
            Self::Plane0 => "segment.plane0",
            Self::StoredRows => "segment.stored_rows",
            Self::Ids => "segment.ids",
            Self::IdHashes => "segment.id_hashes",
            Self::Columns => "segment.columns",
            Self::Payload => "segment.payload",
            Self::Terms => "segment.terms",
            Self::Postings => "segment.postings",
            Self::Source => "segment.source",
        }
    }
}

/// Why rows do not become a segment. `usize`: number of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BuildError {
    /// Nothing to write.
    #[error("a segment has at least one row")]
    Empty,
    /// More than 1,048,576 rows, or an opening block over 4 MiB.
    #[error("the rows do not fit in one segment")]
    TooLarge,
    /// A component is NaN or infinite.
    #[error("row {0} has a number that is not finite")]
    NonFinite(usize),
    /// A component is beyond f16, or the norm beyond f32.
    #[error("row {0} has a number that is too large for what is stored")]
    OutOfRange(usize),
    /// A zero row where the metric is cosine.
    #[error("row {0} is zero")]
    ZeroVector(usize),
    /// An id is not 1 to 512 bytes, or is there twice.
    #[error("row {0} has an id that is empty, over 512 bytes, or not its own")]
    Id(usize),
    /// Metadata that is no JSON object.
    #[error("row {0} has metadata that is no JSON object")]
    Metadata(usize),
}

impl BuildError {
    /// Crosses the language border.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty_segment",
            Self::TooLarge => "segment_too_large",
            Self::NonFinite(_) => "non_finite",
            Self::OutOfRange(_) => "out_of_range",
            Self::ZeroVector(_) => "zero_vector",
            Self::Id(_) => "id_length",
            Self::Metadata(_) => "invalid_metadata",
        }
    }

    /// Of the row at fault.
    pub const fn row(self) -> Option<usize> {
        match self {
            Self::Empty | Self::TooLarge => None,
            Self::NonFinite(row)
            | Self::OutOfRange(row)
            | Self::ZeroVector(row)
            | Self::Id(row)
            | Self::Metadata(row) => Some(row),
        }
    }
}
