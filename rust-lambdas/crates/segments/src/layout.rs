//! The opening block but for its clusters: header, section table, digests. `docs/formats/segment.md` is its description.

use kernels::Metric;

use crate::SegmentError;

/// Offsets and sizes that the format fixes.
pub(crate) const HEADER_BYTES: usize = 128;
pub(crate) const ENTRY_BYTES: usize = 32;
pub(crate) const DIGEST_BYTES: usize = 32;
pub(crate) const PAGE: usize = 4096;
pub(crate) const OPEN_LENGTH_MAX: usize = 4 << 20;
pub(crate) const MAGIC: &[u8; 7] = b"SIGNETV";
pub(crate) const VERSION: u8 = 1;

/// What is read and verified at once.
pub const CHUNK_BYTES: usize = 256 << 10;
/// Rows of a segment at most.
pub const ROWS_MAX: usize = 1 << 20;
/// Components of a row at most.
pub const DIMENSION_MAX: usize = 4096;
/// Rows whose top bits lie together.
pub const BLOCK_ROWS: usize = 32;
/// Bytes of an id at most.
pub const ID_BYTES_MAX: usize = 512;

/// How rows are kept beside their codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RowType {
    /// Codes alone.
    None = 0,
    /// Half precision.
    F16 = 1,
    /// As they came.
    F32 = 2,
}

impl RowType {
    /// The row type of a number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::None,
            1 => Self::F16,
            2 => Self::F32,
            _ => return None,
        })
    }

    /// Bytes from one stored row to the next.
    pub const fn stride(self, dimension: usize) -> usize {
        let bytes = match self {
            Self::None => 0,
            Self::F16 => 2 * dimension,
            Self::F32 => 4 * dimension,
        };
        bytes.next_multiple_of(64)
    }
}

/// What all segments of a collection have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How rows are compared.
    pub metric: Metric,
    /// Components of a row.
    pub dimension: usize,
    /// What is stored of a row.
    pub row_type: RowType,
    /// Whether content is searched by words.
    pub has_text: bool,
    /// Seeds the rotation.
    pub rotation_key: u64,
}

impl Shape {
    /// D: the dimension rounded up to a multiple of 64.
    pub const fn padded(&self) -> usize {
        self.dimension.next_multiple_of(64)
    }

    pub(crate) const fn has_norms(&self) -> bool {
        match self.metric {
            Metric::Cosine => !matches!(self.row_type, RowType::None),
            Metric::DotProduct => false,
            Metric::Euclidean | Metric::SquaredEuclidean => true,
        }
    }
}

/// The sections, by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
#[allow(missing_docs, reason = "the format's description has them")]
pub enum Section {
    Clusters = 1,
    Plane0 = 2,
    Factors = 3,
    Bounds = 4,
    Planes1To3 = 5,
    Planes4To7 = 6,
    Rows = 7,
    Norms = 8,
    IdHashes = 9,
    Ids = 10,
    Columns = 11,
    Payload = 12,
    Terms = 13,
    Postings = 14,
}

impl Section {
    pub(crate) const ALL: [Self; 14] = [
        Self::Clusters,
        Self::Plane0,
        Self::Factors,
        Self::Bounds,
        Self::Planes1To3,
        Self::Planes4To7,
        Self::Rows,
        Self::Norms,
        Self::IdHashes,
        Self::Ids,
        Self::Columns,
        Self::Payload,
        Self::Terms,
        Self::Postings,
    ];
}

/// An entry of the section table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub section: Section,
    /// From the start of the file.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
    /// Of what it lists.
    pub count: u64,
}

/// Everything that stands before the clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Length of the opening block.
    pub open_len: usize,
    /// Settings of the collection.
    pub shape: Shape,
    /// Rows, dead ones included.
    pub rows: usize,
    /// How many clusters there are.
    pub clusters: usize,
    /// Lowest of the rows' place in the order of writes.
    pub min_seq: u64,
    /// Highest.
    pub max_seq: u64,
    /// What the factors are multiplied by.
    pub factor_scale: f32,
    /// Of the whole file.
    pub file_len: u64,
    /// In the order of their ids.
    pub sections: Vec<Entry>,
    /// BLAKE3 of each chunk behind the opening block.
    pub digests: Vec<[u8; DIGEST_BYTES]>,
}

