//! Segments: immutable files of rows, their codes, ids, columns and texts. `docs/formats/segment.md` has the byte table.
//!
//! [`build`] writes one, [`Segment`] reads one, chunk by chunk and never a byte before its digest, [`verify`] reads all of
//! one. No I/O but through [`ByteSource`]. Equal rows give equal bytes on every machine: sums are `f64` in the order of the
//! rows, nothing is fused.

mod cluster;
mod codes;
mod columns;
mod cursor;
mod error;
mod image;
mod layout;
mod prepare;
mod row_set;
mod segment;
mod text;
mod verify;
mod write;

pub use columns::{Scalar, walk_paths};
pub use error::{BuildError, SegmentError};
pub use image::ByteSource;
pub use layout::{
    BLOCK_ROWS, CHUNK_BYTES, DIMENSION_MAX, Entry, ID_BYTES_MAX, Opening, ROWS_MAX, RowType,
    Section, Shape,
};
pub use prepare::{Prepared, Unfit, norm, prepare, squared_norm};
pub use row_set::Bitmap;
pub use segment::{Cluster, FileSource, Payload, Segment};
pub use text::{Posting, words};
pub use verify::verify;
pub use write::{Built, SourceRow, build, id_hash};
