use std::path::Path;

use kernels::f32_of;

use crate::SegmentError;
use crate::columns::{Columns, Scalar};
use crate::image::{ByteSource, Image};
use crate::layout::{
    BLOCK_ROWS, Entry, OPEN_LENGTH_MAX, Opening, PAGE, RowType, Section, Shape, u32_at, u64_at,
};
use crate::row_set::Bitmap;
use crate::text::{Posting, TermIndex, read_postings};
use crate::write::id_hash;

/// An open segment. What is asked with `&mut self` reads what it needs; what is asked with `&self` needs it read before,
/// so that threads can share it.
pub struct Segment {
    opening: Opening,
    name: [u8; 32],
    clusters: Vec<Cluster>,
    image: Image,
    columns: Option<Columns>,
}

/// Rows around one centroid.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Number of its first row.
    pub first: usize,
    /// How many.
    pub rows: usize,
    /// No rotated row is farther from the centroid.
    pub radius: f32,
    /// Rotated, D components.
    pub centroid: Vec<f32>,
}

/// Metadata and content of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// JSON text of an object.
    pub metadata: Option<String>,
    /// As it came.
    pub content: Option<String>,
}

impl Segment {
    /// Reads the opening block and nothing else. `name`: the BLAKE3 of that block.
    pub fn open(
        source: Box<dyn ByteSource>,
        name: [u8; 32],
        open_len: usize,
    ) -> Result<Self, SegmentError> {
        if open_len == 0 || !open_len.is_multiple_of(PAGE) || open_len > OPEN_LENGTH_MAX {
            return Err(SegmentError::OpenLength);
        }
        let length = source.length().map_err(|_| SegmentError::Source)?;
        if length < open_len as u64 {
            return Err(SegmentError::Truncated);
        }
        let mut block = vec![0; open_len];
        source
            .read(0, &mut block)
            .map_err(|_| SegmentError::Source)?;
        // Version before digest: a newer file is told from a damaged one by whoever has only its first bytes right.
        let opening = Opening::read(&block);
        if matches!(opening, Err(SegmentError::Magic | SegmentError::Newer)) {
            return Err(opening.err().unwrap_or(SegmentError::Magic));
        }
        if blake3::hash(&block).as_bytes() != &name {
            return Err(SegmentError::Name);
        }
        let opening = opening?;
        if length != opening.file_len {
            return Err(SegmentError::FileLength);
        }
        let clusters = read_clusters(&opening, &block)?;
        let body =
            usize::try_from(opening.file_len).map_err(|_| SegmentError::FileLength)? - open_len;
        let image = Image::new(source, open_len as u64, body, opening.digests.clone());
        Ok(Self {
            opening,
            name,
            clusters,
            image,
            columns: None,
        })
    }

    /// Header, section table, digests.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Settings of the collection.
    pub fn shape(&self) -> &Shape {
        &self.opening.shape
    }

    /// BLAKE3 of the opening block.
    pub fn name(&self) -> &[u8; 32] {
        &self.name
    }

    /// Dead ones included.
    pub fn rows(&self) -> usize {
        self.opening.rows
    }