impl Opening {
    /// Of a section that is there.
    pub fn entry(&self, section: Section) -> Option<&Entry> {
        self.sections.iter().find(|entry| entry.section == section)
    }

    /// Blocks of 32 rows.
    pub fn blocks(&self) -> usize {
        self.rows.div_ceil(BLOCK_ROWS)
    }

    pub(crate) fn clusters_offset(sections: usize, chunks: usize) -> usize {
        HEADER_BYTES + ENTRY_BYTES * sections + DIGEST_BYTES * chunks
    }

    /// Header, table and digests; the clusters and zeros follow.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.open_len);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        let Shape {
            metric,
            dimension,
            row_type,
            rotation_key,
            ..
        } = self.shape;
        for number in [self.open_len, dimension, self.shape.padded(), self.rows] {
            bytes.extend_from_slice(&(number as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&[metric as u8, row_type as u8]);
        bytes.extend_from_slice(&(self.sections.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&(self.clusters as u32).to_le_bytes());
        for number in [rotation_key, self.min_seq, self.max_seq] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.factor_scale.to_le_bytes());
        bytes.extend_from_slice(&(self.digests.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.file_len.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        for entry in &self.sections {
            bytes.extend_from_slice(&(entry.section as u32).to_le_bytes());
            bytes.extend_from_slice(&0u32.to_le_bytes());
            for number in [entry.offset, entry.length, entry.count] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        for digest in &self.digests {
            bytes.extend_from_slice(digest);
        }
        bytes
    }

    /// Reads and checks all of it. `block` is the whole opening block.
    pub(crate) fn read(block: &[u8]) -> Result<Self, SegmentError> {
        use SegmentError as E;
        let header = block.get(..HEADER_BYTES).ok_or(E::Truncated)?;
        if &header[..7] != MAGIC {
            return Err(E::Magic);
        }
        match header[7] {
            VERSION => {}
            0 => return Err(E::Magic),
            _ => return Err(E::Newer),
        }
        let open_len = u32_at(header, 8) as usize;
        if open_len != block.len() || !open_len.is_multiple_of(PAGE) || open_len > OPEN_LENGTH_MAX {
            return Err(E::OpenLength);
        }
        let dimension = u32_at(header, 12) as usize;
        if !(1..=DIMENSION_MAX).contains(&dimension)
            || u32_at(header, 16) as usize != dimension.next_multiple_of(64)
        {
            return Err(E::Dimension);
        }
        let rows = u32_at(header, 20) as usize;
        if !(1..=ROWS_MAX).contains(&rows) {
            return Err(E::Rows);
        }
        let metric = Metric::from_u32(u32::from(header[24])).ok_or(E::Metric)?;
        let row_type = RowType::from_u32(u32::from(header[25])).ok_or(E::RowType)?;
        let section_count = usize::from(u16::from_le_bytes([header[26], header[27]]));
        let clusters = u32_at(header, 28) as usize;
        let (min_seq, max_seq) = (u64_at(header, 40), u64_at(header, 48));
        if min_seq > max_seq {
            return Err(E::SeqRange);
        }
        let factor_scale = f32::from_bits(u32_at(header, 56));
        if !factor_scale.is_normal()
            || factor_scale < 0.0
            || factor_scale.to_bits() & 0x7f_ffff != 0
        {
            return Err(E::FactorScale);
        }
        let chunks = u32_at(header, 60) as usize;
        let file_len = u64_at(header, 64);
        if header[72..].iter().any(|byte| *byte != 0) {
            return Err(E::HeaderZeros);
        }
        let body = file_len.checked_sub(open_len as u64).ok_or(E::FileLength)?;
        if chunks as u64 != body.div_ceil(CHUNK_BYTES as u64) {
            return Err(E::Chunks);
        }
        let table_end = HEADER_BYTES + ENTRY_BYTES * section_count;
        let table = block.get(HEADER_BYTES..table_end).ok_or(E::SectionTable)?;
        let digests_end = Self::clusters_offset(section_count, chunks);
        let digests = block.get(table_end..digests_end).ok_or(E::Chunks)?;
        let mut opening = Self {
            open_len,
            shape: Shape {
                metric,
                dimension,
                row_type,
                has_text: false,
                rotation_key: u64_at(header, 32),
            },
            rows,
            clusters,
            min_seq,
            max_seq,
            factor_scale,
            file_len,
            sections: read_table(table)?,
            digests: digests.as_chunks().0.to_vec(),
        };
        opening.shape.has_text = opening.entry(Section::Terms).is_some();
        opening.check_sections(digests_end)?;
        Ok(opening)
    }

    /// Which sections there are, where each begins, and its length where the rows fix it.
    fn check_sections(&self, clusters_offset: usize) -> Result<(), SegmentError> {
        use SegmentError as E;
        let mut end = self.open_len as u64;
        for entry in &self.sections {
            if entry.section == Section::Clusters {
                if entry.offset != clusters_offset as u64 {
                    return Err(E::SectionOffset);
                }
                if entry.count != self.clusters as u64
                    || entry.length != (self.clusters * (16 + self.shape.padded())) as u64
                    || entry.offset + entry.length > self.open_len as u64
                {
                    return Err(E::SectionLength);
                }
                continue;
            }
            if entry.offset != end.next_multiple_of(PAGE as u64) {
                return Err(E::SectionOffset);
            }
            end = entry
                .offset
                .checked_add(entry.length)
                .ok_or(E::SectionLength)?;
            if end > self.file_len {
                return Err(E::FileLength);
            }
            let fits = match self.fixed_length(entry.section) {
                Some(length) => entry.length == length,
                None => entry.length > 0,
            };
            if !fits || entry.count > u64::from(u32::MAX) {
                return Err(E::SectionLength);
            }
        }
        if end != self.file_len {
            return Err(E::FileLength);
        }
        let has = |section| self.entry(section).is_some();
        let complete = [
            Section::Clusters,
            Section::Plane0,
            Section::Factors,
            Section::Bounds,
            Section::Planes1To3,
            Section::Planes4To7,
            Section::IdHashes,
            Section::Ids,
        ];
        if !complete.into_iter().all(has)
            || has(Section::Rows) != (self.shape.row_type != RowType::None)
            || has(Section::Norms) != self.shape.has_norms()
            || has(Section::Terms) != has(Section::Postings)
            || (has(Section::Columns) && !has(Section::Payload))
        {
            return Err(E::SectionTable);
        }
        Ok(())
    }

    fn fixed_length(&self, section: Section) -> Option<u64> {
        let (rows, blocks, padded) = (self.rows, self.blocks(), self.shape.padded());
        let bytes = match section {
            Section::Clusters => self.clusters * (16 + padded),
            Section::Plane0 => blocks * 4 * padded,
            Section::Factors => blocks * 256,
            Section::Bounds => blocks * 12,
            Section::Planes1To3 => rows * (3 * padded / 8),
            Section::Planes4To7 => rows * (4 * padded / 8),
            Section::Rows => rows * self.shape.row_type.stride(self.shape.dimension),
            Section::Norms => rows * 4,
            Section::IdHashes => rows * 12,
            _ => return None,
        };
        Some(bytes as u64)
    }
}

fn read_table(table: &[u8]) -> Result<Vec<Entry>, SegmentError> {
    let mut sections: Vec<Entry> = Vec::new();
    for bytes in table.chunks_exact(ENTRY_BYTES) {
        let id = u32_at(bytes, 0);
        let section = Section::ALL
            .into_iter()
            .find(|section| *section as u32 == id)
            .filter(|section| sections.last().is_none_or(|last| last.section < *section))
            .ok_or(SegmentError::SectionTable)?;
        if u32_at(bytes, 4) != 0 {
            return Err(SegmentError::SectionCodec);
        }
        sections.push(Entry {
            section,
            offset: u64_at(bytes, 8),
            length: u64_at(bytes, 16),
            count: u64_at(bytes, 24),
        });
    }
    Ok(sections)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
