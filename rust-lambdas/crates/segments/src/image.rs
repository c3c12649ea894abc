//! A segment file in memory, filled chunk by chunk. No byte leaves it before the chunk it lies in has its digest.

use kernels::{Arena, Number};

use crate::SegmentError;
use crate::layout::{CHUNK_BYTES, DIGEST_BYTES};

/// Where the bytes of one file come from.
pub trait ByteSource: Send + Sync {
    /// Fills `target` with the bytes from `offset`; an error if there are fewer.
    fn read(&self, offset: u64, target: &mut [u8]) -> std::io::Result<()>;
    /// Length of the file.
    fn length(&self) -> std::io::Result<u64>;
}

impl ByteSource for Vec<u8> {
    fn read(&self, offset: u64, target: &mut [u8]) -> std::io::Result<()> {
        let from = usize::try_from(offset).ok();
        let bytes = from.and_then(|from| self.get(from..from.checked_add(target.len())?));
        target.copy_from_slice(bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn length(&self) -> std::io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// The part of a file behind its opening block. Memory of what was never read is reserved, not used: the operating system
/// gives zeroed pages on first touch.
pub(crate) struct Image {
    source: Box<dyn ByteSource>,
    /// Of the file, where the body begins.
    start: u64,
    body: Arena,
    length: usize,
    digests: Vec<[u8; DIGEST_BYTES]>,
    is_read: Vec<bool>,
    resident: usize,
    /// How often the source was asked.
    reads: u64,
}

impl Image {
    pub(crate) fn new(
        source: Box<dyn ByteSource>,
        start: u64,
        length: usize,
        digests: Vec<[u8; DIGEST_BYTES]>,
    ) -> Self {
        Self {
            source,
            start,
            body: Arena::zeroed(length),
            length,
            is_read: vec![false; digests.len()],
            digests,
            resident: 0,
            reads: 0,
        }
    }

    /// Reads and verifies the chunks of a range, neighbours with one read.
    pub(crate) fn ensure(&mut self, from: usize, length: usize) -> Result<(), SegmentError> {
        if length == 0 {
            return Ok(());
        }
        let last = (from + length - 1) / CHUNK_BYTES;
        let mut chunk = from / CHUNK_BYTES;
        while chunk <= last {
            if self.is_read[chunk] {
                chunk += 1;
                continue;
            }
            let end = (chunk..=last)
                .find(|at| self.is_read[*at])
                .unwrap_or(last + 1);
            self.read_chunks(chunk, end)?;
            chunk = end;
        }
        Ok(())
    }

    fn read_chunks(&mut self, first: usize, end: usize) -> Result<(), SegmentError> {
        let from = first * CHUNK_BYTES;
        let to = (end * CHUNK_BYTES).min(self.length);
        let target = &mut self.body.as_bytes_mut()[from..to];
        self.reads += 1;
        self.source
            .read(self.start + from as u64, target)
            .map_err(|_| SegmentError::Source)?;
        for (bytes, chunk) in target.chunks(CHUNK_BYTES).zip(first..end) {
            if blake3::hash(bytes).as_bytes() != &self.digests[chunk] {
                return Err(SegmentError::Chunk);
            }
        }
        self.is_read[first..end].fill(true);
        self.resident += to - from;
        Ok(())
    }

    /// Bytes that were ensured before.
    pub(crate) fn bytes(&self, from: usize, length: usize) -> &[u8] {
        debug_assert!(
            length == 0
                || self.is_read[from / CHUNK_BYTES..=(from + length - 1) / CHUNK_BYTES]
                    .iter()
                    .all(|read| *read),
            "bytes are read before they are used"
        );
        &self.body.as_bytes()[from..from + length]
    }

    /// The same as numbers; `from` is a multiple of their size.
    pub(crate) fn numbers<T: Number>(&self, from: usize, count: usize) -> &[T] {
        let size = size_of::<T>();
        debug_assert!(
            self.bytes(from, count * size).len() == count * size,
            "they were read"
        );
        &self.body.of::<T>()[from / size..][..count]
    }

    /// As [`Self::numbers`], where only some of them were read; the others are zeros.
    pub(crate) fn all_numbers<T: Number>(&self, from: usize, count: usize) -> &[T] {
        &self.body.of::<T>()[from / size_of::<T>()..][..count]
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn resident(&self) -> usize {
        self.resident
    }

    pub(crate) fn reads(&self) -> u64 {
        self.reads
    }

    /// Gives the memory back; the next use reads again.
    pub(crate) fn forget(&mut self) {
        self.body = Arena::zeroed(self.length);
        self.is_read.fill(false);
        self.resident = 0;
    }
}