    /// In the order of their rows.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
    }

    /// Bytes of the file that are in memory.
    pub fn resident_bytes(&self) -> usize {
        self.image.resident() + self.opening.open_len
    }

    /// How often the source was asked, opening included.
    pub fn reads(&self) -> u64 {
        self.image.reads() + 1
    }

    /// Gives back the memory of everything but the opening block.
    pub fn forget(&mut self) {
        self.image.forget();
        self.columns = None;
    }

    /// Whether a section is there.
    pub fn has(&self, section: Section) -> bool {
        self.opening.entry(section).is_some()
    }

    /// Reads a whole section, if it is there.
    pub fn ensure(&mut self, section: Section) -> Result<(), SegmentError> {
        match self.opening.entry(section).copied() {
            Some(entry) => self.image.ensure(self.from(&entry), entry.length as usize),
            None => Ok(()),
        }
    }

    /// Reads the part of a row-major section (planes, rows, norms) that one row has.
    pub fn ensure_row(&mut self, section: Section, row: usize) -> Result<(), SegmentError> {
        let Some(entry) = self.opening.entry(section).copied() else {
            return Ok(());
        };
        let stride = entry.length as usize / self.rows();
        self.image.ensure(self.from(&entry) + row * stride, stride)
    }

    /// The bytes of a section that was read.
    pub fn bytes(&self, section: Section) -> &[u8] {
        match self.opening.entry(section) {
            Some(entry) => self.image.bytes(self.from(entry), entry.length as usize),
            None => &[],
        }
    }

    /// The bytes of one row of a row-major section, which were read.
    pub fn row_bytes(&self, section: Section, row: usize) -> &[u8] {
        match self.opening.entry(section) {
            Some(entry) => {
                let stride = entry.length as usize / self.rows();
                self.image.bytes(self.from(entry) + row * stride, stride)
            }
            None => &[],
        }
    }

    /// The top bits of the rows of some blocks, which were read.
    pub fn plane0(&self, blocks: std::ops::Range<usize>) -> &[u8] {
        let bytes = 4 * self.shape().padded();
        &self.bytes(Section::Plane0)[blocks.start * bytes..blocks.end * bytes]
    }

    /// Four lists of 32: |x'| and the factors of the levels, all to be multiplied by the factor scale.
    pub fn factors(&self, block: usize) -> &[u16] {
        match self.opening.entry(Section::Factors) {
            Some(entry) => self
                .image
                .numbers(self.from(entry) + block * 256, 4 * BLOCK_ROWS),
            None => &[],
        }
    }

    /// One of the four lists' numbers: 0 is |x'|, 1 to 3 the levels.
    pub fn factor(&self, row: usize, list: usize) -> f32 {
        let half = self.factors(row / BLOCK_ROWS)[list * BLOCK_ROWS + row % BLOCK_ROWS];
        f32_of(half) * self.opening.factor_scale
    }

    /// The largest |x' − f v| of the block of a row; `level` 0 to 2.
    pub fn bound(&self, row: usize, level: usize) -> f32 {
        let at = row / BLOCK_ROWS * 12 + level * 4;
        f32::from_bits(u32_at(self.bytes(Section::Bounds), at))
    }

    /// Number of the cluster that a row is in.
    pub fn cluster_of(&self, row: usize) -> usize {
        self.clusters
            .partition_point(|cluster| cluster.first + cluster.rows <= row)
    }

    /// Stored rows as f16, where they are; all of them, `stride` apart. Rows that were not read are zeros.
    pub fn rows_f16(&self) -> &[u16] {
        match self.opening.entry(Section::Rows) {
            Some(entry) => self
                .image
                .all_numbers(self.from(entry), entry.length as usize / 2),
            None => &[],
        }
    }

    /// Stored rows as f32, where they are. Rows that were not read are zeros.
    pub fn rows_f32(&self) -> &[f32] {
        match self.opening.entry(Section::Rows) {
            Some(entry) => self
                .image
                .all_numbers(self.from(entry), entry.length as usize / 4),
            None => &[],
        }
    }

    /// A stored row, read before, as it is scored; false where none is kept.
    pub fn row(&self, row: usize, values: &mut [f32]) -> bool {
        let bytes = self.row_bytes(Section::Rows, row);
        match self.shape().row_type {
            RowType::None => return false,
            RowType::F16 => {
                for (value, half) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = f32_of(u16::from_le_bytes(*half));
                }
            }
            RowType::F32 => {
                for (value, four) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *value = f32::from_le_bytes(*four);
                }
            }
        }
        true
    }

    /// Of a row of section 8, read before; 1 where there is none.
    pub fn norm(&self, row: usize) -> f32 {
        let bytes = self.row_bytes(Section::Norms, row);
        bytes
            .first_chunk()
            .map_or(1.0, |four| f32::from_le_bytes(*four))
    }

    /// The id of a row; reads the ids.
    pub fn id(&mut self, row: usize) -> Result<&str, SegmentError> {
        self.ensure(Section::Ids)?;
        self.id_read_before(row)
    }

    /// The id of a row, where the ids were read.
    pub fn id_read_before(&self, row: usize) -> Result<&str, SegmentError> {
        let bytes = self.bytes(Section::Ids);
        let texts = bytes
            .get(4 * (self.rows() + 1)..)
            .ok_or(SegmentError::Ids)?;
        let (from, to) = (
            u32_at(bytes, 4 * row) as usize,
            u32_at(bytes, 4 * row + 4) as usize,
        );
        let text = texts
            .get(from..to)
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.ok_or(SegmentError::Ids)
    }

    /// The row of an id.
    pub fn find(&mut self, id: &str) -> Result<Option<usize>, SegmentError> {
        self.ensure(Section::IdHashes)?;
        let hash = id_hash(id);
        let (mut low, mut high) = (0, self.rows());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.hash_at(middle) < hash {
                low = middle + 1
            } else {
                high = middle
            }
        }
        while low < self.rows() && self.hash_at(low) == hash {
            let row = self.hashed_row(low)?;
            if self.id(row)? == id {
                return Ok(Some(row));
            }
            low += 1;
        }
        Ok(None)
    }

    /// The hash at a place of section 9, read before.
    pub fn hash_at(&self, at: usize) -> u64 {
        u64_at(self.bytes(Section::IdHashes), 8 * at)
    }

    /// The row at a place of section 9, read before.
    pub fn hashed_row(&self, at: usize) -> Result<usize, SegmentError> {
        let row = u32_at(self.bytes(Section::IdHashes), 8 * self.rows() + 4 * at) as usize;
        if row < self.rows() {
            Ok(row)
        } else {
            Err(SegmentError::IdHashes)
        }
    }

    /// Rows that have something under a path of the metadata.
    pub fn present(&mut self, path: &str) -> Result<Bitmap, SegmentError> {
        let rows = self.rows();
        let (columns, bytes) = self.columns()?;
        columns.present(bytes, path, rows)
    }

    /// Rows of which a value under a path passes a test; of a list, any element.
    pub fn matching(
        &mut self,
        path: &str,
        test: &dyn Fn(&Scalar) -> bool,
    ) -> Result<Bitmap, SegmentError> {
        let rows = self.rows();
        let (columns, bytes) = self.columns()?;
        columns.matching(bytes, path, rows, test)
    }

    pub(crate) fn columns(&mut self) -> Result<(&Columns, &[u8]), SegmentError> {
        if self.columns.is_none() {
            self.ensure(Section::Columns)?;
            let columns = match self.opening.entry(Section::Columns) {
                Some(entry) => Columns::read(
                    self.bytes(Section::Columns),
                    self.rows(),
                    entry.count as usize,
                )?,
                None => Columns::default(),
            };
            self.columns = Some(columns);
        }
        let columns = self.columns.as_ref().expect("they were just read");
        Ok((columns, self.bytes(Section::Columns)))
    }

    /// Metadata and content of a row; reads no more than its chunks.
    pub fn payload(&mut self, row: usize) -> Result<Payload, SegmentError> {
        use SegmentError::Payload as Malformed;
        let Some(entry) = self.opening.entry(Section::Payload).copied() else {
            return Ok(Payload::default());
        };
        let (from, table) = (self.from(&entry), 8 * (self.rows() + 1));
        if (entry.length as usize) < table {
            return Err(Malformed);
        }
        self.image.ensure(from + 8 * row, 16)?;
        let ends = self.image.bytes(from + 8 * row, 16);
        let (start, end) = (u64_at(ends, 0), u64_at(ends, 8));
        let length = end.checked_sub(start).ok_or(Malformed)? as usize;
        if end > entry.length - table as u64 {
            return Err(Malformed);
        }
        let at = from + table + start as usize;
        self.image.ensure(at, length)?;
        read_record(self.image.bytes(at, length)).ok_or(Malformed)
    }

    /// The words of each row, as 4 bytes each; reads the postings.
    pub fn word_counts(&mut self) -> Result<&[u8], SegmentError> {
        self.ensure(Section::Postings)?;
        let rows = self.rows();
        if !self.has(Section::Postings) {
            return Ok(&[]);
        }
        self.bytes(Section::Postings)
            .get(..4 * rows)
            .ok_or(SegmentError::Postings)
    }

    /// The rows that contain a term; reads terms and postings.
    pub fn postings(&mut self, term: &str) -> Result<Vec<Posting>, SegmentError> {
        self.ensure(Section::Terms)?;
        self.ensure(Section::Postings)?;
        let Some(index) = self.term_index()? else {
            return Ok(Vec::new());
        };
        match index.find(term)? {
            Some(at) => self.postings_at(index.entry(at)),
            None => Ok(Vec::new()),
        }
    }

    pub(crate) fn term_index(&self) -> Result<Option<TermIndex<'_>>, SegmentError> {
        let entry = self.opening.entry(Section::Terms);
        entry
            .map(|entry| TermIndex::read(self.bytes(Section::Terms), entry.count as usize))
            .transpose()
    }

    pub(crate) fn postings_at(
        &self,
        (count, offset, length): (u32, u64, u32),
    ) -> Result<Vec<Posting>, SegmentError> {
        let bytes = self.bytes(Section::Postings);
        let from = usize::try_from(offset).map_err(|_| SegmentError::Terms)?;
        let to = from
            .checked_add(length as usize)
            .ok_or(SegmentError::Terms)?;
        read_postings(
            bytes.get(from..to).ok_or(SegmentError::Terms)?,
            count,
            self.rows(),
        )
    }

    pub(crate) fn image(&mut self) -> &mut Image {
        &mut self.image
    }

    /// Where a section begins behind the opening block.
    pub(crate) fn from(&self, entry: &Entry) -> usize {
        entry.offset as usize - self.opening.open_len
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Segment")
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

/// A file that is read where it lies.
#[derive(Debug)]
pub struct FileSource(std::fs::File);

impl FileSource {
    /// Opens a file for reading.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        std::fs::File::open(path).map(Self)
    }
}

