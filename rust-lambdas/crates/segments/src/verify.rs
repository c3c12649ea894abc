use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::layout::{BLOCK_ROWS, ID_BYTES_MAX, PAGE, RowType, Section, u32_at, u64_at};
use crate::write::id_hash;
use crate::{Segment, SegmentError};

/// Reads all of a file and checks each rule of the format that a reader can check without the rows that it was made of.
pub fn verify(segment: &mut Segment) -> Result<(), SegmentError> {
    let length = segment.image().length();
    segment.image().ensure(0, length)?;
    verify_padding(segment)?;
    verify_plane0(segment)?;
    verify_factors(segment)?;
    verify_rows(segment)?;
    verify_ids(segment)?;
    let rows = segment.rows();
    let (columns, bytes) = segment.columns()?;
    columns.verify(bytes, rows)?;
    verify_payload(segment)?;
    verify_text(segment)
}

fn verify_padding(segment: &mut Segment) -> Result<(), SegmentError> {
    let mut end = 0;
    for entry in segment.opening().sections.clone() {
        if entry.section == Section::Clusters {
            continue;
        }
        let from = segment.from(&entry);
        if segment
            .image()
            .bytes(end, from - end)
            .iter()
            .any(|byte| *byte != 0)
        {
            return Err(SegmentError::Padding);
        }
        debug_assert_eq!(
            from,
            end.next_multiple_of(PAGE),
            "opening has checked where sections begin"
        );
        end = from + entry.length as usize;
    }
    Ok(())
}

/// The last block has no bits of rows that are not.
fn verify_plane0(segment: &Segment) -> Result<(), SegmentError> {
    let (rows, blocks) = (segment.rows(), segment.opening().blocks());
    let missing = |row: usize| rows <= (blocks - 1) * BLOCK_ROWS + row;
    for group in segment.plane0(blocks - 1..blocks).as_chunks::<16>().0 {
        for (row, byte) in group.iter().enumerate() {
            if (missing(row) && byte & 15 != 0) || (missing(row + 16) && byte >> 4 != 0) {
                return Err(SegmentError::Plane0);
            }
        }
    }
    Ok(())
}

fn verify_factors(segment: &Segment) -> Result<(), SegmentError> {
    for block in 0..segment.opening().blocks() {
        for (at, half) in segment.factors(block).iter().enumerate() {
            let is_row = block * BLOCK_ROWS + at % BLOCK_ROWS < segment.rows();
            // Negative, infinite and NaN have a larger pattern than the largest finite f16.
            if *half >= 0x7c00 || (!is_row && *half != 0) {
                return Err(SegmentError::Factors);
            }
        }
    }
    let (bounds, _) = segment.bytes(Section::Bounds).as_chunks::<4>();
    let is_bound = |bytes: &[u8; 4]| (0.0..=f32::MAX).contains(&f32::from_le_bytes(*bytes));
    if bounds.iter().all(is_bound) {
        Ok(())
    } else {
        Err(SegmentError::Factors)
    }
}

fn verify_rows(segment: &Segment) -> Result<(), SegmentError> {
    let dimension = segment.shape().dimension;
    let used = match segment.shape().row_type {
        RowType::None => 0,
        RowType::F16 => 2 * dimension,
        RowType::F32 => 4 * dimension,
    };
    let mut values = vec![0.0; dimension];
    for row in 0..segment.rows() {
        let is_sound = segment.norm(row).is_finite()
            && segment.norm(row) >= 0.0
            && (!segment.row(row, &mut values) || values.iter().all(|x| x.is_finite()))
            && segment.row_bytes(Section::Rows, row)[used..]
                .iter()
                .all(|byte| *byte == 0);
        if !is_sound {
            return Err(SegmentError::StoredRows);
        }
    }
    Ok(())
}

fn verify_ids(segment: &Segment) -> Result<(), SegmentError> {
    let rows = segment.rows();
    let bytes = segment.bytes(Section::Ids);
    let texts = bytes
        .len()
        .checked_sub(4 * (rows + 1))
        .ok_or(SegmentError::Ids)?;
    if u32_at(bytes, 0) != 0 || u32_at(bytes, 4 * rows) as usize != texts {
        return Err(SegmentError::Ids);
    }
    let mut seen = HashSet::with_capacity(rows);
    for row in 0..rows {
        let id = segment.id_read_before(row)?;
        if !(1..=ID_BYTES_MAX).contains(&id.len()) || !seen.insert(id) {
            return Err(SegmentError::Ids);
        }
    }
    let mut above = None;
    for at in 0..rows {
        let pair = (segment.hash_at(at), segment.hashed_row(at)?);
        let is_next = above.is_none_or(|above| above < pair);
        if !is_next || id_hash(segment.id_read_before(pair.1)?) != pair.0 {
            return Err(SegmentError::IdHashes);
        }
        above = Some(pair);
    }
    Ok(())
}

fn verify_payload(segment: &mut Segment) -> Result<(), SegmentError> {
    let Some(entry) = segment.opening().entry(Section::Payload).copied() else {
        return Ok(());
    };
    let table = 8 * (segment.rows() + 1) as u64;
    let ends = |segment: &Segment, row: usize| u64_at(segment.bytes(Section::Payload), 8 * row);
    if entry.length < table
        || ends(segment, 0) != 0
        || ends(segment, segment.rows()) != entry.length - table
    {
        return Err(SegmentError::Payload);
    }
    for row in 0..segment.rows() {
        if let Some(metadata) = segment.payload(row)?.metadata {
            serde_json::from_str::<Map<String, Value>>(&metadata)
                .map_err(|_| SegmentError::Payload)?;
        }
    }
    Ok(())
}

fn verify_text(segment: &mut Segment) -> Result<(), SegmentError> {
    let rows = segment.rows();
    let Some(index) = segment.term_index()? else {
        return Ok(());
    };
    index.verify()?;
    let count = segment
        .opening()
        .entry(Section::Terms)
        .map_or(0, |entry| entry.count as usize);
    let words = segment
        .bytes(Section::Postings)
        .get(..4 * rows)
        .ok_or(SegmentError::Postings)?;
    let mut left: Vec<u32> = words
        .as_chunks()
        .0
        .iter()
        .map(|four| u32::from_le_bytes(*four))
        .collect();
    let mut end = 4 * rows as u64;
    for at in 0..count {
        let (rows, offset, length) = index.entry(at);
        if offset != end || rows == 0 {
            return Err(SegmentError::Terms);
        }
        end += u64::from(length);
        for posting in segment.postings_at((rows, offset, length))? {
            let words = &mut left[posting.row as usize];
            *words = words
                .checked_sub(posting.frequency)
                .ok_or(SegmentError::Postings)?;
        }
    }
    let is_whole = end == segment.bytes(Section::Postings).len() as u64
        && left.iter().all(|words| *words == 0);
    if is_whole {
        Ok(())
    } else {
        Err(SegmentError::Postings)
    }
}