impl ByteSource for FileSource {
    #[cfg(unix)]
    fn read(&self, offset: u64, target: &mut [u8]) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, target, offset)
    }

    #[cfg(not(unix))]
    fn read(&self, _: u64, _: &mut [u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn length(&self) -> std::io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

fn read_clusters(opening: &Opening, block: &[u8]) -> Result<Vec<Cluster>, SegmentError> {
    let entry = opening
        .entry(Section::Clusters)
        .ok_or(SegmentError::SectionTable)?;
    let padded = opening.shape.padded();
    let (from, to) = (
        entry.offset as usize,
        (entry.offset + entry.length) as usize,
    );
    let mut clusters = Vec::with_capacity(opening.clusters);
    let mut first = 0;
    for bytes in block[from..to].chunks_exact(16 + padded) {
        let step = f32::from_bits(u32_at(bytes, 12));
        let cluster = Cluster {
            first: u32_at(bytes, 0) as usize,
            rows: u32_at(bytes, 4) as usize,
            radius: f32::from_bits(u32_at(bytes, 8)),
            centroid: bytes[16..]
                .iter()
                .map(|byte| step * f32::from(byte.cast_signed()))
                .collect(),
        };
        let is_sound = cluster.first == first
            && cluster.rows > 0
            && (0.0..f32::MAX).contains(&cluster.radius)
            && (step == 0.0 || (step.is_normal() && step > 0.0))
            && step < f32::MAX / 128.0;
        if !is_sound {
            return Err(SegmentError::Clusters);
        }
        first += cluster.rows;
        clusters.push(cluster);
    }
    if first != opening.rows {
        return Err(SegmentError::Clusters);
    }
    if block[to..].iter().any(|byte| *byte != 0) {
        return Err(SegmentError::Padding);
    }
    Ok(clusters)
}

/// None where the bytes are no record.
fn read_record(record: &[u8]) -> Option<Payload> {
    let Some((flags, rest)) = record.split_first() else {
        return Some(Payload::default());
    };
    if *flags == 0 || *flags > 3 {
        return None;
    }
    let (length, rest) = rest.split_first_chunk()?;
    let (metadata, content) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let text = |bytes: &[u8], flag: u8| match flags & flag {
        0 => bytes.is_empty().then_some(None),
        _ => std::str::from_utf8(bytes)
            .ok()
            .map(|text| Some(text.to_owned())),
    };
    Some(Payload {
        metadata: text(metadata, 1)?,
        content: text(content, 2)?,
    })
}
